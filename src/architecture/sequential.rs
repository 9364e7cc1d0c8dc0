//! A chain of layers, each fed by the one before.

use super::built_layer::Layers;
use super::given::declared;
use super::{Architecture, Connections};
use crate::axis_order::AxisOrder;
use crate::error::Result;
use crate::layers::{DeclaredWeight, Layer, Source};
use crate::random::{Key, Purpose};
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
    layers: Layers,
    /// The orders of axes of the input and the output in the file that the network is from.
    axis_orders: [AxisOrder; 2],
}

impl Sequential {
    /// No layers yet. `input` is the shape of one sample.
    pub fn new(input: impl Into<Shape>) -> Sequential {
        Sequential { input: input.into(), layers: Vec::new(), axis_orders: [AxisOrder::CHANNELS_LAST; 2] }
    }

    /// Puts a layer behind the others.
    #[allow(clippy::should_implement_trait)] // Keras' word; a chain and a layer have no sum
    pub fn add(mut self, layer: impl Layer + 'static) -> Sequential {
        self.layers.push((None, Arc::new(layer)));
        self
    }

    /// Appends a layer with a name of its own, which no other layer may have. The others get Keras' names, such as
    /// `dense_1`.
    pub fn add_named(mut self, name: impl Into<String>, layer: impl Layer + 'static) -> Sequential {
        self.layers.push((Some(name.into()), Arc::new(layer)));
        self
    }

    /// Sets the orders of axes of the input and the output in the file that the network is from; see
    /// [`ValueInfo::with_axis_order`](crate::ValueInfo::with_axis_order).
    pub fn axis_orders(mut self, input: AxisOrder, output: AxisOrder) -> Sequential {
        self.axis_orders = [input, output];
        self
    }

    /// The layers in Keras' three columns, and the number of weights.
    ///
    /// # Errors
    /// Those of [`architecture`](Sequential::architecture).
    pub fn summary(&self) -> Result<String> {
        Ok(self.architecture(0)?.summary())
    }

    /// The network with initial weights, which follow from the seed as in [`compile`](Sequential::compile).
    ///
    /// # Errors
    /// Layers that do not fit together, names that are taken, settings out of range.
    pub fn architecture(&self, seed: u64) -> Result<Architecture> {
        let source = Source::Init(Key::from_seed(seed).purpose(Purpose::Init));
        let architecture = Architecture::build(self.connections(), self.layers.clone(), source)?;
        architecture.check()?;
        Ok(architecture)
    }

    /// The network with given weights: each layer finds its arrays under `layer/weight`, such as `dense_1/kernel`, and shares
    /// them with `params`. Nothing is initialised.
    ///
    /// ```
    /// use gradus::tape::Params;
    /// use gradus::{Sequential, layers::Dense};
    /// let network = Sequential::new([2]).add_named("scores", Dense::new(1).use_bias(false));
    /// let mut params = Params::new();
    /// params.add("scores/kernel", &ndarray::arr2(&[[2.0], [-1.0]]))?;
    /// let model = network.with_params(&params)?.into_model()?;
    /// assert_eq!(model.predict(&ndarray::arr2(&[[3.0, 4.0]]))?, ndarray::arr2(&[[2.0]]).into_dyn());
    ///
    /// params.add("scores/bias", &ndarray::arr1(&[0.5]))?;
    /// let message = network.with_params(&params).unwrap_err().to_string();
    /// assert!(message.starts_with("arrays of the layers: declared by no layer: scores/bias; "));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`architecture`](Sequential::architecture), and [`Error::Arrays`](crate::Error::Arrays) with every array that
    /// is missing, that no layer declares, or that has another shape.
    pub fn with_params(&self, params: &Params) -> Result<Architecture> {
        Architecture::with_params(self.connections(), self.layers.clone(), params)
    }

    /// The weights that the layers declare, by name and shape, without values: an importer learns from it which arrays it
    /// has to find, and in which order.
    ///
    /// # Errors
    /// Those of [`architecture`](Sequential::architecture).
    pub fn declared(&self) -> Result<Vec<DeclaredWeight>> {
        declared(self.connections(), self.layers.clone())
    }

    fn connections(&self) -> Connections {
        let mut chain = Connections::chain(self.input, self.layers.len());
        chain.inputs[0].axis_order = self.axis_orders[0];
        chain.outputs[0].axis_order = self.axis_orders[1];
        chain
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
        self.layers.extend(layers.into_iter().map(|layer| (None, Arc::new(layer) as Arc<dyn Layer>)));
    }
}
