//! The state of an optimizer, and its updates of all parameters.

use super::averages::Averages;
use super::clip;
use super::optimizer::Optimizer;
use super::options::OptimizerOptions;
use super::slice::{MAX_STATE_ARRAYS, ParamSlice};
use super::step::Step;
use crate::error::{Error, Result, check_setting};
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::shape::Shape;
use crate::tape::{ParamGradients, ParamId, Params, Tape};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The state arrays of an optimizer by their names in files.
pub(crate) type StoredArrays = BTreeMap<String, (Shape, Vec<f32>)>;

/// One state array of a parameter.
#[derive(Clone, Debug)]
pub(crate) struct StateArray<'a> {
    /// The number of the array and the name of its parameter.
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) values: &'a [f32],
}

impl StateArray<'_> {
    /// The name of array `number` of a parameter.
    pub(crate) fn name(number: usize, parameter: &str) -> String {
        format!("{number}/{parameter}")
    }
}

/// An optimizer with its state arrays for each trainable parameter. A [`Model`](crate::Model) contains one; a training loop
/// on the tape creates one.
///
/// ```
/// use gradus::{OptimizerState, optimizers::Sgd, tape::{ParamGradients, Params}};
/// let mut params = Params::new();
/// params.add("weight", &ndarray::arr1(&[1.0, 2.0]))?;
/// let mut gradients = ParamGradients::new(&params); // zeros
/// let mut state = OptimizerState::new(Sgd::new(0.5), &params)?;
/// state.update(state.step(1), &mut params, &mut gradients);
/// assert_eq!(params.get(params.id("weight")?), ndarray::arr1(&[1.0, 2.0]).into_dyn());
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OptimizerState {
    pub(super) optimizer: Arc<dyn Optimizer>,
    /// A copy of the options of the optimizer, as reading them in each step would allocate.
    pub(super) options: OptimizerOptions,
    /// Empty arrays if only a part is kept.
    pub(super) arrays: Vec<(ParamId, [AlignedBuffer; MAX_STATE_ARRAYS])>,
    pub(super) averages: Averages,
    pub(super) part: Option<StatePart>,
}

/// The state of a range of the elements of all trainable parameters, one after the other.
#[derive(Clone, Debug)]
pub(super) struct StatePart {
    pub(super) elements: Range<usize>,
    pub(super) arrays: [AlignedBuffer; MAX_STATE_ARRAYS],
}

impl OptimizerState {
    /// Creates the state before the first step.
    ///
    /// # Errors
    /// [`Error::Setting`] when a setting of the optimizer is out of range, or it has more than [`MAX_STATE_ARRAYS`] state
    /// arrays.
    pub fn new(optimizer: impl Optimizer + 'static, params: &Params) -> Result<OptimizerState> {
        OptimizerState::of(Arc::new(optimizer), params)
    }

    /// Creates the state of a shared optimizer before the first step.
    pub(crate) fn of(optimizer: Arc<dyn Optimizer>, params: &Params) -> Result<OptimizerState> {
        optimizer.check()?;
        let options = optimizer.options()?;
        let class = optimizer.spec().class().to_owned();
        options.check(class.clone())?;
        let first = optimizer.initial_state();
        let expected = "at most 4 arrays";
        check_setting(first.len() <= MAX_STATE_ARRAYS, class, "initial_state", first.len(), expected)?;
        let state = |id: ParamId| {
            let length = params.shape(id).len();
            std::array::from_fn(|array| {
                first.get(array).map_or(AlignedBuffer::default(), |first| AlignedBuffer::filled(*first, length))
            })
        };
        let arrays = params.ids().filter(|id| params.trainable(*id)).map(|id| (id, state(id))).collect();
        let averages = Averages::new(&options, params);
        Ok(OptimizerState { optimizer, options, arrays, averages, part: None })
    }

    /// Creates the state from the arrays of a file.
    pub(crate) fn restore(
        optimizer: Arc<dyn Optimizer>,
        params: &Params,
        stored: &StoredArrays,
    ) -> Result<OptimizerState> {
        let mut state = OptimizerState::of(optimizer, params)?;
        state.assign(params, stored)?;
        Ok(state)
    }

