//! A part of the state of an optimizer: each member of an exchange keeps the state of a part of the weights and updates only
//! these.

use super::clip;
use super::slice::ParamSlice;
use super::state::{OptimizerState, Rule, StatePart};
use super::step::Step;
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::kernels::concatenated::{append, parts};
use crate::kernels::reduce;
use crate::tape::Params;
use std::ops::Range;

impl OptimizerState {
    /// The elements of the trainable parameters whose state is kept; `None` if it is kept for all.
    pub(crate) fn part(&self) -> Option<Range<usize>> {
        self.part.as_ref().map(|part| part.elements.clone())
    }

    /// Keeps only the state of a range of the elements of all trainable parameters. Moving averages are kept for all.
    pub(crate) fn divide(&mut self, elements: Range<usize>) {
        let arrays = std::array::from_fn(|number| {
            let mut part = Vec::new();
            append(self.arrays.iter().map(|(_, arrays)| &*arrays[number]), elements.clone(), &mut part);
            AlignedBuffer::from(&*part)
        });
        self.part = Some(StatePart { elements, arrays });
        self.arrays.iter_mut().for_each(|(_, arrays)| *arrays = Default::default());
    }

    /// The number of state arrays of each parameter.
    pub(crate) fn array_count(&self) -> usize {
        self.optimizer.initial_state().len()
    }

    /// State array `number` of the elements that are kept after [`divide`](OptimizerState::divide).
    pub(crate) fn part_array(&self, number: usize) -> &[f32] {
        self.part.as_ref().map_or(&[], |part| &part.arrays[number])
    }

    /// Sets state array `number` of all parameters, one after the other.
    pub(crate) fn set_array(&mut self, params: &Params, number: usize, values: &[f32]) {
        let mut rest = values;
        for (id, arrays) in &mut self.arrays {
            let (own, later) = rest.split_at(params.values(*id).len());
            arrays[number] = AlignedBuffer::from(own);
            rest = later;
        }
    }

    /// Forgets the part after all arrays are set.
    pub(crate) fn make_whole(&mut self) {
        self.part = None;
    }

    /// Whether clipping needs the squares of all gradients.
    pub(crate) fn clips_norms(&self) -> bool {
        self.options.clip.is_some_and(|clip| clip.has_norm())
    }

    /// The largest border of parts that is not greater than `at`. If clipping needs norms, a part consists of whole chunks of
    /// the sums of squares.
    pub(crate) fn border(&self, params: &Params, at: usize) -> usize {
        if !self.clips_norms() {
            return at;
        }
        let lengths = self.lengths(params);
        let below = lengths.scan(0, |end, length| {
            let start = *end;
            *end += length;
            (start <= at).then(|| if at < *end { start + (at - start) / reduce::CHUNK * reduce::CHUNK } else { *end })
        });
        below.last().unwrap_or_default()
    }

