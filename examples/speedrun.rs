//! 99 % test accuracy on MNIST after one epoch: `cargo run --release --example speedrun`.
//!
//! A small convolutional network, a one-cycle schedule with a high learning rate, and Adam with short averaging (β₁ 0.7,
//! β₂ 0.9). The settings are those of "Training a NN to 99% accuracy on MNIST in 0.76 seconds"
//! (github.com/tuomaso/train_mnist_fast), which ran on a GPU.

use gradus::data::{Dataset, mnist};
use gradus::initializers::HeUniform;
use gradus::layers::{Activation, Conv2d, Dense, Flatten, MaxPool2d};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::Adam;
use gradus::optimizers::schedules::OneCycle;
use gradus::report::{Notebook, Picture, Predictions};
use gradus::run::{Interrupt, Options, Program};
use gradus::{Compile, Sequential};
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

const BATCH: usize = 128;

fn main() -> ExitCode {
    Program::new("speedrun", "99 % on MNIST after one epoch").epochs(1).seed(1).run(train)
}

fn train(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut notebook = Notebook::new("99 % on MNIST after one epoch");

    notebook.heading("Load the data"); // pixels divided by 255, one-hot labels
    let digits = mnist::load(options.data.as_deref())?;
    let train = digits.train.first(options.limit).normalized()?.one_hot(10)?;
    let test = digits.test.normalized()?.one_hot(10)?;

    notebook.heading("Build the network");
    let network = Sequential::new([28, 28, 1])
        .add(Conv2d::new(24, 5).kernel_initializer(HeUniform)) // 28 × 28 × 1 → 24 × 24 × 24
        .add(MaxPool2d::new(2)) // → 12 × 12 × 24; pooling before relu gives the same values for a quarter of the work
        .add(Activation::Relu)
        .add(Conv2d::new(32, 3)) // → 10 × 10 × 32
        .add(MaxPool2d::new(2)) // → 5 × 5 × 32
        .add(Activation::Relu)
        .add(Flatten)
        .add(Dense::new(256).activation(Activation::Relu))
        .add(Dense::new(10).activation(Activation::Softmax));
    notebook.show(network.summary()?);

    notebook.heading("Train with a one-cycle learning rate: it rises for 30 % of the steps, then falls to nearly 0");
    let steps = options.epochs * train.len().div_ceil(BATCH);
    let adam = Adam::new(OneCycle::new(0.01, steps)).beta_1(0.7).beta_2(0.9);
    let settings = Compile::new(adam, CategoricalCrossentropy::new()).metric(Accuracy);
    let mut model = network.compile(options.compile(settings))?;
    let mut interrupt = Interrupt::new()?;
    let start = Instant::now();
    let history = model.fit(&train, options.fit().batch_size(BATCH).callback(&mut interrupt))?;
    notebook.text(format!("{} steps in {:.2} s", model.step(), start.elapsed().as_secs_f64()));
    notebook.history(&history);

    notebook.heading("Evaluate on the 10,000 test images");
    notebook.show(format!("{:?}", model.evaluate(&test)?.values()));
    let predictions = Predictions::new(&digits.test.classes(), &model.predict(&test.rows(..)?.inputs()?)?)?;
    let pictures = Picture::all(&digits.test.images)?;
    notebook.prediction(&pictures[0], &predictions, 0);
    notebook.heading("All test images").confusion(&predictions)?.mistakes(&predictions, &pictures);
    options.finish(&mut notebook, &model, &history, &test, &predictions)?;
    Ok(())
}
