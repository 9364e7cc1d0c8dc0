//! Reads HDF5 files as arrays, as models, and as weights of a model.

#![no_main]

use gradus::formats::keras;
use gradus::layers::{BatchNorm, Conv2d, Dense, Flatten};
use gradus::losses::CategoricalCrossentropy;
use gradus::optimizers::Adam;
use gradus::{Compile, Model, Sequential};
use gradus_fuzz::{files, memory::LIMIT};
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;

fn model() -> Model {
    let network =
        Sequential::new([4, 4, 1]).add(Conv2d::new(2, 2)).add(BatchNorm::new()).add(Flatten).add(Dense::new(3));
    let settings = Compile::new(Adam::default(), CategoricalCrossentropy::new()).threads(1);
    network.compile(settings).expect("the model is valid")
}

thread_local! {
    static MODEL: RefCell<Model> = RefCell::new(model());
}

fuzz_target!(|bytes: &[u8]| {
    files::read("a.h5", bytes, |path| keras::read_arrays(path, LIMIT));
    files::read("a.h5", bytes, |path| keras::load_with(path, LIMIT));
    files::read("a.h5", bytes, |path| keras::holds_model(path));
    files::read("a.weights.h5", bytes, |path| {
        MODEL.with(|model| keras::load_weights_with(&mut model.borrow_mut(), path, LIMIT))
    });
});
