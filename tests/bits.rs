//! The same seed gives the same bits: on any number of threads, on every instruction set, in one run or in two.

mod notebooks;

use gradus::data::{Arrays, mnist};
use gradus::layers::{Activation, BatchNorm, Dense, Dropout, Reshape};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::{Adam, RmsProp, Sgd};
use gradus::{Compile, Fit, Model, Progress, Sequential};
use ndarray::{Axis, s};
use notebooks::lenet5;
use std::process::{Command, Output};

fn dropout_and_batch_norm() -> Sequential {
    Sequential::new([28, 28])
        .add(Reshape::new(784))
        .add(BatchNorm::new())
        .add(Dense::new(512).activation(Activation::Relu))
        .add(Dropout::new(0.2))
        .add(Dense::new(100).activation(Activation::Sigmoid))
        .add(Dropout::new(0.5))
        .add(Dense::new(10).activation(Activation::Softmax))
}

fn digits(rows: usize) -> Arrays {
    mnist::load(None).unwrap().train.first(rows).normalized().unwrap().one_hot(10).unwrap()
}

fn settings(optimizer: &str) -> Compile {
    let loss = CategoricalCrossentropy::new();
    let settings = match optimizer {
        "sgd" => Compile::new(Sgd::new(0.1).momentum(0.9), loss),
        "adam" => Compile::new(Adam::default(), loss),
        _ => Compile::new(RmsProp::default(), loss),
    };
    settings.metric(Accuracy).seed(7)
}

fn quiet<'a>(epochs: usize, batch_size: usize) -> Fit<'a> {
    Fit::new().epochs(epochs).batch_size(batch_size).progress(Progress::Quiet)
}

/// Weights, history and predictions of a short training, as one text.
fn fingerprint(model: &mut Model, data: &Arrays, epochs: usize) -> String {
    let history = model.fit(data, quiet(epochs, 100).validation_split(0.2)).unwrap();
    let bits: Vec<String> = ["loss", "accuracy", "val_loss", "val_accuracy"]
        .iter()
        .flat_map(|name| history.get(name))
        .map(|value| format!("{:016x}", value.to_bits()))
        .collect();
    let predictions = model.predict(&data.rows(..50).unwrap().inputs().unwrap()).unwrap();
    let predictions = predictions.iter().fold(0u64, |hash, p| hash.rotate_left(5) ^ u64::from(p.to_bits()));
    format!("{} {} {predictions:016x}", model.params().sha256(), bits.join(" "))
}

/// One line for each model.
fn fingerprints(threads: usize, rows: usize) -> Vec<String> {
    let data = digits(rows);
    let networks = [
        (notebooks::lenet5(), "sgd"),
        (notebooks::dense_linear(), "adam"),
        (notebooks::dropout_mlp(), "rmsprop"),
        (notebooks::deep_sigmoid(), "sgd"),
        (dropout_and_batch_norm(), "adam"),
    ];
    let train = |(network, optimizer): (Sequential, &str)| {
        fingerprint(&mut network.compile(settings(optimizer).threads(threads)).unwrap(), &data, 1)
    };
    networks.into_iter().map(train).collect()
}

#[test]
fn threads_do_not_change_a_bit() {
    let expected = fingerprints(1, 450);
    for threads in [2, 3, 4, 7] {
        assert_eq!(fingerprints(threads, 450), expected, "{threads} threads");
    }
}

/// Prints its fingerprints where it is run as a child process.
#[test]
fn child() {
    if std::env::var_os("GRADUS_TEST_CHILD").is_some() {
        // Its number of threads is the environment's, if that is one.
        lenet5().compile(settings("sgd")).unwrap();
        fingerprints(2, 130).iter().for_each(|line| println!("fingerprint {line}"));
    }
}

/// Runs `child` in a process of its own, as environment variables are read once.
fn run_child(variable: &str, value: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env("GRADUS_TEST_CHILD", "1").env(variable, value);
    command.output().unwrap()
}

