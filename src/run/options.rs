//! The options that every training program has.

use super::{Program, interrupt};
use crate::data::Arrays;
use crate::error::Result;
use crate::metrics::{History, Scores};
use crate::model::{Checkpoints, Compile, Fit, Model, Progress};
use crate::report::{Chart, Heatmap, Notebook, Predictions};
use crate::tape::Params;
use lexopt::prelude::*;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The options of a training program, from its command line or its defaults.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// `--epochs N`: how often every row is seen; in a program that counts steps, `--steps N`.
    pub epochs: usize,
    /// `--seed N`: what every draw follows from.
    pub seed: u64,
    /// `--threads N`: how many threads to work on; all without it.
    pub threads: Option<usize>,
    /// `--limit N`: only the first N training rows; all without it.
    pub limit: usize,
    /// `--data DIR`: the folder of the data; the library's own search without it.
    pub data: Option<PathBuf>,
    /// `--out DIR`: where results are written.
    pub out: PathBuf,
    /// `--resume`: goes on from the checkpoints in the output folder, or begins where there are none.
    pub resume: bool,
    /// `--quiet`: no progress on standard error.
    pub quiet: bool,
}

impl Options {
    /// How a model is compiled under these options: with their seed and threads.
    pub fn compile(&self, settings: Compile) -> Compile {
        let settings = settings.seed(self.seed);
        match self.threads {
            Some(threads) => settings.threads(threads),
            None => settings,
        }
    }

    /// How long a model is fitted under these options, with [`checkpoints`](Options::checkpoints), and what is shown of
    /// it.
    pub fn fit<'a>(&self) -> Fit<'a> {
        let progress = if self.quiet { Progress::Quiet } else { Progress::Auto };
        let fit = Fit::new().epochs(self.epochs).progress(progress).checkpoints(self.checkpoints());
        if self.resume { fit.resume(self.folder()) } else { fit }
    }

    /// Checkpoints in the output folder, at least every ten seconds.
    pub fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(self.folder()).every(Duration::from_secs(10))
    }

    fn folder(&self) -> PathBuf {
        self.out.join("checkpoints")
    }

    /// What a run ends with: `model.safetensors`, and then what [`close`](Options::close) says. `test` holds the rows whose
    /// predictions are given.
    ///
    /// # Errors
    /// Data that does not fit the model, and files that cannot be written.
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
        let settings = [
            ("optimizer", model.optimizer().spec().to_string()),
            ("loss", model.loss().spec().to_string()),
            ("trained", trained),
        ];
        self.close(notebook, &settings, history, predictions, &scores, model.params())
    }

    /// What a run without a [`Model`] ends with: `history.csv`, `predictions.csv`, `report.html` and its charts
    /// (`loss.svg`, …, `confusion.svg`) in the output folder, with these settings beside its own in the report; the test scores and the digest of the weights as the last two
    /// lines of standard output. If Ctrl-C or SIGTERM ended the run, standard error says how to go on.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub fn close(
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
                "stopped early; the same command with --resume goes on from the checkpoint in {}",
                self.folder().display()
            );
        }
        let out = self.out.display();
        say(&format!("\nmodel.safetensors, history.csv, predictions.csv and report.html are in {out}"));
        say(&test);
        say(&format!("weights: sha256 {}", params.sha256()));
        Ok(())
    }
}

/// A closed standard output is no reason to fail.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// The options of a command line, or `None` where help is asked for.
pub(super) fn parse(program: &Program, mut arguments: lexopt::Parser) -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options {
        epochs: program.length,
        seed: program.seed,
        threads: None,
        limit: usize::MAX,
        data: None,
        out: PathBuf::from("runs").join(program.name),
        resume: false,
        quiet: false,
    };
    while let Some(argument) = arguments.next()? {
        match argument {
            Long(unit) if unit == program.unit => {
                options.epochs = number(&mut arguments, program.unit, 1, usize::MAX)?;
            }
            Long("seed") => options.seed = number(&mut arguments, "seed", 0, u64::MAX)?,
            Long("threads") => options.threads = Some(number(&mut arguments, "threads", 1, MAX_THREADS)?),
            Long("limit") => options.limit = number(&mut arguments, "limit", 1, usize::MAX)?,
            Long("data") => options.data = Some(value(&mut arguments, "data")?.into()),
            Long("out") => options.out = value(&mut arguments, "out")?.into(),
            Long("resume") => options.resume = true,
            Long("quiet") => options.quiet = true,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(options))
}

