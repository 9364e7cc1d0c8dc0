//! Messages of errors state place, found, expected and remedy.

use gradus::data::Arrays;
use gradus::initializers::Ones;
use gradus::layers::{
    Activation, BatchNorm, Conv2d, Cursor, Dense, Dropout, Flatten, Layer, MaxPool2d, Padding, Weights,
};
use gradus::losses::{CategoricalCrossentropy, SparseCategoricalCrossentropy};
use gradus::optimizers::{Adam, RmsProp, Sgd};
use gradus::tape::{Mode, Params, Recorder, Var};
use gradus::{Compile, Error, Fit, Model, Progress, Result, Sequential, Shape, Spec};
use ndarray::{Array1, Array2, Array3, Array4, ArrayD, IxDyn, arr1};

fn settings() -> Compile {
    Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new())
}

fn rejected<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

fn classifier() -> Model {
    Sequential::new([4]).add(Dense::new(3).activation(Activation::Softmax)).compile(settings()).unwrap()
}

fn quiet<'a>() -> Fit<'a> {
    Fit::new().progress(Progress::Quiet)
}

#[test]
fn layers_that_do_not_fit_together() {
    let network = Sequential::new([28, 28]).add(Conv2d::new(6, 2));
    let text =
        "layer 1 (conv2d): found shape 28 × 28, expected images height × width × channels; Reshape adds a missing axis";
    assert_eq!(rejected(network.compile(settings())), text);
    let network = Sequential::new([3, 3, 1]).add(Conv2d::new(6, 5));
    let text = "layer 1 (conv2d): found shape 3 × 3 × 1, expected images of at least 5 × 5, or padding `same`";
    assert_eq!(rejected(network.compile(settings())), text);
    let network = Sequential::new([1, 9, 1]).add(MaxPool2d::new(2));
    let text = "layer 1 (max_pooling2d): found shape 1 × 9 × 1, expected images n × height × width × channels of at least 2 × 2";
    assert_eq!(rejected(network.compile(settings())), text);
    assert_eq!(rejected(Sequential::new([4]).compile(settings())), "Sequential: layers must be at least 1, got 0");
}

#[test]
fn settings_out_of_range() {
    let layer = |layer: Dropout| rejected(Sequential::new([4]).add(layer).compile(settings()));
    assert_eq!(layer(Dropout::new(1.2)), "Dropout: rate must be ≥ 0 and < 1, got 1.2");
    assert_eq!(layer(Dropout::new(f32::NAN)), "Dropout: rate must be ≥ 0 and < 1, got NaN");
    let dense = Sequential::new([4]).add(Dense::new(0));
    assert_eq!(rejected(dense.compile(settings())), "Dense: units must be at least 1, got 0");
    let norm = Sequential::new([4]).add(BatchNorm::new().momentum(2.0));
    assert_eq!(rejected(norm.compile(settings())), "BatchNorm: momentum must be ≥ 0 and ≤ 1, got 2");
    let network = Sequential::new([4]).add(Dense::new(3));
    let optimizer = |settings: Compile| rejected(network.compile(settings));
    let loss = CategoricalCrossentropy::new;
    let text = optimizer(Compile::new(Sgd::new(-0.1), loss()));
    assert_eq!(text, "Sgd: learning_rate must be finite and ≥ 0, got -0.1");
    let text = optimizer(Compile::new(RmsProp::new(0.1).rho(1.0), loss()));
    assert_eq!(text, "RmsProp: rho must be ≥ 0 and < 1, got 1");
    let text = optimizer(Compile::new(Adam::new(f32::INFINITY), loss()));
    assert_eq!(text, "Adam: learning_rate must be finite and ≥ 0, got inf");
    let text = optimizer(Compile::new(Adam::new(f32::NAN), loss()));
    assert_eq!(text, "Adam: learning_rate must be finite and ≥ 0, got NaN");
    let error = network.compile(Compile::new(Sgd::new(f32::NAN), loss())).unwrap_err();
    assert!(matches!(error, Error::Setting { name: "learning_rate", value, .. } if value.to_string() == "NaN"));
    let text = optimizer(settings().threads(0));
    assert_eq!(text, "threads: must be at least 1, got 0");
}

