//! The command line, `MODEL [--epochs N] [--threads N] [--limit N] [--wait]`, and the loop over epochs.

use crate::Result;
use std::io::stdin;
use std::time::Instant;

/// A notebook's model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    DenseLinear,
    Lenet5,
    DropoutMlp,
    BasicNn,
    DeepSigmoid,
}

impl Model {
    /// Finds a model by its name.
    pub fn named(name: &str) -> Result<Model> {
        Ok(match name {
            "dense_linear" => Model::DenseLinear,
            "lenet5" => Model::Lenet5,
            "dropout_mlp" => Model::DropoutMlp,
            "basic_nn" => Model::BasicNn,
            "deep_sigmoid" => Model::DeepSigmoid,
            _ => return Err(format!("unknown model {name}").into()),
        })
    }

    /// Batch size.
    pub fn batch_size(self) -> usize {
        match self {
            Model::DenseLinear => 100,
            Model::Lenet5 => 128,
            Model::DropoutMlp | Model::DeepSigmoid => 32,
            Model::BasicNn => 1000,
        }
    }

    /// The sizes of the dense layers, starting with the input.
    pub fn dense(self) -> &'static [usize] {
        match self {
            Model::DenseLinear => &[784, 600, 400, 10],
            Model::Lenet5 => &[120, 84, 10],
            Model::DropoutMlp => &[784, 512, 512, 10],
            Model::BasicNn => &[784, 200, 10],
            Model::DeepSigmoid => &[784, 200, 100, 60, 30, 10],
        }
    }
}

/// The options of the command line.
pub struct Options {
    /// The name of the model or the network.
    pub model: String,
    /// Maximum number of rows.
    pub limit: usize,
    epochs: usize,
    wait: bool,
}

impl Options {
    /// Parses the command line, and sets the number of threads of every pool that is created later.
    pub fn parse() -> Result<Options> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let number = |name: &str, default: usize| -> Result<usize> {
            let value = arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1));
            value.map_or(Ok(default), |value| {
                value.parse().map_err(|_| format!("{name} {value} is not a number").into())
            })
        };
        let model = arguments.first().cloned().ok_or("PROGRAM MODEL [--epochs N] …")?;
        std::env::set_var("RAYON_NUM_THREADS", number("--threads", 2)?.to_string());
        Ok(Options {
            model,
            limit: number("--limit", usize::MAX)?,
            epochs: number("--epochs", 1)?,
            wait: arguments.iter().any(|argument| argument == "--wait"),
        })
    }

    /// Calls `epoch` for each epoch, which returns its mean loss, and prints `epoch N seconds S loss L`.
    ///
    /// With `--wait`, each line on standard input starts an epoch, and its end exits the program.
    pub fn run(&self, mut epoch: impl FnMut() -> Result<f64>) -> Result<()> {
        for number in 1..=self.epochs {
            if self.wait && stdin().read_line(&mut String::new())? == 0 {
                break;
            }
            let start = Instant::now();
            let loss = epoch()?;
            println!("epoch {number} seconds {:.4} loss {loss:.4}", start.elapsed().as_secs_f64());
        }
        Ok(())
    }
}
