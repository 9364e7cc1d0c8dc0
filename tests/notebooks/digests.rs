//! The state after twenty steps of each notebook's model, as text that is equal if the bits are equal.

use super::{BasicNn, Notebook};
use gradus::data::Dataset;
use gradus::data::mnist::Mnist;
use gradus::tape::Params;
use gradus::{Fit, Progress};
use ndarray::ArrayViewD;

/// Number of rows per step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// The batch size of the notebook.
    Own,
    /// Few rows, for slow builds and instruction sets.
    Small,
}

/// Number of steps, in two epochs.
const STEPS: usize = 20;

/// The SHA-256 digests of weights and predictions, and the scores of each epoch, to the last bit.
pub(crate) fn digests(mnist: &Mnist, size: Size, threads: usize) -> String {
    let models = Notebook::ALL.iter().map(|notebook| of_model(notebook, mnist, size, threads));
    models.chain([of_tape(mnist, size, threads)]).collect()
}

fn of_model(notebook: &Notebook, mnist: &Mnist, size: Size, threads: usize) -> String {
    let rows = if size == Size::Own { notebook.batch_size } else { 4 };
    let (seen, unseen) = (rows * STEPS / 2, 2 * rows + 1);
    let data = notebook.data(&mnist.train.first(seen + unseen));
    let (train, test) = (data.rows(..seen).unwrap(), data.rows(seen..).unwrap());
    let mut model = notebook.model(threads);
    let settings = Fit::new().epochs(2).batch_size(rows).validation(&test).progress(Progress::Quiet);
    let history = model.fit(&train, settings).unwrap();
    assert_eq!(model.step(), STEPS as u64);
    let mut text = head(notebook.name, rows, model.params());
    for epoch in &history.epochs {
        let validation = epoch.validation.as_ref().unwrap();
        let scores = [epoch.scores.values(), validation.values()].concat();
        text += &format!("  epoch {}      {scores:?}\n", epoch.number);
    }
    text + &tail(model.predict(&test.inputs().unwrap()).unwrap().view())
}

fn of_tape(mnist: &Mnist, size: Size, threads: usize) -> String {
    let rows = if size == Size::Own { 1000 } else { 4 };
    let digits = mnist.train.first(rows * STEPS / 2);
    let data = digits.normalized().unwrap().reshaped([784]).unwrap().one_hot(10).unwrap();
    let mut network = BasicNn::new(data.len(), rows);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let losses: Vec<f32> = pool.install(|| (0..STEPS).map(|_| network.step(&data)).collect());
    let text = head("basic_nn", rows, &network.params);
    let epochs =
        losses.chunks(STEPS / 2).enumerate().map(|(at, losses)| format!("  losses {}     {losses:?}\n", at + 1));
    text + &epochs.collect::<String>() + &tail(network.probabilities())
}

fn head(name: &str, rows: usize, weights: &Params) -> String {
    format!("{name}, {STEPS} steps of {rows} rows\n  weights      {}\n", weights.sha256())
}

fn tail(predictions: ArrayViewD<'_, f32>) -> String {
    let mut kept = Params::new();
    kept.add("predictions", &predictions).unwrap();
    format!("  predictions  {}\n", kept.sha256())
}
