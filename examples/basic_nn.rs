//! A network with one hidden layer, written on the tape without layers: `cargo run --example basic_nn`.
//! Start here to see how the autograd works. `Params` stores the parameters. The network is recorded once. Each step fills
//! the inputs, runs the tape forward and backward, and updates the parameters.

use gradus::data::{Dataset, NextBatch, Rows, mnist};
use gradus::initializers::{Initializer, RandomNormal};
use gradus::metrics::{Accuracy, RunningScores, ScoredBatch, Scores};
use gradus::report::{Notebook, Picture, Predictions, general};
use gradus::run::{Options, Program};
use gradus::tape::{Mode, Params, Recorder, Tape, ValueId};
use gradus::{Key, TrainingState, ops::Activation, optimizers::Adam};
use ndarray::{Array2, Axis, s};
use std::{error::Error, process::ExitCode};

const BATCH: usize = 1000;

fn main() -> ExitCode {
    Program::new("basic_nn", "A network written on the tape, on MNIST").steps(1000).seed(1).run(train)
}

fn train(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut notebook = Notebook::new("A network written on the tape, on MNIST");
    notebook.heading("Load the data, with the first 5,000 training images for validation");
    let digits = mnist::load(options.data.as_deref())?;
    let all = digits.train.first(options.limit.saturating_add(5000)).normalized()?.reshaped([784])?.one_hot(10)?;
    let test = digits.test.normalized()?.reshaped([784])?.one_hot(10)?;
    let (validation, train, test) = (all.rows(..5000)?, all.rows(5000..)?, test.rows(..)?);
    notebook.text(format!("{} training, {} validation and {} test images", train.len(), validation.len(), test.len()));
    let drawn = Picture::all(&digits.train.images.slice(s![5001..5005, .., ..]))?;
    let captions = digits.train.labels.slice(s![5001..5005]).mapv(|label| label.to_string());
    let white = drawn.iter().zip(&captions).map(|(picture, label)| (picture.clone().inverted(), label.clone()));
    let inverted = (drawn[0].clone(), format!("{}, inverted", captions[0]));
    notebook.pictures(&[inverted].into_iter().chain(white).collect::<Vec<_>>());

    notebook.heading("Initialize the parameters: normal distribution with mean 0.5 and standard deviation 0.7");
    let (key, normal, mut params) = (Key::from_seed(options.seed), RandomNormal::new(0.5, 0.7), Params::new());
    let mut add = |name, sizes: &[usize]| params.add(name, &normal.array(sizes, key.split_name(name))?);
    let ids = [add("w1", &[784, 200])?, add("b1", &[200])?, add("w2", &[200, 10])?, add("b2", &[10])?];
    notebook.text(format!("784 → 200 → 10: {} parameters", params.count(true)));

    notebook.heading("Train: record the network once, run it in every step");
    let recorder = Recorder::new(Mode::Training);
    let (x, t) = (recorder.input([BATCH, 784]), recorder.input([BATCH, 10]));
    let [w1, b1, w2, b2] = ids.map(|id| recorder.parameter(&params, id));
    let logits = x.affine(w1, b1, Activation::Relu).affine(w2, b2, Activation::Linear);
    let (probabilities, loss) = (logits.softmax(), logits.softmax_crossentropy(t));
    recorder.minimize(loss);
    let ids @ [x, t, probabilities, loss] = [x, t, probabilities, loss].map(|var| var.id());
    let mut tape = recorder.finish()?;
    let mut batches = NextBatch::new(train.len(), BATCH, key.split_name("batches"))?;
    let state = TrainingState::new(params, Adam::new(0.001).epsilon(1e-8))?.metric(Accuracy)?;
    let (mut state, mut session) = options.session(state.setting("rows", train.len() as f64)?)?; // --resume
    while session.proceed(&mut state)? {
        let [inputs, targets] = tape.input_slices([x, t]);
        train.gather(batches.batch(state.step()), inputs, targets);
        state.train_step(&mut tape, key)?;
        let error = f64::from(tape.value(loss).sum());
        state.add(error, &ScoredBatch::values(tape.view(probabilities), tape.view(t)))?;
        if state.step() % 50 == 0 || state.step() == options.epochs as u64 {
            notebook.show(format!("Step: {} error: {}", state.step(), general(error)));
            state.report(Some(evaluate(&mut tape, ids, state.params(), &validation)?.1));
        }
    }
    notebook.history(state.history()); // overfitting: training scores keep improving, validation scores do not

    notebook.heading("Test accuracy, one correct and one wrong prediction");
    let (probabilities, scores) = evaluate(&mut tape, ids, state.params(), &test)?;
    notebook.text(format!("Accuracy: {:.0}%", 100.0 * scores.metrics[0].1));
    let predictions = Predictions::new(&digits.test.classes(), &probabilities)?;
    let pictures = Picture::all(&digits.test.images)?;
    for row in [true, false].iter().filter_map(|right| predictions.first(*right)) {
        notebook.prediction(&pictures[row].clone().inverted(), &predictions, row);
    }
    notebook.heading("All test images").confusion(&predictions)?.mistakes(&predictions, &pictures);
    Ok(options.finish_loop(&mut notebook, &state, &[("batch size", BATCH.to_string())], &predictions, &scores)?)
}

/// Returns the probabilities of the ten digits for every row, and the mean loss and accuracy.
fn evaluate(tape: &mut Tape, ids: [ValueId; 4], params: &Params, data: &Rows) -> gradus::Result<(Array2<f32>, Scores)> {
    let ([x, t, probabilities, loss], mut running) = (ids, RunningScores::new().metric(Accuracy)?);
    let mut all = Array2::zeros((data.len(), 10));
    for (first, mut rows) in (0..data.len()).step_by(BATCH).zip(all.axis_chunks_iter_mut(Axis(0), BATCH)) {
        let [inputs, targets] = tape.input_slices([x, t]);
        data.gather(&(first..first + BATCH).collect::<Vec<_>>(), inputs, targets);
        tape.run(params, Key::from_seed(0))?;
        running.add(f64::from(tape.value(loss).sum()), &ScoredBatch::values(tape.view(probabilities), tape.view(t)))?;
        rows.assign(&tape.value(probabilities));
    }
    Ok((all, running.scores()))
}
