//! The network of the fifth notebook, written on the tape: 784 → 200 relu → 10, trained with Adam.

use gradus::data::{Dataset, NextBatch};
use gradus::initializers::{Initializer, RandomNormal};
use gradus::ops::Activation;
use gradus::optimizers::{Adam, Optimizer, ParamSlice, Step};
use gradus::tape::{Mode, ParamGradients, ParamId, Params, Recorder, Tape, ValueId};
use gradus::{Key, Shape};
use ndarray::{Array, ArrayViewD};

pub(crate) struct BasicNn {
    pub(crate) params: Params,
    ids: [ParamId; 4],
    tape: Tape,
    gradients: ParamGradients,
    state: [[Vec<f32>; 2]; 4],
    input: ValueId,
    target: ValueId,
    loss: ValueId,
    probabilities: ValueId,
    batches: NextBatch,
    inputs: Vec<f32>,
    targets: Vec<f32>,
    key: Key,
    step: u64,
}

impl BasicNn {
    /// For random batches of `batch_size` rows of the dataset.
    pub(crate) fn new(rows: usize, batch_size: usize) -> BasicNn {
        let (key, mut params) = (Key::from_seed(1), Params::new());
        let init = RandomNormal::new(0.5, 0.7);
        let mut add = |name: &str, sizes: &[usize]| {
            let values = init.values(Shape::new(sizes).unwrap(), key.split_name(name)).unwrap();
            params.add(name, &Array::from_shape_vec(sizes, values).unwrap()).unwrap()
        };
        let ids = [add("w1", &[784, 200]), add("b1", &[200]), add("w2", &[200, 10]), add("b2", &[10])];
        let recorder = Recorder::new(Mode::Training);
        let (x, t) = (recorder.input([batch_size, 784]), recorder.input([batch_size, 10]));
        let [w1, b1, w2, b2] = ids.map(|id| recorder.parameter(&params, id));
        let logits = x.affine(w1, b1, Activation::Relu).affine(w2, b2, Activation::Linear);
        let (probabilities, loss) = (logits.softmax(), logits.softmax_crossentropy(t));
        recorder.minimize(loss);
        let [input, target, loss, probabilities] = [x, t, loss, probabilities].map(|var| var.id());
        BasicNn {
            tape: recorder.finish().unwrap(),
            gradients: ParamGradients::new(&params),
            state: ids.map(|id| [(); 2].map(|()| vec![0.0; params.shape(id).len()])),
            batches: NextBatch::new(rows, batch_size, key.split_name("batches")).unwrap(),
            inputs: vec![0.0; batch_size * 784],
            targets: vec![0.0; batch_size * 10],
            key,
            step: 0,
            params,
            ids,
            input,
            target,
            loss,
            probabilities,
        }
    }

    /// Runs a training step on the next batch of one-hot digits, and returns its loss.
    pub(crate) fn step(&mut self, data: &dyn Dataset) -> f32 {
        self.step += 1;
        data.gather(self.batches.next_batch(), &mut self.inputs, &mut self.targets);
        self.tape.input_mut(self.input).iter_mut().zip(&self.inputs).for_each(|(x, value)| *x = *value);
        self.tape.input_mut(self.target).iter_mut().zip(&self.targets).for_each(|(t, value)| *t = *value);
        self.tape.run(&self.params, self.key.split(self.step)).unwrap();
        self.tape.backward(&self.params, &mut self.gradients);
        let (adam, step) = (Adam::new(0.001).epsilon(1e-8), Step::new(self.step, 0.001));
        for (id, [mean, square]) in self.ids.into_iter().zip(&mut self.state) {
            let (mut value, gradient) = (self.params.get_mut(id), self.gradients.get(id).unwrap());
            let (value, gradient) = (value.as_slice_mut().unwrap(), gradient.as_slice().unwrap());
            adam.update(step, ParamSlice::new(value, gradient, [&mut mean[..], &mut square[..]]));
        }
        self.tape.value(self.loss).sum()
    }

    /// The probabilities of the last batch.
    pub(crate) fn probabilities(&self) -> ArrayViewD<'_, f32> {
        self.tape.value(self.probabilities)
    }
}
