//! A network of one hidden layer, written on the tape alone: `cargo run --release --example basic_nn`.
//!
//! Start here to see how autograd works: parameters live in `Params`, an expression is recorded once, and each step fills
//! the input, runs the tape forward and backward, and lets the optimizer follow the gradients.

use gradus::data::{Dataset, NextBatch, Rows, mnist};
use gradus::metrics::{Accuracy, Mean, Metric};
use gradus::optimizers::{Adam, Optimizer};
use gradus::run::{Options, Program};
use gradus::tape::{Id, Mode, ParamGradients, ParamId, Params, Recorder, Tape, Var};
use gradus::{Init, Key, Shape, View};
use ndarray::Array;
use std::error::Error;
use std::process::ExitCode;

/// Rows in a batch.
const BATCH: usize = 1000;

fn main() -> ExitCode {
    Program::new("basic_nn", "A network on the tape, on MNIST").steps(1000).seed(1).run(train)
}

fn train(options: &Options) -> Result<(), Box<dyn Error>> {
    // The classic split: the first 5,000 training images are for validation.
    let digits = mnist::load(options.data.as_deref())?;
    let all = digits.train.normalized()?.reshaped([784])?.one_hot(10)?;
    let test = digits.test.normalized()?.reshaped([784])?.one_hot(10)?;
    let last = all.len().min(5000usize.saturating_add(options.limit));
    let (validation, train) = (all.rows(..5000)?, all.rows(5000..last)?);
    println!("{} training, {} validation and {} test images", train.len(), validation.len(), test.len());

    // All four arrays from normal(0.5, 0.7).
    let key = Key::from_seed(options.seed);
    let mut params = Params::new();
    for (name, sizes) in [("w1", &[784, 200][..]), ("b1", &[200]), ("w2", &[200, 10]), ("b2", &[10])] {
        let values = Init::Normal { mean: 0.5, deviation: 0.7 }.values(Shape::new(sizes)?, key.split_name(name))?;
        params.add(name, &Array::from_shape_vec(sizes, values)?)?;
    }

    // Recorded once: the loss of a batch, and what to make small.
    let recorder = Recorder::new(Mode::Training);
    let (x, t) = (recorder.input([BATCH, 784]), recorder.input([BATCH, 10]));
    let logits = network(&recorder, &params, x);
    let loss = logits.softmax_crossentropy(t);
    recorder.minimize(loss);
    let step = Step { x: x.id(), t: t.id(), logits: logits.id(), loss: loss.id() };
    let mut tape = recorder.finish()?;

    // Replayed a thousand times.
    let mut gradients = ParamGradients::new(&params);
    let adam = Adam::new(0.001).epsilon(1e-8);
    let ids: Vec<ParamId> = params.ids().collect();
    let mut memory: Vec<_> = ids.iter().map(|id| [0, 1].map(|_| vec![0.0; params.shape(*id).len()])).collect();
    let mut batches = NextBatch::new(train.len(), BATCH, key.split_name("batches"))?;
    for number in 1..=options.epochs as u64 {
        step.fill(&mut tape, &train, batches.next_batch());
        tape.run(&params, key.split(number));
        tape.backward(&params, &mut gradients);
        for (id, [mean, square]) in ids.iter().zip(&mut memory) {
            let (mut value, gradient) = (params.get_mut(*id), gradients.get(*id).ok_or("every parameter is trained")?);
            let (value, gradient) = (value.as_slice_mut().ok_or("row-major")?, gradient.as_slice().ok_or("row-major")?);
            adam.update(number, adam.learning_rate(), value, gradient, &mut [mean, square]);
        }
        if number % 50 == 0 || number == options.epochs as u64 {
            let error = tape.value(step.loss).sum();
            let accuracy = 100.0 * step.accuracy(&mut tape, &params, &validation).0;
            println!("Step: {number} error: {error} - validation accuracy: {accuracy:.2} %");
        }
    }

    let (accuracy, loss) = step.accuracy(&mut tape, &params, &Rows::range(&test, ..)?);
    println!("Accuracy: {} %", (100.0 * accuracy * 100.0).round() / 100.0);
    println!("test loss: {loss:.4} - test accuracy: {accuracy:.4}");
    println!("weights: sha256 {}", params.sha256());
    Ok(())
}

/// relu(x · w1 + b1) · w2 + b2
fn network<'r>(recorder: &'r Recorder, params: &Params, x: Var<'r>) -> Var<'r> {
    let mut parameters = params.ids().map(|id| recorder.parameter(params, id));
    let mut next = || parameters.next().expect("four parameters");
    let (w1, b1, w2, b2) = (next(), next(), next(), next());
    (x.matmul(w1) + b1).relu().matmul(w2) + b2
}

/// Where things stand on the tape.
struct Step {
    x: Id,
    t: Id,
    logits: Id,
    loss: Id,
}

impl Step {
    /// Writes a batch into the tape's inputs.
    fn fill(&self, tape: &mut Tape, data: &Rows<'_>, rows: &[usize]) {
        let (mut inputs, mut targets) = (vec![0.0; BATCH * 784], vec![0.0; BATCH * 10]);
        data.gather(rows, &mut inputs, &mut targets);
        for (id, values) in [(self.x, inputs), (self.t, targets)] {
            tape.input_mut(id).iter_mut().zip(values).for_each(|(input, value)| *input = value);
        }
    }

    /// The share of whole batches that is classified rightly, and their mean loss.
    fn accuracy(&self, tape: &mut Tape, params: &Params, data: &Rows<'_>) -> (f64, f64) {
        let (mut accuracy, mut loss) = (Mean::default(), Mean::default());
        let rows: Vec<usize> = (0..data.len()).collect();
        for rows in rows.chunks_exact(BATCH) {
            self.fill(tape, data, rows);
            tape.run(params, Key::from_seed(0));
            let [prediction, target] = [self.logits, self.t].map(|id| tape.value(id));
            let view = |array: &ndarray::ArrayViewD<'_, f32>| array.iter().copied().collect::<Vec<f32>>();
            let (prediction, target) = (view(&prediction), view(&target));
            let shape = Shape::from([BATCH, 10]);
            accuracy.add_sum(Accuracy.sum(View::new(shape, &prediction), View::new(shape, &target)), BATCH);
            loss.add(f64::from(tape.value(self.loss).sum()), BATCH);
        }
        (accuracy.value(), loss.value())
    }
}
