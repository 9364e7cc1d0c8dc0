//! Cost of reproducibility: epochs of each notebook's model by `fit`, alternating with epochs of a variant whose bits
//! depend on the number of threads.
//!
//! `promise [MODEL …] [--rounds N]` prints Markdown. In the variant, each of two threads processes half of every batch on a
//! separate tape, with one fork and one join per step, and the two gradients are added during the update, as in other
//! implementations of data-parallel training. Sums are partitioned by thread count, so the bits depend on it.

use gradus::data::{Arrays, Batches, Dataset, mnist};
use gradus::optimizers::{Optimizer, ParamSlice, Step};
use gradus::tape::{Mode, ParamGradients, ParamId, Params, Recorder, Tape, ValueId};
use gradus::{Error, Fit, Key, Model, Progress, Result, Shape};
use gradus_benches::{Notebook, Options, median};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::time::Instant;

/// Minimum number of elements for one thread, as in the library.
const PIECE: usize = 1 << 15;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let options = Options::given();
    let (rounds, named) = (options.number("--rounds", 3)?, |notebook: &Notebook| options.has(notebook.name()));
    let all = !Notebook::ALL.iter().any(named);
    let digits = mnist::load(None)?.train;
    println!("| model | reproducible, s | not reproducible, s | ratio by round | median ratio |");
    println!("|---|---:|---:|---:|---:|");
    for notebook in Notebook::ALL.into_iter().filter(|notebook| all || named(notebook)) {
        let batch = notebook.batch_size();
        let data = notebook.data(&digits.first(digits.len() / batch * batch))?; // whole batches
        let (mut with, mut without) = (notebook.model(2)?, Halves::new(notebook.model(2)?, batch)?);
        let mut seconds = [Vec::new(), Vec::new()];
        for round in 0..=rounds {
            let both = [fitted(&mut with, &data, batch)?, without.epoch(&data)?];
            if round > 0 {
                seconds.iter_mut().zip(both).for_each(|(all, one)| all.push(one));
            }
        }
        let ratios: Vec<f64> = seconds[0].iter().zip(&seconds[1]).map(|(with, without)| with / without).collect();
        let [with, without] = seconds.map(|all| median(&all));
        let each = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect::<Vec<_>>().join(", ");
        println!("| {} | {with:.3} | {without:.3} | {each} | {:.2} |", notebook.name(), median(&ratios));
    }
    Ok(())
}

fn fitted(model: &mut Model, data: &Arrays, batch: usize) -> Result<f64> {
    let start = Instant::now();
    model.fit(data, Fit::new().batch_size(batch).progress(Progress::Quiet))?;
    Ok(start.elapsed().as_secs_f64())
}

/// Training with each batch divided between two threads.
struct Halves {
    /// Provides the layers, the loss and the optimizer.
    model: Model,
    params: Params,
    halves: [Half; 2],
    /// The optimizer state of each parameter, and a buffer for the mean gradient.
    state: Vec<(ParamId, Vec<Vec<f32>>)>,
    pool: ThreadPool,
    batch: usize,
    step: u64,
}

/// The tape and the gradients of one thread.
struct Half {
    tape: Tape,
    x: ValueId,
    t: ValueId,
    gradients: ParamGradients,
}

impl Halves {
    fn new(model: Model, batch: usize) -> Result<Halves> {
        let params = model.params().clone();
        let state = params.ids().filter(|id| params.trainable(*id)).map(|id| {
            let firsts = model.optimizer().unwrap().initial_state().iter().chain(&[0.0]);
            (id, firsts.map(|first| vec![*first; params.shape(id).len()]).collect())
        });
        let (state, pool) = (state.collect(), ThreadPoolBuilder::new().num_threads(2).build());
        let halves = [Half::new(&model, batch / 2)?, Half::new(&model, batch / 2)?];
        Ok(Halves { params, halves, state, pool: pool.map_err(Error::other)?, batch, step: 0, model })
    }

    /// Trains one epoch and returns its seconds.
    fn epoch(&mut self, data: &Arrays) -> Result<f64> {
        let start = Instant::now();
        let Halves { model, params, halves, state, pool, batch, step } = self;
        let mut batches = Batches::new(data.len(), *batch)?;
        batches.shuffle(Key::from_seed(*step));
        pool.install(|| {
            for rows in batches.iter() {
                *step += 1;
                let ((left, right), [first, second]) = (rows.split_at(rows.len() / 2), &mut *halves);
                let key = Key::from_seed(*step);
                rayon::join(
                    || first.run(params, data, left, key.split(1)),
                    || second.run(params, data, right, key.split(2)),
                );
                halves.iter_mut().for_each(|half| half.tape.commit(params));
                let at = model.optimizer_state().expect("a compiled model").step(*step);
                for (id, arrays) in &mut *state {
                    let gradients = halves.each_ref().map(|half| half.gradients.get(*id).expect("it is trained"));
                    let gradients =
                        gradients.each_ref().map(|array| array.as_slice().expect("gradients are row-major"));
                    let mut values = params.get_mut(*id);
                    let values = values.as_slice_mut().expect("parameters are row-major");
                    let arrays = arrays.iter_mut().map(Vec::as_mut_slice).collect();
                    update(model.optimizer().unwrap(), at, values, gradients, arrays);
                }
            }
        });
        Ok(start.elapsed().as_secs_f64())
    }
}

impl Half {
    fn new(model: &Model, rows: usize) -> Result<Half> {
        let recorder = Recorder::new(Mode::Training);
        let image: &[usize] =
            if model.params().id("conv2d/kernel").is_ok() { &[rows, 28, 28, 1] } else { &[rows, 28, 28] };
        let (x, t) = (recorder.input(Shape::new(image)?), recorder.input([rows, 10]));
        let output = model.record(&recorder, &[x])?[0];
        recorder.minimize(model.loss().unwrap().record(output, t));
        let (x, t) = (x.id(), t.id());
        Ok(Half { tape: recorder.finish()?, x, t, gradients: ParamGradients::new(model.params()) })
    }

    fn run(&mut self, params: &Params, data: &Arrays, rows: &[usize], key: Key) {
        let [inputs, targets] = self.tape.input_slices([self.x, self.t]);
        data.gather(rows, inputs, targets);
        self.tape.run(params, key).unwrap();
        self.tape.backward(params, &mut self.gradients);
    }
}

/// Updates `values` with the mean of two gradients, in chunks. The last of the arrays is the buffer for the mean.
fn update(optimizer: &dyn Optimizer, step: Step, values: &mut [f32], [a, b]: [&[f32]; 2], mut arrays: Vec<&mut [f32]>) {
    if values.len() > PIECE {
        let middle = values.len() / 2;
        let (left, right) = values.split_at_mut(middle);
        let ((a_left, a_right), (b_left, b_right)) = (a.split_at(middle), b.split_at(middle));
        let (lefts, rights) = arrays.into_iter().map(|array| array.split_at_mut(middle)).unzip();
        rayon::join(
            || update(optimizer, step, left, [a_left, b_left], lefts),
            || update(optimizer, step, right, [a_right, b_right], rights),
        );
    } else if let Some((mean, state)) = arrays.split_last_mut() {
        mean.iter_mut().zip(a.iter().zip(b)).for_each(|(mean, (a, b))| *mean = 0.5 * (a + b));
        let state = state.iter_mut().map(|array| &mut **array);
        optimizer.update(step, ParamSlice::new(values, mean, state));
    }
}
