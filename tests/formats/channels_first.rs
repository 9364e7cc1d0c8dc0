//! Layers with `data_format` `channels_first` in files of Keras. `make_channels_first.py` wrote the files that are read.

use gradus::formats::{keras, npz};
use gradus::{Architecture, PredictInputs};
use ndarray::ArrayD;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tempfile::tempdir;

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "formats", name].iter().collect()
}

fn arrays() -> BTreeMap<String, ArrayD<f32>> {
    npz::read(path("channels_first.npz"))
        .unwrap()
        .into_iter()
        .map(|(name, array)| (name, array.into_floats()))
        .collect()
}

#[track_caller]
fn near(name: &str, found: &ArrayD<f32>, expected: &ArrayD<f32>) {
    assert_eq!(found.shape(), expected.shape(), "{name}");
    let far = found.iter().zip(expected).find(|(a, b)| (**a - **b).abs() > 1e-5);
    assert!(far.is_none(), "{name}: {far:?}");
}

/// Compares the outputs of the functional model.
#[track_caller]
fn check(network: Architecture) {
    let arrays = arrays();
    let model = network.into_model().unwrap();
    let inputs = ["image", "sequence", "volume", "frames"].iter();
    let inputs = inputs.fold(PredictInputs::new(), |all, name| all.with(*name, &arrays[*name]));
    let found = model.predict_outputs(inputs).unwrap();
    assert_eq!(found.len(), 13);
    found.iter().for_each(|(name, values)| near(name, values, &arrays[name]));
}

#[test]
fn layers_with_channels_first_predict_as_in_keras() {
    let network = keras::load_architecture(path("channels_first.keras")).unwrap();
    let folder = tempdir().unwrap();
    for name in ["again.keras", "again.h5"] {
        let written = folder.path().join(name);
        keras::save(&network.clone().into_model().unwrap(), &written).unwrap();
        check(keras::load_architecture(&written).unwrap());
    }
    check(network);
}

#[test]
fn axes_are_reordered_only_before_the_first_and_after_the_last_layer_with_channels_first() {
    let network = keras::load_architecture(path("channels_first.h5")).unwrap();
    let names: Vec<String> = network.layers().map(|layer| layer.name().to_owned()).collect();
    assert_eq!(
        names,
        [
            "channels_last_0",
            "conv2d",
            "batch_normalization",
            "activation",
            "max_pooling2d",
            "dropout",
            "conv2d_1",
            "channels_first_1"
        ]
    );
    let (model, arrays) = (network.into_model().unwrap(), arrays());
    near("y", &model.predict(&arrays["x"]).unwrap(), &arrays["y"]);
}
