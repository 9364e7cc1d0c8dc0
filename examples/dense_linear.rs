//! A dense network with a linear hidden layer on MNIST: `cargo run --example dense_linear`.
//!
//! The notebook seeds three random generators and restricts TensorFlow to one thread to make its run repeatable. Here one
//! seed is enough: the weights have the same bits on any number of threads. Compare the digests in the last line of output.

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

    notebook.heading("Encode and decode the labels");
    let binarizer = LabelBinarizer::fit(&train.labels)?;
    let encoded: Array2<f32> = binarizer.transform(&train.labels);
    let first = encoded.slice(s![..train.len().min(3), ..]);
    notebook.show(format!("labels  {}", train.labels.slice(s![..first.nrows()])));
    notebook.show(format!("encoded {}", matrix(&first).replace("\n ", "\n         ")));
    notebook.show(format!("decoded {}", binarizer.inverse_transform(&first)?));
    let rows = Arrays::new(&train.images, &encoded)?.normalized().reshaped([784])?;
    let encoded = binarizer.transform(&digits.test.labels);
    let test = Arrays::new(&digits.test.images, encoded)?.normalized().reshaped([784])?;

    notebook.heading("Build the network layer by layer");
    let network = Sequential::new([784])
        .add(Dense::new(600)) // no activation: each output is a weighted sum of the inputs
        .add(Dense::new(400).activation(Activation::Relu))
        .add(Dense::new(10).activation(Activation::Softmax)); // probabilities of the ten digits
    notebook.show(network.summary()?);

    notebook.heading("Train"); // the notebook ends here; its imports show the planned steps
    let settings = Compile::new(Adam::default(), CategoricalCrossentropy::new()).metric(Accuracy);
    let mut model = network.compile(options.compile(settings))?;
    let mut interrupt = Interrupt::new()?;
    let history = model.fit(&rows, options.fit().batch_size(100).callback(&mut interrupt))?;
    notebook.history(&history);

    notebook.heading("Save and load the model");
    let path = options.out.join("model.safetensors");
    model.save(&path)?;
    let inputs = test.rows(..)?.inputs()?;
    let probabilities = model.predict(&inputs)?;
    let same = Model::load(&path)?.predict(&inputs)? == probabilities;
    let verdict = if same { "identical" } else { "different" };
    notebook.text(format!("Predictions of the loaded model for {} test images: {verdict} bits", test.len()));

    notebook.heading("Predict");
    let predictions = Predictions::new(&digits.test.classes(), &probabilities)?;
    let pictures = Picture::all(&digits.test.images)?;
    notebook.prediction(&pictures[0], &predictions, 0);
    notebook.heading("All test images").confusion(&predictions)?.mistakes(&predictions, &pictures);
    options.finish(&mut notebook, &model, &history, &test, &predictions)?;
    Ok(())
}
