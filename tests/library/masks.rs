//! Masks through the public interface: training, saving, resuming, and custom layers.

use gradus::data::{Arrays, Dataset, PadSide, Rows, Sequences};
use gradus::layers::{Activation, BatchNorm, Cursor, Dense, Embedding, GlobalAveragePool1d, Layer, Masking, Weights};
use gradus::losses::{BinaryCrossentropy, SparseCategoricalCrossentropy};
use gradus::metrics::{Accuracy, Precision};
use gradus::optimizers::Adam;
use gradus::tape::Var;
use gradus::{
    BatchEnd, Callback, Checkpoints, Compile, Fit, Flow, Model, Progress, Result, Sequential, Shape, Spec, Stop,
};
use ndarray::{Array1, Array2, Array3, s};
use tempfile::tempdir;

/// Labels each step of a sequence; padding is 0.
fn tagger() -> Model {
    let network = Sequential::new([6, 5])
        .add(Masking::new(0.0))
        .add(BatchNorm::new())
        .add(Dense::new(3).activation(Activation::Softmax));
    let settings = Compile::new(Adam::new(0.02), SparseCategoricalCrossentropy::new());
    network.compile(settings.metric(Accuracy).weighted_metric(Accuracy).seed(3)).unwrap()
}

/// Sequences of 0 to 6 steps, with a label for each step. Labels of padding are `label`, and count in no score.
fn tagged(label: u8) -> Arrays {
    let steps = |row: usize| row * 5 % 7;
    let x = Array3::from_shape_fn((40, 6, 5), |(i, j, k)| {
        if j < steps(i) { ((7 * i + 5 * j + 3 * k) % 11) as f32 / 5.0 - 0.9 } else { 0.0 }
    });
    let labels = Array2::from_shape_fn((40, 6), |(i, j)| if j < steps(i) { ((i + 2 * j) % 3) as u8 } else { label });
    let weights = (0..40).map(|row| (row % 4) as f32);
    Arrays::new(x, labels).unwrap().with_sample_weight(weights).unwrap()
}

fn quiet<'a>() -> Fit<'a> {
    Fit::new().epochs(3).batch_size(7).progress(Progress::Quiet)
}

#[test]
fn labels_of_padding_change_neither_training_nor_scores() {
    let train = |label| {
        let mut model = tagger();
        let history = model.fit(&tagged(label), quiet()).unwrap();
        let scores = model.evaluate(&tagged(label)).unwrap();
        (model.params().sha256(), history.epochs.last().unwrap().scores.clone(), scores)
    };
    assert_eq!(train(0), train(2));
}

#[test]
fn the_confusion_matrix_counts_valid_steps() {
    let (model, data) = (tagger(), tagged(1));
    let confusion = model.confusion_matrix(&data).unwrap();
    let count: u64 = (0..3).flat_map(|a| (0..3).map(move |b| (a, b))).map(|(a, b)| confusion.count(a, b)).sum();
    assert_eq!(count, (0..40).map(|row| row * 5 % 7).sum::<u64>());
}

/// Pauses after a step.
struct Pause(u64);

impl Callback for Pause {
    fn batch_end(&mut self, model: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        Ok(if model.step() == self.0 { Flow::Break(Stop::Paused) } else { Flow::Continue(()) })
    }
}

#[test]
fn training_resumed_within_an_epoch_has_the_bits_and_scores_of_uninterrupted_training() {
    let (data, folder) = (tagged(0), tempdir().unwrap());
    let mut whole = tagger();
    let expected = whole.fit(&data, quiet()).unwrap();
    let mut paused = tagger();
    let checkpoints = || Checkpoints::new(folder.path());
    paused.fit(&data, quiet().checkpoints(checkpoints()).callback(&mut Pause(9))).unwrap();
    let mut resumed = tagger();
    let history = resumed.fit(&data, quiet().resume(folder.path())).unwrap();
    assert_eq!(resumed.step(), whole.step());
    assert_eq!(resumed.params().sha256(), whole.params().sha256());
    for (found, expected) in history.epochs.iter().zip(&expected.epochs) {
        assert_eq!(found.scores, expected.scores);
    }
}

