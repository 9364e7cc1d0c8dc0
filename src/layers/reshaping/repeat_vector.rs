//! RepeatVector: a vector as each step of a sequence.

use crate::error::{Error, Result, check_setting};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Repeats a vector of features `n` times: the output has the shape n × features. Keras' `RepeatVector`.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::{arr2, arr3};
    /// let model = Sequential::new([2]).add(RepeatVector::new(2)).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr2(&[[1.0f32, 2.0]]))? - arr3(&[[[1.0f32, 2.0], [1.0, 2.0]]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    pub struct RepeatVector("RepeatVector") of (n: usize);
}

impl RepeatVector {
    /// Repeats each vector `n` times, at least 1.
    pub fn new(n: usize) -> RepeatVector {
        RepeatVector::with_defaults(n)
    }
}

impl Layer for RepeatVector {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        check_setting(self.n > 0, "RepeatVector", "n", self.n, "at least 1")?;
        match inputs {
            [x] if x.rank() == 1 => Ok(vec![Shape::new(&[self.n, x.last()])?]),
            _ => Err(Error::expected("a vector of features")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let x = inputs[0];
        vec![x.reshape([x.shape().rows(), 1, x.shape().last()]).repeat(1, self.n).without_mask()]
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
        vec![(Box::new(RepeatVector::new(3)), Shape::from([4])), (Box::new(RepeatVector::new(1)), Shape::from([2]))]
    }
}
