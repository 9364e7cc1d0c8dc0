//! PRelu: a rectifier with learned slopes.

use crate::error::{Error, Result};
use crate::initializers::{Initializer, Zeros};
use crate::layers::{Cursor, Layer, Weights};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Computes x, and alpha · x below 0, with a learned alpha for each element of a sample. Keras' `PReLU` (He et al., 2015).
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr2;
    /// let model = Sequential::new([2]).add(PRelu::new().alpha_initializer(gradus::initializers::Constant::new(0.5))).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr2(&[[-1.0f32, 2.0]]))? - arr2(&[[-0.5f32, 2.0]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct PRelu("PReLU") {
        /// Initializer of the slopes. Defaults to [`Zeros`].
        part alpha_initializer: Initializer = Zeros,
        /// Regularizer of the slopes, whose penalty is added to the loss. Defaults to none.
        optional alpha_regularizer: Regularizer,
        /// Axes along which slopes are shared, counted from the batch axis: `[1, 2]` for one slope per channel of an image. Defaults to
        /// none.
        some shared_axes: Vec<usize>,
    }
}

impl PRelu {
    /// One slope for each element of a sample, at first 0, as in Keras.
    pub fn new() -> PRelu {
        PRelu::with_defaults()
    }
}

impl Layer for PRelu {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        let mut sizes = x.sizes().to_vec();
        for axis in self.shared_axes.iter().flatten() {
            match axis.checked_sub(1).and_then(|axis| sizes.get_mut(axis)) {
                Some(size) => *size = 1,
                None => {
                    return Err(Error::expected(format!("a shape that has axis {axis}, counted from the batch axis")));
                }
            }
        }
        let (initializer, regularizer) = (self.alpha_initializer.as_ref(), self.alpha_regularizer.as_ref());
        weights.add_regularized("alpha", Shape::new(&sizes)?, initializer, regularizer)?;
        Ok(vec![*x])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, [alpha]) = (inputs[0], weights.take());
        vec![x.relu() - alpha * (x * -1.0).relu()]
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
    use crate::initializers::Ones;
    use crate::regularizers::L2;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let shared = PRelu::new().shared_axes(vec![1]).alpha_initializer(Ones).alpha_regularizer(L2::new(0.1));
        vec![(Box::new(PRelu::new()), Shape::from([3])), (Box::new(shared), Shape::from([3, 2]))]
    }

    #[test]
    fn shared_axes_that_are_missing_are_refused() {
        for axis in [0, 2] {
            assert!(crate::Sequential::new([3]).add(PRelu::new().shared_axes(vec![axis])).summary().is_err());
        }
    }
}