    /// The optimizer.
    pub fn optimizer(&self) -> &dyn Optimizer {
        self.optimizer.as_ref()
    }

    /// The optimizer, to be shared with another state.
    pub(crate) fn shared_optimizer(&self) -> Arc<dyn Optimizer> {
        self.optimizer.clone()
    }

    /// Returns state array `number`, from 0, of a parameter; `None` if the optimizer has fewer arrays or the parameter is not
    /// trainable.
    ///
    /// ```
    /// use gradus::{OptimizerState, optimizers::Adam, tape::Params};
    /// let mut params = Params::new();
    /// let id = params.add("weight", &ndarray::arr1(&[1.0, 2.0]))?;
    /// let mut state = OptimizerState::new(Adam::default(), &params)?;
    /// state.array_mut(1, id).unwrap().fill(0.5); // Adam's running mean of squares, from a file
    /// assert_eq!((state.array(0, id), state.array(2, id)), (Some(&[0.0, 0.0][..]), None));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn array(&self, number: usize, id: ParamId) -> Option<&[f32]> {
        let (_, arrays) = self.arrays.iter().find(|(other, _)| *other == id)?;
        arrays.get(number).map(|array| &**array).filter(|array| !array.is_empty())
    }

    /// Returns state array `number`, from 0, of a parameter for changes; `None` if the optimizer has fewer arrays or the
    /// parameter is not trainable.
    pub fn array_mut(&mut self, number: usize, id: ParamId) -> Option<&mut [f32]> {
        let (_, arrays) = self.arrays.iter_mut().find(|(other, _)| *other == id)?;
        arrays.get_mut(number).map(|array| &mut **array).filter(|array| !array.is_empty())
    }

    /// The moving average of a parameter; `None` without `use_ema`, or if the parameter is not trainable.
    ///
    /// ```
    /// use gradus::{OptimizerState, optimizers::Sgd, tape::{ParamGradients, Params}};
    /// let mut params = Params::new();
    /// let id = params.add("weight", &ndarray::arr1(&[1.0, 2.0]))?;
    /// let mut state = OptimizerState::new(Sgd::new(0.5).use_ema(true), &params)?;
    /// let mut gradients = ParamGradients::new(&params);
    /// state.update(state.step(1), &mut params, &mut gradients);
    /// assert_eq!(state.average(id), Some(&[1.0, 2.0][..]));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn average(&self, id: ParamId) -> Option<&[f32]> {
        self.averages.arrays.iter().find(|(other, _)| *other == id).map(|(_, average)| &**average)
    }

    /// The moving average of a parameter for changes; `None` without `use_ema`, or if the parameter is not trainable.
    pub fn average_mut(&mut self, id: ParamId) -> Option<&mut [f32]> {
        self.averages.arrays.iter_mut().find(|(other, _)| *other == id).map(|(_, average)| &mut **average)
    }

    /// Exchanges the parameters with their moving averages, if `averaged` and they are not exchanged, or back if they are. While
    /// they are exchanged, [`average`](OptimizerState::average) returns the trained values. Exchange them back before the forward
    /// pass of the next step.
    pub fn set_averaged(&mut self, params: &mut Params, averaged: bool) {
        self.averages.exchange(params, averaged);
    }

    /// Whether the optimizer keeps moving averages.
    pub(crate) fn has_averages(&self) -> bool {
        self.options.use_ema
    }

    /// Replaces the parameters by their moving averages at the end of training.
    pub(crate) fn finish_averages(&mut self, params: &mut Params) {
        self.averages.finish(params);
    }

    /// Creates the step with this number, counted from 1, and the learning rate of the optimizer.
    ///
    /// # Panics
    /// When `number` is 0.
    pub fn step(&self, number: u64) -> Step {
        Step::new(number, self.options.learning_rate.rate(number.saturating_sub(1)))
    }

    /// Sets all arrays from those of a file.
    pub(crate) fn assign(&mut self, params: &Params, stored: &StoredArrays) -> Result<()> {
        let mut restored = 0;
        for (id, arrays) in &mut self.arrays {
            for (number, array) in arrays.iter_mut().enumerate().filter(|(_, array)| !array.is_empty()) {
                let name = StateArray::name(number, params.name(*id));
                let Some((_, values)) = stored.get(&name).filter(|(shape, _)| *shape == params.shape(*id)) else {
                    let problem = format!("its optimizer's array {name} is missing or has a different shape");
                    return Err(Error::other(problem));
                };
                array.copy_from_slice(values);
                restored += 1;
            }
        }
        restored += self.averages.assign(params, |name| stored.get(name))?;
        if restored != stored.len() {
            return Err(Error::other("it has more optimizer arrays than the optimizer"));
        }
        Ok(())
    }

    /// Copies the state of the parameters that have the same names in `other`.
    pub(crate) fn copy_from(&mut self, params: &Params, other: &OptimizerState, others: &Params) {
        for (id, arrays) in &mut self.arrays {
            let named = other.arrays.iter().find(|(other, _)| others.name(*other) == params.name(*id));
            named.into_iter().for_each(|(_, known)| arrays.clone_from(known));
        }
        self.averages.copy_from(params, &other.averages, others);
    }

    /// All arrays, for a file.
    pub(crate) fn arrays<'a>(&'a self, params: &'a Params) -> Vec<StateArray<'a>> {
        let mut all = Vec::new();
        for (id, arrays) in &self.arrays {
            let (parameter, shape) = (params.name(*id), params.shape(*id));
            let kept = arrays.iter().enumerate().filter(|(_, values)| !values.is_empty());
            let name = |number| StateArray::name(number, parameter);
            all.extend(kept.map(|(number, values)| StateArray { name: name(number), shape, values }));
        }
        let averages = self.averages.named(params);
        all.extend(averages.map(|(name, shape, values)| StateArray { name, shape, values }));
        all
    }

    /// Updates every trainable parameter from its gradient. An optimizer with clipping clips `gradients` in place.
    ///
    /// # Panics
    /// When the parameters or the gradients are not those for which the state was created, or a trainable parameter was added
    /// after the state or the gradients were created.
    pub fn update(&mut self, step: Step, params: &mut Params, gradients: &mut ParamGradients) {
        self.check_count(params);
        if let Some(clip) = self.options.clip {
            clip::apply(clip, gradients);
        }
        self.update_where(|_| true, step, params, gradients);
        self.averages.update(&self.options, step, params);
    }

    /// Computes gradients and updates every trainable parameter: a fused [`Tape::backward`] and
    /// [`update`](OptimizerState::update) with the same bits, which is faster because a large parameter is updated while
    /// parts of its gradient are in cache. `gradients` is overwritten with unspecified values.
    ///
    /// With clipping, the two methods run one after the other.
    ///
    /// # Panics
    /// The panics of [`Tape::backward`] and [`update`](OptimizerState::update).
    pub fn backward_and_update(
        &mut self,
        step: Step,
        tape: &mut Tape,
        params: &mut Params,
        gradients: &mut ParamGradients,
    ) {
        if self.options.clip.is_some() {
            tape.backward(params, gradients);
            tape.commit_assigned(params);
            return self.update(step, params, gradients);
        }
        self.check_count(params);
        let rule = Rule { optimizer: self.optimizer.as_ref(), step, weight_decay: self.options.weight_decay };
        tape.backward_and_update(params, gradients, &mut self.arrays, &|gradient, [values, state @ ..]| {
            rule.apply(ParamSlice { values, gradient, state });
        });
        self.update_where(|id| !tape.changes_in_place(id), step, params, gradients);
        self.averages.update(&self.options, step, params);
    }

    /// Checks that no trainable parameter was added after the state was created: it would not be trained.
    fn check_count(&self, params: &Params) {
        let count = params.ids().filter(|id| params.trainable(*id)).count();
        let problem = "an OptimizerState was used with other trainable parameters than those for which it was created";
        assert!(count == self.arrays.len(), "{problem}");
    }

    /// Updates the parameters that `selected` selects.
    fn update_where(
        &mut self,
        selected: impl Fn(ParamId) -> bool,
        step: Step,
        params: &mut Params,
        gradients: &ParamGradients,
    ) {
        let rule = Rule { optimizer: self.optimizer.as_ref(), step, weight_decay: self.options.weight_decay };
        for (id, state) in self.arrays.iter_mut().filter(|(id, _)| selected(*id)) {
            let state = state.each_mut().map(|array| &mut **array);
            let slice = ParamSlice { values: params.values_mut(*id), gradient: gradients.values(*id), state };
            slice.in_parallel(&|slice| rule.apply(slice));
        }
    }
}

