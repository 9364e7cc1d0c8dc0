//! The values of a tape: its inputs, results and the gradients of variables.

use super::source::{Place, Source};
use super::tape::Tape;
use super::value_id::ValueId;
use crate::shape::View;
use ndarray::{ArrayViewD, ArrayViewMutD, IxDyn};

impl Tape {
    /// The values of an input, to be filled in before a run.
    ///
    /// # Panics
    /// When `id` is of another tape, or not of an input.
    pub fn input_mut(&mut self, id: ValueId) -> ArrayViewMutD<'_, f32> {
        let shape = self.source(id).shape;
        let [values] = self.input_slices([id]);
        ArrayViewMutD::from_shape(IxDyn(shape.sizes()), values).expect("the length of a buffer is that of its shape")
    }

    /// The values of `N` inputs in row-major order, to be filled in before a run. Does not allocate.
    ///
    /// ```
    /// use gradus::{Key, data::{Arrays, Dataset}, tape::*};
    /// use ndarray::{arr1, arr2};
    /// let data = Arrays::new(arr2(&[[1.0f32, 2.0], [3.0, 4.0]]), arr1(&[0.5f32, 0.25]))?;
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, t) = (recorder.input([1, 2]), recorder.input([1]));
    /// let difference = (x.sum() - t).id();
    /// let (x, t) = (x.id(), t.id());
    /// let mut tape = recorder.finish()?;
    ///
    /// let [inputs, targets] = tape.input_slices([x, t]);
    /// data.gather(&[1], inputs, targets);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.value(difference)[[0]], 6.75);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Panics
    /// When an id is of another tape or not of an input, or occurs twice.
    pub fn input_slices<const N: usize>(&mut self, ids: [ValueId; N]) -> [&mut [f32]; N] {
        let positions = ids.map(|id| self.input_buffer(id));
        let buffers = self.buffers.get_disjoint_mut(positions).expect("an input occurs twice");
        buffers.map(|buffer| &mut **buffer)
    }

    fn input_buffer(&self, id: ValueId) -> usize {
        match self.source(id).place {
            Place::Buffer(buffer) if self.inputs.contains(&buffer) => buffer,
            _ => panic!("only inputs can be filled in, not parameters or results of operations"),
        }
    }

    /// A value that the last run computed. The value of a parameter is in its [`Params`](super::Params).
    ///
    /// # Panics
    /// When `id` is of another tape or of a parameter.
    pub fn value(&self, id: ValueId) -> ArrayViewD<'_, f32> {
        let view = self.view(id);
        ArrayViewD::from_shape(IxDyn(view.shape().sizes()), view.data())
            .expect("the length of a buffer is that of its shape")
    }

    /// A value that the last run computed, as a [`View`], the argument of metrics.
    ///
    /// # Panics
    /// When `id` is of another tape or of a parameter.
    pub fn view(&self, id: ValueId) -> View<'_> {
        let Source { place, shape } = self.source(id);
        let Place::Buffer(buffer) = place else { panic!("the value of a parameter is in its Params") };
        View::new(shape, &self.buffers[buffer][..shape.len()])
    }

    /// The loss's gradient with respect to a [`variable`](super::Recorder::variable), after [`backward`](Tape::backward);
    /// `None` if the loss does not depend on it.
    ///
    /// # Panics
    /// When `id` is of another tape, or not of a variable or input: the gradients of intermediate values are not kept.
    pub fn gradient(&self, id: ValueId) -> Option<ArrayViewD<'_, f32>> {
        let Source { place, shape } = self.source(id);
        let Place::Buffer(buffer) = place else { panic!("the gradient of a parameter is in the ParamGradients") };
        assert!(self.inputs.contains(&buffer), "only the gradients of variables are kept");
        let gradient = &self.gradients[self.gradient_slots[buffer]?][..shape.len()];
        ArrayViewD::from_shape(IxDyn(shape.sizes()), gradient).ok()
    }
}
