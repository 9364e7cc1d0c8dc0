//! Command-line options common to all training programs.

use super::interrupt;
use crate::data::Arrays;
use crate::error::Result;
use crate::metrics::{History, Scores};
use crate::model::{Checkpoints, Compile, Fit, Model, Progress, TrainingState};
use crate::report::{Chart, Heatmap, Notebook, Predictions};
use crate::tape::Params;
use lexopt::prelude::*;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The name of a training program, and the default values of its options.
#[derive(Clone, Debug)]
pub(super) struct Defaults {
    /// The name of the executable and of the default output folder.
    pub(super) name: &'static str,
    /// The first line of `--help`.
    pub(super) title: &'static str,
    /// `epochs` or `steps`.
    pub(super) unit: &'static str,
    /// Number of epochs or steps.
    pub(super) length: usize,
    pub(super) seed: u64,
    pub(super) choice: Option<Choice>,
}

/// An option of one program with a few values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// The name of the option, without `--`.
    pub(super) option: &'static str,
    pub(super) description: &'static str,
    /// The first is the default.
    pub(super) values: &'static [&'static str],
}

/// The options of a training program, from the command line or the program's defaults.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// `--epochs N`: number of epochs. In a program that counts steps, `--steps N`: number of steps.
    pub epochs: usize,
    /// `--seed N`: seed of all random draws.
    pub seed: u64,
    /// `--threads N`: number of threads. `None` means all cores.
    pub threads: Option<usize>,
    /// `--limit N`: train on the first N rows only. `usize::MAX` means all rows.
    pub limit: usize,
    /// `--data DIR`: folder with the data. `None` means the library's default search.
    pub data: Option<PathBuf>,
    /// `--out DIR`: output folder. Defaults to `runs/NAME`.
    pub out: PathBuf,
    /// `--resume`: resume from the newest checkpoint in the output folder. Starts a new run if the folder has none.
    pub resume: bool,
    /// `--quiet`: show no progress on standard error.
    pub quiet: bool,
    /// The value of the option that [`Program::choice`](super::Program::choice) adds; empty without one.
    pub choice: &'static str,
}

impl Options {
    /// Adds the seed and the number of threads to the settings of a model.
    pub fn compile(&self, settings: Compile) -> Compile {
        let settings = settings.seed(self.seed);
        match self.threads {
            Some(threads) => settings.threads(threads),
            None => settings,
        }
    }

    /// Settings for [`Model::fit`] with these epochs, progress and [`checkpoints`](Options::checkpoints); with `--resume`,
    /// training resumes from them.
    pub fn fit<'a>(&self) -> Fit<'a> {
        let progress = if self.quiet { Progress::Quiet } else { Progress::Auto };
        let fit = Fit::new().epochs(self.epochs).progress(progress).checkpoints(self.checkpoints());
        if self.resume { fit.resume(self.folder()) } else { fit }
    }

