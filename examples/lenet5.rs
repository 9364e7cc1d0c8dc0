//! LeNet-5 on MNIST, as the notebook has it: `cargo run --example lenet5`.
//!
//! The same seed gives the same weights on any number of threads: compare the digest in the last line.

use gradus::data::mnist::{self, Digits};
use gradus::data::{Arrays, to_categorical};
use gradus::layers::{Activation, Conv2d, Dense, Flatten, MaxPool2d};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::Sgd;
use gradus::{BatchEnd, Callback, Compile, Fit, Progress, Sequential, report};
use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

const HELP: &str = "\
LeNet-5 on MNIST

cargo run --example lenet5 -- [options]

  --epochs N    epochs to train (50)
  --seed N      what every draw follows from (12345)
  --threads N   threads to work on (all)
  --limit N     only the first N training images (all 60,000)
  --data DIR    the folder of the four MNIST files (the repository's own)
  --out DIR     where history.csv and predictions.csv are written (runs/lenet5)
  --quiet       no progress on standard error
  --help        this text";

fn main() -> ExitCode {
    let options = match Options::parse() {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("lenet5: {error}; --help lists the options");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lenet5: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    // Load and format the data: pixels divided by 255, labels as one-hot rows.
    let digits = mnist::load(options.data.as_deref())?;
    let train = digits.train.first(options.limit);
    let (train_rows, test_rows) = (one_hot(&train)?, one_hot(&digits.test)?);

    // Examine the data.
    let first =
        train.images.outer_iter().next().ok_or("--limit 0 leaves no image")?.mapv(|byte| f32::from(byte) / 255.0);
    println!("{}\n", report::matrix(&first));
    println!("{}\n", report::matrix(&to_categorical(train.labels.iter().take(1).copied(), Some(10))?));

    // Define a smaller version of LeNet-5 that takes the standard 28 × 28 images.
    let network = Sequential::new([28, 28, 1])
        .add(Conv2d::new(6, 2)) // C1: 28 × 28 × 1 → 27 × 27 × 6
        .add(MaxPool2d::new(2)) // S2: 27 is odd, so a row and a column are cut off → 13 × 13 × 6
        .add(Activation::Sigmoid)
        .add(Conv2d::new(16, 5)) // C3 → 9 × 9 × 16
        .add(MaxPool2d::new(2)) // S4 → 4 × 4 × 16
        .add(Activation::Sigmoid)
        .add(Conv2d::new(120, 4)) // C5 → 1 × 1 × 120
        .add(Flatten)
        .add(Dense::new(84)) // F6
        .add(Activation::Tanh)
        .add(Dense::new(10))
        .add(Activation::Softmax);
    println!("{}\n", network.summary()?);

    // Compile and train.
    let mut settings = Compile::new(Sgd::new(0.01), CategoricalCrossentropy::new()).metric(Accuracy).seed(options.seed);
    if let Some(threads) = options.threads {
        settings = settings.threads(threads);
    }
    let mut model = network.compile(settings)?;
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed))?;
    let progress = if options.quiet { Progress::Quiet } else { Progress::Auto };
    let mut interrupt = StopOnCtrlC;
    let fit = Fit::new().epochs(options.epochs).batch_size(128).progress(progress).callback(&mut interrupt);
    let history = model.fit(&train_rows, fit)?;
    if INTERRUPTED.load(Ordering::Relaxed) {
        eprintln!("stopped in epoch {} of {}; what was trained so far follows", history.epochs.len(), options.epochs);
    }

    // Evaluate on the 10,000 test images, and write what there is to look at.
    let scores = model.evaluate(&test_rows)?;
    println!("{:?}\n", scores.values());
    history.write_csv(options.out.join("history.csv"))?;
    let probabilities = model.predict(&digits.test.images.mapv(|byte| f32::from(byte) / 255.0))?;
    let labels: Vec<usize> = digits.test.labels.iter().map(|label| usize::from(*label)).collect();
    report::write_predictions(options.out.join("predictions.csv"), &labels, &probabilities)?;
    println!("history.csv and predictions.csv are in {}", options.out.display());
    let accuracy = scores.get("accuracy").unwrap_or(f64::NAN);
    println!("test loss: {:.4} - test accuracy: {accuracy:.4}", scores.loss);
    println!("weights: sha256 {}", model.params().sha256());
    Ok(())
}

fn one_hot(digits: &Digits) -> gradus::Result<Arrays> {
    digits.normalized()?.one_hot(10)
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Ends training after the current batch.
struct StopOnCtrlC;

impl Callback for StopOnCtrlC {
    fn batch_end(&mut self, _batch: &BatchEnd<'_>) -> ControlFlow<()> {
        if INTERRUPTED.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

struct Options {
    epochs: usize,
    seed: u64,
    threads: Option<usize>,
    limit: usize,
    data: Option<PathBuf>,
    out: PathBuf,
    quiet: bool,
}

impl Options {
    /// The options of the command line, or `None` where help was asked for.
    fn parse() -> Result<Option<Options>, lexopt::Error> {
        use lexopt::prelude::*;
        let mut options = Options {
            epochs: 50,
            seed: 12345,
            threads: None,
            limit: usize::MAX,
            data: None,
            out: "runs/lenet5".into(),
            quiet: false,
        };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("epochs") => options.epochs = arguments.value()?.parse()?,
                Long("seed") => options.seed = arguments.value()?.parse()?,
                Long("threads") => options.threads = Some(arguments.value()?.parse()?),
                Long("limit") => options.limit = arguments.value()?.parse()?,
                Long("data") => options.data = Some(arguments.value()?.into()),
                Long("out") => options.out = arguments.value()?.into(),
                Long("quiet") => options.quiet = true,
                Long("help") | Short('h') => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(options))
    }
}
