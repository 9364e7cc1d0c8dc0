//! Concatenate: the outputs of several branches joined along an axis.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights, masks};
use crate::ops;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Joins at least two inputs along an axis. `Concatenate` in Keras.
    ///
    /// Inputs have the same shape except along the axis, where the output has the sum of their sizes.
    ///
    /// ```
    /// use gradus::{Graph, Shape, layers::Concatenate};
    /// let mut graph = Graph::new();
    /// let (left, right) = (graph.input("left", [3, 2]), graph.input("right", [3, 4]));
    /// let joined = graph.apply(Concatenate::new(), [left, right]);
    /// graph.output("joined", joined);
    /// assert_eq!(graph.architecture(0)?.into_model()?.output_shapes(), [Shape::from([3, 6])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) for fewer than two inputs, for shapes that differ along another
    /// axis, and for an axis that does not exist or is the batch axis.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct Concatenate("Concatenate") {
        /// Axis along which the inputs are joined. Axis 0 is the batch axis and is an error; negative numbers count from the
        /// last axis, −1. Defaults to −1.
        value axis: isize = -1,
    }
}

impl Concatenate {
    /// Creates the layer for the last axis, as in Keras.
    pub fn new() -> Concatenate {
        Concatenate::with_defaults()
    }
}

impl Layer for Concatenate {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let batches = inputs.iter().map(|shape| shape.batch(1)).collect::<Result<Vec<Shape>>>()?;
        let [first, _, ..] = batches[..] else { return Err(Error::expected("at least two branches to concatenate")) };
        match ops::find_axis(first, self.axis)? {
            0 => Err(Error::expected("an axis other than 0, which is the batch axis")),
            axis => {
                // The message of the operation is about shapes with a batch axis.
                let expected = || match first.rank() - 1 == axis {
                    true => "samples with equal sizes along all axes but the last".to_owned(),
                    false => format!("samples with equal sizes along all axes but axis {axis}, counted from 1"),
                };
                let joined = ops::concatenated(&batches, self.axis).map_err(|_| Error::expected(expected()))?;
                Ok(vec![joined.sample()])
            }
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![masks::set(inputs[0].concatenate(&inputs[1..], self.axis), masks::concatenated(inputs, self.axis))]
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Vec<Shape>)> {
        vec![
            (Box::new(Concatenate::new()), vec![Shape::from([3, 2]), Shape::from([3, 4])]),
            (Box::new(Concatenate::new().axis(1)), vec![Shape::from([3, 2]), Shape::from([1, 2]), Shape::from([2, 2])]),
        ]
    }

    #[test]
    fn axes_in_messages_are_those_of_the_samples_shown() {
        let message = |axis, shapes: [[usize; 2]; 2]| {
            let mut graph = crate::Graph::new();
            let [a, b] = shapes.map(|shape| graph.input(format!("{shape:?}"), shape));
            let y = graph.apply(Concatenate::new().axis(axis), [a, b]);
            graph.output("y", y);
            graph.architecture(0).unwrap_err().to_string()
        };
        let place = "layer 1 (concatenate): found shapes 4 × 2 and 3 × 3, expected samples with equal sizes along all axes but ";
        assert_eq!(message(-1, [[4, 2], [3, 3]]), format!("{place}the last"));
        assert_eq!(message(1, [[4, 2], [3, 3]]), format!("{place}axis 1, counted from 1"));
    }

    #[test]
    fn the_batch_axis_is_refused() {
        let mut params = crate::tape::Params::new();
        let source = crate::layers::Source::Init(crate::Key::from_seed(0));
        let mut weights = Weights::new(&mut params, "concatenate", source);
        for axis in [0, -3, 3] {
            let layer = Concatenate::new().axis(axis);
            assert!(layer.build(&[Shape::from([3, 2]); 2], &mut weights).is_err(), "{axis}");
        }
    }
}
