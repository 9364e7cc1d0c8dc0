//! A small LeNet-5 on MNIST: `cargo run --example lenet5`.
//!
//! A seed gives the same weights on any number of threads. Compare the digests in the last line of output.

use gradus::data::{mnist, to_categorical};
use gradus::layers::{Activation, Conv2d, Dense, Flatten, MaxPool2d};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::Sgd;
use gradus::report::{Notebook, Picture, Predictions, matrix};
use gradus::run::{Interrupt, Options, Program};
use gradus::{Compile, Sequential};
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    Program::new("lenet5", "LeNet-5 on MNIST").epochs(50).seed(12345).run(train)
}

fn train(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut notebook = Notebook::new("LeNet-5 on MNIST");

    notebook.heading("Load and format the data"); // pixels divided by 255, one-hot labels
    let digits = mnist::load(options.data.as_deref())?;
    let first = digits.train.first(options.limit);
    let train = first.normalized()?.one_hot(10)?;
    let test = digits.test.normalized()?.one_hot(10)?;

    notebook.heading("Examine the first training image and its label");
    let image = train.rows(..1)?.inputs()?.into_shape_with_order((28, 28))?;
    notebook.show(matrix(&image));
    notebook.show(matrix(&to_categorical([first.labels[0]], Some(10))?));
    notebook.pictures(&[(Picture::new(&image)?, first.labels[0].to_string())]);

    notebook.heading("Define a smaller version of LeNet-5 for 28 × 28 images");
    let network = Sequential::new([28, 28, 1]) // images of shape 28 × 28 get the channel axis automatically
        .add(Conv2d::new(6, 2)) // C1: 28 × 28 × 1 → 27 × 27 × 6
        .add(MaxPool2d::new(2)) // S2: → 13 × 13 × 6; 27 is odd, so the last row and column are ignored
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
    notebook.show(network.summary()?);

    notebook.heading("Train"); // the notebook warns against training twice in one process; here only the seed matters
    let settings = Compile::new(Sgd::new(0.01), CategoricalCrossentropy::new()).metric(Accuracy);
    let mut model = network.compile(options.compile(settings))?;
    let mut interrupt = Interrupt::new()?;
    let history = model.fit(&train, options.fit().batch_size(128).callback(&mut interrupt))?;
    notebook.history(&history);

    notebook.heading("Evaluate on the 10,000 test images");
    notebook.show(format!("{:?}", model.evaluate(&test)?.values()));
    let predictions = Predictions::of(&model, &test)?;
    let pictures = Picture::all(&digits.test.images)?;
    notebook.prediction(&pictures[0], &predictions, 0);
    notebook.heading("All test images").confusion(&predictions)?.mistakes(&predictions, &pictures);
    options.finish(&mut notebook, &model, &history, &test, &predictions)?;
    Ok(())
}
