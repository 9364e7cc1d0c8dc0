//! Permute: permutation of the axes of a sample.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Permutes the axes of each sample. `Permute` in Keras.
    ///
    /// Axis i of the output is axis dims\[i\] of the input. The batch axis is not permuted.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr3;
    /// let model = Sequential::new([1, 2]).add(Permute::new([2, 1])).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr3(&[[[1.0f32, 2.0]]]))? - arr3(&[[[1.0f32], [2.0]]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) unless `dims` contains each axis of the input once.
    #[derive(Clone, Debug)]
    pub struct Permute("Permute") of (dims: Vec<usize>);
}

impl Permute {
    /// Creates the layer for `dims`, the axes of the input in the order of the output, counted from 1 without the batch
    /// axis, as in Keras: `[2, 1]` transposes a matrix.
    pub fn new(dims: impl Into<Vec<usize>>) -> Permute {
        Permute::with_defaults(dims.into())
    }
}

impl Layer for Permute {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        let mut sorted = self.dims.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(1..=x.rank()) {
            return Err(Error::expected(format!(
                "a shape with as many axes as dims {:?}, which must contain each axis from 1 on once",
                self.dims
            )));
        }
        let sizes: Vec<usize> = self.dims.iter().map(|axis| x.axis(axis - 1)).collect();
        Ok(vec![Shape::new(&sizes)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let axes: Vec<usize> = [0].iter().chain(&self.dims).copied().collect();
        vec![inputs[0].transpose(&axes).without_mask()]
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

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(Permute::new([2, 1])), Shape::from([3, 2])),
            (Box::new(Permute::new([3, 1, 2])), Shape::from([3, 2, 4])),
        ]
    }

    #[test]
    fn axes_that_are_missing_or_repeated_are_rejected() {
        for dims in [vec![1], vec![1, 1], vec![0, 1], vec![2, 3]] {
            assert!(crate::Sequential::new([3, 2]).add(Permute::new(dims)).summary().is_err());
        }
    }
}
