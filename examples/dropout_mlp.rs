//! A network with two hidden layers and dropout on MNIST: `cargo run --example dropout_mlp`.

use gradus::data::{Dataset, mnist, to_categorical};
use gradus::layers::{Activation, Dense, Dropout};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::RmsProp;
use gradus::report::{Notebook, Picture, Predictions, matrix};
use gradus::run::{Interrupt, Options, Program};
use gradus::{Compile, Key, Sequential};
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    Program::new("dropout_mlp", "A network with dropout on MNIST").epochs(20).seed(1).run(train)
}

fn train(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut notebook = Notebook::new("A network with dropout on MNIST");

    notebook.heading("Load the images as rows of 784 pixels");
    let digits = mnist::load(options.data.as_deref())?;
    let first = digits.train.first(options.limit);
    let (train, test) = (first.raw()?.reshaped([784])?, digits.test.raw()?.reshaped([784])?);
    notebook.show(format!("train {:?}, reshaped ({}, {})", first.images.dim(), train.len(), train.input_shape()));
    notebook.show(format!("test {:?}, reshaped ({}, {})", digits.test.images.dim(), test.len(), test.input_shape()));
    let bytes: Vec<u8> = first.images.iter().copied().take(784).collect();
    let lines: Vec<String> =
        bytes.chunks(28).map(|line| line.iter().map(|byte| format!("{byte:>4}")).collect()).collect();
    notebook.text("First training image:").show(lines.join("\n"));
    notebook.pictures(&[(Picture::all(&first.images)?.swap_remove(0), first.labels[0].to_string())]);

    notebook.heading("Normalize the pixels and encode the labels");
    let (train, test) = (train.normalized().one_hot(10)?, test.normalized().one_hot(10)?);
    notebook.show(format!("label {}", first.labels[0]));
    notebook.show(format!("one-hot {}", matrix(&to_categorical([first.labels[0]], Some(10))?)));

    notebook.heading("Build the network");
    let relu = Dense::new(512).activation(Activation::Relu);
    let network = Sequential::new([784])
        .add(relu.clone())
        .add(Dropout::new(0.2)) // sets a random fifth of the activations to 0 in each training step
        .add(relu)
        .add(Dropout::new(0.2))
        .add(Dense::new(10).activation(Activation::Softmax));
    notebook.show(network.summary()?);

    notebook.heading("Train, with the test set for validation");
    let settings = Compile::new(RmsProp::default(), CategoricalCrossentropy::new()).metric(Accuracy);
    let mut model = network.compile(options.compile(settings))?;
    let mut interrupt = Interrupt::new()?;
    let history = model.fit(&train, options.fit().validation(&test).callback(&mut interrupt))?;
    notebook.history(&history);
    let scores = model.evaluate(&test)?;
    notebook.show(format!("Test loss: {}\nTest accuracy: {}", scores.loss, scores.metrics[0].1));

    notebook.heading("Predict");
    let predictions = Predictions::new(&digits.test.classes(), &model.predict(&test.rows(..)?.inputs()?)?)?;
    let pictures = Picture::all(&digits.test.images)?;
    notebook.show(format!("{:.4}", predictions.probabilities(0)));
    notebook.prediction(&pictures[0], &predictions, 0);
    let mut draws = Key::from_seed(options.seed).split_name("ten predictions").draws(0);
    let random = (0..10).map(|_| draws.below(784) as usize);
    let line = |row| format!("prediction: {} actual: {}", predictions.predicted(row), predictions.label(row));
    notebook.show(random.map(line).collect::<Vec<_>>().join("\n"));

    notebook.heading("Misclassified images among the first 784");
    let wrong: Vec<usize> = (0..784).filter(|row| !predictions.is_right(*row)).collect();
    let line = |row: &usize| {
        let (predicted, actual) = (predictions.predicted(*row), predictions.label(*row));
        format!("test sample number {row} is incorrect, model predicted {predicted}, actual was {actual}")
    };
    notebook.show(wrong.iter().map(line).collect::<Vec<_>>().join("\n"));
    let caption = |row: usize| format!("#{row}: {} as {}", predictions.label(row), predictions.predicted(row));
    notebook.pictures(&wrong.iter().map(|row| (pictures[*row].clone(), caption(*row))).collect::<Vec<_>>());

    notebook.heading("All test images").confusion(&predictions)?.mistakes(&predictions, &pictures);
    options.finish(&mut notebook, &model, &history, &test, &predictions)?;
    Ok(())
}