#[test]
fn instruction_sets_do_not_change_a_bit() {
    let expected = fingerprints(1, 130);
    let output = run_child("GRADUS_SIMD", "portable");
    let text = String::from_utf8(output.stdout).unwrap();
    let found: Vec<&str> = text.lines().filter_map(|line| line.split("fingerprint ").nth(1)).collect();
    assert_eq!(found, expected);
}

#[test]
fn an_instruction_set_that_does_not_exist_is_an_error() {
    let output = run_child("GRADUS_SIMD", "sse9");
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("there is no GRADUS_SIMD level on this processor") || text.contains("sse9"), "{text}");
}

#[test]
fn the_number_of_threads_may_come_from_the_environment() {
    assert!(run_child("GRADUS_THREADS", "3").status.success());
    let output = run_child("GRADUS_THREADS", "many");
    assert!(!output.status.success(), "a word is not a number of threads");
}

#[test]
fn two_and_two_epochs_are_four() {
    let data = digits(300);
    let train = |parts: &[usize]| {
        let mut model = dropout_and_batch_norm().compile(settings("adam")).unwrap();
        parts.iter().for_each(|epochs| drop(model.fit(&data, quiet(*epochs, 64)).unwrap()));
        (model.params().sha256(), model.epoch(), model.step())
    };
    assert_eq!(train(&[2, 2]), train(&[4]));
    assert_eq!(train(&[1, 3]).1, 4);
}

#[test]
fn another_seed_gives_other_weights() {
    let weights = |seed: u64| lenet5().compile(settings("sgd").seed(seed)).unwrap().params().sha256();
    assert_eq!(weights(1), weights(1));
    assert_ne!(weights(1), weights(2));
}

#[test]
fn a_layer_more_does_not_change_the_others_first_weights() {
    let short = Sequential::new([4]).add(Dense::new(3)).compile(settings("sgd")).unwrap();
    let long = Sequential::new([4]).add(Dense::new(3)).add(Activation::Relu).add(Dense::new(2));
    let long = long.compile(settings("sgd")).unwrap();
    let kernel = |model: &Model| model.params().get(model.params().id("dense/kernel").unwrap()).to_owned();
    assert_eq!(kernel(&short), kernel(&long));
}

#[test]
fn a_prediction_does_not_depend_on_its_neighbours() {
    let model = lenet5().compile(settings("sgd")).unwrap();
    let samples = digits(131).rows(..).unwrap().inputs().unwrap();
    let together = model.predict(&samples).unwrap();
    for rows in [0..1, 5..8, 127..131] {
        let apart = model.predict(&samples.slice_axis(Axis(0), rows.clone().into())).unwrap();
        assert_eq!(apart, together.slice_axis(Axis(0), rows.into()));
    }
}

#[test]
fn memory_layout_does_not_change_a_bit() {
    let model = lenet5().compile(settings("sgd")).unwrap();
    let samples = digits(6).rows(..).unwrap().inputs().unwrap();
    let expected = model.predict(&samples).unwrap();
    let turned = samples.clone().permuted_axes(vec![2, 1, 0]).as_standard_layout().to_owned();
    assert_eq!(model.predict(&turned.permuted_axes(vec![2, 1, 0])).unwrap(), expected);
    let samples = samples.into_dimensionality::<ndarray::Ix3>().unwrap();
    let every_other = model.predict(&samples.slice(s![..;2, .., ..])).unwrap();
    assert_eq!(every_other.index_axis(Axis(0), 1), expected.index_axis(Axis(0), 2));
}

#[test]
fn threads_may_predict_on_one_model_at_once() {
    let model = lenet5().compile(settings("sgd")).unwrap();
    let samples = digits(40).rows(..).unwrap().inputs().unwrap();
    let expected = model.predict(&samples).unwrap();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| model.predict(&samples).unwrap())).collect();
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), expected));
    });
}
