//! A network with one hidden layer, written on the tape without layers: `cargo run --example basic_nn`.
//!
//! Start here to see how the autograd works. `Params` stores the parameters. The network is recorded once. Each step fills
//! the inputs, runs the tape forward and backward, and updates the parameters.

use gradus::data::{Dataset, NextBatch, Rows, mnist};
use gradus::initializers::{Initializer, RandomNormal};
use gradus::metrics::{Accuracy, Epoch, History, Mean, Metric, ScoredBatch, Scores};
use gradus::ops::Activation;
use gradus::optimizers::{Adam, Optimizer};
use gradus::report::{Notebook, Picture, Predictions, general};
use gradus::run::{Interrupt, Options, Program};
use gradus::tape::{Id, Mode, ParamGradients, ParamId, Params, Recorder, Tape};
use gradus::{Checkpoint, Key, OptimizerState, Shape};
use ndarray::{Array, Array2, s};
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

/// Batch size, for training and for evaluation.
const BATCH: usize = 1000;
/// Number of steps between two printed losses.
const DISPLAY: u64 = 50;

fn main() -> ExitCode {
    Program::new("basic_nn", "A network written on the tape, on MNIST").steps(1000).seed(1).run(train)
}

fn train(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut notebook = Notebook::new("A network written on the tape, on MNIST");

    notebook.heading("Load the data, with the first 5,000 training images for validation");
    let digits = mnist::load(options.data.as_deref())?;
    let all = digits.train.normalized()?.reshaped([784])?.one_hot(10)?;
    let test = digits.test.normalized()?.reshaped([784])?.one_hot(10)?;
    let last = all.len().min(5000usize.saturating_add(options.limit));
    let (validation, train, test) = (all.rows(..5000)?, all.rows(5000..last)?, test.rows(..)?);
    notebook.text(format!("{} training, {} validation and {} test images", train.len(), validation.len(), test.len()));
    let drawn = Picture::all(&digits.train.images.slice(s![5001..5005, .., ..]))?;
    let captions = digits.train.labels.slice(s![5001..5005]).to_vec();
    let white = drawn.iter().zip(&captions).map(|(picture, label)| (picture.clone().inverted(), label.to_string()));
    let inverted = (drawn[0].clone(), format!("{}, inverted", captions[0]));
    notebook.pictures(&[inverted].into_iter().chain(white).collect::<Vec<_>>());

    notebook.heading("Initialize the parameters: normal distribution with mean 0.5 and standard deviation 0.7");
    let key = Key::from_seed(options.seed);
    let mut params = Params::new();
    let mut normal = |name: &str, sizes: &[usize]| -> Result<ParamId, Box<dyn Error>> {
        let values = RandomNormal::new(0.5, 0.7).values(Shape::new(sizes)?, key.split_name(name))?;
        Ok(params.add(name, &Array::from_shape_vec(sizes, values)?)?)
    };
    let ids = [normal("w1", &[784, 200])?, normal("b1", &[200])?, normal("w2", &[200, 10])?, normal("b2", &[10])?];
    notebook.text(format!("784 → 200 → 10: {} parameters", params.count(true)));

    notebook.heading("Train: record the network once, run it in every step");
    let mut step = Network::record(Mode::Training, &params, ids)?;
    let mut gradients = ParamGradients::new(&params);
    let adam = Adam::new(0.001).epsilon(1e-8);
    let mut state = OptimizerState::new(&adam, &params)?;
    let mut batches = NextBatch::new(train.len(), BATCH, key.split_name("batches"))?;
    let (interrupt, mut history) = (Interrupt::new()?, History::new("step"));
    let (mut loss, mut accuracy, mut seconds) = (Mean::default(), Mean::default(), 0.0);
    // A checkpoint holds everything that the loop needs to resume.
    let (seed, mut checkpoints, mut made) = (options.seed as f64, options.checkpoints(), 0);
    checkpoints.check_folder()?;
    if let Some(found) = if options.resume { checkpoints.resume()? } else { None } {
        found.check("seed", seed)?;
        found.check("rows", train.len() as f64)?;
        found.restore(&mut params, &mut state)?;
        (loss, accuracy, seconds) = (found.mean("loss")?, found.mean("accuracy")?, found.number("seconds")?);
        history.epochs.extend_from_slice(found.epochs());
        made = found.step();
        batches.skip(made);
    }
    let last = options.epochs as u64;
    for number in made + 1..=last {
        let start = Instant::now();
        step.fill(&train, batches.next_batch());
        step.tape.run(&params, key.split(number))?;
        let rate = adam.learning_rate(number);
        state.descend(&adam, number, rate, &mut step.tape, &mut params, &mut gradients);
        seconds += start.elapsed().as_secs_f64();
        step.score(&mut loss, &mut accuracy)?;
        let shown = number % DISPLAY == 0 || number == last;
        if shown {
            notebook.show(format!("Step: {number} error: {}", general(step.loss())));
            let (scores, (_, unseen)) = (scores(&loss, &accuracy), evaluate(&params, ids, &validation)?);
            let learning_rate = adam.learning_rate(number);
            history.epochs.push(Epoch { number, scores, validation: Some(unseen), seconds, learning_rate });
            (loss, accuracy, seconds) = (Mean::default(), Mean::default(), 0.0);
        }
        if shown || interrupt.pressed() || checkpoints.is_due(number) {
            let checkpoint = Checkpoint::new(number, &params, &state).with_history(&history);
            let checkpoint = checkpoint.with("seed", seed).with("rows", train.len() as f64).with("seconds", seconds);
            checkpoints.save(&checkpoint.with_mean("loss", &loss).with_mean("accuracy", &accuracy))?;
        }
        if interrupt.pressed() {
            break;
        }
    }
    // The network overfits where the training scores keep improving and the validation scores do not.
    notebook.history(&history);

    notebook.heading("Test accuracy, one correct and one wrong prediction");
    let (probabilities, scores) = evaluate(&params, ids, &test)?;
    notebook.text(format!("Accuracy: {:.0}%", 100.0 * scores.metrics[0].1));
    let predictions = Predictions::new(&digits.test.classes(), &probabilities)?;
    let pictures = Picture::all(&digits.test.images)?;
    for right in [true, false] {
        if let Some(row) = (0..predictions.len()).find(|row| predictions.is_right(*row) == right) {
            notebook.prediction(&pictures[row].clone().inverted(), &predictions, row);
        }
    }
    notebook.heading("All test images").confusion(&predictions)?.mistakes(&predictions, &pictures);
    params.save(options.out.join("model.safetensors"))?;
    let settings = [("optimizer", adam.spec().to_string()), ("batch size", BATCH.to_string())];
    options.close(&mut notebook, &settings, &history, &predictions, &scores, &params)?;
    Ok(())
}

