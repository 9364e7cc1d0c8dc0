//! What a layer declares, without values: for importers, which have to find its arrays.

use super::Layer;
use super::weights::{Source, Weights};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::Params;

/// The outputs and weights of a layer that is applied to inputs of some shapes. Nothing is initialised or allocated.
///
/// ```
/// use gradus::Shape;
/// use gradus::layers::{Declared, Dense};
/// let declared = Declared::of(&Dense::new(3), "scores", &[Shape::from(4)])?;
/// assert_eq!(declared.outputs(), [Shape::from(3)]);
/// let weights: Vec<_> = declared.weights().iter().map(|weight| (weight.name(), weight.shape())).collect();
/// assert_eq!(weights, [("scores/kernel", Shape::from([4, 3])), ("scores/bias", Shape::from(3))]);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    outputs: Vec<Shape>,
    weights: Vec<DeclaredWeight>,
}

impl Declared {
    /// Builds a layer of this name for inputs whose samples have these shapes.
    ///
    /// # Errors
    /// Shapes that do not fit the layer, and settings out of range, as [`Layer::build`] says them;
    /// [`Error::at`](crate::Error::at) adds a place and the shapes.
    pub fn of(layer: &dyn Layer, name: &str, inputs: &[Shape]) -> Result<Declared> {
        let mut params = Params::new();
        let mut weights = Weights::new(&mut params, name, Source::Nowhere);
        let outputs = layer.build(inputs, &mut weights)?;
        Ok(Declared { outputs, weights: DeclaredWeight::all(&params) })
    }

    /// The shape of one sample of each output.
    pub fn outputs(&self) -> &[Shape] {
        &self.outputs
    }

    /// The weights, in the order in which the layer declares them.
    pub fn weights(&self) -> &[DeclaredWeight] {
        &self.weights
    }
}

/// A weight array of a layer, without values.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredWeight {
    name: String,
    shape: Shape,
    trainable: bool,
}

impl DeclaredWeight {
    /// Those of all parameters.
    pub(crate) fn all(params: &Params) -> Vec<DeclaredWeight> {
        let weight = |id| DeclaredWeight {
            name: params.name(id).into(),
            shape: params.shape(id),
            trainable: params.trainable(id),
        };
        params.ids().map(weight).collect()
    }

    /// The name, which begins with that of the layer, as in `dense_1/kernel`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Whether the optimizer changes it.
    pub fn is_trainable(&self) -> bool {
        self.trainable
    }
}
