//! Architectures of models: named layers with their weights, and how values pass through them.
//!
//! [`Sequential`] and [`Graph`] describe a network without numbers. Given weights, they become an [`Architecture`], which is
//! what summaries, files and the formats of other programs are made from, and what a [`Model`](crate::Model) computes with.
//!
//! ```
//! use gradus::tape::Params;
//! use gradus::{Graph, layers::{Activation, Dense}};
//! use ndarray::{arr1, arr2};
//!
//! // What an importer does with a file of another program: layers, their connections, and arrays by name.
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
//! // What an exporter does: it walks layers and calls.
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

mod build;
mod built_layer;
mod check;
mod connections;
mod given;
mod graph;
mod layer_instance;
mod record;
mod sequential;
mod summary;
mod value_info;

pub use connections::Call;
pub use graph::{Applied, Graph, GraphLayer, Node};
pub use layer_instance::{LayerArray, LayerInstance};
pub use sequential::Sequential;
pub use value_info::ValueInfo;

pub(crate) use built_layer::Layers;
pub(crate) use connections::{Connections, Output};

use crate::shape::Shape;
use crate::tape::Params;
use built_layer::BuiltLayer;
use connections::Sources;

/// Named layers with their weights, the calls that connect them, and inputs and outputs.
///
/// Made by [`Sequential::architecture`] and [`Graph::architecture`] with initial weights, by `with_params` of either with
/// given ones, by [`Architecture::load`] from a file, and borrowed from a model by
/// [`Model::architecture`](crate::Model::architecture). It becomes a model by [`into_model`](Architecture::into_model) for
/// inference or by [`compile`](Architecture::compile) for training.
///
/// Values are numbered: the inputs first, then what each call gives, in order. A clone shares the arrays of the weights
/// until either is changed.
#[derive(Clone, Debug)]
pub struct Architecture {
    connections: Connections,
    sources: Sources,
    layers: Vec<BuiltLayer>,
    /// The shape of one sample of each value.
    shapes: Vec<Shape>,
    outputs: Vec<ValueInfo>,
    params: Params,
    /// About how many multiply-adds a sample takes: at each call every weight once at every place that the layer looks at.
    work: usize,
}

impl Architecture {
    /// Whether it is a chain as a [`Sequential`] is: one input, each layer applied once to the value before, one output.
    pub fn is_chain(&self) -> bool {
        self.connections.chain
    }

    /// The inputs in order, each with its name, the shape of one sample, and the axis order in the file that it was loaded
    /// from.
    pub fn inputs(&self) -> &[ValueInfo] {
        &self.connections.inputs
    }

    /// The outputs in order, each with its name, the shape of one sample, and the axis order in the file that it was loaded
    /// from.
    pub fn outputs(&self) -> &[ValueInfo] {
        &self.outputs
    }

    /// The number of the value that is the output at this position.
    ///
    /// # Panics
    /// When there are fewer outputs.
    pub fn output_value(&self, output: usize) -> usize {
        self.connections.outputs[output].value
    }

    /// The calls in an order in which they can be computed.
    pub fn calls(&self) -> &[Call] {
        &self.connections.calls
    }

    /// The number of the first value that a call gives; the others of a layer with several outputs follow.
    ///
    /// # Panics
    /// When there are fewer calls.
    pub fn first_value(&self, call: usize) -> usize {
        self.sources.first(call)
    }

    /// The call that gives a value, and the value's position among the outputs of its layer; `None` for inputs.
    pub fn call_of(&self, value: usize) -> Option<(usize, usize)> {
        self.sources.call_of(value)
    }

    /// The shape of one sample of a value.
    ///
    /// # Panics
    /// When no value has this number.
    pub fn value_shape(&self, value: usize) -> Shape {
        self.shapes[value]
    }

    /// The weights and running statistics, by name and in the order in which they were declared.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The weights and running statistics, to change.
    pub fn params_mut(&mut self) -> &mut Params {
        &mut self.params
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
    }

    /// The shape of one sample of an output.
    pub(crate) fn output(&self, output: usize) -> Shape {
        self.outputs[output].shape
    }

    /// The outputs' names.
    pub(crate) fn output_names(&self) -> Vec<String> {
        self.outputs.iter().map(|output| output.name.clone()).collect()
    }

    /// About how many multiply-adds a sample takes.
    pub(crate) fn work(&self) -> usize {
        self.work
    }

    /// The layers with their names, to build them again.
    pub(crate) fn named_layers(&self) -> Layers {
        self.layers.iter().map(|built| (Some(built.name.clone()), built.layer.clone())).collect()
    }
}
