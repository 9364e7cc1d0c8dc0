//! A chain of layers, each fed by the one before.

use super::network::Network;
use super::{Compile, Model, summary};
use crate::error::Result;
use crate::layers::{Layer, Source};
use crate::random::Key;
use crate::save::Wiring;
use crate::shape::Shape;
use crate::tape::Params;
use std::sync::Arc;

/// A chain of layers: a recipe, without numbers. Keras' `Sequential`.
///
/// ```
/// use gradus::{Sequential, layers::*};
/// let network = Sequential::new([28, 28, 1])
///     .add(Conv2d::new(6, 2))
///     .add(MaxPool2d::new(2))
///     .add(Activation::Sigmoid)
///     .add(Flatten)
///     .add(Dense::new(10).activation(Activation::Softmax));
/// assert!(network.summary()?.contains("max_pooling2d (MaxPooling2D)"));
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Sequential {
    input: Shape,
    layers: Vec<Arc<dyn Layer>>,
}

impl Sequential {
    /// No layers yet. `input` is the shape of one sample.
    pub fn new(input: impl Into<Shape>) -> Sequential {
        Sequential { input: input.into(), layers: Vec::new() }
    }

    /// Puts a layer behind the others.
    #[allow(clippy::should_implement_trait)] // Keras' word; a chain and a layer have no sum
    pub fn add(mut self, layer: impl Layer + 'static) -> Sequential {
        self.layers.push(Arc::new(layer));
        self
    }

    /// The layers in Keras' three columns, and the number of weights.
    ///
    /// # Errors
    /// Layers that do not fit together, or settings out of range.
    pub fn summary(&self) -> Result<String> {
        let mut params = Params::new();
        let network = self.build(&mut params, Key::from_seed(0))?;
        Ok(summary::table(&network, &params))
    }

    /// Gives the layers their weights, and says how they will be trained.
    ///
    /// # Errors
    /// Layers that do not fit together, settings out of range, a thread pool that cannot be made.
    pub fn compile(&self, settings: Compile) -> Result<Model> {
        settings.model(|params, key| self.build(params, key))
    }

    fn build(&self, params: &mut Params, key: Key) -> Result<Network> {
        let wiring = Wiring::chain(self.input, self.layers.len());
        let layers = self.layers.iter().map(|layer| (None, layer.clone())).collect();
        let network = Network::build(wiring, layers, params, Source::Init(key))?;
        network.check_recording(params)?;
        Ok(network)
    }
}

/// Appends layers of one type; `Box<dyn Layer>` is one, for layers of several types.
///
/// ```
/// use gradus::{Sequential, layers::*};
/// let mut network = Sequential::new([784]);
/// network.extend([256, 64].map(|units| Dense::new(units).activation(Activation::Relu)));
/// assert!(network.summary()?.contains("dense_1 (Dense)"));
/// # Ok::<(), gradus::Error>(())
/// ```
impl<L: Layer + 'static> Extend<L> for Sequential {
    fn extend<I: IntoIterator<Item = L>>(&mut self, layers: I) {
        self.layers.extend(layers.into_iter().map(|layer| Arc::new(layer) as Arc<dyn Layer>));
    }
}
