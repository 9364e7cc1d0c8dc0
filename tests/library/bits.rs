//! The same seed gives the same bits, on any number of threads, with every instruction set, and in one or two training runs.

use crate::child;
use crate::notebooks::{self, BasicNn, lenet5};
use gradus::data::{Arrays, Dataset, mnist};
use gradus::layers::{Activation, BatchNorm, Dense, Dropout, Reshape};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::{Adam, RmsProp, Sgd};
use gradus::{BatchEnd, Callback, Compile, Fit, Flow, Model, Progress, Result, Sequential, Stop};
use ndarray::{Axis, s};

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

/// Weights, history and predictions of a short training run as a string.
fn fingerprint(model: &mut Model, data: &Arrays, epochs: usize) -> String {
    let history = model.fit(data, quiet(epochs, 100).validation_split(0.2)).unwrap();
    let bits: Vec<String> = ["loss", "accuracy", "val_loss", "val_accuracy"]
        .iter()
        .flat_map(|name| history.get(name).unwrap())
        .map(|value| format!("{:016x}", value.to_bits()))
        .collect();
    let predictions = model.predict(&data.rows(..50).unwrap().inputs().unwrap()).unwrap();
    let predictions = predictions.iter().fold(0u64, |hash, p| hash.rotate_left(5) ^ u64::from(p.to_bits()));
    format!("{} {} {predictions:016x}", model.params().sha256(), bits.join(" "))
}

/// Each network with its optimizer.
fn networks() -> [(Sequential, &'static str); 7] {
    [
        (notebooks::lenet5(), "sgd"),
        (notebooks::dense_linear(), "adam"),
        (notebooks::dropout_mlp(), "rmsprop"),
        (notebooks::deep_sigmoid(), "sgd"),
        (dropout_and_batch_norm(), "adam"),
        (notebooks::toolbox(), "adam"),
        (notebooks::indices(), "adam"),
    ]
}

/// One line for each model.
fn fingerprints(threads: usize, rows: usize) -> Vec<String> {
    let data = digits(rows);
    let train = |(network, optimizer): (Sequential, &str)| {
        fingerprint(&mut network.compile(settings(optimizer).threads(threads)).unwrap(), &data, 1)
    };
    networks().into_iter().map(train).chain([on_the_tape(&data, threads)]).collect()
}

/// Weights and losses of a network written on the tape, after three steps on shuffled batches.
fn on_the_tape(data: &Arrays, threads: usize) -> String {
    let data = data.clone().reshaped([784]).unwrap();
    let mut network = BasicNn::new(data.len(), 100);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let losses: Vec<String> =
        pool.install(|| (0..3).map(|_| format!("{:08x}", network.step(&data).to_bits())).collect());
    format!("{} {}", network.params.sha256(), losses.join(" "))
}

#[test]
fn threads_do_not_change_a_bit() {
    let expected = fingerprints(1, 450);
    for threads in [2, 3, 4, 7] {
        assert_eq!(fingerprints(threads, 450), expected, "{threads} threads");
    }
}

/// Records the number of threads of a step.
#[derive(Default)]
struct Seen(usize);

impl Callback for Seen {
    fn batch_end(&mut self, _: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        self.0 = rayon::current_num_threads();
        Ok(Flow::Break(Stop::Done))
    }
}

/// The default number of threads of a model, or the error of `compile`.
fn ambient_threads() -> Result<usize> {
    let mut seen = Seen::default();
    lenet5().compile(settings("sgd"))?.fit(&digits(8), quiet(1, 8).callback(&mut seen))?;
    Ok(seen.0)
}

/// In a child process: reports the effect of the environment.
fn report_environment() {
    match ambient_threads() {
        Ok(threads) => child::report(&format!("threads {threads}")),
        Err(error) => return child::report(&format!("error {error}")),
    }
    if std::env::var_os("GRADUS_SIMD").is_some() {
        fingerprints(2, 130).iter().for_each(|line| child::report(&format!("bits {line}")));
    }
}

/// The report of a child process about `kind` with an environment variable set.
fn run_child(test: &str, (variable, value): (&str, &str), kind: &str) -> Vec<String> {
    let output = child::command(&format!("bits::{test}"), "").env(variable, value).output().unwrap();
    let lines = child::reported(&output);
    lines.iter().filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' ')).map(str::to_owned).collect()
}

