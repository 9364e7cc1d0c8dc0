//! The network of the notebook without layers, written on the tape.

use gradus::data::{Batches, Dataset};
use gradus::initializers::{Initializer, RandomNormal};
use gradus::metrics::Mean;
use gradus::ops::Activation;
use gradus::optimizers::Adam;
use gradus::tape::{Mode, ParamGradients, ParamId, Params, Recorder, Tape, ValueId};
use gradus::{Error, Key, OptimizerState, Result, Shape};
use ndarray::Array;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// 784 → 200 relu → 10, initialized from a normal distribution with mean 0.5 and standard deviation 0.7, trained by Adam.
pub struct TapeNetwork {
    network: Network,
    batch_size: usize,
    pool: ThreadPool,
}

impl TapeNetwork {
    pub(crate) fn new(threads: usize, batch_size: usize) -> Result<TapeNetwork> {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().map_err(Error::other)?;
        Ok(TapeNetwork { network: Network::new(batch_size)?, batch_size, pool })
    }

    /// Trains one epoch of whole batches and returns the mean loss.
    pub(crate) fn epoch(&mut self, data: &dyn Dataset) -> Result<f64> {
        let TapeNetwork { network, batch_size, pool } = self;
        let mut batches = Batches::new(data.len(), *batch_size)?;
        batches.shuffle(Key::from_seed(network.step));
        let mut loss = Mean::default();
        pool.install(|| {
            for rows in batches.iter().filter(|rows| rows.len() == *batch_size) {
                loss.add(network.train(data, rows), rows.len());
            }
        });
        Ok(loss.value())
    }
}

struct Network {
    tape: Tape,
    params: Params,
    gradients: ParamGradients,
    state: OptimizerState,
    x: ValueId,
    t: ValueId,
    loss: ValueId,
    step: u64,
}

impl Network {
    fn new(batch_size: usize) -> Result<Network> {
        let mut params = Params::new();
        let sizes: [(&str, &[usize]); 4] = [("w1", &[784, 200]), ("b1", &[200]), ("w2", &[200, 10]), ("b2", &[10])];
        let init = RandomNormal::new(0.5, 0.7);
        for (name, sizes) in sizes {
            let values = init.values(Shape::new(sizes)?, Key::from_seed(1).split_name(name))?;
            params.add(name, &Array::from_shape_vec(sizes, values).map_err(Error::other)?)?;
        }
        let all: Vec<ParamId> = params.ids().collect();
        let recorder = Recorder::new(Mode::Training);
        let (x, t) = (recorder.input([batch_size, 784]), recorder.input([batch_size, 10]));
        let [w1, b1, w2, b2] = [0, 1, 2, 3].map(|at| recorder.parameter(&params, all[at]));
        let hidden = x.affine(w1, b1, Activation::Relu);
        let loss = hidden.affine(w2, b2, Activation::Linear).softmax_crossentropy(t);
        recorder.minimize(loss);
        let [x, t, loss] = [x, t, loss].map(|var| var.id());
        let gradients = ParamGradients::new(&params);
        let state = OptimizerState::new(Adam::default(), &params)?;
        Ok(Network { tape: recorder.finish()?, params, gradients, state, x, t, loss, step: 0 })
    }

    /// Trains one step and returns the loss of the batch.
    fn train(&mut self, data: &dyn Dataset, rows: &[usize]) -> f64 {
        let Network { tape, params, gradients, state, .. } = self;
        self.step += 1;
        let [inputs, targets] = tape.input_slices([self.x, self.t]);
        data.gather(rows, inputs, targets);
        tape.run(params, Key::from_seed(self.step)).unwrap();
        state.backward_and_update(state.step(self.step), tape, params, gradients);
        f64::from(tape.value(self.loss).sum())
    }
}