    /// The sums of the squares of the chunks of the gradients that are kept after [`divide`](OptimizerState::divide).
    pub(crate) fn squares<'a>(&self, params: &Params, gradient: &'a [f32]) -> impl Iterator<Item = f64> + use<'a> {
        let own = self.part().unwrap_or_default();
        let own: Vec<_> = parts(self.lengths(params), own).map(|(_, of_range)| of_range).collect();
        own.into_iter().flat_map(|own| gradient[own].chunks(reduce::CHUNK).map(reduce::squares_of_chunk))
    }

    /// Updates the values of the elements that are kept after [`divide`](OptimizerState::divide) from their gradients, which are
    /// clipped in place. `squares` are the sums of squares of the chunks of all gradients, if clipping needs them.
    pub(crate) fn update_part(
        &mut self,
        step: Step,
        params: &Params,
        values: &mut [f32],
        gradient: &mut [f32],
        squares: &[f64],
    ) {
        let Some(mut part) = self.part.take() else { return };
        if let Some(clip) = self.options.clip {
            clip::apply_to_part(clip, gradient, part.elements.clone(), self.lengths(params), squares);
        }
        let rule = Rule { optimizer: self.optimizer.as_ref(), step, weight_decay: self.options.weight_decay };
        let state = part.arrays.each_mut().map(|array| &mut **array);
        ParamSlice { values, gradient, state }.in_parallel(&|slice| rule.apply(slice));
        self.part = Some(part);
    }

    /// Updates the moving averages after all parts of the parameters were updated.
    pub(crate) fn update_averages(&mut self, step: Step, params: &mut Params) {
        self.averages.update(&self.options, step, params);
    }

    /// The numbers of elements of the trainable parameters.
    fn lengths<'a>(&'a self, params: &'a Params) -> impl Iterator<Item = usize> + Clone + 'a {
        self.arrays.iter().map(|(id, _)| params.values(*id).len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;
    use crate::optimizers::{Adam, Clip, Lion, Optimizer, RmsProp, Sgd};
    use crate::tape::ParamGradients;
    use ndarray::Array1;
    use std::sync::Arc;

    const LENGTHS: [usize; 5] = [5, 9_000, 4_096, 1, 700];

    fn params() -> Params {
        let mut params = Params::new();
        for (number, length) in LENGTHS.into_iter().enumerate() {
            let values = Array1::from(samples::values(number as u64, length));
            match number {
                3 => params.add_state("state", &values).unwrap(),
                _ => params.add(&format!("w{number}"), &values).unwrap(),
            };
        }
        params
    }

    fn gradients(params: &Params, step: u64) -> ParamGradients {
        let mut gradients = ParamGradients::new(params);
        for (number, gradient) in gradients.arrays_mut().enumerate() {
            gradient.copy_from_slice(&samples::values(100 * step + number as u64, gradient.len()));
        }
        gradients
    }

    /// The parts of several members, updated one after the other.
    #[test]
    fn parts_have_the_bits_of_the_whole() {
        let optimizers: [Arc<dyn Optimizer>; 6] = [
            Arc::new(Sgd::new(0.1)),
            Arc::new(Adam::new(0.01).amsgrad(true).weight_decay(0.01)),
            Arc::new(Adam::new(0.01).clip(Clip::GlobalNorm(3.0))),
            Arc::new(RmsProp::new(0.01).momentum(0.5).centered(true).clip(Clip::Norm(2.0))),
            Arc::new(Lion::new(0.01).clip(Clip::Value(0.1))),
            Arc::new(Sgd::new(0.1).momentum(0.9).clip(Clip::GlobalNorm(1e9))),
        ];
        for optimizer in optimizers {
            let mut whole_params = params();
            let mut whole = OptimizerState::of(optimizer.clone(), &whole_params).unwrap();
            for step in 1..=3 {
                let mut gradients = gradients(&whole_params, step);
                whole.update(whole.step(step), &mut whole_params, &mut gradients);
            }
            for members in 1..=6 {
                let mut params = params();
                let count = params.count(true);
                let state = OptimizerState::of(optimizer.clone(), &params).unwrap();
                let borders: Vec<usize> = (0..=members).map(|m| state.border(&params, m * count / members)).collect();
                assert_eq!((borders[0], borders[members]), (0, count));
                let mut states: Vec<_> = borders.windows(2).map(|ends| (ends[0]..ends[1], state.clone())).collect();
                states.iter_mut().for_each(|(part, state)| state.divide(part.clone()));
                for step in 1..=3 {
                    let gradients: Vec<f32> = gradients(&params, step).arrays().flatten().copied().collect();
                    let squares: Vec<f64> = states
                        .iter()
                        .flat_map(|(part, state)| state.squares(&params, &gradients[part.clone()]))
                        .collect();
                    let trainable: Vec<_> = params.ids().filter(|id| params.trainable(*id)).collect();
                    let mut values: Vec<f32> = trainable.iter().flat_map(|id| params.values(*id).to_vec()).collect();
                    for (part, state) in &mut states {
                        let mut gradient = gradients[part.clone()].to_vec();
                        let values = &mut values[part.clone()];
                        state.update_part(state.step(step), &params, values, &mut gradient, &squares);
                    }
                    let mut rest = &values[..];
                    for id in trainable {
                        let (own, later) = rest.split_at(params.values(id).len());
                        params.values_mut(id).copy_from_slice(own);
                        rest = later;
                    }
                }
                assert_eq!(params.sha256(), whole_params.sha256(), "{optimizer:?}, {members} members");
                let mut found = states[0].1.clone();
                for number in 0..found.array_count() {
                    let arrays: Vec<f32> =
                        states.iter().flat_map(|(_, state)| state.part_array(number).to_vec()).collect();
                    found.set_array(&params, number, &arrays);
                }
                found.make_whole();
                let arrays = |state: &OptimizerState, params: &Params| {
                    let arrays = state.arrays(params).into_iter();
                    arrays.map(|array| (array.name, array.values.to_vec())).collect::<Vec<_>>()
                };
                assert_eq!(arrays(&found, &params), arrays(&whole, &whole_params), "{optimizer:?}, {members} members");
            }
        }
    }
}