#[test]
fn data_that_does_not_fit_the_model() {
    let mut model = classifier();
    let wide = Arrays::new(Array2::<f32>::zeros((6, 5)), Array2::<f32>::zeros((6, 3))).unwrap();
    let text = "inputs per sample: found shape 5, expected 4, the model's input; give samples of this shape, or create the \
                network with inputs of shape 5";
    assert_eq!(rejected(model.fit(&wide, quiet())), text);
    assert_eq!(rejected(model.evaluate(&wide)), text);
    assert_eq!(rejected(model.predict(&Array2::<f32>::zeros((6, 5)))), text);
    let square = Array3::<f32>::zeros((6, 2, 2));
    let text = "inputs per sample: found shape 2 × 2, expected 4, the model's input; reshape the dataset or add a Reshape layer first";
    assert_eq!(rejected(model.predict(&square)), text, "an equal number of elements can be reshaped");
    let text = "predict: found shape 4, expected a batch axis and 4 per sample; insert_axis adds one";
    assert_eq!(rejected(model.predict(&Array1::<f32>::zeros(4))), text);
    let text = "the array of samples is empty; it needs at least one row";
    assert_eq!(rejected(model.predict(&Array2::<f32>::zeros((0, 4)))), text);
    let one_hot = Arrays::new(Array2::<f32>::zeros((6, 4)), Array2::<f32>::zeros((6, 7))).unwrap();
    let error = model.fit(&one_hot, quiet()).unwrap_err();
    let text = "targets for CategoricalCrossentropy: found numbers of shape 7 per row, expected numbers from 0 to 1 of shape 3 \
                per row, such as one-hot rows; give the targets the shape of the model's output, or change the number of \
                units of the last layer";
    assert_eq!(error.to_string(), text);
    assert!(matches!(error, Error::Target { .. }));
    let validation = quiet().validation(&wide);
    let good = Arrays::new(Array2::<f32>::zeros((6, 4)), Array2::<f32>::zeros((6, 3))).unwrap();
    assert!(rejected(model.fit(&good, validation)).starts_with("inputs per sample: found shape 5"));
    assert_eq!(rejected(model.fit(&good, quiet().batch_size(0))), "Fit: batch_size must be at least 1, got 0");
    let split = |share: f64| rejected(classifier().fit(&good, quiet().validation_split(share)));
    assert_eq!(split(1.0), "Fit: validation_split must be ≥ 0 and < 1, got 1");
    assert_eq!(split(-0.1), "Fit: validation_split must be ≥ 0 and < 1, got -0.1");
    assert_eq!(split(f64::NAN), "Fit: validation_split must be ≥ 0 and < 1, got NaN");
    let text =
        "the training part of a dataset of length 6 split with fraction 0.99 is empty; it needs at least one row";
    assert_eq!(split(0.99), text);
    assert_eq!((model.epoch(), model.step()), (0, 0), "nothing was trained");
}

#[test]
fn labels_that_are_not_classes() {
    let labels = |labels: Array1<i64>| Arrays::new(Array2::<f32>::zeros((3, 4)), labels).unwrap();
    let text = rejected(classifier().fit(&labels(arr1(&[0, 1, 2])), quiet()));
    let expected = "targets for CategoricalCrossentropy: found one integer label per row, expected numbers from 0 to 1 of shape 3 \
                    per row, such as one-hot rows; Arrays::one_hot and to_categorical make one-hot rows, and \
                    SparseCategoricalCrossentropy takes labels";
    assert_eq!(text, expected);
    let network = Sequential::new([4]).add(Dense::new(3).activation(Activation::Softmax));
    let one_hot = Arrays::new(Array2::<f32>::zeros((3, 4)), Array2::<f32>::zeros((3, 3))).unwrap();
    let sparse = Compile::new(Sgd::new(0.1), SparseCategoricalCrossentropy::new());
    let text = "targets for SparseCategoricalCrossentropy: found numbers of shape 3 per row, expected one integer label per row; \
                CategoricalCrossentropy takes one-hot rows, and arrays of integers are labels";
    assert_eq!(rejected(network.compile(sparse).unwrap().fit(&one_hot, quiet())), text);
    let sparse = Compile::new(Sgd::new(0.1), SparseCategoricalCrossentropy::new());
    let mut model = network.compile(sparse).unwrap();
    let text = "row 1: label must be an integer ≥ 0 and < 3, the number of classes, got 3";
    let error = model.fit(&labels(arr1(&[0, 3, 2])), quiet()).unwrap_err();
    assert_eq!(error.to_string(), text);
    assert!(matches!(error, Error::Label { row: 1, classes: 3, .. }));
    assert!(rejected(model.evaluate(&labels(arr1(&[0, 1, -1])))).starts_with("row 2: label must be an integer ≥ 0"));
    let error = Arrays::new(Array2::<f32>::zeros((3, 4)), arr1(&[0, 1])).unwrap_err();
    let text = "inputs have 3 rows and targets have 2; they need the same number";
    assert_eq!(error.to_string(), text);
    assert!(matches!(error, Error::Rows { first: ("inputs", 3), second: ("targets", 2) }));
    let empty = Arrays::new(Array2::<f32>::zeros((0, 4)), Array1::<i64>::zeros(0));
    let error = empty.unwrap_err();
    assert_eq!(error.to_string(), "the array of inputs is empty; it needs at least one row");
    assert!(matches!(error, Error::Empty { .. }));
}

