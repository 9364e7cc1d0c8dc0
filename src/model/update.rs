//! The optimizer's work: what it remembers of each weight array, and one loop over each, cut into pieces for the threads.

use super::clip;
use crate::error::{Error, Result, check_setting};
use crate::kernels::awake;
use crate::kernels::lines::Lines;
use crate::optimizers::{MAX_MEMORY, Optimizer};
use crate::save::MemoryArray;
use crate::shape::Shape;
use crate::tape::{ParamGradients, ParamId, Params, Tape};
use std::collections::BTreeMap;

/// The optimizer's arrays as a file has them.
pub(super) type StoredArrays = BTreeMap<String, (Shape, Vec<f32>)>;

/// Elements that stay on one thread; pieces never change a result.
const PIECE: usize = 1 << 15;

/// What an optimizer remembers about each trainable parameter: its state arrays. A [`Model`](crate::Model) has its own;
/// a training loop on the tape makes one.
///
/// ```
/// use gradus::{OptimizerState, optimizers::Sgd, tape::{ParamGradients, Params}};
/// let mut params = Params::new();
/// params.add("weight", &ndarray::arr1(&[1.0, 2.0]))?;
/// let (sgd, mut gradients) = (Sgd::new(0.5), ParamGradients::new(&params)); // gradients of zero
/// let mut state = OptimizerState::new(&sgd, &params)?;
/// state.update(&sgd, 1, 0.5, &mut params, &mut gradients);
/// assert_eq!(params.get(params.id("weight")?), ndarray::arr1(&[1.0, 2.0]).into_dyn());
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OptimizerState(Vec<(ParamId, [Lines; MAX_MEMORY])>);

impl OptimizerState {
    /// The state before the first step.
    ///
    /// # Errors
    /// The optimizer's settings are out of range, or it keeps more arrays than [`MAX_MEMORY`].
    pub fn new(optimizer: &dyn Optimizer, params: &Params) -> Result<OptimizerState> {
        optimizer.check()?;
        let first = optimizer.memory();
        let class = optimizer.spec().class().to_owned();
        check_setting(first.len() <= MAX_MEMORY, class, "memory", first.len() as f64, "0 ≤ arrays ≤ 4")?;
        let state = |id: ParamId| {
            let length = params.shape(id).len();
            std::array::from_fn(|array| {
                first.get(array).map_or(Lines::default(), |first| Lines::filled(*first, length))
            })
        };
        Ok(OptimizerState(params.ids().filter(|id| params.trainable(*id)).map(|id| (id, state(id))).collect()))
    }

    /// What was remembered, from the arrays of a file.
    pub(super) fn restore(optimizer: &dyn Optimizer, params: &Params, stored: &StoredArrays) -> Result<OptimizerState> {
        let mut memory = OptimizerState::new(optimizer, params)?;
        memory.assign(params, stored)?;
        Ok(memory)
    }

    /// Sets every array from those of a file.
    pub(super) fn assign(&mut self, params: &Params, stored: &StoredArrays) -> Result<()> {
        let mut restored = 0;
        for (id, arrays) in &mut self.0 {
            for (number, array) in arrays.iter_mut().enumerate().filter(|(_, array)| !array.is_empty()) {
                let name = MemoryArray::name(number, params.name(*id));
                let Some((_, values)) = stored.get(&name).filter(|(shape, _)| *shape == params.shape(*id)) else {
                    let problem = format!("its optimizer's array {name} is missing or of another shape");
                    return Err(Error::other(problem));
                };
                array.copy_from_slice(values);
                restored += 1;
            }
        }
        if restored != stored.len() {
            return Err(Error::other("it holds more of the optimizer's arrays than the optimizer has"));
        }
        Ok(())
    }

    /// Takes over what `other` remembers of the parameters that have the same names.
    pub(super) fn remember(&mut self, params: &Params, other: &OptimizerState, others: &Params) {
        for (id, arrays) in &mut self.0 {
            let named = other.0.iter().find(|(other, _)| others.name(*other) == params.name(*id));
            named.into_iter().for_each(|(_, known)| arrays.clone_from(known));
        }
    }