    /// Checkpoints in the folder `checkpoints` of the output folder: at the end of each epoch and at least every ten
    /// seconds.
    pub fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(self.folder()).every(Duration::from_secs(10))
    }

    fn folder(&self) -> PathBuf {
        self.out.join("checkpoints")
    }

    /// Completes a run: evaluates the model on `test`, writes `model.safetensors`, `history.csv`, `predictions.csv`,
    /// `report.html` and its charts (`loss.svg`, …, `confusion.svg`) to the output folder. `predictions` are those for the
    /// rows of `test`.
    ///
    /// The report lists the settings of the model, the seed, the version of gradus and the digest of the weights. The last two
    /// lines of standard output are the test scores and that digest. If a signal stopped the run, standard error says how
    /// to resume it.
    ///
    /// # Errors
    /// Returns an error if the data does not fit the model or a file cannot be written.
    pub fn finish(
        &self,
        notebook: &mut Notebook,
        model: &Model,
        history: &History,
        test: &Arrays,
        predictions: &Predictions,
    ) -> Result<()> {
        let scores = model.evaluate(test)?;
        model.save(self.out.join("model.safetensors"))?;
        let trained = format!("{} epochs, {} steps", model.epoch(), model.step());
        let none = || "none".to_owned();
        let settings = [
            ("optimizer", model.optimizer().map_or_else(none, |optimizer| optimizer.spec().to_string())),
            ("loss", model.loss().map_or_else(none, |loss| loss.spec().to_string())),
            ("trained", trained),
        ];
        self.close(notebook, &settings, history, predictions, &scores, model.params())
    }

    /// Completes a run of a training loop on the tape, with the files and lines of [`finish`](Options::finish).
    /// `model.safetensors` holds the parameters. `settings` are listed in the report beside the optimizer. `predictions` and
    /// `scores` are those for the test rows.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written.
    pub fn finish_loop(
        &self,
        notebook: &mut Notebook,
        state: &TrainingState,
        settings: &[(&str, String)],
        predictions: &Predictions,
        scores: &Scores,
    ) -> Result<()> {
        state.params().save(self.out.join("model.safetensors"))?;
        let settings = [&[("optimizer", state.optimizer().spec().to_string())], settings].concat();
        self.close(notebook, &settings, state.history(), predictions, scores, state.params())
    }

    /// Writes every file but `model.safetensors`, and prints the last lines.
    fn close(
        &self,
        notebook: &mut Notebook,
        settings: &[(&str, String)],
        history: &History,
        predictions: &Predictions,
        scores: &Scores,
        params: &Params,
    ) -> Result<()> {
        predictions.write_csv(self.out.join("predictions.csv"))?;
        history.write_csv(self.out.join("history.csv"))?;
        for (name, chart) in Chart::of_history(history) {
            chart.write_svg(self.out.join(format!("{name}.svg")))?;
        }
        Heatmap::of_confusion(&predictions.confusion()?).write_svg(self.out.join("confusion.svg"))?;
        let (test, digest) = (format!("test {}", scores.to_string().replace(" - ", " - test ")), params.sha256());
        let own = [("seed", self.seed.to_string()), ("gradus", env!("CARGO_PKG_VERSION").into()), ("weights", digest)];
        let properties: Vec<(&str, String)> = settings.iter().chain(&own).cloned().collect();
        notebook.page().heading("Settings and result").text(&test).properties(&properties);
        notebook.write(self.out.join("report.html"))?;
        if interrupt::pressed() {
            eprintln!(
                "stopped early; to continue from the checkpoint in {}, run the same command with --resume",
                self.folder().display()
            );
        }
        let out = self.out.display();
        say(&format!("\nWrote model.safetensors, history.csv, predictions.csv and report.html to {out}"));
        say(&test);
        say(&format!("weights: sha256 {}", params.sha256()));
        Ok(())
    }
}

/// Prints a line. A closed standard output is ignored, because it should not make a finished run fail.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Parses a command line. Returns `None` for `--help`.
pub(super) fn parse(defaults: &Defaults, mut arguments: lexopt::Parser) -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options {
        epochs: defaults.length,
        seed: defaults.seed,
        threads: None,
        limit: usize::MAX,
        data: None,
        out: PathBuf::from("runs").join(defaults.name),
        resume: false,
        quiet: false,
        choice: defaults.choice.map_or("", |choice| choice.values[0]),
    };
    while let Some(argument) = arguments.next()? {
        match argument {
            Long(unit) if unit == defaults.unit => {
                options.epochs = number(&mut arguments, defaults.unit, 1, usize::MAX)?;
            }
            Long("seed") => options.seed = number(&mut arguments, "seed", 0, u64::MAX)?,
            Long("threads") => options.threads = Some(number(&mut arguments, "threads", 1, MAX_THREADS)?),
            Long("limit") => options.limit = number(&mut arguments, "limit", 1, usize::MAX)?,
            Long("data") => options.data = Some(value(&mut arguments, "data")?.into()),
            Long("out") => options.out = value(&mut arguments, "out")?.into(),
            Long("resume") => options.resume = true,
            Long("quiet") => options.quiet = true,
            Long(name) if defaults.choice.is_some_and(|choice| choice.option == name) => {
                options.choice = chosen(&mut arguments, defaults.choice)?;
            }
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(options))
}

/// The value of an option. Another option instead of a value is an error; write `./--quiet` for a folder of that name.
fn value(arguments: &mut lexopt::Parser, option: &str) -> Result<OsString, lexopt::Error> {
    let value = arguments.value()?;
    if value.to_string_lossy().starts_with("--") {
        return Err(format!("--{option} needs a value, got the option {}", value.display()).into());
    }
    Ok(value)
}

/// An integer option within its range.
fn number<T>(arguments: &mut lexopt::Parser, option: &str, least: T, most: T) -> Result<T, lexopt::Error>
where
    T: FromStr + PartialOrd + Display,
{
    let value = value(arguments, option)?;
    let number = value.to_str().and_then(|text| text.parse().ok()).filter(|number| (&least..=&most).contains(&number));
    number.ok_or_else(|| {
        format!("--{option} must be an integer from {least} to {most}, got \"{}\"", value.display()).into()
    })
}

