//! Sequential networks.

use super::Connections;
use super::built_layer::Layers;
use super::network_methods::network_methods;
use crate::axis_order::AxisOrder;
use crate::layers::Layer;
use crate::sample_shape::SampleShape;
use std::sync::Arc;

/// A sequential network, without weights: the input of each layer is the output of the previous one. Keras' `Sequential`.
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
    input: SampleShape,
    layers: Layers,
    /// The axis orders of the input and the output in the file from which the network was loaded.
    axis_orders: [AxisOrder; 2],
    /// The names of the input and the output, if they are not the default ones.
    value_names: Option<[String; 2]>,
}

impl Sequential {
    /// Creates a network without layers. `input` is the shape of one sample. The size of an open axis is `None`: the network
    /// accepts any size along it, with the same weights.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::Array3;
    /// let network = Sequential::new((None, 4)).add(Conv1d::new(8, 3)).add(GlobalMaxPool1d::new()).add(Dense::new(2));
    /// let model = network.architecture(0)?.into_model()?;
    /// assert_eq!(model.predict(&Array3::zeros((5, 7, 4)))?.shape(), [5, 2]);
    /// assert_eq!(model.predict(&Array3::zeros((5, 100, 4)))?.shape(), [5, 2]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn new(input: impl Into<SampleShape>) -> Sequential {
        Sequential {
            input: input.into(),
            layers: Vec::new(),
            axis_orders: [AxisOrder::CHANNELS_LAST; 2],
            value_names: None,
        }
    }

    /// Appends a layer. Its name is the default name of Keras, such as `dense_1`.
    #[allow(clippy::should_implement_trait)] // the name in Keras, where networks and layers have no sum
    pub fn add(mut self, layer: impl Layer + 'static) -> Sequential {
        self.layers.push((None, Arc::new(layer)));
        self
    }

    /// Appends a layer with a name, which must be unique and not empty. It may contain slashes, as in `encoder/dense`, whose
    /// parameters are `encoder/dense/kernel` and `encoder/dense/bias`; only files of Keras cannot have such names.
    pub fn add_named(mut self, name: impl Into<String>, layer: impl Layer + 'static) -> Sequential {
        self.layers.push((Some(name.into()), Arc::new(layer)));
        self
    }

    /// Sets the axis orders of the input and the output in the file from which the network was loaded; see
    /// [`ValueInfo::with_axis_order`](crate::ValueInfo::with_axis_order).
    pub fn axis_orders(mut self, input: AxisOrder, output: AxisOrder) -> Sequential {
        self.axis_orders = [input, output];
        self
    }

    /// Sets the names of the input and the output, which are `input` and `output` by default.
    pub fn value_names(mut self, input: impl Into<String>, output: impl Into<String>) -> Sequential {
        self.value_names = Some([input.into(), output.into()]);
        self
    }

    fn connections(&self) -> Connections {
        let mut chain = Connections::chain(self.input, self.layers.len());
        chain.inputs[0].axis_order = self.axis_orders[0];
        chain.outputs[0].axis_order = self.axis_orders[1];
        if let Some([input, output]) = &self.value_names {
            (chain.inputs[0].name, chain.outputs[0].name) = (input.clone(), output.clone());
        }
        chain
    }
}

network_methods!(Sequential);

/// Appends layers of one type. Layers of different types can be appended as `Box<dyn Layer>`.
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
