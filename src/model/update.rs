//! The optimizer's work: one loop for each weight array, cut into pieces for the threads.

use crate::error::{Result, check_setting};
use crate::optimizers::{MAX_MEMORY, Optimizer};
use crate::tape::{ParamGradients, ParamId, Params};

/// Elements that stay on one thread; pieces never change a result.
const PIECE: usize = 1 << 15;

/// What the optimizer remembers about each trainable parameter: its state arrays.
#[derive(Clone, Debug)]
pub(super) struct Memory(Vec<(ParamId, [Vec<f32>; MAX_MEMORY])>);

impl Memory {
    pub(super) fn new(optimizer: &dyn Optimizer, params: &Params) -> Result<Memory> {
        let first = optimizer.memory();
        let class = optimizer.spec().class().to_owned();
        check_setting(first.len() <= MAX_MEMORY, class, "memory", first.len() as f64, "0 ≤ arrays ≤ 4")?;
        let state = |id: ParamId| {
            let length = params.shape(id).len();
            std::array::from_fn(|array| first.get(array).map_or(Vec::new(), |first| vec![*first; length]))
        };
        Ok(Memory(params.ids().filter(|id| params.trainable(*id)).map(|id| (id, state(id))).collect()))
    }

    /// Changes every trainable parameter along its gradient.
    pub(super) fn update(
        &mut self,
        optimizer: &dyn Optimizer,
        step: u64,
        rate: f32,
        params: &mut Params,
        gradients: &ParamGradients,
    ) {
        for (id, memory) in &mut self.0 {
            let memory = memory.each_mut().map(Vec::as_mut_slice);
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
            let arrays = optimizer.memory().len();
            optimizer.update(step, rate, self.value, self.gradient, &mut self.memory[..arrays]);
            return;
        }
        let middle = (self.value.len() / 2).next_multiple_of(64);
        let (left, right) = self.split_at(middle);
        rayon::join(|| left.update(optimizer, step, rate), || right.update(optimizer, step, rate));
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
