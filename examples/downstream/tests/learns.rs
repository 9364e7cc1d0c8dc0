//! Tests of a whole model with custom parts.

use downstream::{network, table};
use gradus::{Fit, Model, Progress};

fn trained(threads: usize) -> Model {
    let data = table::rows(600, 1).unwrap();
    let mut model = network::residual(2).compile(network::settings(3).threads(threads)).unwrap();
    model.fit(&data, Fit::new().epochs(15).progress(Progress::Quiet)).unwrap();
    model
}

#[test]
fn the_model_explains_most_of_the_variance_of_test_rows() {
    let scores = trained(1).evaluate(&table::rows(300, 2).unwrap()).unwrap();
    assert!(scores.get("r2_score") > Some(0.9), "{scores}");
}

#[test]
fn threads_do_not_change_a_bit() {
    assert_eq!(trained(1).params().sha256(), trained(2).params().sha256());
}

#[test]
fn a_saved_model_loads_with_the_registry_only() {
    let (model, rows) = (trained(1), table::rows(9, 5).unwrap().rows(..).unwrap().inputs().unwrap());
    let path = std::env::temp_dir().join(format!("downstream-{}.safetensors", std::process::id()));
    model.save(&path).unwrap();
    let loaded = Model::load_with(&path, &network::registry()).unwrap();
    assert_eq!(loaded.predict(&rows).unwrap(), model.predict(&rows).unwrap());
    assert_eq!(loaded.summary(), model.summary());
    // Without the registry the classes of this crate are unknown.
    let unknown = Model::load(&path).unwrap_err().to_string();
    assert!(unknown.contains(": unknown layer"), "{unknown}");
    std::fs::remove_file(path).unwrap();
}