/// An option's value. Another option in its place is a slip: a folder of such a name is `./--quiet`.
fn value(arguments: &mut lexopt::Parser, option: &str) -> Result<OsString, lexopt::Error> {
    let value = arguments.value()?;
    if value.to_string_lossy().starts_with("--") {
        return Err(format!("--{option} needs a value, and {} follows", value.display()).into());
    }
    Ok(value)
}

/// A whole number in its range.
fn number<T>(arguments: &mut lexopt::Parser, option: &str, least: T, most: T) -> Result<T, lexopt::Error>
where
    T: FromStr + PartialOrd + Display,
{
    let value = value(arguments, option)?;
    let number = value.to_str().and_then(|text| text.parse().ok()).filter(|number| (&least..=&most).contains(&number));
    number.ok_or_else(|| {
        format!("--{option} is \"{}\", expected a whole number from {least} to {most}", value.display()).into()
    })
}

/// More threads than any machine has cores are a slip.
const MAX_THREADS: usize = 1024;

/// The text of `--help`.
pub(super) fn help(program: &Program) -> String {
    let Program { name, title, unit, length, seed } = program;
    let flag = format!("--{unit} N");
    format!(
        "{title}

usage: {name} [options]

  {flag:<13} how many {unit} to train ({length})
  --seed N      what every draw follows from ({seed})
  --threads N   how many threads to work on (all)
  --limit N     only the first N training rows (all)
  --data DIR    the folder of the data (GRADUS_DATA, or the repository's own)
  --out DIR     where results are written (runs/{name})
  --resume      go on from the checkpoints in the output folder, or begin where there are none
  --quiet       no progress on standard error
  --help        this text"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Option<Options>, String> {
        let program = Program::new("digits", "Digits").steps(1000).seed(7);
        parse(&program, lexopt::Parser::from_args(arguments)).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_the_programs() {
        let options = parsed(&[]).unwrap().unwrap();
        assert_eq!((options.epochs, options.seed, options.threads), (1000, 7, None));
        assert_eq!(options.out, PathBuf::from("runs/digits"));
    }

    #[test]
    fn every_option_of_the_help_is_read() {
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
        };
        assert_eq!(options, expected);
        assert_eq!(parsed(&["--help"]).unwrap(), None);
    }

    #[test]
    fn what_is_not_an_option_is_told() {
        assert_eq!(parsed(&["--epochs", "3"]).unwrap_err(), "invalid option '--epochs'");
        let seed = format!("--seed is \"-1\", expected a whole number from 0 to {}", u64::MAX);
        assert_eq!(parsed(&["--seed", "-1"]).unwrap_err(), seed);
        let threads = parsed(&["--threads", "0"]).unwrap_err();
        assert_eq!(threads, "--threads is \"0\", expected a whole number from 1 to 1024");
        // It would train nothing, and overwrite the results of a run that did.
        let steps = format!("--steps is \"0\", expected a whole number from 1 to {}", usize::MAX);
        assert_eq!(parsed(&["--steps", "0"]).unwrap_err(), steps);
        assert!(parsed(&["--steps", "x"]).unwrap_err().starts_with("--steps is \"x\", "));
        assert!(parsed(&["--limit=0"]).unwrap_err().starts_with("--limit is \"0\", "));
        assert_eq!(parsed(&["--out", "--quiet"]).unwrap_err(), "--out needs a value, and --quiet follows");
        assert_eq!(parsed(&["--seed"]).unwrap_err(), "missing argument for option '--seed'");
    }
}
