//! Relu: a rectifier with a slope, a threshold and a maximum.

use crate::error::{Error, Result, check_setting};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Computes x between `threshold` and `max_value`, `max_value` above, and negative_slope · (x − threshold) below the
    /// threshold. Keras' `ReLU`.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr2;
    /// let model = Sequential::new([2]).add(Relu::new().max_value(6.0)).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr2(&[[-1.0f32, 9.0]]))? - arr2(&[[0.0f32, 6.0]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct Relu("ReLU") {
        /// Largest output, ≥ 0. By default outputs are not limited.
        some max_value: f32,
        /// Slope below the threshold, ≥ 0. Defaults to 0.
        value negative_slope: f32 = 0.0,
        /// Inputs below it are not passed on, ≥ 0. Defaults to 0.
        value threshold: f32 = 0.0,
    }
}

impl Relu {
    /// The plain rectifier max(x, 0).
    pub fn new() -> Relu {
        Relu::with_defaults()
    }
}

impl Layer for Relu {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        let (maximum, slope, threshold) = (self.max_value.unwrap_or(0.0), self.negative_slope, self.threshold);
        for (name, value) in [("max_value", maximum), ("negative_slope", slope), ("threshold", threshold)] {
            check_setting(value >= 0.0, "Relu", name, f64::from(value), "≥ 0")?;
        }
        Ok(vec![*x])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].rectify(self.max_value.unwrap_or(f32::INFINITY), self.negative_slope, self.threshold)]
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
            (Box::new(Relu::new()), Shape::from([3, 2])),
            (Box::new(Relu::new().max_value(0.05).negative_slope(0.1).threshold(0.01)), Shape::from([7])),
        ]
    }
}