/// One of the values of a choice.
fn chosen(arguments: &mut lexopt::Parser, choice: Option<Choice>) -> Result<&'static str, lexopt::Error> {
    let Some(Choice { option, values, .. }) = choice else { return Ok("") };
    let value = value(arguments, option)?;
    values
        .iter()
        .find(|known| value == **known)
        .copied()
        .ok_or_else(|| format!("--{option} must be {}, got \"{}\"", values.join(" or "), value.display()).into())
}

/// Maximum number of threads; a larger number is probably a typo.
const MAX_THREADS: usize = 1024;

/// The text of `--help`.
pub(super) fn help(defaults: &Defaults) -> String {
    let Defaults { name, title, unit, length, seed, choice } = defaults;
    let flag = format!("--{unit} N");
    let choice = choice.map_or_else(String::new, |Choice { option, description, values }| {
        format!("\n  --{option} {}\n                {description} (default: {})", values.join("|"), values[0])
    });
    format!(
        "{title}

usage: {name} [options]

  {flag:<13} number of {unit} (default: {length})
  --seed N      seed of all random draws (default: {seed})
  --threads N   number of threads (default: all cores)
  --limit N     train on the first N rows only (default: all rows)
  --data DIR    folder with the data (default: $GRADUS_DATA, or the data in the repository)
  --out DIR     output folder (default: runs/{name})
  --resume      resume from the newest checkpoint in the output folder, if it has one
  --quiet       show no progress on standard error{choice}
  --help        print this help"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Option<Options>, String> {
        let choice = Choice { option: "network", description: "the network", values: &["small", "large"] };
        let (name, title) = ("digits", "Digits");
        let defaults = Defaults { name, title, unit: "steps", length: 1000, seed: 7, choice: Some(choice) };
        parse(&defaults, lexopt::Parser::from_args(arguments)).map_err(|error| error.to_string())
    }

    #[test]
    fn options_default_to_the_values_of_the_program() {
        let options = parsed(&[]).unwrap().unwrap();
        assert_eq!((options.epochs, options.seed, options.threads), (1000, 7, None));
        assert_eq!((options.out, options.choice), ("runs/digits".into(), "small"));
    }

    #[test]
    fn every_option_of_the_help_is_parsed() {
        let arguments = [
            "--steps=3",
            "--seed",
            "9",
            "--threads",
            "2",
            "--limit",
            "5",
            "--data",
            "a",
            "--out",
            "b",
            "--quiet",
            "--resume",
            "--network=large",
        ];
        let options = parsed(&arguments).unwrap().unwrap();
        let expected = Options {
            epochs: 3,
            seed: 9,
            threads: Some(2),
            limit: 5,
            data: Some("a".into()),
            out: "b".into(),
            resume: true,
            quiet: true,
            choice: "large",
        };
        assert_eq!(options, expected);
        assert_eq!(parsed(&["--help"]).unwrap(), None);
    }

    #[test]
    fn invalid_options_are_errors_that_name_the_option() {
        assert_eq!(parsed(&["--epochs", "3"]).unwrap_err(), "invalid option '--epochs'");
        let seed = format!("--seed must be an integer from 0 to {}, got \"-1\"", u64::MAX);
        assert_eq!(parsed(&["--seed", "-1"]).unwrap_err(), seed);
        let threads = parsed(&["--threads", "0"]).unwrap_err();
        assert_eq!(threads, "--threads must be an integer from 1 to 1024, got \"0\"");
        // A run of no steps would overwrite the results of an earlier run.
        let steps = format!("--steps must be an integer from 1 to {}, got \"0\"", usize::MAX);
        assert_eq!(parsed(&["--steps", "0"]).unwrap_err(), steps);
        assert!(parsed(&["--steps", "x"]).unwrap_err().ends_with(", got \"x\""));
        assert!(parsed(&["--limit=0"]).unwrap_err().ends_with(", got \"0\""));
        let network = parsed(&["--network", "middle"]).unwrap_err();
        assert_eq!(network, "--network must be small or large, got \"middle\"");
        assert_eq!(parsed(&["--out", "--quiet"]).unwrap_err(), "--out needs a value, got the option --quiet");
        assert_eq!(parsed(&["--seed"]).unwrap_err(), "missing argument for option '--seed'");
    }
}