/// The network on a tape, with its inputs and outputs.
struct Network {
    tape: Tape,
    x: Id,
    t: Id,
    probabilities: Id,
    loss: Id,
}

impl Network {
    /// Records softmax(relu(x · w1 + b1) · w2 + b2) and its cross-entropy with the one-hot rows t.
    fn record(mode: Mode, params: &Params, ids: [ParamId; 4]) -> gradus::Result<Network> {
        let recorder = Recorder::new(mode);
        let (x, t) = (recorder.input([BATCH, 784]), recorder.input([BATCH, 10]));
        let [w1, b1, w2, b2] = ids.map(|id| recorder.parameter(params, id));
        let hidden = x.affine(w1, b1, Activation::Relu);
        let logits = hidden.affine(w2, b2, Activation::Linear);
        let (probabilities, loss) = (logits.softmax(), logits.softmax_crossentropy(t));
        recorder.minimize(loss);
        let [x, t, probabilities, loss] = [x, t, probabilities, loss].map(|var| var.id());
        Ok(Network { tape: recorder.finish()?, x, t, probabilities, loss })
    }

    /// Writes a batch into the tape's inputs.
    fn fill(&mut self, data: &Rows<'_>, rows: &[usize]) {
        let [inputs, targets] = self.tape.input_slices([self.x, self.t]);
        data.gather(rows, inputs, targets);
    }

    /// Mean loss of the batch.
    fn loss(&self) -> f64 {
        f64::from(self.tape.value(self.loss).sum())
    }

    /// Adds the batch to the mean loss and accuracy.
    fn score(&self, loss: &mut Mean, accuracy: &mut Mean) -> gradus::Result<()> {
        let batch = ScoredBatch::values(self.tape.view(self.probabilities), self.tape.view(self.t));
        loss.add(self.loss(), BATCH);
        accuracy.add(Accuracy.score(&batch)?, BATCH);
        Ok(())
    }
}

/// Returns the probabilities of the ten digits for every row, and the mean loss and accuracy.
fn evaluate(params: &Params, ids: [ParamId; 4], data: &Rows<'_>) -> Result<(Array2<f32>, Scores), Box<dyn Error>> {
    let mut network = Network::record(Mode::Inference, params, ids)?;
    let (mut loss, mut accuracy, mut probabilities) = (Mean::default(), Mean::default(), Vec::new());
    for first in (0..data.len()).step_by(BATCH) {
        network.fill(data, &(first..first + BATCH).collect::<Vec<_>>());
        network.tape.run(params, Key::from_seed(0))?;
        network.score(&mut loss, &mut accuracy)?;
        probabilities.extend(network.tape.value(network.probabilities));
    }
    Ok((Array2::from_shape_vec((data.len(), 10), probabilities)?, scores(&loss, &accuracy)))
}

fn scores(loss: &Mean, accuracy: &Mean) -> Scores {
    Scores { loss: loss.value(), metrics: vec![("accuracy".into(), accuracy.value())] }
}
