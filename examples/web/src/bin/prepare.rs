//! Trains the model of the page and writes it, some digits, and the bits of their probabilities: prepare FOLDER

use gradus::data::Arrays;
use gradus::data::mnist;
use gradus::layers::{Activation, Conv2d, Dense, Flatten, MaxPool2d};
use gradus::losses::SparseCategoricalCrossentropy;
use gradus::optimizers::Adam;
use gradus::save::Registry;
use gradus::{Architecture, Compile, Fit, Sequential};
use std::error::Error;
use std::path::PathBuf;
use web::{SIDE, probabilities};

/// Number of digits whose probabilities are compared.
const COUNT: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: prepare FOLDER")?);
    let digits = mnist::load(None)?;
    let network = Sequential::new([SIDE, SIDE, 1])
        .add(Conv2d::new(8, 5).activation(Activation::Relu))
        .add(MaxPool2d::new(2))
        .add(Conv2d::new(16, 5).activation(Activation::Relu))
        .add(MaxPool2d::new(2))
        .add(Flatten)
        .add(Dense::new(64).activation(Activation::Relu))
        .add(Dense::new(10).activation(Activation::Softmax));
    let mut model = network.compile(Compile::new(Adam::default(), SparseCategoricalCrossentropy::new()).seed(1))?;
    let images = |digits: &mnist::Digits| -> gradus::Result<Arrays> { digits.normalized()?.reshaped([SIDE, SIDE, 1]) };
    model.fit(&images(&digits.train)?, Fit::new().epochs(1).batch_size(64))?;
    println!("{}", model.evaluate(&images(&digits.test)?)?);
    let path = folder.join("model.safetensors");
    model.architecture().save(&path)?;
    let model = Architecture::from_bytes(&std::fs::read(&path)?, &Registry::new())?.into_model()?;
    let (mut bytes, mut bits) = (Vec::new(), String::new());
    for image in digits.test.images.outer_iter().take(COUNT) {
        let mut digit = [0.0; SIDE * SIDE];
        digit.iter_mut().zip(image).for_each(|(pixel, byte)| *pixel = f32::from(*byte) / 255.0);
        bytes.extend(digit.map(f32::to_le_bytes).concat());
        let words = probabilities(&model, &digit)?.map(|value| format!("{:08x}", value.to_bits()));
        bits.push_str(&format!("{}\n", words.join(" ")));
    }
    std::fs::write(folder.join("digits.bin"), bytes)?;
    std::fs::write(folder.join("bits.txt"), bits)?;
    Ok(())
}