#[test]
fn instruction_sets_do_not_change_a_bit() {
    if child::argument().is_some() {
        return report_environment();
    }
    let portable = run_child("instruction_sets_do_not_change_a_bit", ("GRADUS_SIMD", "portable"), "bits");
    assert_eq!(portable, fingerprints(1, 130));
}

#[test]
fn an_unknown_instruction_set_is_an_error() {
    if child::argument().is_some() {
        return report_environment();
    }
    let message = run_child("an_unknown_instruction_set_is_an_error", ("GRADUS_SIMD", "sse9"), "error");
    assert!(
        message[0].starts_with("unknown GRADUS_SIMD level on this processor \"sse9\"; available: portable"),
        "{message:?}"
    );
}

#[test]
fn the_environment_can_set_the_number_of_threads() {
    if child::argument().is_some() {
        return report_environment();
    }
    let reported = |threads: &str, kind: &str| {
        run_child("the_environment_can_set_the_number_of_threads", ("GRADUS_THREADS", threads), kind)
    };
    assert_eq!(reported("3", "threads"), ["3"]);
    assert_eq!(reported("many", "error"), ["threads: GRADUS_THREADS is \"many\", expected an integer ≥ 1"]);
    assert_eq!(reported("0", "error"), ["threads: must be at least 1, got 0"]);
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
fn an_added_layer_does_not_change_the_initial_weights_of_others() {
    let short = Sequential::new([4]).add(Dense::new(3)).compile(settings("sgd")).unwrap();
    let long = Sequential::new([4]).add(Dense::new(3)).add(Activation::Relu).add(Dense::new(2));
    let long = long.compile(settings("sgd")).unwrap();
    let kernel = |model: &Model| model.params().get(model.params().id("dense/kernel").unwrap()).to_owned();
    assert_eq!(kernel(&short), kernel(&long));
}

#[test]
fn a_prediction_does_not_depend_on_other_rows() {
    let data = digits(131);
    let samples = data.rows(..).unwrap().inputs().unwrap();
    for (network, optimizer) in networks() {
        let mut model = network.compile(settings(optimizer)).unwrap();
        model.fit(&data, quiet(1, 50)).unwrap();
        let together = model.predict(&samples).unwrap();
        for rows in [0..1, 5..8, 63..80, 127..131] {
            let apart = model.predict(&samples.slice_axis(Axis(0), rows.clone().into())).unwrap();
            assert_eq!(apart, together.slice_axis(Axis(0), rows.into()), "{network:?}");
        }
    }
}

#[test]
fn parallel_batches_predict_like_single_rows() {
    let samples = digits(1_100).rows(..).unwrap().inputs().unwrap();
    for threads in 1..=4 {
        let model = dropout_and_batch_norm().compile(settings("sgd").threads(threads)).unwrap();
        let together = model.predict(&samples).unwrap();
        for row in [0, 127, 128, 700, 1_099] {
            let alone = model.predict(&samples.slice_axis(Axis(0), (row..row + 1).into())).unwrap();
            assert_eq!(alone.index_axis(Axis(0), 0), together.index_axis(Axis(0), row), "row {row}, {threads} threads");
        }
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
fn threads_predict_concurrently_with_one_model() {
    let model = lenet5().compile(settings("sgd")).unwrap();
    let samples = digits(40).rows(..).unwrap().inputs().unwrap();
    let expected = model.predict(&samples).unwrap();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| model.predict(&samples).unwrap())).collect();
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), expected));
    });
}
