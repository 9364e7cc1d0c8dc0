//! The notebook that has no layers: its network written on the tape, with Adam by hand.

use gradus::data::{Batches, Dataset};
use gradus::metrics::Mean;
use gradus::optimizers::{Adam, Optimizer};
use gradus::tape::{Id, Mode, ParamGradients, ParamId, Params, Recorder, Tape};
use gradus::{Error, Init, Key, Result, Shape};
use ndarray::Array;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// 784 → 200 relu → 10, all four arrays from normal(0.5, 0.7).
pub struct TapeNetwork {
    tape: Tape,
    params: Params,
    gradients: ParamGradients,
    /// Each parameter with Adam's two means.
    memory: Vec<(ParamId, [Vec<f32>; 2])>,
    ids: [Id; 3],
    batch_size: usize,
    batch: [Vec<f32>; 2],
    step: u64,
    pool: ThreadPool,
}

impl TapeNetwork {
    pub(crate) fn new(threads: usize, batch_size: usize) -> Result<TapeNetwork> {
        let mut params = Params::new();
        let sizes: [(&str, &[usize]); 4] = [("w1", &[784, 200]), ("b1", &[200]), ("w2", &[200, 10]), ("b2", &[10])];
        let init = Init::Normal { mean: 0.5, deviation: 0.7 };
        for (name, sizes) in sizes {
            let values = init.values(Shape::new(sizes)?, Key::from_seed(1).split_name(name))?;
            params.add(name, &Array::from_shape_vec(sizes, values).map_err(Error::other)?)?;
        }
        let all: Vec<ParamId> = params.ids().collect();
        let recorder = Recorder::new(Mode::Training);
        let (x, t) = (recorder.input([batch_size, 784]), recorder.input([batch_size, 10]));
        let [w1, b1, w2, b2] = [0, 1, 2, 3].map(|at| recorder.parameter(&params, all[at]));
        let loss = ((x.matmul(w1) + b1).relu().matmul(w2) + b2).softmax_crossentropy(t);
        recorder.minimize(loss);
        let ids = [x.id(), t.id(), loss.id()];
        let state = |id: ParamId| (id, [vec![0.0; params.shape(id).len()], vec![0.0; params.shape(id).len()]]);
        Ok(TapeNetwork {
            tape: recorder.finish()?,
            gradients: ParamGradients::new(&params),
            memory: all.into_iter().map(state).collect(),
            params,
            ids,
            batch_size,
            batch: [vec![0.0; batch_size * 784], vec![0.0; batch_size * 10]],
            step: 0,
            pool: ThreadPoolBuilder::new().num_threads(threads).build().map_err(Error::other)?,
        })
    }

    /// One epoch over whole batches. Returns the mean loss.
    pub(crate) fn epoch(&mut self, data: &dyn Dataset) -> Result<f64> {
        let mut batches = Batches::new(data.len(), self.batch_size)?;
        batches.shuffle(Key::from_seed(self.step));
        let mut loss = Mean::default();
        let whole = self.batch_size;
        for rows in batches.iter().filter(|rows| rows.len() == whole) {
            let [inputs, targets] = &mut self.batch;
            data.gather(rows, inputs, targets);
            loss.add(self.train_step(), rows.len());
        }
        Ok(loss.value())
    }

    fn train_step(&mut self) -> f64 {
        let TapeNetwork { tape, params, gradients, memory, ids, batch, step, pool, .. } = self;
        *step += 1;
        for (id, values) in ids.iter().zip(&*batch) {
            tape.input_mut(*id).iter_mut().zip(values).for_each(|(input, value)| *input = *value);
        }
        pool.install(|| {
            tape.run(params, Key::from_seed(*step));
            tape.backward(params, gradients);
        });
        let adam = Adam::default();
        for (id, [mean, square]) in memory {
            let (mut value, Some(gradient)) = (params.get_mut(*id), gradients.get(*id)) else { continue };
            if let (Some(value), Some(gradient)) = (value.as_slice_mut(), gradient.as_slice()) {
                adam.update(*step, adam.learning_rate(), value, gradient, &mut [mean, square]);
            }
        }
        f64::from(tape.value(ids[2]).sum())
    }
}
