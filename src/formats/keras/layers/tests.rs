//! The tables of parts, and the conversion of notations.

use super::*;
use crate::Shape;
use crate::formats::keras::families::{CONSTRAINT, Family, INITIALIZER, LAYER, REGULARIZER};
use crate::formats::keras::reader::Reader;
use crate::formats::keras::result::Result;
use crate::layers::samples;
use crate::registry::{BUILT_IN, Part};
use crate::save::Registry;
use serde_json::{Value, json};

/// Layers that Keras does not have.
const ONLY_GRADUS: &[&str] = &["OnnxGraph"];

#[test]
fn every_layer_is_in_the_table_or_only_in_gradus() {
    let classes = <dyn Layer>::built_in();
    for (class, _) in &classes {
        let kind = LAYERS.iter().find(|kind| kind.class == *class);
        assert!(kind.is_some() != ONLY_GRADUS.contains(class), "{class} must be in LAYERS or in ONLY_GRADUS");
        if let Some(kind) = kind {
            BUILT_IN.make::<dyn Layer>(&(kind.template)()).unwrap();
        }
    }
    assert!(LAYERS.iter().all(|kind| classes.iter().any(|(class, _)| *class == kind.class)));
}

#[test]
fn every_initializer_regularizer_and_constraint_round_trips() {
    for kind in INITIALIZERS.iter().chain(REGULARIZERS) {
        let spec = (kind.template)();
        let initializer = BUILT_IN.make::<dyn Initializer>(&spec).map(|initializer| initializer.spec());
        let regularizer = || BUILT_IN.make::<dyn Regularizer>(&spec).map(|regularizer| regularizer.spec());
        assert_eq!(initializer.or_else(|_| regularizer()).unwrap(), spec);
    }
    let found = |family: &Family, class| assert!(family.find(class).is_some(), "{class} must be in the table");
    <dyn Initializer>::built_in().into_iter().for_each(|(class, _)| found(&INITIALIZER, class));
    <dyn Regularizer>::built_in().into_iter().for_each(|(class, _)| found(&REGULARIZER, class));
    <dyn Constraint>::built_in().into_iter().for_each(|(class, _)| found(&CONSTRAINT, class));
    for kind in CONSTRAINTS {
        let spec = (kind.template)();
        assert_eq!(BUILT_IN.make::<dyn Constraint>(&spec).unwrap().spec(), spec);
    }
}

#[test]
fn regularizers_round_trip() {
    let both = L1L2::new(0.25, 0.5);
    let layer = Dense::new(2).kernel_regularizer(both).bias_regularizer(L1::new(0.125)).spec();
    let config = LAYER.find("Dense").unwrap().config(&layer).unwrap();
    assert_eq!(config["kernel_regularizer"]["module"], "keras.regularizers");
    assert_eq!(read("Dense", Value::Object(config), Shape::SCALAR).unwrap(), layer.to_string());
    let unknown = json!({"units": 2, "kernel_regularizer": {"class_name": "L3", "config": {}}});
    let error = read("Dense", unknown, Shape::SCALAR).unwrap_err();
    let expected = "here (Dense): kernel_regularizer: L3 is not a supported regularizer. \
        To add a class, pass a Registry to keras::load_with";
    assert_eq!(error, expected);
}

fn read(class: &str, config: Value, input: Shape) -> Result<String> {
    let registry = Registry::new();
    let mut reader = Reader::new(&registry);
    let value = json!({"class_name": class, "config": config});
    let object = crate::formats::keras::object::Object::read(&value).unwrap();
    let spec = reader.object(&LAYER, "here", &value, object, Some(input));
    reader.finish().map(|()| spec.unwrap().to_string())
}

/// A configuration that is written is read as the layer, for all samples of layers. Equivalent notations of an axis may differ.
#[test]
fn every_layer_round_trips() {
    let without_axis = |spec: &Spec| {
        let settings = spec.settings().iter().filter(|(name, _)| name != "axis");
        settings.fold(Spec::new(spec.class()), |spec, (name, value)| spec.with(name.clone(), value.clone())).to_string()
    };
    let (mut count, mut differences) = (0, Vec::new());
    for sample in samples().into_iter().flat_map(|(_, samples)| samples) {
        let spec = sample.layer.spec();
        // Keras may have no name for a function.
        let Ok(config) = LAYER.find(spec.class()).unwrap().config(&spec) else { continue };
        count += 1;
        let (registry, value) = (Registry::new(), json!({"class_name": spec.class(), "config": config}));
        let mut reader = Reader::new(&registry);
        let object = crate::formats::keras::object::Object::read(&value).unwrap();
        let found = reader.object(&LAYER, "here", &value, object, sample.inputs.first().copied());
        match (reader.finish(), found.map(|found| registry.make_layer(&found))) {
            (Ok(()), Some(Ok(layer))) if without_axis(&layer.spec()) == without_axis(&spec) => {}
            (problem, layer) => differences.push(format!("{spec}: {problem:?}, {layer:?}\n")),
        }
    }
    assert!(differences.is_empty(), "{}", differences.concat());
    assert!(count > 200, "{count} samples");
}