#[test]
fn a_last_batch_of_one_row_for_batch_normalization() {
    let network = Sequential::new([4]).add(BatchNorm::new()).add(Dense::new(3).activation(Activation::Softmax));
    let data = Arrays::new(Array2::<f32>::zeros((5, 4)), Array2::<f32>::zeros((5, 3))).unwrap();
    let text = rejected(network.compile(settings()).unwrap().fit(&data, quiet().batch_size(4)));
    let expected = "batch_normalization: batch_norm: found shape 1 × 4, expected at least two rows for the \
                    statistics; choose a batch size that does not leave a batch, or a shard of a batch, of one row";
    assert_eq!(text, expected);
}

/// A dense layer works on the last axis, so the targets are the first arrays that do not fit.
#[test]
fn a_forgotten_flatten() {
    let network =
        || Sequential::new([28, 28, 1]).add(Conv2d::new(32, 3)).add(Dense::new(10).activation(Activation::Softmax));
    let data = Arrays::new(Array4::<f32>::zeros((6, 28, 28, 1)), Array1::<u8>::zeros(6)).unwrap();
    let remedy =
        "; the output is 26 × 26 × 10 per row, so put Flatten before the last Dense, or give each position a target";
    let labels = Compile::new(Sgd::new(0.1), SparseCategoricalCrossentropy::new());
    let text = rejected(network().compile(labels).unwrap().fit(&data, quiet()));
    let start = "targets for SparseCategoricalCrossentropy: found one integer label per row, expected integer labels of shape \
                 26 × 26 per row";
    assert_eq!(text, format!("{start}{remedy}"));
    let text = rejected(network().compile(settings()).unwrap().fit(&data.one_hot(10).unwrap(), quiet()));
    let start = "targets for CategoricalCrossentropy: found numbers of shape 10 per row, expected ";
    assert!(text.starts_with(start) && text.ends_with(remedy), "{text}");
}

/// Declares a weight without using it.
#[derive(Debug)]
struct Idle {
    takes: bool,
}

impl Layer for Idle {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        weights.add("scale", inputs[0].last(), &Ones)?;
        Ok(vec![inputs[0]])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        if self.takes {
            let [_scale] = weights.take();
        }
        vec![inputs[0]]
    }

    fn spec(&self) -> Spec {
        Spec::new("Idle")
    }
}

#[test]
fn a_trainable_parameter_without_a_path_to_the_loss() {
    let text = "idle/scale: trainable, but the loss does not depend on it, so it would never change; use it in the \
                loss or make it non-trainable";
    for takes in [true, false] {
        let network = Sequential::new([4]).add(Idle { takes }).add(Dense::new(3).activation(Activation::Softmax));
        assert_eq!(rejected(network.compile(settings())), text);
    }
    let mut params = Params::new();
    let [used, unused] = ["used", "unused"].map(|name| params.add(name, &arr1(&[1.0])).unwrap());
    let recorder = Recorder::new(Mode::Training);
    let _ = recorder.parameter(&params, unused);
    recorder.minimize(recorder.parameter(&params, used).sum());
    assert!(matches!(recorder.finish(), Err(Error::Unreached { parameter }) if parameter == "unused"));
}

#[test]
fn a_loss_that_is_not_one_number() {
    let recorder = Recorder::new(Mode::Training);
    recorder.minimize(recorder.variable([3]));
    let text = "minimize: found shape 3, expected a scalar to minimize; apply sum or mean first";
    assert_eq!(rejected(recorder.finish()), text);
}

