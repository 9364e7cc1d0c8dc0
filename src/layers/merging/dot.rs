//! Dot: products of vectors of two inputs.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::sizes;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Dot products of the vectors along an axis of the first input with the vectors along an axis of the second. `Dot` in
    /// Keras.
    ///
    /// The output has the other axes of the first input, then the other axes of the second input; for two vectors it has one
    /// axis of size 1. With inputs 4 × 3 and 5 × 3 and axes 2 and 2, it is 4 × 5.
    ///
    /// ```
    /// use gradus::{Graph, layers::*};
    /// use ndarray::arr2;
    /// let mut graph = Graph::new();
    /// let [a, b] = [graph.input("a", [2]), graph.input("b", [2])];
    /// let product = graph.apply(Dot::new([1, 1]), [a, b]);
    /// graph.output("y", product);
    /// let model = graph.architecture(1)?.into_model()?;
    /// let (a, b) = (arr2(&[[1.0f32, 2.0]]), arr2(&[[3.0f32, 4.0]]));
    /// let inputs = vec![("a", a.view().into_dyn()), ("b", b.view().into_dyn())];
    /// assert_eq!(model.predict_outputs(inputs)?["y"], arr2(&[[11.0f32]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) for a number of inputs other than two, for an axis that does not
    /// exist or is the batch axis, and for axes of different sizes.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct Dot("Dot") of (axis: isize, other_axis: isize) {
        /// Whether to divide each vector by its Euclidean norm first, so that the outputs are cosines of angles. Defaults to
        /// `false`.
        value normalize: bool = false,
    }
}

/// The smallest square of a norm, in Keras.
const LEAST_SQUARE: f32 = 1e-12;

impl Dot {
    /// Creates the layer for the axes of the vectors of both inputs. Axis 0 is the batch axis and is an error; negative numbers
    /// count from the last axis, −1.
    pub fn new(axes: [isize; 2]) -> Dot {
        Dot::with_defaults(axes[0], axes[1])
    }

    /// The axes of the vectors in batches of these samples.
    fn axes_of(&self, samples: [Shape; 2]) -> Result<[usize; 2]> {
        let [x, y] = samples;
        let axes = [ops::find_axis(x.batch(1)?, self.axis)?, ops::find_axis(y.batch(1)?, self.other_axis)?];
        match axes.contains(&0) {
            true => Err(Error::expected("axes other than 0, which is the batch axis")),
            false => Ok(axes),
        }
    }
}

/// The sizes of a sample without an axis, which counts the batch axis.
fn without(sample: Shape, axis: usize) -> Vec<usize> {
    let sizes = sample.sizes().iter().enumerate();
    sizes.filter(|(at, _)| at + 1 != axis).map(|(_, size)| *size).collect()
}

/// Rearranges samples to matrices of the other axes × the axis, or of the axis × the other axes.
fn matrices(x: Var<'_>, axis: usize, vectors_last: bool) -> Var<'_> {
    let (shape, rank) = (x.shape(), x.shape().rank());
    let others: Vec<usize> = (1..rank).filter(|other| *other != axis).collect();
    let count = sizes::work(&others.iter().map(|other| shape.axis(*other)).collect::<Vec<_>>());
    let order = match vectors_last {
        true => [&[0], &others[..], &[axis]].concat(),
        false => [&[0, axis], &others[..]].concat(),
    };
    let x = if order.is_sorted() { x } else { x.transpose(&order) };
    let (rows, length) = (shape.axis(0), shape.axis(axis));
    x.reshape(if vectors_last { [rows, count, length] } else { [rows, length, count] })
}

impl Layer for Dot {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let &[x, y] = inputs else { return Err(Error::expected("two inputs")) };
        let axes = self.axes_of([x, y])?;
        if x.axis(axes[0] - 1) != y.axis(axes[1] - 1) {
            let (axis, other) = (self.axis, self.other_axis);
            return Err(Error::expected(format!(
                "equal sizes along axes {axis} and {other}, counted with the batch axis"
            )));
        }
        let mut sizes = [without(x, axes[0]), without(y, axes[1])].concat();
        if sizes.is_empty() {
            sizes.push(1);
        }
        Ok(vec![Shape::new(&sizes)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let samples = [inputs[0].shape().sample(), inputs[1].shape().sample()];
        let Ok(axes) = self.axes_of(samples) else { return vec![inputs[0]] };
        let mut vectors = [inputs[0], inputs[1]];
        if self.normalize {
            for (x, axis) in vectors.iter_mut().zip(axes) {
                let squares = (*x * *x).sum_axes(&[axis as isize], true);
                *x = *x / squares.clip(LEAST_SQUARE, f32::INFINITY).sqrt();
            }
        }
        let product = matrices(vectors[0], axes[0], true).matmul(matrices(vectors[1], axes[1], false));
        let sizes =
            [vec![inputs[0].shape().axis(0)], without(samples[0], axes[0]), without(samples[1], axes[1])].concat();
        let sizes = if sizes.len() == 1 { vec![sizes[0], 1] } else { sizes };
        match Shape::new(&sizes) {
            Ok(shape) => vec![product.reshape(shape).without_mask()],
            Err(_) => vec![product],
        }
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
        let pair = |a: &[usize], b: &[usize]| vec![Shape::new(a).unwrap(), Shape::new(b).unwrap()];
        vec![
            (Box::new(Dot::new([1, 1])), pair(&[3], &[3])),
            (Box::new(Dot::new([1, 2])), pair(&[3, 2], &[4, 3])),
            (Box::new(Dot::new([-1, -1]).normalize(true)), pair(&[2, 3], &[4, 3])),
            (Box::new(Dot::new([2, 1])), pair(&[2, 3, 2], &[3])),
        ]
    }
}
