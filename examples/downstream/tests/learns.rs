//! The parts of this crate, working together.

use downstream::{network, table};
use gradus::data::Dataset;
use gradus::{Fit, Model, Progress};

fn trained(threads: usize) -> Model {
    let data = table::rows(600, 1).unwrap();
    let mut model = network::residual(2).compile(network::settings(3).threads(threads)).unwrap();
    model.fit(&data, Fit::new().epochs(15).progress(Progress::Quiet)).unwrap();
    model
}

/// The mean squared distance of predictions from targets.
fn error(model: &Model, data: &gradus::data::Arrays) -> f64 {
    let rows = data.rows(..).unwrap();
    let errors = model.predict(&rows.inputs().unwrap()).unwrap() - rows.targets().unwrap();
    errors.iter().map(|error| f64::from(*error).powi(2)).sum::<f64>() / data.len() as f64
}

#[test]
fn it_explains_most_of_a_table_it_has_not_seen() {
    let test = table::rows(300, 2).unwrap();
    let (found, variance) = (error(&trained(1), &test), table::variance(&test).unwrap());
    assert!(found < 0.1 * variance, "an error of {found}, where the variance is {variance}");
}

#[test]
fn threads_do_not_change_a_bit() {
    assert_eq!(trained(1).params().sha256(), trained(2).params().sha256());
}

#[test]
fn it_comes_back_from_a_file() {
    let (model, rows) = (trained(1), table::rows(9, 5).unwrap().rows(..).unwrap().inputs().unwrap());
    let path = std::env::temp_dir().join(format!("downstream-{}.safetensors", std::process::id()));
    model.save(&path).unwrap();
    let loaded = Model::load_with(&path, &network::registry()).unwrap();
    assert_eq!(loaded.predict(&rows).unwrap(), model.predict(&rows).unwrap());
    assert_eq!(loaded.summary(), model.summary());
    let unknown = Model::load(&path).unwrap_err().to_string();
    assert!(unknown.contains(" is not a layer that is known"), "{unknown}");
    std::fs::remove_file(path).unwrap();
}
