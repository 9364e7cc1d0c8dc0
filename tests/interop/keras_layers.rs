//! Whole models of Keras 2 and 3 with every layer, optimizer and metric, which `layer_models.py` writes.

use super::keras::{batch, check_all, check_predictions, folder, models, named};
use gradus::formats::keras;
use gradus::losses::{MeanSquaredError, SparseCategoricalCrossentropy};
use gradus::optimizers::Sgd;
use gradus::tape::Params;
use gradus::{Compile, Model};
use std::path::Path;

/// Loads a model for training. The settings of the file are replaced if it has none, or a part that gradus lacks.
fn load(path: &Path, labels: bool) -> Model {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let settings = match labels {
        true => Compile::new(Sgd::new(0.01), SparseCategoricalCrossentropy::new()),
        false => Compile::new(Sgd::new(0.01), MeanSquaredError::new()),
    };
    let replaced = keras::load_with(path, settings).unwrap_or_else(|error| panic!("{error}"));
    if name.ends_with("-uncompiled") || name.contains("-other-") {
        let error = keras::load(path).unwrap_err().to_string();
        assert!(error.contains("keras::load_with"), "{error}");
        return replaced;
    }
    keras::load(path).unwrap_or_else(|error| panic!("{error}"))
}

fn check(path: &Path) {
    let place = path.display().to_string();
    let arrays = Params::load(path.with_extension("safetensors")).unwrap();
    let model = keras::load_architecture(path).and_then(|architecture| architecture.into_model());
    let model = model.unwrap_or_else(|error| panic!("{error}"));
    let found = model.predict_dataset(&batch(&model, &arrays)).unwrap();
    let expected = &named(&arrays, "prediction")[""];
    check_predictions(found.values().next().unwrap(), expected.view(), &place);
    let mut model = load(path, arrays.id("label/").is_ok());
    let before = model.params().sha256();
    let data = batch(&model, &arrays);
    let losses: Vec<f64> = (0..2).map(|_| model.train_on_batch(&data).unwrap().get("loss").unwrap()).collect();
    assert!(losses.iter().all(|loss| loss.is_finite()), "{place}: losses {losses:?}");
    assert_ne!(model.params().sha256(), before, "{place}: training changed no weight");
}

#[test]
#[ignore = "tests/interop/run calls it"]
fn whole_models_of_every_layer() {
    for library in ["tf_keras", "keras"] {
        let found = models(&folder().join("layers").join(library));
        check_all(&found, check);
        println!("{} models of {library} open, predict equally and train", found.len());
        assert!(found.len() > 150);
    }
}
