//! Shapes and names of the weights of a layer, without values, for importers of model files.

use super::Layer;
use super::weights::{Source, Weights};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::Params;

/// The shapes of the outputs and weights of a layer for given inputs. No values are computed or allocated.
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
    /// Builds the layer under the name `name`, for inputs whose samples have these shapes.
    ///
    /// # Errors
    /// The errors of [`Layer::build`] for shapes that the layer does not accept and settings out of range, without place and
    /// shapes, which [`Error::at`](crate::Error::at) adds.
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
    carried: bool,
}

impl DeclaredWeight {
    /// The weights of all parameters.
    pub(crate) fn all(params: &Params) -> Vec<DeclaredWeight> {
        let weight = |id| DeclaredWeight {
            name: params.name(id).into(),
            shape: params.shape(id),
            trainable: params.trainable(id),
            carried: params.carried(id),
        };
        params.ids().map(weight).collect()
    }

    /// The name: that of the layer, `/`, and that of the array, as in `dense_1/kernel`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape of the array.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Whether the weight is learned.
    pub fn is_trainable(&self) -> bool {
        self.trainable
    }

    /// Whether it is state that is carried from one batch to the next;
    /// see [`Weights::add_carried_state`].
    pub fn is_carried(&self) -> bool {
        self.carried
    }
}
