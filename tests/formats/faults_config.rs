//! Files with options of classes and attributes of operators: each one takes effect or is rejected by name.

use gradus::data::Arrays;
use gradus::formats::keras::{self, Load};
use gradus::formats::npz;
use gradus::formats::onnx::{self, Graph, Tensor};
use gradus::layers::{Cursor, Dense, Layer, Weights};
use gradus::losses::{MeanSquaredError, SparseCategoricalCrossentropy};
use gradus::optimizers::Sgd;
use gradus::save::Registry;
use gradus::tape::Var;
use gradus::{Compile, FromSpec, Result, Settings, Shape, Spec};
use ndarray::ArrayD;
use std::fs;
use std::path::PathBuf;

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "faults", name].iter().collect()
}

fn array(name: &str, key: &str) -> ArrayD<f32> {
    npz::read(file(name)).unwrap().remove(key).unwrap().into_floats()
}

#[track_caller]
fn check_close(found: &ArrayD<f32>, expected: &ArrayD<f32>) {
    assert_eq!(found.shape(), expected.shape());
    let largest = expected.iter().fold(1.0f32, |largest, value| largest.max(value.abs()));
    let far = found.iter().zip(expected).find(|(a, b)| (**a - **b).abs() > 1e-5 * largest);
    assert!(far.is_none(), "{far:?}");
}

/// The class `mine>Dense` of the file: the output of a dense layer multiplied by 3.
#[derive(Debug)]
struct Tripled(Dense);

impl Layer for Tripled {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        self.0.build(inputs, weights)
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        self.0.record(weights, inputs).into_iter().map(|y| y * 3.0).collect()
    }

    fn spec(&self) -> Spec {
        Spec::new(Tripled::CLASS).with("units", 2)
    }
}

impl FromSpec for Tripled {
    const CLASS: &'static str = "mine>Dense";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Tripled> {
        assert_eq!((settings.str("activation")?, settings.bool("use_bias")?), ("linear", true));
        settings.nested("kernel_initializer")?;
        settings.nested("bias_initializer")?;
        Ok(Tripled(Dense::new(settings.uint("units")?)))
    }
}

#[test]
fn custom_classes_are_distinguished_from_keras_classes_of_the_same_name() {
    let path = file("custom_class_named_dense.keras");
    let error = keras::load(&path).unwrap_err().to_string();
    let expected = "layer \"dense_42\": mine>Dense is not a supported layer. \
        To add a class, pass a Registry to keras::load_with";
    assert_eq!(error, format!("{}: {expected}", path.display()));
    let model = keras::load_with(&path, Registry::new().layer::<Tripled>()).unwrap();
    let [x, y] = ["x", "y"].map(|key| array("custom_class_named_dense.npz", key));
    check_close(&model.predict(&x).unwrap(), &y);
    let compile = Compile::new(Sgd::new(0.1), MeanSquaredError::new());
    let load = Load::new().registry(Registry::new().layer::<Tripled>()).compile(compile);
    check_close(&keras::load_with(&path, load).unwrap().predict(&x).unwrap(), &y);
}

#[test]
fn ignored_classes_do_not_contribute_to_the_loss() {
    let model = keras::load(file("ignore_class_0.keras")).unwrap();
    let [x, y] = ["x", "y"].map(|key| array("ignore_class_0.npz", key));
    check_close(&model.predict(&x).unwrap(), &y);
    let labels = array("ignore_class_0.npz", "labels").mapv(|label| label as i64);
    let expected = array("ignore_class_0.npz", "loss").sum();
    let found = model.evaluate(&Arrays::new(&x, &labels).unwrap()).unwrap().loss;
    assert!((found - f64::from(expected)).abs() < 1e-5, "{found}, expected {expected}");
    // The label of an ignored position need not be a class.
    let compile = Compile::new(Sgd::new(0.1), SparseCategoricalCrossentropy::new().ignore_class(255));
    let model = keras::load_with(file("ignore_class_0.keras"), compile).unwrap();
    let relabeled = labels.mapv(|label| if label == 0 { 255 } else { label });
    let found = model.evaluate(&Arrays::new(&x, &relabeled).unwrap()).unwrap().loss;
    assert!((found - f64::from(expected)).abs() < 1e-5, "{found}, expected {expected}");
    let error = model.evaluate(&Arrays::new(&x, relabeled.mapv(|label| label + 1)).unwrap()).unwrap_err().to_string();
    assert!(error.contains("256"), "{error}");
}

#[test]
fn operands_are_broadcast_by_the_rules_of_the_operator_set() {
    let [x, y] = ["x", "y"].map(|key| array("opset_6_broadcast.npz", key));
    let run = Graph::load(file("opset_6_broadcast.onnx")).unwrap().run(&[Tensor::from(&*x)]).unwrap();
    check_close(&run[0].array().unwrap(), &y);
    let imported = onnx::import(file("opset_6_broadcast.onnx")).unwrap();
    let model = imported.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new())).unwrap();
    check_close(&model.predict(&x).unwrap(), &y);
}

/// Returns the file with another operator set.
fn with_operator_set(version: u8) -> Vec<u8> {
    let mut bytes = fs::read(file("opset_6_broadcast.onnx")).unwrap();
    // The last field of the file is a message with an empty domain and the version.
    let length = bytes.len();
    assert_eq!(bytes[length - 4..], [10, 0, 16, 6]);
    bytes[length - 1] = version;
    bytes
}

#[test]
fn attributes_and_operator_sets_that_are_unknown_are_rejected() {
    let [x] = ["x"].map(|key| array("opset_6_broadcast.npz", key));
    let error = |version| {
        let run = Graph::from_bytes(&with_operator_set(version)).and_then(|graph| graph.run(&[Tensor::from(&*x)]));
        run.unwrap_err().to_string()
    };
    let expected = "ONNX: not supported: Add \"y\" (unknown attribute axis; it has none in operator set 7; \
        unknown attribute broadcast; it has none in operator set 7)";
    assert_eq!(error(7), expected);
    for version in [0, 28, 99] {
        let expected = format!(
            "ONNX: it needs operator set {version} of ai.onnx, supported are 1 to 27; \
             convert it with onnx.version_converter, or export it again"
        );
        assert_eq!(error(version), expected);
    }
    assert!(Graph::from_bytes(&with_operator_set(27)).is_ok());
}
