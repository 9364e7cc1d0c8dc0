//! A dense network with a linear layer on MNIST, as the notebook has it: `cargo run --release --example dense_linear`.

use gradus::data::{Arrays, LabelBinarizer, mnist};
use gradus::layers::{Activation, Dense};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::Adam;
use gradus::run::{Interrupt, Options, Program};
use gradus::{Compile, Sequential, report};
use ndarray::{Array2, s};
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    Program::new("dense_linear", "A dense network on MNIST").epochs(10).seed(1234).run(train)
}

fn train(options: &Options) -> Result<(), Box<dyn Error>> {
    // The four gzipped files, images as rows of 784 pixels.
    let digits = mnist::load(options.data.as_deref())?;
    let train = digits.train.first(options.limit);
    println!("{} training and {} test images", train.len(), digits.test.len());

    // Labels encoded as one-hot rows, and decoded again.
    let binarizer = LabelBinarizer::fit(&train.labels)?;
    let encoded: Array2<f32> = binarizer.transform(&train.labels);
    println!("labels {}, encoded\n{}", train.labels.slice(s![..3]), report::matrix(&encoded.slice(s![..3, ..])));
    println!("decoded {}\n", binarizer.inverse_transform(&encoded.slice(s![..3, ..]))?);
    let rows = Arrays::new(&train.images, &encoded)?.normalized().reshaped([784])?;
    let test =
        Arrays::new(&digits.test.images, binarizer.transform(&digits.test.labels))?.normalized().reshaped([784])?;

    let network = Sequential::new([784])
        .add(Dense::new(600))
        .add(Dense::new(400).activation(Activation::Relu))
        .add(Dense::new(10).activation(Activation::Softmax));
    println!("{}\n", network.summary()?);

    // The notebook stops before this; it is what its imports announce.
    let settings = Compile::new(Adam::default(), CategoricalCrossentropy::new()).metric(Accuracy);
    let mut model = network.compile(options.compile(settings))?;
    let mut interrupt = Interrupt::new()?;
    let history = model.fit(&rows, options.fit().batch_size(100).callback(&mut interrupt))?;

    options.finish(&model, &history, &test, &digits.test.classes())?;
    Ok(())
}