    /// Every array, for a file.
    pub(super) fn arrays<'a>(&'a self, params: &'a Params) -> Vec<MemoryArray<'a>> {
        let mut all = Vec::new();
        for (id, arrays) in &self.0 {
            let (parameter, shape) = (params.name(*id), params.shape(*id));
            let kept = arrays.iter().enumerate().filter(|(_, values)| !values.is_empty());
            let name = |number| MemoryArray::name(number, parameter);
            all.extend(kept.map(|(number, values)| MemoryArray { name: name(number), shape, values }));
        }
        all
    }

    /// Changes every trainable parameter along its gradient. `step` counts from 1. Gradients are clipped in place, where
    /// the optimizer clips.
    ///
    /// # Panics
    /// When the gradients or the parameters are not those that the state was made for.
    pub fn update(
        &mut self,
        optimizer: &dyn Optimizer,
        step: u64,
        rate: f32,
        params: &mut Params,
        gradients: &mut ParamGradients,
    ) {
        if let Some(clip) = optimizer.options().clip {
            clip::apply(clip, gradients);
        }
        self.update_where(|_| true, optimizer, step, rate, params, gradients);
    }

    /// What [`Tape::backward`] and then [`update`](OptimizerState::update) do, to the bit, in less time: large weights
    /// are changed as soon as a part of their gradient is there, while it is in cache. `gradients` is overwritten.
    ///
    /// Where the optimizer clips, it is one after the other.
    ///
    /// # Panics
    /// As both do.
    pub fn descend(
        &mut self,
        optimizer: &dyn Optimizer,
        step: u64,
        rate: f32,
        tape: &mut Tape,
        params: &mut Params,
        gradients: &mut ParamGradients,
    ) {
        if optimizer.options().clip.is_some() {
            tape.backward(params, gradients);
            return self.update(optimizer, step, rate, params, gradients);
        }
        tape.descend(params, gradients, &mut self.0, &|gradient, [value, memory @ ..]| {
            Piece { value, gradient, memory }.update_alone(optimizer, step, rate);
        });
        self.update_where(|id| !tape.changes_in_place(id), optimizer, step, rate, params, gradients);
    }

    /// Changes those parameters along their gradients that are to be changed.
    fn update_where(
        &mut self,
        wanted: impl Fn(ParamId) -> bool,
        optimizer: &dyn Optimizer,
        step: u64,
        rate: f32,
        params: &mut Params,
        gradients: &ParamGradients,
    ) {
        for (id, memory) in self.0.iter_mut().filter(|(id, _)| wanted(*id)) {
            let memory = memory.each_mut().map(|array| &mut **array);
            let piece = Piece { value: params.values_mut(*id), gradient: gradients.values(*id), memory };
            piece.update(optimizer, step, rate);
        }
    }
}

/// A stretch of one weight array with what belongs to it.
struct Piece<'a> {
    value: &'a mut [f32],
    gradient: &'a [f32],
    memory: [&'a mut [f32]; MAX_MEMORY],
}

