//! PRelu: rectifier with learned slopes for negative inputs.

use crate::constraints::Constraint;
use crate::error::{Error, Result};
use crate::initializers::{Initializer, Zeros};
use crate::layers::{Cursor, Layer, Weights};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Parametric rectifier: x for x ≥ 0, alpha · x for x < 0, with learned slopes alpha (He et al. 2015). `PReLU` in Keras.
    ///
    /// The output has the shape of the input. The weight is `alpha`, one slope for each element of a sample, or of size 1
    /// along each shared axis.
    ///
    /// ```
    /// use gradus::{Sequential, initializers::Constant, layers::*};
    /// use ndarray::arr2;
    /// let layer = PRelu::new().alpha_initializer(Constant::new(0.5));
    /// let model = Sequential::new([2]).add(layer).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr2(&[[-1.0f32, 2.0]]))? - arr2(&[[-0.5f32, 2.0]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) if a shared axis does not exist.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct PRelu("PReLU") {
        /// Initializer of the slopes. Defaults to [`Zeros`].
        part alpha_initializer: Initializer = Zeros,
        /// Regularizer of the slopes, whose penalty is added to the loss. Defaults to none.
        optional alpha_regularizer: Regularizer,
        /// Constraint on the slopes, which is applied after each step. Defaults to none.
        optional alpha_constraint: Constraint,
        /// Axes along which slopes are shared, counted from 1 without the batch axis: `[1, 2]` for one slope per channel of an
        /// image. Defaults to none.
        some shared_axes: Vec<usize>,
    }
}

impl PRelu {
    /// Creates the layer with a separate slope for each element of a sample, initially 0, as in Keras.
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
                    return Err(Error::expected(format!(
                        "a shape with axis {axis}, counted from 1, as shared_axes contains it"
                    )));
                }
            }
        }
        let options =
            (self.alpha_initializer.as_ref(), self.alpha_regularizer.as_ref(), self.alpha_constraint.as_ref());
        weights.add_with_options("alpha", Shape::new(&sizes)?, options)?;
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
    use crate::constraints::NonNeg;
    use crate::initializers::Ones;
    use crate::regularizers::L2;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let shared = PRelu::new()
            .shared_axes(vec![1])
            .alpha_initializer(Ones)
            .alpha_regularizer(L2::new(0.1))
            .alpha_constraint(NonNeg);
        vec![(Box::new(PRelu::new()), Shape::from([3])), (Box::new(shared), Shape::from([3, 2]))]
    }

    #[test]
    fn shared_axes_that_are_missing_are_rejected() {
        for axis in [0, 2] {
            assert!(crate::Sequential::new([3]).add(PRelu::new().shared_axes(vec![axis])).summary().is_err());
        }
    }
}