#[test]
fn a_loss_that_is_a_parameter_itself() {
    let mut params = Params::new();
    let w = params.add("w", &arr1(&[1.0])).unwrap();
    let recorder = Recorder::new(Mode::Training);
    recorder.minimize(recorder.parameter(&params, w));
    let text =
        "minimize: found shape 1, expected the result of an operation to minimize, not a parameter; apply sum to it";
    assert_eq!(rejected(recorder.finish()), text);
}

#[test]
fn sizes_that_exceed_memory() {
    let network = Sequential::new([1 << 20]).add(Dense::new(1 << 44));
    let text = rejected(network.compile(settings()));
    assert!(text.starts_with("dense/kernel: an array of shape 1048576 × 17592186044416 has more elements"), "{text}");
    // Half a petabyte can be addressed, but exceeds the limit of a process.
    let error = Sequential::new([4]).add(Dense::new(1 << 45)).compile(settings()).unwrap_err();
    assert!(matches!(&error, Error::TooLarge { place, .. } if place == "dense/kernel"), "{error}");
    let recorder = Recorder::new(Mode::Inference);
    let _ = recorder.input([1 << 47]);
    assert!(matches!(recorder.finish(), Err(Error::TooLarge { .. })));
}

#[test]
fn windows_and_strides_of_any_size() {
    let network = |layer: Conv2d| Sequential::new([5, 5, 1]).add(layer).add(Flatten).add(Dense::new(2));
    let text = rejected(network(Conv2d::new(2, 3).strides((1, 0))).compile(settings()));
    assert_eq!(text, "Conv2d: strides must be ≥ 1 and < 2³¹, got 0");
    assert_eq!(rejected(network(Conv2d::new(0, 3)).compile(settings())), "Conv2d: filters must be at least 1, got 0");
    let text = rejected(network(Conv2d::new(2, 0)).compile(settings()));
    assert_eq!(text, "Conv2d: kernel_size must be at least 1, got 0");
    let giant = Conv2d::new(2, (usize::MAX, 1)).padding(Padding::Same);
    assert!(matches!(network(giant).compile(settings()), Err(Error::TooLarge { .. })));
    let strides = |size| network(Conv2d::new(2, 3).strides([size; 2]).padding(Padding::Same)).compile(settings());
    assert!(strides((1 << 31) - 1).is_ok());
    assert!(matches!(strides(usize::MAX), Err(Error::Setting { name: "strides", .. })));
    let pool = Sequential::new([5, 5, 1]).add(MaxPool2d::new(usize::MAX)).add(Flatten).add(Dense::new(2));
    assert!(matches!(pool.compile(settings()), Err(Error::Setting { name: "pool_size", .. })));
}

#[test]
fn more_axes_than_an_array_may_have() {
    let text = rejected(classifier().predict(&ArrayD::zeros(IxDyn(&[1; 7]))));
    assert_eq!(text, "predict: expected at most 6 axes, found 7: [1, 1, 1, 1, 1, 1, 1]");
    let text = rejected(Params::new().add("w", &ArrayD::zeros(IxDyn(&[1; 7]))));
    assert_eq!(text, "w: expected at most 6 axes, found 7: [1, 1, 1, 1, 1, 1, 1]");
    let text = rejected(Sequential::new([1, 1, 1, 1, 1, 4]).add(Flatten).compile(settings()));
    let expected =
        "input: found shape 1 × 1 × 1 × 1 × 1 × 4, expected at most 5 axes per sample, as a batch has one more";
    assert_eq!(text, expected);
    let text = rejected(Sequential::new([4, 0]).add(Flatten).compile(settings()));
    assert_eq!(text, "input: found shape 4 × 0, expected at least one element along each axis");
}

#[test]
fn inputs_of_a_model_may_have_one_last_axis_more_or_less() {
    let network = Sequential::new([2, 2, 1]).add(Flatten).add(Dense::new(3).activation(Activation::Softmax));
    let model = network.compile(settings()).unwrap();
    let expected = model.predict(&Array4::<f32>::ones((5, 2, 2, 1))).unwrap();
    assert_eq!(model.predict(&Array3::<f32>::ones((5, 2, 2))).unwrap(), expected);
    assert!(model.predict(&Array2::<f32>::ones((5, 4))).is_err());
}
