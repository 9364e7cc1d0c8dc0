//! Properties of recorded values.

use super::origin::Origin;
use super::recorder::{Recorder, Var};
use super::recording::RecordedValue;
use super::source::{Place, Source};
use super::value_id::ValueId;
use crate::shape::Shape;

impl<'r> Var<'r> {
    /// The value's shape.
    pub fn shape(&self) -> Shape {
        self.recorded().source.shape
    }

    /// The value's id, which gives access to it on its [`Tape`](super::Tape).
    pub fn id(&self) -> ValueId {
        let state = &mut *self.recorder.state.borrow_mut();
        state.observed.push(self.var);
        ValueId { stamp: state.stamp, var: self.var }
    }

    /// The recorder to which the value belongs.
    pub fn recorder(&self) -> &'r Recorder {
        self.recorder
    }

    /// The data of the value in its recording.
    pub(super) fn recorded(&self) -> RecordedValue {
        self.recorder.state.borrow().vars[self.var]
    }

    /// The name of the operation that computed the value, and its inputs; `None` for inputs and parameters. For an operation
    /// with a fused activation, as in a dense layer, it is the name of the activation. A reshape is not an operation.
    ///
    /// ```
    /// use gradus::tape::{Mode, Recorder};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2, 3]);
    /// let y = x.softmax().reshape([3, 2]);
    /// assert_eq!(y.operation().map(|(name, inputs)| (name, inputs.len())), Some(("softmax", 1)));
    /// assert!(x.operation().is_none());
    /// ```
    pub fn operation(&self) -> Option<(&'static str, Vec<Var<'r>>)> {
        let (place, recorder) = (self.recorded().source.place, self.recorder);
        let state = recorder.state.borrow();
        let step = state.steps.iter().find(|step| Place::Buffer(step.output) == place)?;
        let var = |input: &Source| state.vars.iter().position(|value| value.source == *input);
        let inputs = step.inputs.iter().filter_map(var).map(|var| Var { recorder, var }).collect();
        let fused =
            state.vars.iter().filter(|value| value.source.place == place).find_map(|value| match value.origin {
                Some(Origin::Activation { name }) => Some(name),
                _ => None,
            });
        Some((fused.unwrap_or(step.op.name()), inputs))
    }

    /// The operation and inputs that the value was computed from, if they are stored.
    pub(crate) fn origin(&self) -> Option<Origin<Var<'r>>> {
        self.recorded().origin.map(|origin| origin.map(|var| Var { recorder: self.recorder, var }))
    }

    /// Stores the operation and inputs that the value was computed from.
    pub(crate) fn with_origin(self, origin: Origin<Var<'r>>) -> Var<'r> {
        self.recorder.state.borrow_mut().vars[self.var].origin = Some(origin.map(|var| var.var));
        self
    }

    /// The input of the softmax that computed this value; `None` for any other value. Cross-entropies use it instead of
    /// the probabilities, which round to 0 if they are small.
    ///
    /// ```
    /// use gradus::tape::{Mode, Recorder};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2, 3]);
    /// assert_eq!(x.softmax().logits().map(|logits| logits.id()), Some(x.id()));
    /// assert!(x.relu().logits().is_none());
    /// ```
    pub fn logits(&self) -> Option<Var<'r>> {
        match self.origin() {
            Some(Origin::Softmax { logits }) => Some(logits),
            _ => None,
        }
    }

    /// Returns the value without its gradient: the backward pass ends here. Does not copy. `stop_gradient` in Keras.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Training);
    /// let x = recorder.variable([2]);
    /// recorder.minimize((x * x.stop_gradient()).sum());
    /// let x = x.id();
    /// let (mut tape, params) = (recorder.finish()?, Params::new());
    /// tape.input_slices([x])[0].copy_from_slice(&[2.0, 3.0]);
    /// tape.run(&params, Key::from_seed(0))?;
    /// tape.backward(&params, &mut ParamGradients::new(&params));
    /// assert_eq!(tape.gradient(x).unwrap(), ndarray::arr1(&[2.0, 3.0]).into_dyn()); // not 2x
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn stop_gradient(self) -> Var<'r> {
        let value = RecordedValue { differentiable: false, ..self.recorded() };
        self.recorder.push(&mut self.recorder.state.borrow_mut(), value)
    }

    /// Whether it depends on a variable or a trainable parameter.
    pub(crate) fn is_differentiable(&self) -> bool {
        self.recorded().differentiable
    }
}

impl std::fmt::Debug for Var<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Var({})", self.shape())
    }
}
