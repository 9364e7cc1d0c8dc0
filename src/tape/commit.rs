//! Writing the new values of states, and assigned values, to [`Params`].

use super::params::{ParamId, Params};
use super::tape::Tape;
use crate::shape::View;

impl Tape {
    /// The state parameters that the last run updates and the parameters to which it [assigns](super::Recorder::assign), each
    /// once, with their new values, which [`commit`](Tape::commit) writes. Empty before the first run and after a run that ended
    /// with an error. Assigned values are not listed after they are written.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// use ndarray::{arr1, arr2};
    ///
    /// let mut params = Params::new();
    /// let [mean, variance] = ["mean", "variance"].map(|name| params.add_state(name, &arr1(&[0.0])));
    /// let (mean, variance) = (mean?, variance?);
    /// let recorder = Recorder::new(Mode::Training);
    /// let [x, gamma, beta] = [recorder.input([2, 1]), recorder.input([1]), recorder.input([1])];
    /// let moving = [mean, variance].map(|id| recorder.parameter(&params, id));
    /// x.batch_norm(gamma, beta, 0.5, 1e-3, Some(moving));
    /// let x = x.id();
    /// let mut tape = recorder.finish()?;
    ///
    /// tape.input_mut(x).assign(&arr2(&[[1.0], [3.0]]));
    /// tape.run(&params, Key::from_seed(0))?;
    /// let commits: Vec<_> = tape.commits().map(|(id, value)| (id, value[0])).collect();
    /// assert_eq!(commits, [(mean, 1.0), (variance, 0.5)]); // half of the batch's mean 2 and variance 1
    /// assert_eq!(params.get(mean)[[0]], 0.0);
    /// tape.commit(&mut params);
    /// assert_eq!(params.get(mean)[[0]], 1.0);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn commits(&self) -> impl Iterator<Item = (ParamId, View<'_>)> {
        // A tape without parameters has no states.
        let stamp = self.params.into_iter();
        stamp.flat_map(|stamp| {
            let values = self.state_updates.iter().chain(self.assignments.iter(&self.buffers));
            values.map(move |(index, values)| (ParamId { stamp, index }, values))
        })
    }

    /// The parameters that a run updates or assigns to, in the order of [`commits`](Tape::commits), with their lengths.
    pub(crate) fn states(&self) -> impl Iterator<Item = (ParamId, usize)> {
        let stamp = self.params.into_iter();
        stamp.flat_map(|stamp| {
            let params = self.state_updates.params().chain(self.assignments.params());
            params.map(move |(index, length)| (ParamId { stamp, index }, length))
        })
    }

    /// Writes the new values of state parameters that the last run computed, such as running statistics, and the
    /// [assigned](super::Recorder::assign) values. Called in each training step after the backward pass, and before the
    /// optimizer's update if the recording assigns to trainable parameters;
    /// [`OptimizerState::backward_and_update`](crate::optimizers::OptimizerState::backward_and_update) writes the assigned values
    /// itself. Changes nothing if [`commits`](Tape::commits) is empty.
    ///
    /// # Panics
    /// When `params` are not those of the recording, or a parameter with an assigned value has changed since the run.
    pub fn commit(&mut self, params: &mut Params) {
        self.commit_assigned(params);
        for (id, values) in self.commits() {
            params.values_mut(id).copy_from_slice(values.data());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Shape;
    use crate::error::Result;
    use crate::tape::{Context, Gradients, Inputs, Mode, Op, Params, Recorder, States};
    use ndarray::arr1;

    /// The sum of the inputs, which is added to each of the states at these positions.
    struct Accumulate(Vec<usize>);

    impl Op for Accumulate {
        fn name(&self) -> &'static str {
            "sum"
        }
        fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
            Ok(inputs[0])
        }
        fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
            y[0] = (0..inputs.count()).map(|position| inputs.get(position)[0]).sum();
        }
        fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], _dy: &mut [f32], _gradients: Gradients<'_>) {}
        fn states(&self) -> &[usize] {
            &self.0
        }
        fn update_states(&mut self, _inputs: Inputs<'_>, y: &[f32], mut states: States<'_>) {
            (0..states.count()).for_each(|position| states.get_mut(position)[0] += y[0]);
        }
    }

    /// Records the operation twice, on an input, a state and a trainable parameter.
    fn recorded(states: &[usize]) -> (Params, Result<crate::tape::Tape>) {
        let mut params = Params::new();
        let ids = [params.add_state("s", &arr1(&[1.0])).unwrap(), params.add("w", &arr1(&[10.0])).unwrap()];
        let recorder = Recorder::new(Mode::Inference);
        let [s, w] = ids.map(|id| recorder.parameter(&params, id));
        let x = recorder.input([1]);
        let y = recorder.apply(Accumulate(states.to_vec()), &[x, s, w]);
        let _ = recorder.apply(Accumulate(states.to_vec()), &[y, s, w]);
        (params, recorder.finish())
    }

    #[test]
    fn several_operations_update_one_state() {
        let (mut params, tape) = recorded(&[1]);
        let mut tape = tape.unwrap();
        let id = params.id("s").unwrap();
        tape.commit(&mut params);
        assert_eq!(params.values(id), [1.0], "nothing is committed before a run");
        for _ in 0..2 {
            tape.run(&params, crate::Key::from_seed(0)).unwrap();
            let [(found, value)] = tape.commits().collect::<Vec<_>>()[..] else { panic!("one state") };
            assert_eq!((found, value.data()), (id, &[1.0 + 11.0 + 22.0][..]));
        }
        tape.commit(&mut params);
        tape.commit(&mut params);
        assert_eq!(params.values(id), [34.0]);
    }

    #[test]
    fn states_are_different_parameters_that_are_not_trainable() {
        for states in [[0, 1], [1, 2], [1, 3], [1, 1]] {
            let message = recorded(&states).1.unwrap_err().to_string();
            let place = "sum: found shapes 1, 1 and 1, expected a parameter";
            assert!(message.starts_with(place) && message.ends_with("which the operation updates"), "{message}");
        }
    }
}
