//! Gradients of parameters.

use super::params::{ParamId, Params};
use super::stamp::Stamp;
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::kernels::reduce;
use crate::shape::Shape;
use ndarray::{ArrayViewD, ArrayViewMutD, IxDyn};

/// The loss's gradient with respect to each trainable parameter.
///
/// [`get_mut`](ParamGradients::get_mut) changes gradients before the update, for example to add those of several batches or
/// to clip them in a custom way:
///
/// ```
/// use gradus::{Key, OptimizerState, optimizers::Sgd, tape::*};
/// use ndarray::arr1;
/// let mut params = Params::new();
/// let weight = params.add("weight", &arr1(&[1.0, 1.0]))?;
/// let recorder = Recorder::new(Mode::Training);
/// let x = recorder.input([2]);
/// recorder.minimize((x * recorder.parameter(&params, weight)).sum());
/// let x = x.id();
/// let mut tape = recorder.finish()?;
///
/// let (mut gradients, mut total) = (ParamGradients::new(&params), ParamGradients::new(&params));
/// for batch in [[1.0, 2.0], [2.0, 2.0]] {
///     tape.input_mut(x).assign(&arr1(&batch));
///     tape.run(&params, Key::from_seed(0))?;
///     tape.backward(&params, &mut gradients); // overwrites the gradients
///     for id in params.ids() {
///         let Some(mut sum) = total.get_mut(id) else { continue }; // not trainable
///         sum += &gradients.get(id).unwrap();
///     }
/// }
/// assert_eq!(total.get(weight).unwrap(), arr1(&[3.0, 4.0]).into_dyn());
/// assert_eq!(total.global_norm(), 5.0);
/// let mut state = OptimizerState::new(Sgd::new(0.5), &params)?;
/// state.update(state.step(1), &mut params, &mut total);
/// assert_eq!(params.values(weight), [-0.5, -1.0]);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ParamGradients {
    pub(super) stamp: Stamp,
    shapes: Vec<Shape>,
    pub(super) arrays: Vec<AlignedBuffer>,
}

impl ParamGradients {
    /// Allocates gradients for these parameters, filled with zeros.
    pub fn new(params: &Params) -> ParamGradients {
        let length = |id: ParamId| if params.trainable(id) { params.shape(id).len() } else { 0 };
        ParamGradients {
            stamp: params.stamp,
            shapes: params.ids().map(|id| params.shape(id)).collect(),
            arrays: params.ids().map(|id| AlignedBuffer::zeros(length(id))).collect(),
        }
    }

    /// The gradient of a parameter; `None` if it is not trainable.
    ///
    /// # Panics
    /// When `id` belongs to other parameters, or to a parameter that was added after the gradients were created.
    pub fn get(&self, id: ParamId) -> Option<ArrayViewD<'_, f32>> {
        self.check(id);
        ArrayViewD::from_shape(IxDyn(self.shapes[id.index].sizes()), &self.arrays[id.index]).ok()
    }

    /// The gradient of a parameter, to be changed; `None` if the parameter is not trainable.
    ///
    /// # Panics
    /// When `id` belongs to other parameters, or to a parameter that was added after the gradients were created.
    pub fn get_mut(&mut self, id: ParamId) -> Option<ArrayViewMutD<'_, f32>> {
        self.check(id);
        ArrayViewMutD::from_shape(IxDyn(self.shapes[id.index].sizes()), &mut self.arrays[id.index]).ok()
    }

    /// The Euclidean norm of all gradients together, which [`Clip::GlobalNorm`](crate::optimizers::Clip::GlobalNorm) limits.
    pub fn global_norm(&self) -> f32 {
        self.sum_of_squares().sqrt() as f32
    }

    /// The sum of the squares of all gradients.
    pub(crate) fn sum_of_squares(&self) -> f64 {
        self.arrays.iter().fold(0.0, |sum, gradient| sum + reduce::sum_of_squares(gradient))
    }

    /// The elements of each gradient, in the order of the parameters; empty if a parameter is not trainable.
    pub(crate) fn arrays(&self) -> impl Iterator<Item = &[f32]> {
        self.arrays.iter().map(|array| &**array)
    }

    /// The elements of each gradient for changes, in the order of the parameters.
    pub(crate) fn arrays_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.arrays.iter_mut().map(|array| &mut **array)
    }

    /// The elements of the gradient of a parameter; empty if it is not trainable.
    ///
    /// # Panics
    /// When `id` belongs to other parameters, or to a parameter that was added after the gradients were created.
    pub(crate) fn values(&self, id: ParamId) -> &[f32] {
        self.check(id);
        &self.arrays[id.index]
    }

    fn check(&self, id: ParamId) {
        assert!(id.stamp == self.stamp, "a ParamId was used with ParamGradients that it does not belong to");
        self.check_count(id.index + 1);
    }

    /// Checks that the first `count` parameters were known when the gradients were created.
    pub(super) fn check_count(&self, count: usize) {
        assert!(
            count <= self.arrays.len(),
            "a parameter was added after its ParamGradients were created; create them again"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::{Mode, Recorder};
    use ndarray::arr1;

    #[test]
    fn gradients_of_trainable_parameters_can_be_changed() {
        let mut params = Params::new();
        let (a, b) = (params.add("a", &arr1(&[1.0, 2.0])).unwrap(), params.add("b", &arr1(&[3.0])).unwrap());
        let state = params.add_state("state", &arr1(&[3.0])).unwrap();
        let mut gradients = ParamGradients::new(&params);
        gradients.get_mut(a).unwrap().assign(&arr1(&[2.0, 3.0]));
        gradients.get_mut(b).unwrap().fill(6.0);
        assert!(gradients.get_mut(state).is_none());
        assert_eq!(gradients.get(a).unwrap(), arr1(&[2.0, 3.0]).into_dyn());
        assert_eq!(gradients.global_norm(), 7.0);
    }

    #[test]
    #[should_panic(expected = "a parameter was added after its ParamGradients were created; create them again")]
    fn gradients_of_later_parameters_do_not_exist() {
        let mut params = Params::new();
        let gradients = ParamGradients::new(&params);
        let late = params.add("late", &arr1(&[1.0])).unwrap();
        gradients.get(late);
    }

    #[test]
    #[should_panic(expected = "a parameter was added after its ParamGradients were created; create them again")]
    fn the_backward_pass_needs_gradients_of_all_its_parameters() {
        let mut params = Params::new();
        let mut gradients = ParamGradients::new(&params);
        let late = params.add("late", &arr1(&[1.0])).unwrap();
        let recorder = Recorder::new(Mode::Training);
        recorder.minimize(recorder.parameter(&params, late).sum());
        let mut tape = recorder.finish().unwrap();
        tape.run(&params, crate::Key::from_seed(0)).unwrap();
        tape.backward(&params, &mut gradients);
    }
}
