//! The layers of an architecture, with their names and arrays.

use super::Architecture;
use super::built_layer::BuiltLayer;
use crate::layers::Layer;
use crate::sample_shape::SampleShape;
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{ParamId, Params};
use ndarray::ArrayViewD;
use std::sync::Arc;

/// A layer of an [`Architecture`], with its name and its arrays.
///
/// ```
/// use gradus::{Sequential, layers::{BatchNorm, Dense}};
/// let architecture = Sequential::new([4]).add(Dense::new(3)).add(BatchNorm::new()).architecture(0)?;
/// let layers: Vec<_> = architecture.layers().collect();
/// assert_eq!((layers[0].name(), layers[0].spec().class()), ("dense", "Dense"));
/// let arrays: Vec<_> = layers[1].arrays().map(|array| (array.name(), array.is_trainable())).collect();
/// assert_eq!(arrays[0], ("batch_normalization/gamma", true));
/// assert_eq!(arrays[3], ("batch_normalization/moving_variance", false));
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LayerInstance<'a> {
    architecture: &'a Architecture,
    built: &'a BuiltLayer,
}

impl Architecture {
    /// The layers, in the order in which their weights were declared.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = LayerInstance<'_>> {
        (0..self.layers.len()).map(|layer| self.layer(layer))
    }

    /// The layer with this number: see [`Call::layer`](super::Call::layer).
    ///
    /// # Panics
    /// When `number` is not less than the number of layers.
    pub fn layer(&self, number: usize) -> LayerInstance<'_> {
        LayerInstance { architecture: self, built: &self.layers[number] }
    }
}

impl<'a> LayerInstance<'a> {
    /// The name, unique in the architecture.
    pub fn name(&self) -> &'a str {
        &self.built.name
    }

    /// The layer.
    pub fn layer(&self) -> &'a Arc<dyn Layer> {
        &self.built.layer
    }

    /// The class and the settings of the layer.
    pub fn spec(&self) -> Spec {
        self.built.layer.spec()
    }

    /// The arrays of the layer, in the order in which it declares them.
    pub fn arrays(&self) -> impl ExactSizeIterator<Item = LayerArray<'a>> + use<'a> {
        let params = &self.architecture.params;
        self.built.weights.iter().map(move |id| LayerArray { params, id: *id })
    }

    /// The numbers of the calls of the layer. All calls share its weights.
    pub fn calls(&self) -> &'a [usize] {
        &self.built.calls
    }

    /// The shape of one sample of each output, in the first call of the layer. An axis is open if its size depends on those of
    /// open axes of inputs.
    pub fn output_shapes(&self) -> &'a [SampleShape] {
        let Some(call) = self.built.calls.first() else { return &[] };
        let first = self.architecture.first_value(*call);
        &self.architecture.samples[first..first + self.architecture.connections.calls[*call].values]
    }
}

/// An array of a layer: a weight or a running statistic.
#[derive(Clone, Copy, Debug)]
pub struct LayerArray<'a> {
    params: &'a Params,
    id: ParamId,
}

impl<'a> LayerArray<'a> {
    /// The name, which starts with the name of the layer: `dense_1/kernel`.
    pub fn name(&self) -> &'a str {
        self.params.name(self.id)
    }

    /// The id of the array in the parameters of its architecture or model.
    pub fn id(&self) -> ParamId {
        self.id
    }

    /// The shape of the array.
    pub fn shape(&self) -> Shape {
        self.params.shape(self.id)
    }

    /// Whether the optimizer changes it. Running statistics and the weights of frozen layers are not trainable.
    pub fn is_trainable(&self) -> bool {
        self.params.trainable(self.id)
    }

    /// The elements in row-major order.
    pub fn values(&self) -> &'a [f32] {
        self.params.values(self.id)
    }

    /// The array as a view.
    pub fn view(&self) -> ArrayViewD<'a, f32> {
        self.params.get(self.id)
    }
}