impl Piece<'_> {
    fn update(self, optimizer: &dyn Optimizer, step: u64, rate: f32) {
        if self.value.len() <= PIECE {
            return self.update_alone(optimizer, step, rate);
        }
        let middle = (self.value.len() / 2).next_multiple_of(64);
        let (left, right) = self.split_at(middle);
        awake::fork(|| left.update(optimizer, step, rate), || right.update(optimizer, step, rate));
    }

    /// Without another thread.
    fn update_alone(mut self, optimizer: &dyn Optimizer, step: u64, rate: f32) {
        let (arrays, decay) = (optimizer.memory().len(), optimizer.options().weight_decay);
        if decay > 0.0 {
            self.value.iter_mut().for_each(|w| *w -= *w * decay * rate);
        }
        optimizer.update(step, rate, self.value, self.gradient, &mut self.memory[..arrays]);
    }

    fn split_at<'a>(self, middle: usize) -> (Piece<'a>, Piece<'a>)
    where
        Self: 'a,
    {
        let (value, value_right) = self.value.split_at_mut(middle);
        let (gradient, gradient_right) = self.gradient.split_at(middle);
        let mut rights = [const { None }; MAX_MEMORY];
        let mut index = 0;
        let memory = self.memory.map(|array| {
            let (left, right) = array.split_at_mut(middle.min(array.len()));
            rights[index] = Some(right);
            index += 1;
            left
        });
        let memory_right = rights.map(Option::unwrap_or_default);
        let right = Piece { value: value_right, gradient: gradient_right, memory: memory_right };
        (Piece { value, gradient, memory }, right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;
    use crate::ops::Activation;
    use crate::optimizers::{Adam, AdamW, Clip, RmsProp, Sgd};
    use crate::tape::{Id, Mode, Recorder};
    use crate::{Key, Result};
    use ndarray::{Array1, Array2};

    /// The widths of a network; the layer in the middle is used twice.
    const WIDTHS: [usize; 4] = [70, 350, 350, 9];

    fn params() -> Result<Params> {
        let mut params = Params::new();
        for (layer, sizes) in WIDTHS.windows(2).enumerate() {
            let values = samples::values(layer as u64, sizes[0] * sizes[1]).into_iter().map(|w| 0.05 * w).collect();
            params.add(&format!("w{layer}"), &Array2::from_shape_vec((sizes[0], sizes[1]), values).unwrap())?;
            params.add(&format!("b{layer}"), &Array1::<f32>::zeros(sizes[1]))?;
        }
        Ok(params)
    }

    fn record(params: &Params, rows: usize) -> Result<(Tape, Id)> {
        let recorder = Recorder::new(Mode::Training);
        let x = recorder.input([rows, WIDTHS[0]]);
        let parameter = |name: String| recorder.parameter(params, params.id(&name).unwrap());
        let [first, middle, last] = [0, 1, 2].map(|layer| [format!("w{layer}"), format!("b{layer}")].map(&parameter));
        let hidden = x.affine(first[0], first[1], Activation::Relu);
        let hidden = hidden.affine(middle[0], middle[1], Activation::Tanh);
        let hidden = hidden.affine(middle[0], middle[1], Activation::Linear);
        let y = hidden.affine(last[0], last[1], Activation::Linear);
        recorder.minimize((y * y).mean());
        let id = x.id();
        Ok((recorder.finish()?, id))
    }

    /// The weights after three steps, all at once or as their gradients come.
    fn trained(optimizer: &dyn Optimizer, rows: usize, sparse: bool, at_once: bool) -> Result<String> {
        let mut params = params()?;
        let (mut tape, x) = record(&params, rows)?;
        let in_place = ["w0", "w1", "w2"].map(|name| tape.changes_in_place(params.id(name).unwrap()));
        assert_eq!(in_place, [true, false, true], "the layer in the middle is used twice");
        let (mut state, mut gradients) = (OptimizerState::new(optimizer, &params)?, ParamGradients::new(&params));
        let values = samples::values(9, rows * WIDTHS[0]);
        let kept = |(at, value): (usize, f32)| if sparse && at % 5 > 0 { 0.0 } else { value };
        let values = values.into_iter().enumerate().map(kept).collect();
        tape.input_mut(x).assign(&Array2::from_shape_vec((rows, WIDTHS[0]), values).unwrap());
        for step in 1..=3 {
            tape.run(&params, Key::from_seed(0)).unwrap();
            if at_once {
                tape.backward(&params, &mut gradients);
                state.update(optimizer, step, 0.01, &mut params, &mut gradients);
            } else {
                state.descend(optimizer, step, 0.01, &mut tape, &mut params, &mut gradients);
            }
        }
        Ok(params.sha256())
    }

    #[test]
    fn weights_that_follow_at_once_have_the_same_bits() {
        let optimizers: [Box<dyn Optimizer>; 5] = [
            Box::new(Sgd::new(0.01)),
            Box::new(Adam::default().amsgrad(true)),
            Box::new(AdamW::default()),
            Box::new(RmsProp::default().momentum(0.5).centered(true)),
            Box::new(Adam::default().clip(Clip::GlobalNorm(0.1))),
        ];
        for (rows, sparse) in [(5, false), (40, true), (300, false), (300, true)] {
            for optimizer in &optimizers {
                let expected = trained(optimizer.as_ref(), rows, sparse, true).unwrap();
                samples::in_pools(|| {
                    let found = trained(optimizer.as_ref(), rows, sparse, false).unwrap();
                    assert_eq!(found, expected, "{optimizer:?}, {rows} rows");
                });
            }
        }
    }
}
