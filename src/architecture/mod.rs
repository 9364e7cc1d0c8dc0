//! Architectures of models: named layers with their weights and connections.
//!
//! [`Sequential`] and [`Graph`] describe a network without weights. With weights, it is an [`Architecture`]: a
//! [`Model`](crate::Model) runs it, and summaries, model files and files of other programs are made from it.
//!
//! ```
//! use gradus::tape::Params;
//! use gradus::{Graph, layers::{Activation, Dense}};
//! use ndarray::{arr1, arr2};
//!
//! // An importer of another format defines layers, their connections, and arrays by name.
//! let mut graph = Graph::new();
//! let x = graph.input("x", [2]);
//! let dense = graph.layer("hidden", Dense::new(1).activation(Activation::Relu));
//! let y = graph.apply(dense, x);
//! graph.output("y", y);
//! let mut params = Params::new();
//! params.add("hidden/kernel", &arr2(&[[2.0], [3.0]]))?;
//! params.add("hidden/bias", &arr1(&[0.5]))?;
//! let model = graph.with_params(&params)?.into_model()?;
//! assert_eq!(model.predict(&arr2(&[[1.0, 1.0]]))?, arr2(&[[5.5]]).into_dyn());
//!
//! // An exporter iterates over calls and layers.
//! let architecture = model.architecture();
//! for call in architecture.calls() {
//!     let layer = architecture.layer(call.layer());
//!     let inputs: Vec<_> = call.inputs().iter().map(|value| architecture.value_shape(*value)).collect();
//!     println!("{} ({}) is applied to {inputs:?}", layer.name(), layer.spec());
//!     for array in layer.arrays() {
//!         println!("  {}: {} {:?}", array.name(), array.shape(), array.values());
//!     }
//! }
//! # Ok::<(), gradus::Error>(())
//! ```

mod bound_shapes;
mod build;
mod built_layer;
mod check;
mod connections;
mod graph;
mod layer_instance;
mod network_methods;
mod params;
mod probe;
mod record;
mod sequential;
mod summary;
mod value_info;
mod value_shapes;

pub use connections::Call;
pub use graph::{Applied, Graph, GraphLayer, Node};
pub use layer_instance::{LayerArray, LayerInstance};
pub use sequential::Sequential;
pub use value_info::ValueInfo;

pub(crate) use built_layer::Layers;
pub(crate) use connections::{Connections, Output};
pub(crate) use value_shapes::ValueShapes;

use crate::sample_shape::SampleShape;
use crate::shape::Shape;
use crate::tape::Params;
use built_layer::BuiltLayer;
use connections::Sources;
use std::sync::Arc;
use value_shapes::KeptShapes;

/// Named layers with their weights, the calls that connect them, and inputs and outputs.
///
/// [`Sequential::architecture`] and [`Graph::architecture`] make one with initial weights, [`Sequential::with_params`] and
/// [`Graph::with_params`] one with given weights, and [`Architecture::load`] one from a file.
/// [`Model::architecture`](crate::Model::architecture) returns that of a model. [`into_model`](Architecture::into_model)
/// makes a model for inference, and [`compile`](Architecture::compile) a model for training.
///
/// Values are numbered: the inputs first, then the outputs of each call, in order. A clone shares the arrays of the weights
/// until one of the two changes them.
#[derive(Clone, Debug)]
pub struct Architecture {
    connections: Connections,
    sources: Sources,
    layers: Vec<BuiltLayer>,
    /// The shape of one sample of each value.
    samples: Vec<SampleShape>,
    /// The shapes of values for which the weights were declared. Open axes have a small size that the layers accept.
    probe: Arc<ValueShapes>,
    /// The shapes of values for other sizes of open axes.
    kept: KeptShapes,
    outputs: Vec<ValueInfo>,
    params: Params,
}

impl Architecture {
    /// Whether the network was described as a [`Sequential`]. It then has one input, one call of each layer on the previous
    /// value, and one output. The network of a [`Graph`] is never a chain, even with connections of this form: the names of
    /// its input and its output are part of the model and are written to files.
    ///
    /// ```
    /// use gradus::{Graph, Sequential, layers::Dense};
    /// assert!(Sequential::new([2]).add(Dense::new(1)).architecture(0)?.is_chain());
    ///
    /// let mut graph = Graph::new();
    /// let x = graph.input("age", [2]);
    /// let y = graph.apply(Dense::new(1), x);
    /// graph.output("income", y);
    /// assert!(!graph.architecture(0)?.is_chain());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn is_chain(&self) -> bool {
        self.connections.chain
    }

    /// The inputs, with their names, the shape of one sample, and the axis order in the file from which they were loaded.
    pub fn inputs(&self) -> &[ValueInfo] {
        &self.connections.inputs
    }

    /// The outputs, with their names, the shape of one sample, and the axis order in the file from which they were loaded.
    pub fn outputs(&self) -> &[ValueInfo] {
        &self.outputs
    }

    /// The number of the value of an output.
    ///
    /// # Panics
    /// When `output` is not less than the number of outputs.
    pub fn output_value(&self, output: usize) -> usize {
        self.connections.outputs[output].value
    }

    /// The calls, in an order in which they can be computed.
    pub fn calls(&self) -> &[Call] {
        &self.connections.calls
    }

    /// The number of the first output of a call. Its other outputs have the numbers that follow.
    ///
    /// # Panics
    /// When `call` is not less than the number of calls.
    pub fn first_value(&self, call: usize) -> usize {
        self.sources.first(call)
    }

    /// The call of which a value is an output, and the position among the outputs; `None` for inputs.
    pub fn call_of(&self, value: usize) -> Option<(usize, usize)> {
        self.sources.call_of(value)
    }

    /// The shape of one sample of a value. An axis is open if its size depends on those of open axes of inputs.
    ///
    /// # Panics
    /// When no value has this number.
    pub fn value_shape(&self, value: usize) -> SampleShape {
        self.samples[value]
    }

    /// The weights and running statistics, in the order in which layers declare them.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The weights and running statistics, to change their values. The layers refer to these parameters, so do not replace
    /// them by other `Params` or add parameters: [`Params::assign`] copies values from other `Params`.
    pub fn params_mut(&mut self) -> &mut Params {
        &mut self.params
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
    }

    /// The shape of one sample of an output. Open axes have a small size.
    pub(crate) fn output(&self, output: usize) -> Shape {
        self.probe.of(self.output_value(output))
    }

    /// The names of the outputs.
    pub(crate) fn output_names(&self) -> Vec<String> {
        self.outputs.iter().map(|output| output.name.clone()).collect()
    }

    /// The layers with their names, for building them again.
    pub(crate) fn named_layers(&self) -> Layers {
        self.layers.iter().map(|built| (Some(built.name.clone()), built.layer.clone())).collect()
    }
}