fn sentences() -> Sequences {
    let rows = (0..12).map(|row| Array1::from_shape_fn(1 + row % 4, |step| (1 + (3 * row + step) % 6) as f32));
    Sequences::new(rows, Array2::from_shape_fn((12, 1), |(row, _)| (row % 2) as f32)).unwrap()
}

fn classifier(steps: usize) -> Model {
    let network = Sequential::new([steps])
        .add(Embedding::new(7, 4).mask_zero(true))
        .add(GlobalAveragePool1d::new())
        .add(Dense::new(1).activation(Activation::Sigmoid));
    network.compile(Compile::new(Adam::new(0.1), BinaryCrossentropy::new()).metric(Precision::default())).unwrap()
}

#[test]
fn the_side_of_padding_and_more_padding_do_not_change_predictions() {
    let all = |side| Rows::range(&sentences().pad(side, 0.0).unwrap(), ..).unwrap().inputs().unwrap();
    let (before, after) = (all(PadSide::Before), all(PadSide::After));
    assert_ne!(before, after);
    let model = classifier(4);
    let near = |a: &ndarray::ArrayD<f32>, b: &ndarray::ArrayD<f32>| (a - b).iter().all(|error| error.abs() < 1e-6);
    let expected = model.predict(&after).unwrap();
    assert!(near(&model.predict(&before).unwrap(), &expected));
    let mut longer = Array2::<f32>::zeros((12, 9));
    longer.slice_mut(s![.., ..4]).assign(&after.into_dimensionality::<ndarray::Ix2>().unwrap());
    assert!(near(&classifier(9).predict(&longer).unwrap(), &expected));
}

#[test]
fn masks_are_saved_with_the_model() {
    let data = Rows::range(&sentences(), ..).map(|rows| (rows.inputs().unwrap(), rows.targets().unwrap())).unwrap();
    let data = Arrays::new(data.0, data.1).unwrap();
    let mut model = classifier(4);
    model.fit(&data, Fit::new().epochs(2).batch_size(5).progress(Progress::Quiet)).unwrap();
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    let loaded = Model::load(&path).unwrap();
    assert_eq!(loaded.evaluate(&data).unwrap(), model.evaluate(&data).unwrap());
    assert!(loaded.layers().any(|layer| layer.spec().to_string().contains("mask_zero=true")));
}

/// The last valid step of each sequence that is padded after its end.
#[derive(Debug)]
struct LastStep;

impl Layer for LastStep {
    fn build(&self, inputs: &[Shape], _: &mut Weights<'_>) -> Result<Vec<Shape>> {
        Ok(vec![Shape::from([inputs[0].last()])])
    }

    fn record<'r>(&self, _: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, shape) = (inputs[0], inputs[0].shape());
        let [rows, steps] = [shape.axis(0), shape.axis(1)];
        let Some(mask) = x.mask() else { return vec![x.slice(&[0, steps - 1, 0], [rows, 1, shape.last()]).flatten()] };
        // A step is the last one if it is valid and the next one is not.
        let next = mask.slice(&[0, 1], [rows, steps - 1]).pad(&[[0, 0], [0, 1]], 0.0);
        vec![(x * (mask - next).reshape([rows, steps, 1])).sum_axes(&[1], false).without_mask()]
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn spec(&self) -> Spec {
        Spec::new("LastStep")
    }
}

#[test]
fn a_custom_layer_uses_and_ends_a_mask() {
    let network = Sequential::new([3, 2]).add(Masking::new(0.0)).add(LastStep);
    let model = network.architecture(0).unwrap().into_model().unwrap();
    let x = ndarray::arr3(&[[[1.0f32, 2.0], [3.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [2.0, 2.0], [4.0, 5.0]]]);
    assert_eq!(model.predict(&x).unwrap(), ndarray::arr2(&[[3.0f32, 0.0], [4.0, 5.0]]).into_dyn());
    let rows = sentences();
    assert_eq!((rows.open_axes(), rows.steps(2)), (&[0][..], 3));
}