#[test]
fn differing_notations_of_keras_are_converted() {
    let images = Shape::from([4, 6, 2]);
    let normalization = |axis: Value| read("BatchNormalization", json!({"axis": axis}), images);
    assert_eq!(normalization(json!([3])), normalization(json!(3)));
    assert!(normalization(json!(1)).unwrap().ends_with("axis=1)"));
    let dropout = |shape: Value| read("Dropout", json!({"rate": 0.5, "noise_shape": shape}), images).unwrap();
    assert_eq!(dropout(json!([null, 1, 6])), "Dropout(rate=0.5, noise_shape=[0, 1, 6])");
    assert_eq!(dropout(json!(null)), "Dropout(rate=0.5)");
    let pool = read("MaxPooling2D", json!({"pool_size": 3, "strides": null}), images).unwrap();
    assert_eq!(pool, "MaxPooling2D(pool_size=[3, 3], strides=[3, 3], padding=valid)");
    let padding = |padding: Value| read("ZeroPadding2D", json!({"padding": padding}), images).unwrap();
    assert_eq!(padding(json!(2)), "ZeroPadding2D(padding=[2, 2, 2, 2])");
    assert_eq!(padding(json!([1, 2])), "ZeroPadding2D(padding=[1, 1, 2, 2])");
    assert_eq!(padding(json!([[1, 0], [2, 3]])), "ZeroPadding2D(padding=[1, 0, 2, 3])");
    let config = LAYER.find("ZeroPadding2D").unwrap().config(&ZeroPadding2d::new(3).spec()).unwrap();
    assert_eq!(config["padding"], json!([[3, 3], [3, 3]]));
    assert_eq!(read("LeakyReLU", json!({"alpha": 0.5}), images).unwrap(), "LeakyReLU(negative_slope=0.5)");
    assert_eq!(read("Activation", json!({"activation": "swish"}), images).unwrap(), "Activation(activation=silu)");
    assert_eq!(read("Concatenate", json!({"axis": 1}), images).unwrap(), "Concatenate(axis=1)");
    let tanh = LAYER.find("Activation").unwrap().config(&Activation::GeluTanh.spec());
    assert_eq!(tanh.unwrap_err(), "Activation has activation gelu_tanh, for which Keras has no name");
    let reshape = |shape: Value| read("Reshape", json!({"target_shape": shape}), images);
    assert_eq!(reshape(json!([-1, 4])).unwrap(), "Reshape(target_shape=[12, 4])");
    assert_eq!(reshape(json!([-1, 0])).unwrap_err(), "here (Reshape): target_shape does not fit the input");
    let twice = reshape(json!([-1, -1])).unwrap_err();
    assert_eq!(twice, "here (Reshape): target_shape is [48,-1], expected integers ≥ 0");
}

/// Otherwise Keras would use the order of the user's settings.
#[test]
fn the_order_of_axes_is_written() {
    let written = |layer: Spec| LAYER.find(layer.class()).unwrap().config(&layer).unwrap();
    for layer in
        [Conv2d::new(2, 3).spec(), GlobalAveragePool2d::new().spec(), Flatten.spec(), ConvLstm2d::new(1, 1).spec()]
    {
        assert_eq!(written(layer)["data_format"], "channels_last");
    }
    assert!(!written(SpatialDropout1d::new(0.5).spec()).contains_key("data_format"));
}

/// Keras refuses to open such layers.
#[test]
fn strides_and_dilation_are_not_written_together() {
    let written = |layer: Spec| LAYER.find(layer.class()).unwrap().config(&layer);
    let convolutions = [
        Conv1d::new(2, 3).strides(2).dilation_rate(2).spec(),
        Conv2d::new(2, 3).strides([2, 1]).dilation_rate([1, 2]).spec(),
        Conv3d::new(2, 3).strides(2).dilation_rate(3).spec(),
        Conv1dTranspose::new(2, 3).strides(2).dilation_rate(2).spec(),
        Conv2dTranspose::new(2, 3).strides(2).dilation_rate(2).spec(),
        Conv3dTranspose::new(2, 3).strides(2).dilation_rate(2).spec(),
        ConvLstm2d::new(2, 3).strides(2).dilation_rate(2).spec(),
    ];
    for layer in convolutions {
        let problem = " has strides and dilation_rate greater than 1, and in Keras one of them must be 1";
        assert_eq!(written(layer.clone()).unwrap_err(), format!("{}{problem}", layer.class()));
    }
    written(DepthwiseConv2d::new(3).strides(2).dilation_rate(2).spec()).unwrap();
    written(Conv2d::new(2, 3).strides(2).spec()).unwrap();
    written(Conv2d::new(2, 3).dilation_rate(2).spec()).unwrap();
}

#[test]
fn custom_activations_are_rejected() {
    let activation = |activation: Value| read("Dense", json!({"units": 2, "activation": activation}), Shape::from(3));
    let function = |name: &str| json!({"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"});
    assert!(activation(function("relu")).unwrap().contains("activation=relu"));
    assert!(activation(Value::Null).unwrap().contains("activation=linear"));
    let error = activation(function("mine>relu")).unwrap_err();
    assert!(
        error.starts_with("here (Dense): activation is mine>relu, and only these are supported: linear, relu,"),
        "{error}"
    );
    let layer =
        json!({"module": "keras.layers", "class_name": "ReLU", "config": {"max_value": 6.0}, "registered_name": null});
    let error = activation(layer).unwrap_err();
    assert!(error.starts_with("here (Dense): activation is ReLU, and only these are supported"), "{error}");
}
