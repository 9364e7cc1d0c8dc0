//! Permute: the axes of each sample in another order.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Reorders the axes of each sample. Keras' `Permute`.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr3;
    /// let model = Sequential::new([1, 2]).add(Permute::new([2, 1])).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr3(&[[[1.0f32, 2.0]]]))? - arr3(&[[[1.0f32], [2.0]]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Debug)]
    pub struct Permute("Permute") of (dims: Vec<usize>);
}

impl Permute {
    /// Axis `i` of the output is axis `dims[i]` of the input, counted from 1 without the batch axis, as in Keras: `[2, 1]`
    /// transposes a matrix.
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
            return Err(Error::expected(format!("a shape whose axes are numbered by dims {:?}, from 1 on", self.dims)));
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
    fn axes_that_are_missing_or_repeated_are_refused() {
        for dims in [vec![1], vec![1, 1], vec![0, 1], vec![2, 3]] {
            assert!(crate::Sequential::new([3, 2]).add(Permute::new(dims)).summary().is_err());
        }
    }
}
