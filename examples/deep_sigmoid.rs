//! Batch normalization and four sigmoid layers on the raw pixels of MNIST: `cargo run --example deep_sigmoid`.

use gradus::data::{mnist, to_categorical};
use gradus::formats::keras;
use gradus::layers::{Activation, BatchNorm, Dense, Reshape};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::{Accuracy, History};
use gradus::optimizers::Sgd;
use gradus::report::{Notebook, Picture, Predictions, matrix};
use gradus::run::{Interrupt, Options, Program};
use gradus::{Compile, Key, Sequential};
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    Program::new("deep_sigmoid", "A deep sigmoid network on MNIST").epochs(50).seed(42).run(train)
}

fn train(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut notebook = Notebook::new("A deep sigmoid network on MNIST");

    notebook.heading("Load the data and show random test images");
    let digits = mnist::load(options.data.as_deref())?;
    let first = digits.train.first(options.limit);
    notebook.show(format!("train {:?}, test {:?}", first.images.dim(), digits.test.images.dim()));
    let pictures = Picture::all(&digits.test.images)?;
    let mut draws = Key::from_seed(options.seed).split_name("test images").draws(0);
    let random = (0..5).map(|_| draws.below(pictures.len() as u32) as usize);
    let numbered = random.map(|image| (pictures[image].clone(), format!("Number: {}", digits.test.labels[image])));
    notebook.pictures(&numbered.collect::<Vec<_>>());

    notebook.heading("Convert the labels to one-hot rows");
    let label = digits.test.labels[0];
    notebook.show(format!("{label}\n{}", matrix(&to_categorical([label], Some(10))?)));
    let (train, test) = (first.raw()?.one_hot(10)?, digits.test.raw()?.one_hot(10)?); // pixels remain 0 to 255

    notebook.heading("Build the model, with batch normalization of the inputs");
    let sigmoid = |units: usize| Dense::new(units).activation(Activation::Sigmoid);
    let network = Sequential::new([28, 28])
        .add(Reshape::new(784))
        .add(BatchNorm::new())
        .add(sigmoid(200))
        .add(sigmoid(100))
        .add(sigmoid(60))
        .add(sigmoid(30))
        .add(Dense::new(10).activation(Activation::Softmax));
    notebook.show(network.summary()?);

    notebook.heading("Train, with the test set for validation");
    let settings = Compile::new(Sgd::new(0.03), CategoricalCrossentropy::new()).metric(Accuracy);
    let mut model = network.compile(options.compile(settings))?;
    let mut interrupt = Interrupt::new()?;
    let history = model.fit(&train, options.fit().validation(&test).callback(&mut interrupt))?;
    notebook.history(&history);
    ponder(&mut notebook, &history);

    notebook.heading("Save and load the model, then predict one image");
    let path = options.out.join("mnist_dnn_v1.h5"); // a file that Keras can open
    keras::save(&model, &path)?;
    let loaded = keras::load(&path)?;
    let one = test.rows(..1)?.inputs()?; // a batch of one
    let prediction = loaded.predict(&one)?;
    notebook.show(format!("{:?} → {:?} → {:?}", &one.shape()[1..], one.shape(), prediction.shape()));
    notebook.show(format!("{prediction:.4}"));
    notebook.text(format!("argmax {}, actual label {label}", loaded.predict_classes(&one)?[0]));

    let predictions = Predictions::new(&digits.test.classes(), &model.predict(&test.rows(..)?.inputs()?)?)?;
    notebook.prediction(&pictures[0], &predictions, 0);
    notebook.heading("All test images").confusion(&predictions)?.mistakes(&predictions, &pictures);
    options.finish(&mut notebook, &model, &history, &test, &predictions)?;
    Ok(())
}

/// Answers the notebook's two closing questions with the numbers of this run.
fn ponder(notebook: &mut Notebook, history: &History) {
    let [accuracy, validation] = ["accuracy", "val_accuracy"].map(|name| history.get(name).unwrap_or_default());
    let (Some(start), Some(seen), Some(unseen)) = (validation.first(), accuracy.last(), validation.last()) else {
        return;
    };
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    notebook.heading("Questions to ponder");
    notebook.text(format!(
        "Why did training start slowly? After the first epoch, {} of the test images are classified correctly. The \
         derivative of a sigmoid is at most ¼, so four sigmoids shrink a gradient by a factor of at least 256 before it \
         reaches the first layer. The first layer learns slowly until the upper layers pass on larger gradients. After half \
         of the epochs, the accuracy is {}.",
        percent(*start),
        percent(validation[validation.len() / 2])
    ));
    notebook.text(format!(
        "At the end, the training accuracy is {} and the test accuracy {}: a gap of {}. Is that ok? The network was trained \
         on the training images, so a gap is expected. It is overfitting if the test accuracy falls during training; its \
         best value was {}.",
        percent(*seen),
        percent(*unseen),
        percent(seen - unseen),
        percent(validation.iter().copied().fold(f64::MIN, f64::max))
    ));
}
