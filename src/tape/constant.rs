//! Constant arrays in a recording.

use super::recorder::{Recorder, Var};
use super::source::Place;
use crate::shape::Shape;
use ndarray::{ArrayRef, Dimension};

impl Recorder {
    /// Records an array that never changes, such as a table of a loss. It needs no gradient. The recording copies it.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// use ndarray::{arr1, arr2};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2, 3]);
    /// let y = x * recorder.constant(&arr1(&[1.0, 10.0, 100.0]));
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_mut(x).fill(2.0);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.value(y), arr2(&[[2.0, 20.0, 200.0], [2.0, 20.0, 200.0]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// A loss records it with the recorder of the prediction:
    ///
    /// ```
    /// use gradus::tape::Var;
    /// /// The mean squared error, with a factor for each of three outputs.
    /// fn weighted_error<'r>(prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
    ///     let error = prediction - target;
    ///     let factors = prediction.recorder().constant(&ndarray::arr1(&[0.5, 1.0, 2.0]));
    ///     (error * error * factors).mean()
    /// }
    /// # use gradus::testing::Sample;
    /// # Sample::new(|x| weighted_error(x[0], x[1])).variable([2, 3]).variable([2, 3]).check_gradients()?;
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// An array without elements or with more axes than [`crate::MAX_RANK`] is an error, which [`finish`](Recorder::finish)
    /// returns.
    pub fn constant<D: Dimension>(&self, values: &ArrayRef<f32, D>) -> Var<'_> {
        match Shape::new(values.shape()) {
            Ok(shape) => self.constant_values(shape, values.iter().copied().collect()),
            Err(error) => {
                self.fail(error.at(|| "constant".into(), &[]));
                self.placeholder(Shape::SCALAR)
            }
        }
    }

    /// Records a constant array from its elements in row-major order.
    pub(crate) fn constant_values(&self, shape: Shape, values: Vec<f32>) -> Var<'_> {
        let var = self.output("constant", shape, false);
        if let Place::Buffer(buffer) = var.recorded().source.place {
            self.state.borrow_mut().constants.push((buffer, values));
        }
        var
    }
}

#[cfg(test)]
mod tests {
    use crate::tape::{Mode, Params, Recorder};
    use crate::{Key, MAX_RANK};
    use ndarray::{Array, arr1, arr2};

    #[test]
    fn constants_keep_their_values_in_every_run() {
        let recorder = Recorder::new(Mode::Training);
        let x = recorder.variable([3, 2]);
        let table = recorder.constant(&arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).t());
        assert!(table.operation().is_none());
        let y = x * table;
        recorder.minimize(y.sum());
        let (x, y, table) = (x.id(), y.id(), table.id());
        let mut tape = recorder.finish().unwrap();
        let params = Params::new();
        let mut gradients = crate::tape::ParamGradients::new(&params);
        for factor in [1.0, 2.0] {
            tape.input_mut(x).fill(factor);
            tape.run(&params, Key::from_seed(0)).unwrap();
            tape.backward(&params, &mut gradients);
            assert_eq!(tape.view(y).data(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0].map(|value| value * factor));
            assert_eq!(tape.gradient(x).unwrap(), tape.value(table));
        }
    }

    #[test]
    fn empty_arrays_and_too_many_axes_are_errors() {
        let recorder = Recorder::new(Mode::Inference);
        let _ = recorder.constant(&arr1(&[]));
        let message = recorder.finish().unwrap_err().to_string();
        assert!(message.starts_with("constant: found shape 0, expected at least one element"), "{message}");
        let recorder = Recorder::new(Mode::Inference);
        let _ = recorder.constant(&Array::from_elem(vec![1; MAX_RANK + 1], 1.0)) + 1.0;
        assert!(recorder.finish().unwrap_err().to_string().starts_with("constant: "));
    }
}
