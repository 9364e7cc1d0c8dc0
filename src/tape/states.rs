//! State parameters that operations update: their new values are computed by each run and written on request.

use super::Tape;
use super::op::{Op, Place, Source};
use super::params::{ParamId, Params};
use super::record::{Taken, Var};
use crate::error::{Error, Result};
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::shape::{Shape, View};
use std::fmt;

/// The states of one operation, in the order of [`Op::states`]: values to update.
pub struct States<'a> {
    /// Which of `values` each state is.
    slots: &'a [usize],
    values: &'a mut [AlignedBuffer],
}

impl fmt::Debug for States<'_> {
    /// Writes the number of states.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("States").field("states", &self.slots.len()).finish_non_exhaustive()
    }
}

impl<'a> States<'a> {
    /// All states, of which there must be `N`: `let [mean, variance] = states.each();`
    ///
    /// # Panics
    /// When the operation does not declare `N` states.
    pub fn each<const N: usize>(self) -> [&'a mut [f32]; N] {
        let slots: [usize; N] = self.slots.try_into().unwrap_or_else(|_| {
            panic!("an operation asked for {N} of its {} states", self.slots.len());
        });
        let values = self.values.get_disjoint_mut(slots).expect("states of an operation are different parameters");
        values.map(|values| &mut **values)
    }

    /// The number of states.
    pub fn count(&self) -> usize {
        self.slots.len()
    }

    /// The state at `position`, for operations of any number of states.
    ///
    /// # Panics
    /// When there is none at this position.
    pub fn get_mut(&mut self, position: usize) -> &mut [f32] {
        &mut self.values[self.slots[position]]
    }
}

/// The new values of all state parameters that a tape updates.
#[derive(Default)]
pub(super) struct Commits {
    params: Vec<(usize, Shape)>,
    values: Vec<AlignedBuffer>,
    /// Whether the last run computed them.
    ready: bool,
}

impl Commits {
    pub(super) fn new(params: Vec<(usize, Shape)>) -> Commits {
        let values = params.iter().map(|(_, shape)| AlignedBuffer::zeros(shape.len())).collect();
        Commits { params, values, ready: false }
    }

    /// Forgets the values of the last run.
    pub(super) fn forget(&mut self) {
        self.ready = false;
    }

    /// Takes the values before the update from the parameters.
    pub(super) fn begin(&mut self, params: &Params) {
        for ((index, _), values) in self.params.iter().zip(&mut self.values) {
            values.copy_from_slice(params.view(*index).data());
        }
        self.ready = true;
    }

    pub(super) fn states<'a>(&'a mut self, slots: &'a [usize]) -> States<'a> {
        States { slots, values: &mut self.values }
    }
}

/// Where the new values of an operation's states are kept, in the order of [`Op::states`].
///
/// # Errors
/// An input that is no state parameter, or the same parameter twice.
pub(super) fn slots(op: &dyn Op, inputs: &[Var<'_>]) -> Result<Vec<usize>> {
    let mut slots = Vec::new();
    for &position in op.states() {
        let expected = |what: &str| Error::expected(format!("{what} as input {position}, which the operation updates"));
        let found = inputs.get(position).and_then(|var| match var.taken() {
            Taken { source: Source { place: Place::Param(index), shape }, differentiable: false, .. } => {
                Some(slot(&mut var.recorder.state.borrow_mut().states, index, shape))
            }
            _ => None,
        });
        let slot = found.ok_or_else(|| expected("a parameter that is not trainable"))?;
        if slots.contains(&slot) {
            return Err(expected("a parameter of its own"));
        }
        slots.push(slot);
    }
    Ok(slots)
}

/// The position of a parameter in the list of states, to which it is added where it is not known yet.
fn slot(states: &mut Vec<(usize, Shape)>, index: usize, shape: Shape) -> usize {
    let known = states.iter().position(|(known, _)| *known == index);
    known.unwrap_or_else(|| {
        states.push((index, shape));
        states.len() - 1
    })
}

impl Tape {
    /// Computes the new values of all states, after a run without a fault.
    pub(super) fn update_states(&mut self, params: &Params) {
        self.commits.begin(params);
        for step in self.steps.iter_mut().filter(|step| !step.states.is_empty()) {
            let inputs = super::Inputs { sources: &step.inputs, buffers: &self.buffers, params };
            step.op.update_states(inputs, &self.buffers[step.output], self.commits.states(&step.states));
        }
    }

    /// The state parameters that the last run updates, each once, with their new values: what [`commit`](Tape::commit)
    /// writes. None before the first run and after a run that ended with an error.
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
        let commits = &self.commits;
        let stamp = self.params.filter(|_| commits.ready);
        stamp.into_iter().flat_map(move |stamp| {
            let id = move |index: usize| ParamId { stamp, index };
            let arrays = commits.params.iter().zip(&commits.values);
            arrays.map(move |((index, shape), values)| (id(*index), View::new(*shape, values)))
        })
    }

    /// Writes the new values of state parameters that the last run computed, such as running statistics, after a training
    /// step. Changes nothing where [`commits`](Tape::commits) has none.
    ///
    /// # Panics
    /// When `params` are not those of the recording.
    pub fn commit(&self, params: &mut Params) {
        self.check_params(params.stamp);
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

    /// y = x + s, and s becomes y, for each of some inputs s.
    struct Sum(Vec<usize>);

    impl Op for Sum {
        fn name(&self) -> &'static str {
            "sum_of_steps"
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

    /// Records the operation on an input, a state and a trainable parameter.
    fn recorded(states: &[usize]) -> (Params, Result<super::Tape>) {
        let mut params = Params::new();
        let ids = [params.add_state("s", &arr1(&[1.0])).unwrap(), params.add("w", &arr1(&[10.0])).unwrap()];
        let recorder = Recorder::new(Mode::Inference);
        let [s, w] = ids.map(|id| recorder.parameter(&params, id));
        let x = recorder.input([1]);
        let y = recorder.apply(Sum(states.to_vec()), &[x, s, w]);
        let _ = recorder.apply(Sum(states.to_vec()), &[y, s, w]);
        (params, recorder.finish())
    }

    #[test]
    fn a_later_operation_continues_from_an_earlier_one() {
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
            let place = "sum_of_steps: found shapes 1, 1 and 1, expected a parameter";
            assert!(message.starts_with(place) && message.ends_with("which the operation updates"), "{message}");
        }
    }
}
