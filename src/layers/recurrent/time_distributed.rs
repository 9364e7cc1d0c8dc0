//! TimeDistributed: a layer that is applied to each step.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::sizes;
use crate::spec::Spec;
use crate::tape::Var;
use std::sync::Arc;

options! {
    /// Applies a layer to each step of a sequence, with equal weights. `TimeDistributed` in Keras.
    ///
    /// Inputs are steps × …, where … is the shape of a sample of the layer; outputs are steps × the output of the layer. All
    /// steps of a batch are rows of one batch of the layer: a [`BatchNorm`](crate::layers::BatchNorm) has statistics over all
    /// of them, while Keras has some for each step. The layer does not see masks.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::{Flatten, TimeDistributed}};
    /// let network = Sequential::new([10, 28, 28]).add(TimeDistributed::new(Flatten));
    /// assert_eq!(network.architecture(0)?.into_model()?.output_shapes(), [Shape::from([10, 784])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns the errors of the layer, and [`Error::Shape`](crate::Error::Shape) for a sample without steps.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct TimeDistributed("TimeDistributed") of (layer: Arc<dyn Layer>);
}

impl TimeDistributed {
    /// Creates the layer from the layer of each step.
    pub fn new(layer: impl Layer + 'static) -> TimeDistributed {
        TimeDistributed::with_defaults(Arc::new(layer))
    }
}

impl Layer for TimeDistributed {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [sequence] = inputs else { return Err(Error::expected("one input")) };
        if sequence.rank() < 2 {
            return Err(Error::expected("a sequence of steps × …"));
        }
        let outputs = self.layer.build(&[sequence.sample()], weights)?;
        outputs.into_iter().map(|output| output.batch(sequence.axis(0))).collect()
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let shape = inputs[0].shape();
        let (rows, steps) = (shape.axis(0), shape.axis(1));
        let all = sizes::product(&[rows, steps]).and_then(|all| shape.sample().sample().batch(all));
        let all = match all {
            Ok(all) => all,
            Err(error) => {
                inputs[0].recorder().fail(error);
                shape
            }
        };
        let outputs = self.layer.record(weights, &[inputs[0].reshape(all)]);
        let by_row = |output: Var<'r>| {
            let sizes: Vec<usize> = [rows, steps].iter().chain(&output.shape().sizes()[1..]).copied().collect();
            match Shape::new(&sizes) {
                Ok(shape) => output.reshape(shape),
                Err(error) => {
                    output.recorder().fail(error);
                    output
                }
            }
        };
        outputs.into_iter().map(by_row).collect()
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }

    fn supports_masking(&self) -> bool {
        true
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::layers::{Activation, Conv1d, Dense, Lstm};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(TimeDistributed::new(Dense::new(3).activation(Activation::Tanh))), Shape::from([4, 2])),
            (Box::new(TimeDistributed::new(Conv1d::new(2, 3))), Shape::from([1, 5, 2])),
            (Box::new(TimeDistributed::new(Lstm::new(2))), Shape::from([3, 4, 1])),
        ]
    }
}
