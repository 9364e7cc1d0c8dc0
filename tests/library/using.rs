//! Use of models: validation, memory layouts, threads, and batches.

use crate::notebooks;
use gradus::data::{Arrays, Dataset, validation_split};
use gradus::layers::{Activation, Dense, Flatten};
use gradus::losses::{CategoricalCrossentropy, SparseCategoricalCrossentropy};
use gradus::metrics::{Accuracy, R2Score};
use gradus::optimizers::{Adam, Sgd};
use gradus::tape::Tape;
use gradus::{Compile, Error, Fit, Model, Progress, Sequential};
use ndarray::{Array1, Array2, ArrayD, Axis, arr1, arr2, s};

fn quiet<'a>() -> Fit<'a> {
    Fit::new().progress(Progress::Quiet)
}

/// Rows of four numbers with labels of three classes.
fn rows(count: usize) -> (Array2<f32>, Array1<u8>) {
    let inputs = Array2::from_shape_fn((count, 4), |(row, column)| ((row * 7 + column * 3) % 11) as f32 / 11.0);
    let labels = Array1::from_shape_fn(count, |row| (row % 3) as u8);
    (inputs, labels)
}

fn classifier() -> Model {
    let network = Sequential::new([4])
        .add(Dense::new(16).activation(Activation::Tanh))
        .add(Dense::new(3).activation(Activation::Softmax));
    let settings = Compile::new(Sgd::new(0.1), SparseCategoricalCrossentropy::new()).metric(Accuracy).seed(3);
    network.compile(settings).unwrap()
}

#[test]
fn fitting_a_model_without_weights_does_not_change_it() {
    let data = Arrays::new(Array2::<f32>::ones((6, 3)), Array1::<u8>::zeros(6)).unwrap();
    let settings = Compile::new(Sgd::new(0.1), SparseCategoricalCrossentropy::new());
    let mut model = Sequential::new([3]).add(Activation::Softmax).compile(settings).unwrap();
    let history = model.fit(&data, quiet().epochs(2)).unwrap();
    let loss = model.evaluate(&data).unwrap().loss;
    assert_eq!(history.get("loss"), Some(vec![loss, loss]));
}

#[test]
fn a_validation_split_is_validation_on_the_last_rows() {
    let (inputs, labels) = rows(100);
    let data = Arrays::new(inputs, labels).unwrap();
    let (training, validation) = validation_split(&data, 0.25).unwrap();
    assert_eq!((training.len(), validation.len()), (75, 25));
    let (mut whole, mut parted) = (classifier(), classifier());
    let split = whole.fit(&data, quiet().epochs(2).validation_split(0.25)).unwrap();
    let given = parted.fit(&training, quiet().epochs(2).validation(&validation)).unwrap();
    for name in ["loss", "accuracy", "val_loss", "val_accuracy"] {
        assert_eq!(split.get(name), given.get(name), "{name}");
    }
    assert_eq!(whole.params().sha256(), parted.params().sha256());
    let scores = whole.evaluate(&validation).unwrap();
    assert_eq!(split.epochs[1].validation, Some(scores), "validation is evaluation after the epoch");
}

#[test]
fn validation_does_not_change_training() {
    let (inputs, labels) = rows(60);
    let data = Arrays::new(inputs, labels).unwrap();
    let (mut plain, mut validated) = (classifier(), classifier());
    plain.fit(&data, quiet().epochs(2)).unwrap();
    validated.fit(&data, quiet().epochs(2).validation(&data)).unwrap();
    assert_eq!(plain.params().sha256(), validated.params().sha256());
}

#[test]
fn labels_and_one_hot_rows_learn_the_same() {
    let (inputs, labels) = rows(40);
    let labeled = Arrays::new(inputs, labels).unwrap();
    let one_hot = labeled.clone().one_hot(3).unwrap();
    let network = Sequential::new([4]).add(Dense::new(3).activation(Activation::Softmax));
    let mut sparse = network.compile(Compile::new(Sgd::new(0.1), SparseCategoricalCrossentropy::new())).unwrap();
    let mut dense = network.compile(Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new())).unwrap();
    sparse.fit(&labeled, quiet().epochs(3)).unwrap();
    dense.fit(&one_hot, quiet().epochs(3)).unwrap();
    assert_eq!(sparse.params().sha256(), dense.params().sha256());
}

/// A copy of `rows` at another address.
fn layouts(rows: &Array2<f32>) -> Vec<ArrayD<f32>> {
    let turned = rows.t().as_standard_layout().into_owned().reversed_axes();
    let mut backwards = rows.slice(s![..;-1, ..;-1]).as_standard_layout().into_owned();
    backwards.invert_axis(Axis(0));
    backwards.invert_axis(Axis(1));
    let mut sparse = Array2::<f32>::from_elem((3 * rows.nrows(), 2 * rows.ncols()), f32::NAN);
    sparse.slice_mut(s![1..;3, ..;2]).assign(rows);
    let strided = sparse.slice_move(s![1..;3, ..;2]);
    let all = vec![turned.into_dyn(), backwards.into_dyn(), strided.into_dyn()];
    assert!(all.iter().all(|array| array == rows.clone().into_dyn() && !array.is_standard_layout()));
    all
}

