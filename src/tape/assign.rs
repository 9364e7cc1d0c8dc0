//! Recording of values that are assigned to parameters, such as normalized weights, and writing them.

use super::context::Context;
use super::gradients::Gradients;
use super::inputs::Inputs;
use super::op::{Op, arity};
use super::params::{ParamId, Params};
use super::recorder::{Recorder, Var};
use super::tape::Tape;
use crate::error::{Error, Result};
use crate::shape::Shape;

impl Recorder {
    /// Assigns a value to a parameter: from now on, [`parameter`](Recorder::parameter) returns the value that this method
    /// returns, and [`Tape::commit`] writes it to the parameter. `variable.assign(value)` in Keras.
    ///
    /// The gradient of a trainable parameter is the gradient with respect to the assigned value, as in Keras on TensorFlow:
    /// nothing is propagated to the inputs of `value`, and the optimizer updates the assigned value.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// use ndarray::arr1;
    /// let mut params = Params::new();
    /// let weight = params.add("weight", &arr1(&[3.0, 4.0]))?;
    /// let recorder = Recorder::new(Mode::Training);
    /// let w = recorder.parameter(&params, weight);
    /// let unit = recorder.assign(&params, weight, w / (w * w).sum().sqrt());
    /// recorder.minimize((unit * unit).sum());
    /// let mut tape = recorder.finish()?;
    ///
    /// tape.run(&params, Key::from_seed(0))?;
    /// let mut gradients = ParamGradients::new(&params);
    /// tape.backward(&params, &mut gradients);
    /// tape.commit(&mut params);
    /// assert_eq!(params.values(weight), [0.6, 0.8]);
    /// assert_eq!(gradients.get(weight).unwrap(), arr1(&[1.2, 1.6]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Panics
    /// The panics of [`parameter`](Recorder::parameter), and a value that belongs to another recorder.
    pub fn assign<'r>(&'r self, params: &Params, id: ParamId, value: Var<'r>) -> Var<'r> {
        let assigned = self.apply(Assign, &[self.parameter(params, id), value.stop_gradient()]);
        let list = &mut self.state.borrow_mut().assigned;
        list.retain(|(param, _)| *param != id.index);
        list.push((id.index, assigned.var));
        assigned
    }

    /// The value that was assigned to the parameter with this index.
    pub(super) fn assigned(&self, param: usize) -> Option<Var<'_>> {
        let state = self.state.borrow();
        let found = state.assigned.iter().find(|(known, _)| *known == param)?;
        Some(Var { recorder: self, var: found.1 })
    }
}

/// y = value, for a parameter and a value. The gradient of the parameter is dy.
struct Assign;

impl Op for Assign {
    fn name(&self) -> &'static str {
        "assign"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        match arity(inputs)? {
            [parameter, value] if parameter == value => Ok(value),
            [parameter, _] => Err(Error::expected(format!("a value of shape {parameter}, that of the parameter"))),
        }
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [_, value] = inputs.each();
        y.copy_from_slice(&value);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        if let [Some(d_parameter), _] = gradients.each() {
            d_parameter.copy_from_slice(dy);
        }
    }
}

impl Tape {
    /// Whether the recording assigns a value to a parameter.
    pub(crate) fn assigns(&self, id: ParamId) -> bool {
        self.assignments.params().any(|(index, _)| index == id.index)
    }

    /// Writes the assigned values of the last run to their parameters, unless they are written.
    ///
    /// # Panics
    /// When `params` are not those of the recording, or one of the parameters has changed since the run.
    pub(crate) fn commit_assigned(&mut self, params: &mut Params) {
        self.check_params(params);
        for assignment in &mut self.assignments.0 {
            let Some(version) = assignment.version.take() else { continue };
            let id = ParamId { stamp: params.stamp, index: assignment.param };
            let problem =
                "changed after the run that assigns a value to it; call Tape::commit before the optimizer's update";
            assert!(version == params.version(assignment.param), "the parameter {} {problem}", params.name(id));
            params.values_mut(id).copy_from_slice(assignment.value(&self.buffers));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Key;
    use crate::optimizers::{Clip, OptimizerState, Sgd};
    use crate::tape::{Mode, ParamGradients, ParamId, Params, Recorder, Tape};
    use ndarray::arr1;

    /// A tape that halves a weight and minimizes Σ w², and the weight.
    fn halving() -> (Tape, Params, ParamId) {
        let mut params = Params::new();
        let id = params.add("w", &arr1(&[2.0, -4.0])).unwrap();
        let recorder = Recorder::new(Mode::Training);
        let w = recorder.parameter(&params, id);
        let halved = recorder.assign(&params, id, w * 0.5);
        let again = recorder.assign(&params, id, halved * 0.5);
        assert_eq!(recorder.parameter(&params, id).var, again.var);
        recorder.minimize((halved + again).sum());
        (recorder.finish().unwrap(), params, id)
    }

    #[test]
    fn the_optimizer_updates_the_last_assigned_value() {
        for clip in [None, Some(Clip::Value(10.0))] {
            let (mut tape, mut params, id) = halving();
            let optimizer = clip.into_iter().fold(Sgd::new(0.125), Sgd::clip);
            let mut state = OptimizerState::new(optimizer, &params).unwrap();
            let mut gradients = ParamGradients::new(&params);
            tape.run(&params, Key::from_seed(0)).unwrap();
            assert_eq!(params.values(id), [2.0, -4.0]);
            state.backward_and_update(state.step(1), &mut tape, &mut params, &mut gradients);
            // Both values are read, so that the gradient is 2.
            assert_eq!(params.values(id), [0.5 - 0.25, -1.0 - 0.25]);
            tape.commit(&mut params);
            assert_eq!(params.values(id), [0.25, -1.25]);
        }
    }

    #[test]
    #[should_panic(
        expected = "the parameter w changed after the run that assigns a value to it; call Tape::commit before"
    )]
    fn a_commit_after_an_update_is_rejected() {
        let (mut tape, mut params, id) = halving();
        tape.run(&params, Key::from_seed(0)).unwrap();
        params.values_mut(id)[0] = 1.0;
        tape.commit(&mut params);
    }

    #[test]
    fn a_value_of_another_shape_is_an_error() {
        let mut params = Params::new();
        let id = params.add("w", &arr1(&[2.0, -4.0])).unwrap();
        let recorder = Recorder::new(Mode::Training);
        let w = recorder.parameter(&params, id);
        let _ = recorder.assign(&params, id, w.sum());
        let message = recorder.finish().unwrap_err().to_string();
        assert!(message.contains("expected a value of shape 2, that of the parameter"), "{message}");
    }
}