/// The update of a slice of a parameter in one step.
pub(super) struct Rule<'a> {
    pub(super) optimizer: &'a dyn Optimizer,
    pub(super) step: Step,
    pub(super) weight_decay: f32,
}

impl Rule<'_> {
    pub(super) fn apply(&self, slice: ParamSlice<'_>) {
        if self.weight_decay > 0.0 {
            slice.values.iter_mut().for_each(|w| *w -= *w * self.weight_decay * self.step.learning_rate);
        }
        self.optimizer.update(self.step, slice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;
    use crate::ops::Activation;
    use crate::optimizers::{Adam, AdamW, Clip, RmsProp, Sgd};
    use crate::tape::{Mode, Recorder, ValueId};
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

    fn record(params: &Params, rows: usize) -> Result<(Tape, ValueId)> {
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

    /// The digest of the weights after three steps, with backward and update separate or fused.
    fn trained(optimizer: &Arc<dyn Optimizer>, rows: usize, sparse: bool, separate: bool) -> Result<String> {
        let mut params = params()?;
        let (mut tape, x) = record(&params, rows)?;
        let in_place = ["w0", "w1", "w2"].map(|name| tape.changes_in_place(params.id(name).unwrap()));
        assert_eq!(in_place, [true, false, true], "the layer in the middle is used twice");
        let (mut state, mut gradients) =
            (OptimizerState::new(optimizer.clone(), &params)?, ParamGradients::new(&params));
        let values = samples::values(9, rows * WIDTHS[0]);
        let kept = |(at, value): (usize, f32)| if sparse && at % 5 > 0 { 0.0 } else { value };
        let values = values.into_iter().enumerate().map(kept).collect();
        tape.input_mut(x).assign(&Array2::from_shape_vec((rows, WIDTHS[0]), values).unwrap());
        for step in 1..=3 {
            tape.run(&params, Key::from_seed(0)).unwrap();
            if separate {
                tape.backward(&params, &mut gradients);
                state.update(Step::new(step, 0.01), &mut params, &mut gradients);
            } else {
                state.backward_and_update(Step::new(step, 0.01), &mut tape, &mut params, &mut gradients);
            }
        }
        Ok(params.sha256())
    }

    #[test]
    fn the_fused_step_has_the_bits_of_backward_and_update() {
        let optimizers: [Arc<dyn Optimizer>; 6] = [
            Arc::new(Sgd::new(0.01)),
            Arc::new(Adam::default().amsgrad(true)),
            Arc::new(AdamW::default()),
            Arc::new(Sgd::new(0.01).use_ema(true).ema_momentum(0.5).ema_overwrite_frequency(2)),
            Arc::new(RmsProp::default().momentum(0.5).centered(true)),
            Arc::new(Adam::default().clip(Clip::GlobalNorm(0.1))),
        ];
        for (rows, sparse) in [(5, false), (40, true), (300, false), (300, true)] {
            for optimizer in &optimizers {
                let expected = trained(optimizer, rows, sparse, true).unwrap();
                samples::in_pools(|| {
                    let found = trained(optimizer, rows, sparse, false).unwrap();
                    assert_eq!(found, expected, "{optimizer:?}, {rows} rows");
                });
            }
        }
    }
}
