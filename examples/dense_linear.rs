//! A dense network with a linear layer on MNIST, as the notebook has it: `cargo run --example dense_linear`.
//!
//! The notebook seeds three generators and forces one thread, so that a run can be repeated. Here the seed is one setting,
//! and the weights have the same bits on any number of threads: compare the digest in the last line.

use gradus::data::{Arrays, Dataset, LabelBinarizer, mnist};
use gradus::layers::{Activation, Dense};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::Adam;
use gradus::report::{Notebook, Picture, Predictions, matrix};
use gradus::run::{Interrupt, Options, Program};
use gradus::{Compile, Model, Sequential};
use ndarray::{Array2, s};
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    Program::new("dense_linear", "A dense network on MNIST").epochs(10).seed(1234).run(train)
}

fn train(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut notebook = Notebook::new("A dense network on MNIST");

    notebook.heading("Read in the training and test images with labels");
    let digits = mnist::load(options.data.as_deref())?; // the four gzipped files
    let train = digits.train.first(options.limit);
    notebook.text(format!("{} training and {} test images of 28 × 28 bytes", train.len(), digits.test.len()));
    let pictures = Picture::all(&train.images.slice(s![..train.len().min(10), .., ..]))?;
    let captions = train.labels.iter().map(u8::to_string);
    notebook.pictures(&pictures.into_iter().zip(captions).collect::<Vec<_>>());

    notebook.heading("Encode the labels, and decode them again");
    let binarizer = LabelBinarizer::fit(&train.labels)?;
    let encoded: Array2<f32> = binarizer.transform(&train.labels);
    let first = encoded.slice(s![..train.len().min(3), ..]);
    notebook.show(format!("labels  {}", train.labels.slice(s![..first.nrows()])));
    notebook.show(format!("encoded {}", matrix(&first).replace("\n ", "\n         ")));
    notebook.show(format!("decoded {}", binarizer.inverse_transform(&first)?));
    let rows = Arrays::new(&train.images, &encoded)?.normalized().reshaped([784])?;
    let encoded = binarizer.transform(&digits.test.labels);
    let test = Arrays::new(&digits.test.images, encoded)?.normalized().reshaped([784])?;

    notebook.heading("Set up a neural network, layer by layer");
    let network = Sequential::new([784])
        .add(Dense::new(600)) // linear: each output is a weighted sum of all inputs
        .add(Dense::new(400).activation(Activation::Relu)) // negative values become 0
        .add(Dense::new(10).activation(Activation::Softmax)); // probabilities of the ten digits
    notebook.show(network.summary()?);

    notebook.heading("Train"); // The notebook stops before this; it is what its imports announce.
    let settings = Compile::new(Adam::default(), CategoricalCrossentropy::new()).metric(Accuracy);
    let mut model = network.compile(options.compile(settings))?;
    let mut interrupt = Interrupt::new()?;
    let history = model.fit(&rows, options.fit().batch_size(100).callback(&mut interrupt))?;
    notebook.history(&history);

    notebook.heading("Save the model, and load it again");
    let path = options.out.join("model.safetensors");
    model.save(&path)?;
    let inputs = test.rows(..)?.inputs()?;
    let probabilities = model.predict(&inputs)?;
    let same = Model::load(&path)?.predict(&inputs)? == probabilities;
    let verdict = if same { "the same bits" } else { "something else" };
    notebook.text(format!("the loaded model predicts {verdict} for all {} test images", test.len()));

    notebook.heading("What it predicts");
    let predictions = Predictions::new(&digits.test.classes(), &probabilities)?;
    let pictures = Picture::all(&digits.test.images)?;
    notebook.prediction(&pictures[0], &predictions, 0);
    notebook.heading("All test images").confusion(&predictions)?.mistakes(&predictions, &pictures);
    options.finish(&mut notebook, &model, &history, &test, &predictions)?;
    Ok(())
}
