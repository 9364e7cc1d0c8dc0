//! The optimizer's work: what it remembers of each weight array, and one loop over each, cut into pieces for the threads.

use super::clip;
use crate::error::{Error, Result, check_setting};
use crate::kernels::awake;
use crate::kernels::lines::Lines;
use crate::optimizers::{MAX_MEMORY, Optimizer};
use crate::save::MemoryArray;
use crate::shape::Shape;
use crate::tape::{ParamGradients, ParamId, Params};
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
        for (id, memory) in &mut self.0 {
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
    fn update(mut self, optimizer: &dyn Optimizer, step: u64, rate: f32) {
        if self.value.len() <= PIECE {
            let (arrays, decay) = (optimizer.memory().len(), optimizer.options().weight_decay);
            if decay > 0.0 {
                self.value.iter_mut().for_each(|w| *w -= *w * decay * rate);
            }
            optimizer.update(step, rate, self.value, self.gradient, &mut self.memory[..arrays]);
            return;
        }
        let middle = (self.value.len() / 2).next_multiple_of(64);
        let (left, right) = self.split_at(middle);
        awake::fork(|| left.update(optimizer, step, rate), || right.update(optimizer, step, rate));
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
