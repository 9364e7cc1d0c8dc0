//! Properties of recorded values.

use super::super::op::{Place, Source};
use super::super::origin::Origin;
use super::{Id, Recorder, Taken, Var};
use crate::shape::Shape;

impl<'r> Var<'r> {
    /// The value's shape.
    pub fn shape(&self) -> Shape {
        self.taken().source.shape
    }

    /// The value's name on the tape.
    pub fn id(&self) -> Id {
        Id { stamp: self.recorder.state.borrow().stamp, var: self.var }
    }

    /// The recorder that took it down.
    pub fn recorder(&self) -> &'r Recorder {
        self.recorder
    }

    pub(in crate::tape) fn taken(&self) -> Taken {
        self.recorder.state.borrow().vars[self.var]
    }

    /// The name of the operation that computed the value, and the values that it read; `None` for inputs and parameters. An
    /// activation that an operation has taken in, as that of a dense layer, counts as the operation. Reading an array as
    /// another shape is none.
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
        let (place, recorder) = (self.taken().source.place, self.recorder);
        let state = recorder.state.borrow();
        let step = state.steps.iter().find(|step| Place::Buffer(step.output) == place)?;
        let var = |input: &Source| state.vars.iter().position(|taken| taken.source == *input);
        let inputs = step.inputs.iter().filter_map(var).map(|var| Var { recorder, var }).collect();
        let fused =
            state.vars.iter().filter(|taken| taken.source.place == place).find_map(|taken| match taken.origin {
                Some(Origin::Activation { name }) => Some(name),
                _ => None,
            });
        Some((fused.unwrap_or(step.op.name()), inputs))
    }

    /// What the value was made from, if it remembers.
    pub(crate) fn origin(&self) -> Option<Origin<Var<'r>>> {
        self.taken().origin.map(|origin| origin.map(|var| Var { recorder: self.recorder, var }))
    }

    pub(crate) fn remember(self, origin: Origin<Var<'r>>) -> Var<'r> {
        self.recorder.state.borrow_mut().vars[self.var].origin = Some(origin.map(|var| var.var));
        self
    }

    /// Whether it depends on something that wants a gradient.
    pub(crate) fn is_differentiable(&self) -> bool {
        self.taken().differentiable
    }
}

impl std::fmt::Debug for Var<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Var({})", self.shape())
    }
}
