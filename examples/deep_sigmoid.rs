//! Four sigmoid layers behind a batch normalisation, on raw pixels, as the notebook has it:
//! `cargo run --release --example deep_sigmoid`.

use gradus::data::{Dataset, mnist, to_categorical};
use gradus::layers::{Activation, BatchNorm, Dense, Reshape};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::Sgd;
use gradus::run::{Interrupt, Options, Program};
use gradus::{Compile, Sequential, report};
use ndarray::s;
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    Program::new("deep_sigmoid", "A deep sigmoid network on MNIST").epochs(50).seed(42).run(train)
}

fn train(options: &Options) -> Result<(), Box<dyn Error>> {
    // Raw pixels, 0 to 255: the network normalises them itself.
    let digits = mnist::load(options.data.as_deref())?;
    let first = digits.train.first(options.limit);
    let (train, test) = (first.raw()?.one_hot(10)?, digits.test.raw()?.one_hot(10)?);
    let one = test.rows(..1)?.inputs()?;
    println!("an image is {}, a batch of one {:?}, its label {:?}", test.input_shape(), one.shape(), test.target());
    let label = digits.test.labels[0];
    println!("label {label} as one-hot row {}\n", report::matrix(&to_categorical([label], Some(10))?));

    let sigmoid = |units: usize| Dense::new(units).activation(Activation::Sigmoid);
    let network = Sequential::new([28, 28])
        .add(Reshape::new(784))
        .add(BatchNorm::new())
        .add(sigmoid(200))
        .add(sigmoid(100))
        .add(sigmoid(60))
        .add(sigmoid(30))
        .add(Dense::new(10).activation(Activation::Softmax));
    println!("{}\n", network.summary()?);

    let settings = Compile::new(Sgd::new(0.03), CategoricalCrossentropy::new()).metric(Accuracy);
    let mut model = network.compile(options.compile(settings))?;
    let mut interrupt = Interrupt::new()?;
    let history = model.fit(&train, options.fit().validation(&test).callback(&mut interrupt))?;

    // The notebook's two closing questions, answered from this run's own numbers.
    let percent = |name: &str, last: bool| {
        let values = history.get(name);
        100.0 * if last { values.last() } else { values.first() }.copied().unwrap_or(f64::NAN)
    };
    println!(
        "How fast does it start? After the first epoch {:.1} % of the test images are right.",
        percent("val_accuracy", false)
    );
    let (seen, unseen) = (percent("accuracy", true), percent("val_accuracy", true));
    println!(
        "Does it overfit? At the end {seen:.1} % of the training images are right, and {unseen:.1} % of the test images.\n"
    );

    // One image of shape (1, 28, 28).
    let probabilities = model.predict(&one)?;
    println!(
        "test image 0: {:.4}, so {}, label {label}\n",
        probabilities.slice(s![0, ..]),
        model.predict_classes(&one)?[0]
    );
    options.finish(&model, &history, &test, &digits.test.classes())?;
    Ok(())
}
