//! Search for the first value that is NaN or infinite.

use super::params::Params;
use super::source::Place;
use super::tape::Tape;

impl Tape {
    /// Describes the first array with a NaN or infinite value, in the order in which the last run computed or read them;
    /// `None` if all values are finite. `params` must have the values of that run.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// use ndarray::arr1;
    /// let params = Params::new();
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = recorder.scope("logarithms", || x.ln() * 2.0);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// for (values, place) in [([1.0, 2.0], None), ([1.0, -2.0], Some("the output of logarithms: ln"))] {
    ///     tape.input_mut(x).assign(&arr1(&values));
    ///     tape.run(&params, Key::from_seed(0))?;
    ///     assert_eq!(tape.first_not_finite(&params).as_deref(), place);
    /// }
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Panics
    /// When `params` are not those of the recording.
    pub fn first_not_finite(&self, params: &Params) -> Option<String> {
        self.check_params(params);
        if self.inputs.iter().any(|input| !finite(&self.buffers[*input])) {
            return Some("in the batch".into());
        }
        for step in &self.steps {
            // The values of states are results of earlier runs, not the cause.
            let read = step.inputs.iter().enumerate().filter(|(position, _)| !step.op.states().contains(position));
            let weights = read.filter_map(|(_, source)| match source.place {
                Place::Param(index) => params.ids().nth(index),
                _ => None,
            });
            for id in weights {
                if !finite(params.values(id)) {
                    return Some(format!("the parameter {}", params.name(id)));
                }
            }
            if !finite(&self.buffers[step.output][..step.length]) {
                return Some(format!("the output of {}", step.place()));
            }
        }
        None
    }
}

impl Params {
    /// Describes the first parameter with a NaN or infinite value.
    pub(crate) fn first_not_finite(&self) -> Option<String> {
        self.ids().find(|id| !finite(self.values(*id))).map(|id| format!("the parameter {}", self.name(id)))
    }
}

fn finite(values: &[f32]) -> bool {
    values.iter().all(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use crate::random::Key;
    use crate::tape::{Mode, Params, Recorder};
    use ndarray::arr2;

    /// Describes the first such value of two products with these weights, run on the input `x`.
    fn place(x: f32, weights: [f32; 2]) -> Option<String> {
        let mut params = Params::new();
        let ids = ["a", "b"].map(|name| params.add(name, &arr2(&[[1.0]])).unwrap());
        let recorder = Recorder::new(Mode::Training);
        let input = recorder.input([1, 1]);
        let hidden = recorder.scope("first", || input.matmul(recorder.parameter(&params, ids[0])));
        let output = recorder.scope("second", || hidden.matmul(recorder.parameter(&params, ids[1])));
        recorder.minimize(output.sum());
        let input = input.id();
        let mut tape = recorder.finish().unwrap();
        ids.iter().zip(weights).for_each(|(id, weight)| params.get_mut(*id).fill(weight));
        tape.input_mut(input).fill(x);
        tape.run(&params, Key::from_seed(0)).unwrap();
        tape.first_not_finite(&params)
    }

    #[test]
    fn the_first_array_is_described() {
        assert_eq!(place(1.0, [1e30, 1e8]), None);
        assert_eq!(place(1.0, [1e30, 1e10]).unwrap(), "the output of second: matmul");
        assert_eq!(place(1e10, [1e30, 1e10]).unwrap(), "the output of first: matmul");
        assert_eq!(place(1.0, [1.0, f32::NAN]).unwrap(), "the parameter b");
        assert_eq!(place(1.0, [f32::INFINITY, f32::NAN]).unwrap(), "the parameter a");
        assert_eq!(place(f32::NEG_INFINITY, [1.0, f32::NAN]).unwrap(), "in the batch");
    }
}