#[test]
fn memory_layouts_give_the_same_bits_everywhere() {
    let (inputs, labels) = rows(131);
    let model = classifier();
    let expected = model.predict(&inputs).unwrap();
    let classes = model.predict_classes(&inputs).unwrap();
    let scores = model.evaluate(&Arrays::new(&inputs, &labels).unwrap()).unwrap();
    for array in layouts(&inputs) {
        assert_eq!(model.predict(&array).unwrap(), expected);
        assert_eq!(model.predict(&array.view()).unwrap(), expected);
        assert_eq!(model.predict_classes(&array).unwrap(), classes);
        assert_eq!(model.evaluate(&Arrays::new(&array, &labels).unwrap()).unwrap(), scores);
    }
}

#[test]
fn equal_rows_have_equal_predictions() {
    let row = arr1(&[0.1, 0.2, 0.3, 0.4]);
    let seen = row.broadcast((130, 4)).unwrap();
    let predictions = classifier().predict(&seen).unwrap();
    assert!(predictions.outer_iter().all(|prediction| prediction == predictions.index_axis(Axis(0), 0)));
}

#[test]
fn images_without_their_last_axis_fit() {
    let model = notebooks::lenet5().compile(Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new())).unwrap();
    let images = ndarray::Array3::from_shape_fn((5, 28, 28), |(n, i, j)| ((n + i * j) % 7) as f32 / 7.0);
    let expected = model.predict(&images.clone().insert_axis(Axis(3))).unwrap();
    assert_eq!(model.predict(&images).unwrap(), expected);
    let data = Arrays::new(images, arr2(&[[1.0f32, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]; 5])).unwrap();
    assert!(model.evaluate(&data).unwrap().loss.is_finite());
}

#[test]
fn models_and_tapes_can_be_sent_between_threads() {
    fn send<T: Send>() {}
    fn share<T: Sync>() {}
    send::<Model>();
    share::<Model>();
    send::<Sequential>();
    share::<Sequential>();
    send::<Tape>();
    send::<Error>();
}

#[test]
fn threads_predict_and_evaluate_concurrently_with_one_model() {
    let (inputs, labels) = rows(300);
    let (model, data) = (classifier(), Arrays::new(&inputs, &labels).unwrap());
    let expected = (model.predict(&inputs).unwrap(), model.evaluate(&data).unwrap());
    std::thread::scope(|scope| {
        let work = || (0..5).all(|_| (model.predict(&inputs).unwrap(), model.evaluate(&data).unwrap()) == expected);
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
    });
}

#[test]
fn models_trained_concurrently_have_the_bits_of_those_trained_alone() {
    use rayon::prelude::*;
    let (inputs, labels) = rows(200);
    let data = Arrays::new(inputs, labels).unwrap();
    let network = Sequential::new([4]).add(Dense::new(512)).add(Dense::new(3).activation(Activation::Softmax));
    let train = &|seed: u64| {
        let settings = Compile::new(Adam::default(), SparseCategoricalCrossentropy::new()).seed(seed);
        let mut model = network.compile(settings).unwrap();
        model.fit(&data, quiet().batch_size(100)).unwrap();
        model.params().sha256()
    };
    let alone: Vec<String> = (0..6).map(train).collect();
    let beside: Vec<String> = (0..6u64).into_par_iter().map(train).collect();
    assert_eq!(beside, alone);
    // Threads of the program, none of which is in the pool.
    let beside: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|seed| scope.spawn(move || train(seed))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(beside, alone);
}

#[test]
fn a_nan_row_does_not_change_other_predictions() {
    let model = Sequential::new([2, 2]).add(Flatten).add(Dense::new(3).activation(Activation::Softmax));
    let model = model.compile(Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new())).unwrap();
    let mut samples = ndarray::Array3::<f32>::ones((130, 2, 2));
    let expected = model.predict(&samples).unwrap();
    samples.index_axis_mut(Axis(0), 7).fill(f32::NAN);
    samples.index_axis_mut(Axis(0), 8).fill(f32::INFINITY);
    let predictions = model.predict(&samples).unwrap();
    let others =
        |rows: &ArrayD<f32>| rows.select(Axis(0), &(0..130).filter(|row| *row != 7 && *row != 8).collect::<Vec<_>>());
    assert_eq!(others(&predictions), others(&expected));
    assert!(predictions.index_axis(Axis(0), 7).iter().all(|p| p.is_nan()), "NaN is not hidden");
}

#[test]
fn metrics_that_are_not_means_use_all_batches() {
    let (inputs, labels) = rows(300);
    let targets = gradus::data::to_categorical(labels.iter().copied(), Some(3)).unwrap();
    let data = Arrays::new(&inputs, &targets).unwrap();
    let network = Sequential::new([4]).add(Dense::new(3).activation(Activation::Softmax));
    let settings = Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new()).metric(R2Score).metric(Accuracy);
    let model = network.compile(settings).unwrap();
    let (batches, whole) = (model.evaluate(&data).unwrap(), model.test_on_batch(&data).unwrap());
    for (found, expected) in batches.values().into_iter().zip(whole.values()) {
        approx::assert_relative_eq!(found, expected, max_relative = 1e-6);
    }
    let parts = |range| model.evaluate(&data.rows(range).unwrap()).unwrap().values()[1];
    let mean = (128.0 * (parts(0..128) + parts(128..256)) + 44.0 * parts(256..300)) / 300.0;
    assert!((batches.values()[1] - mean).abs() > 1e-6, "a mean over batches would be {mean}");
}
