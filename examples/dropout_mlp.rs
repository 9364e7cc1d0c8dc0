//! Two hidden layers with dropout on MNIST, as the notebook has it: `cargo run --release --example dropout_mlp`.

use gradus::data::{Dataset, mnist};
use gradus::layers::{Activation, Dense, Dropout};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::RmsProp;
use gradus::run::{Interrupt, Options, Program};
use gradus::{Compile, Key, Sequential, report};
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    Program::new("dropout_mlp", "A network with dropout on MNIST").epochs(20).seed(1).run(train)
}

fn train(options: &Options) -> Result<(), Box<dyn Error>> {
    // The data: images as rows of 784 pixels divided by 255, labels as one-hot rows.
    let digits = mnist::load(options.data.as_deref())?;
    let first = digits.train.first(options.limit);
    println!("train {:?} {:?}, test {:?}", first.images.dim(), first.labels.dim(), digits.test.images.dim());
    let train = first.normalized()?.reshaped([784])?.one_hot(10)?;
    let test = digits.test.normalized()?.reshaped([784])?.one_hot(10)?;
    println!("as rows: {} × {}, {} × {}\n", train.len(), train.input_shape(), test.len(), test.input_shape());
    println!("the first image: {:?}\n", first.images.iter().take(784).collect::<Vec<_>>());
    println!("its label: {}", first.labels[0]);
    println!("one-hot: {}\n", report::matrix(&train.rows(..1)?.targets()?.into_shape_with_order((1, 10))?));

    // The network.
    let relu = Dense::new(512).activation(Activation::Relu);
    let network = Sequential::new([784])
        .add(relu.clone())
        .add(Dropout::new(0.2))
        .add(relu)
        .add(Dropout::new(0.2))
        .add(Dense::new(10).activation(Activation::Softmax));
    println!("{}\n", network.summary()?);

    // Training, with the test set for validation.
    let settings = Compile::new(RmsProp::default(), CategoricalCrossentropy::new()).metric(Accuracy);
    let mut model = network.compile(options.compile(settings))?;
    let mut interrupt = Interrupt::new()?;
    let history = model.fit(&train, options.fit().validation(&test).callback(&mut interrupt))?;

    // The ten probabilities of the first test image, and ten random predictions beside the truth.
    let probabilities = model.predict(&test.rows(..)?.inputs()?)?;
    let predicted = model.predict_classes(&test.rows(..)?.inputs()?)?;
    let labels = digits.test.classes();
    println!("test sample 0: {:.4?}, so {}\n", probabilities.iter().take(10).collect::<Vec<_>>(), predicted[0]);
    let mut draws = Key::from_seed(options.seed).split_name("predictions").draws(0);
    for sample in (0..10).map(|_| draws.below(labels.len() as u32) as usize) {
        println!("test sample {sample}: predicted {}, actual {}", predicted[sample], labels[sample]);
    }
    for sample in (0..784).filter(|sample| predicted[*sample] != labels[*sample]) {
        let (model, actual) = (predicted[sample], labels[sample]);
        println!("test sample number {sample} is incorrect, model predicted {model}, actual was {actual}");
    }
    options.finish(&model, &history, &test, &digits.test.classes())?;
    Ok(())
}
