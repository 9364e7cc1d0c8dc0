//! LeNet-5 and other small networks on MNIST, on the processes of an MPI job:
//!
//! ```sh
//! cargo build --release --example lenet5_mpi
//! mpirun -n 4 target/release/examples/lenet5_mpi --epochs 1 --limit 2048 --shards 8
//! ```
//!
//! The last line of output is the digest of the weights: the same for any number of processes, with `--sharded-state`, which
//! divides the state of the optimizer among the processes, and with `--alone`, which trains in one process without MPI.

use gradus::data::{Arrays, mnist};
use gradus::exchange::{CountingExchange, Exchange};
use gradus::layers::*;
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::{Adam, Clip, Sgd};
use gradus::{Checkpoints, Compile, Fit, Progress, Sequential};
use gradus_mpi::Job;
use lexopt::ValueExt;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Debug)]
struct Options {
    network: String,
    epochs: usize,
    limit: usize,
    batch_size: usize,
    shards: usize,
    threads: usize,
    seed: u64,
    data: PathBuf,
    checkpoints: Option<PathBuf>,
    errors: Option<PathBuf>,
    processes: Option<usize>,
    timeout: Option<u64>,
    alone: bool,
    sharded_state: bool,
}

fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("lenet5_mpi: {error}");
            return ExitCode::FAILURE;
        }
    };
    if options.alone {
        return match train(&options, None) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("lenet5_mpi: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let mut job = Job::new();
    if let Some(processes) = options.processes {
        job = job.processes(processes);
    }
    if let Some(errors) = &options.errors {
        job = job.errors(errors);
    }
    if let Some(seconds) = options.timeout {
        job = job.timeout(Duration::from_secs(seconds));
    }
    job.run(|exchange| train(&options, Some(exchange)))
}

impl Options {
    fn read() -> Result<Options, Box<dyn Error>> {
        let mut options = Options {
            network: "lenet5".into(),
            epochs: 1,
            limit: 60_000,
            batch_size: 128,
            shards: 8,
            threads: 1,
            seed: 12345,
            data: concat!(env!("CARGO_MANIFEST_DIR"), "/../data/mnist").into(),
            checkpoints: None,
            errors: None,
            processes: None,
            timeout: None,
            alone: false,
            sharded_state: false,
        };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            let lexopt::Arg::Long(name) = argument else { return Err(argument.unexpected().into()) };
            let name = name.to_owned();
            let flag = match name.as_str() {
                "alone" => Some(&mut options.alone),
                "sharded-state" => Some(&mut options.sharded_state),
                _ => None,
            };
            if let Some(flag) = flag {
                *flag = true;
                continue;
            }
            let value = parser.value()?;
            match name.as_str() {
                "network" => options.network = value.string()?,
                "epochs" => options.epochs = value.parse()?,
                "limit" => options.limit = value.parse()?,
                "batch-size" => options.batch_size = value.parse()?,
                "shards" => options.shards = value.parse()?,
                "threads" => options.threads = value.parse()?,
                "seed" => options.seed = value.parse()?,
                "data" => options.data = value.into(),
                "checkpoints" => options.checkpoints = Some(value.into()),
                "errors" => options.errors = Some(value.into()),
                "processes" => options.processes = Some(value.parse()?),
                "timeout" => options.timeout = Some(value.parse()?),
                _ => return Err(format!("unknown option --{name}").into()),
            }
        }
        Ok(options)
    }

    fn network(&self) -> Result<Sequential, Box<dyn Error>> {
        let network = Sequential::new([28, 28, 1]);
        let softmax = || Dense::new(10).activation(Activation::Softmax);
        Ok(match self.network.as_str() {
            "lenet5" => network
                .add(Conv2d::new(6, 2))
                .add(MaxPool2d::new(2))
                .add(Activation::Sigmoid)
                .add(Conv2d::new(16, 5))
                .add(MaxPool2d::new(2))
                .add(Activation::Sigmoid)
                .add(Conv2d::new(120, 4))
                .add(Flatten)
                .add(Dense::new(84))
                .add(Activation::Tanh)
                .add(softmax()),
            "batch_norm" => network
                .add(Conv2d::new(8, 3))
                .add(BatchNorm::new())
                .add(Activation::Relu)
                .add(MaxPool2d::new(3))
                .add(Flatten)
                .add(softmax()),
            "dropout" => network
                .add(Flatten)
                .add(Dense::new(64).activation(Activation::Relu))
                .add(Dropout::new(0.3))
                .add(softmax()),
            "recurrent" => network.add(Reshape::new([28, 28])).add(Gru::new(24).dropout(0.1)).add(softmax()),
            other => return Err(format!("unknown network {other}").into()),
        })
    }
}

fn train(options: &Options, exchange: Option<&mut dyn Exchange>) -> Result<(), Box<dyn Error>> {
    let digits = mnist::load(Some(&options.data))?;
    let data: Arrays = digits.train.first(options.limit).normalized()?.one_hot(10)?;
    let test = digits.test.first(options.limit).normalized()?.one_hot(10)?;
    let settings = match options.network.as_str() {
        "dropout" => Compile::new(Adam::default().clip(Clip::GlobalNorm(1.0)), CategoricalCrossentropy::new()),
        "recurrent" => Compile::new(Adam::default(), CategoricalCrossentropy::new()),
        _ => Compile::new(Sgd::new(0.01), CategoricalCrossentropy::new()),
    };
    let settings = settings.metric(Accuracy).seed(options.seed).shards(options.shards).threads(options.threads);
    let mut model = options.network()?.compile(settings)?;
    let mut fit = Fit::new().epochs(options.epochs).batch_size(options.batch_size).progress(Progress::Quiet);
    if let Some(folder) = &options.checkpoints {
        fit = fit.checkpoints(Checkpoints::new(folder).every_steps(4)).resume(folder);
    }
    let start = Instant::now();
    let (first, scores) = match exchange {
        None => (true, model.fit(&data, fit).and_then(|_| model.evaluate(&test))?),
        Some(exchange) => {
            let mut counting = CountingExchange::new(&mut *exchange);
            model.fit(&data, fit.exchange(&mut counting).sharded_optimizer_state(options.sharded_state))?;
            let (numbers, messages) = (counting.number_bytes(), counting.message_bytes());
            if exchange.member() == 0 {
                println!("rank 0 sent {numbers} bytes of numbers and {messages} bytes of messages");
            }
            (exchange.member() == 0, model.evaluate_with(&test, exchange)?)
        }
    };
    if first {
        println!("seconds: {:.2}", start.elapsed().as_secs_f64());
        println!("steps: {}, test loss {}, test accuracy {:?}", model.step(), scores.loss, scores.get("accuracy"));
        println!("weights: sha256 {}", model.params().sha256());
    }
    Ok(())
}
