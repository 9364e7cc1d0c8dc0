//! An activation as a separate layer.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, OptionValue, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

pub use crate::ops::Activation;

/// An activation as a separate layer: the output has the shape of the input, or half of its last axis for
/// [`Activation::Glu`]. `Activation` in Keras.
///
/// ```
/// use gradus::{Sequential, layers::Activation};
/// let model = Sequential::new([2]).add(Activation::Relu).architecture(0)?.into_model()?;
/// assert_eq!(model.predict(&ndarray::arr2(&[[3.0, -3.0]]))?, ndarray::arr2(&[[3.0, 0.0]]).into_dyn());
/// # Ok::<(), gradus::Error>(())
/// ```
impl Layer for Activation {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        match (self, inputs) {
            (Activation::Softmax | Activation::LogSoftmax | Activation::Sparsemax, [x]) if x.rank() == 0 => {
                Err(Error::expected("at least one axis for softmax"))
            }
            (Activation::Glu, [x]) if x.rank() == 0 || !x.last().is_multiple_of(2) => {
                Err(Error::expected("an even size of the last axis for glu"))
            }
            (Activation::Glu, [x]) => Ok(vec![x.with_axis(x.rank() - 1, x.last() / 2)]),
            (_, [x]) => Ok(vec![*x]),
            _ => Err(Error::expected("one input")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].activation(*self)]
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("activation", self.name())
    }
}

impl FromSpec for Activation {
    const CLASS: &'static str = "Activation";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Activation> {
        Activation::read(settings, "activation")
    }
}

impl OptionValue for Activation {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        spec.with(name, self.name())
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<Activation> {
        Activation::read(settings, name)
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::ops::ACTIVATIONS;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        ACTIVATIONS
            .iter()
            .map(|(_, activation)| (Box::new(*activation) as Box<dyn Layer>, Shape::from([3, 2])))
            .collect()
    }
}
