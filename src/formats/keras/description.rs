//! An intermediate form between Keras' configurations and an [`Architecture`]: layers in Keras' order with the paths of their
//! weights, calls of layers, and shapes.

use super::cells::Cell;
use super::channel_orders::ChannelOrders;
use super::names::snake_case;
use super::nested::{Container, Containers};
use super::reader::Reader;
use super::result::Result;
use crate::architecture::Architecture;
use crate::layers::{Declared, DeclaredWeight, Layer};
use crate::save::Registry;
use crate::tape::Params;
use crate::{Graph, SampleShape, Sequential, Shape, Spec, SpecValue};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// The layers and connections of a model, with the names and shapes of the weights but without their values.
#[derive(Debug)]
pub(super) struct ModelDescription {
    /// Whether the model is a `Sequential`.
    pub(super) chain: bool,
    pub(super) inputs: Vec<Input>,
    pub(super) calls: Vec<Call>,
    pub(super) outputs: Vec<Output>,
    /// The layers in Keras' order.
    pub(super) layers: Vec<LayerDescription>,
    /// The shape of one sample of each value, in which open axes have a size that the layers accept; `None` if it is unknown
    /// because of a problem with the file.
    shapes: Vec<Option<Shape>>,
    /// The shape of one sample of each value with its open axes. Empty for a model from a file.
    pub(super) samples: Vec<SampleShape>,
    /// The values whose order of axes is not that of the file.
    pub(super) orders: ChannelOrders,
}

/// An input of a network.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) shape: SampleShape,
}

/// The application of a layer to values. Values are numbered: first the inputs, then the outputs of each call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) layer: usize,
    pub(super) inputs: Vec<usize>,
    /// The values of its outputs.
    pub(super) outputs: Range<usize>,
}

/// An output of a network.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) name: String,
    pub(super) value: usize,
}

/// A layer of a model.
#[derive(Debug)]
pub(super) struct LayerDescription {
    pub(super) name: String,
    pub(super) spec: Spec,
    pub(super) layer: Arc<dyn Layer>,
    /// The name of the Python class, which may differ from the registered name.
    class: String,
    /// The path of the weights in a `.weights.h5` file: the class name in snake case, with a number from the second layer of
    /// the class on.
    pub(super) path: String,
    /// The trainable weights, then the state. `None` before the layer is applied.
    declared: Option<Vec<DeclaredWeight>>,
    /// The states that are carried from one batch to the next, which files of Keras do not contain.
    carried: Vec<DeclaredWeight>,
    /// The place of the weights if the layer is a cell of an `RNN` in the file.
    pub(super) cell: Option<Cell>,
    /// The models within the model that contain the layer in the file, from the outermost on.
    containers: Vec<Container>,
}

impl LayerDescription {
    /// Whether further inputs are initial states.
    pub(super) fn is_recurrent(&self) -> bool {
        self.spec.class() == "Bidirectional" || RECURRENT.contains(&self.spec.class())
    }

    /// The path of a weight in a `.weights.h5` file: below the path of the layer, a folder, and the number of the weight.
    ///
    /// The folder of a recurrent layer is that of its cell. The names of the weights of layers within a layer begin with the
    /// folder of the inner layer.
    pub(super) fn weight_path(&self, number: usize) -> String {
        let weights = self.weights();
        let prefix = |weight: &DeclaredWeight| {
            let name = weight.name().strip_prefix(&self.name).unwrap_or_default();
            name[..name.rfind('/').unwrap_or(0)].to_owned()
        };
        let own = prefix(&weights[number]);
        let within = weights[..number].iter().filter(|weight| prefix(weight) == own).count();
        if self.spec.class() == NORMALIZED {
            let layer = if number + 1 < weights.len() { format!("layer/vars/{within}") } else { "vars/1".into() };
            return format!("{}/{layer}", self.path);
        }
        if let Some(cell) = &self.cell {
            return format!("{}/{}/vars/{within}", self.path, cell.folder);
        }
        let (folders, spec) = inner(&self.spec, &own);
        let cell = if RECURRENT.contains(&spec.class()) { "/cell" } else { "" };
        format!("{}{folders}{cell}/vars/{within}", self.path)
    }

    /// The name of the layer of Keras that contains the layer, if there is one: a model within the model, or an `RNN`.
    pub(super) fn container(&self) -> Option<&str> {
        let outermost = self.containers.first().map(|container| container.id.as_str());
        outermost.or_else(|| self.cell.as_ref().map(|cell| cell.rnn.as_str()))
    }

    /// Whether the layer belongs to a model within the model.
    pub(super) fn is_in_model(&self) -> bool {
        !self.containers.is_empty()
    }

    /// The path of the copy of a weight that a file has too: that of the kernel of a `SpectralNormalization`.
    pub(super) fn copy_path(&self, number: usize) -> Option<String> {
        (self.spec.class() == NORMALIZED && number == 0).then(|| format!("{}/vars/0", self.path))
    }

    pub(super) fn weights(&self) -> &[DeclaredWeight] {
        self.declared.as_deref().unwrap_or_default()
    }
}

/// The folder of the layers of a model within the folder of the model.
pub(super) const FOLDER: &str = "layers";

/// The layers of Keras whose weights are those of a cell.
const RECURRENT: [&str; 4] = ["ConvLSTM2D", "GRU", "LSTM", "SimpleRNN"];

/// The layer that has a vector besides the weights of the layer within it. The vector is the last weight.
const NORMALIZED: &str = "SpectralNormalization";

/// The folders of the innermost layer with weights of this prefix, and its spec.
fn inner<'a>(spec: &'a Spec, prefix: &str) -> (String, &'a Spec) {
    let nested = |name: &str| {
        spec.settings().iter().find_map(|(setting, value)| match value {
            SpecValue::Nested(spec) if setting == name => Some(spec),
            _ => None,
        })
    };
    match spec.class() {
        "TimeDistributed" => nested("layer").map(|layer| {
            let (folders, spec) = inner(layer, prefix);
            (format!("/layer{folders}"), spec)
        }),
        "Bidirectional" if prefix.ends_with("/backward_layer") => {
            let layer = nested("backward_layer").or_else(|| nested("layer"));
            layer.map(|layer| ("/backward_layer".into(), layer))
        }
        "Bidirectional" => nested("layer").map(|layer| ("/forward_layer".into(), layer)),
        _ => None,
    }
    .unwrap_or((String::new(), spec))
}

impl ModelDescription {
    /// Inputs alone. Layers are applied to samples of the shapes `shapes`.
    pub(super) fn new(inputs: Vec<Input>, shapes: Vec<Option<Shape>>) -> ModelDescription {
        let (calls, outputs, layers, samples) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let orders = ChannelOrders::default();
        ModelDescription { chain: false, inputs, calls, outputs, layers, shapes, samples, orders }
    }

    /// Inputs of a file. Layers are applied to samples whose open axes have the size `open`.
    pub(super) fn of_file(inputs: Vec<(String, Option<SampleShape>)>, open: usize) -> ModelDescription {
        let shapes = inputs.iter().map(|(_, shape)| shape.map(|shape| shape.with_open_axes(open))).collect();
        let input =
            |(name, shape): (String, Option<SampleShape>)| Input { name, shape: shape.unwrap_or(Shape::SCALAR.into()) };
        ModelDescription::new(inputs.into_iter().map(input).collect(), shapes)
    }

    /// Whether an input has an open axis.
    pub(super) fn is_open(&self) -> bool {
        self.inputs.iter().any(|input| input.shape.is_open())
    }

    /// Builds the architecture with the weights in `params`, which are found by name.
    pub(super) fn network(&self, params: &Params) -> Result<Architecture> {
        let mut params = params.clone();
        for state in self.layers.iter().flat_map(|layer| &layer.carried) {
            let zeros = vec![0.0; state.shape().len()];
            params.insert(state.name(), state.shape(), zeros, false).map_err(|error| error.to_string())?;
        }
        let network = match self.chain {
            true => self.sequential().with_params(&params),
            false => self.graph().with_params(&params),
        };
        network.map_err(|error| error.to_string())
    }

    /// Converts the description to a network with initial weights.
    pub(super) fn initialized(&self) -> Result<Architecture> {
        let network = if self.chain { self.sequential().architecture(0) } else { self.graph().architecture(0) };
        network.map_err(|error| error.to_string())
    }

    fn sequential(&self) -> Sequential {
        let chain = Sequential::new(self.inputs[0].shape);
        self.layers.iter().fold(chain, |chain, layer| chain.add_named(&layer.name, layer.layer.clone()))
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::new();
        let mut nodes: Vec<_> = self.inputs.iter().map(|input| graph.input(&input.name, input.shape)).collect();
        let layers: Vec<_> = self.layers.iter().map(|layer| graph.layer(&layer.name, layer.layer.clone())).collect();
        for call in &self.calls {
            let inputs: Vec<_> = call.inputs.iter().map(|value| nodes[*value]).collect();
            nodes.extend(graph.apply_many(layers[call.layer], inputs, call.outputs.len()));
        }
        self.outputs.iter().for_each(|output| graph.output(&output.name, nodes[output.value]));
        graph
    }

    /// Creates a layer and appends it, without applying it. Returns its number.
    pub(super) fn layer(&mut self, name: String, spec: Spec, class: String, registry: &Registry) -> Result<usize> {
        let layer: Arc<dyn Layer> = registry.make_layer(&spec).map_err(|error| error.to_string())?.into();
        self.push(name, spec, layer, class);
        Ok(self.layers.len() - 1)
    }

    pub(super) fn push(&mut self, name: String, spec: Spec, layer: Arc<dyn Layer>, class: String) {
        self.layers.push(LayerDescription {
            name,
            spec,
            layer,
            class,
            path: String::new(),
            declared: None,
            carried: Vec::new(),
            cell: None,
            containers: Vec::new(),
        });
    }

    /// Applies a layer to values and returns the numbers of the new values. If the layer or a shape is unknown, there is one
    /// new value, whose shape is unknown too.
    pub(super) fn apply_if_known(
        &mut self,
        layer: Option<usize>,
        inputs: Vec<usize>,
        reader: &mut Reader<'_>,
    ) -> Range<usize> {
        let known = layer.filter(|_| inputs.iter().all(|value| self.shapes[*value].is_some()));
        let applied = known.and_then(|layer| {
            let applied = self.apply(layer, inputs);
            reader.note("", applied)
        });
        applied.unwrap_or_else(|| {
            self.shapes.push(None);
            self.shapes.len() - 1..self.shapes.len()
        })
    }

    /// Applies a layer to values and returns the numbers of the new values.
    ///
    /// # Errors
    /// Returns an error with the name of the layer if its inputs are invalid.
    pub(super) fn apply(&mut self, layer: usize, inputs: Vec<usize>) -> Result<Range<usize>> {
        let shapes: Vec<Shape> = inputs.iter().filter_map(|value| self.shapes[*value]).collect();
        let placed = &mut self.layers[layer];
        let name = placed.name.clone();
        let place = || format!("layer {} ({name})", layer + 1);
        let declared = Declared::of(placed.layer.as_ref(), &name, &shapes);
        let declared = declared.map_err(|error| error.at(place, &shapes).to_string())?;
        let (carried, mut weights): (Vec<_>, Vec<_>) =
            declared.weights().iter().cloned().partition(DeclaredWeight::is_carried);
        weights.sort_by_key(|weight| !weight.is_trainable());
        if placed.declared.as_ref().is_some_and(|before| *before != weights) {
            return Err(format!("{}: its calls need weights of different shapes", place()));
        }
        (placed.declared, placed.carried) = (Some(weights), carried);
        let outputs = self.shapes.len()..self.shapes.len() + declared.outputs().len();
        self.calls.push(Call { layer, inputs, outputs: outputs.clone() });
        self.shapes.extend(declared.outputs().iter().copied().map(Some));
        Ok(outputs)
    }

    /// The number of the call that computes a value; `None` for an input.
    pub(super) fn call_of(&self, value: usize) -> Option<usize> {
        let after = self.calls.partition_point(|call| call.outputs.start <= value);
        after.checked_sub(1)
    }

    /// The shape of one sample of a value, if known.
    pub(super) fn stored_shape(&self, value: usize) -> Option<Shape> {
        self.shapes[value]
    }

    /// Reorders the layers; `order` lists their current numbers. Layers that it does not list become the last ones.
    pub(super) fn reorder(&mut self, order: &[usize]) {
        let listed: BTreeSet<usize> = order.iter().copied().collect();
        let others = (0..self.layers.len()).filter(|layer| !listed.contains(layer));
        let order: Vec<usize> = order.iter().copied().chain(others).collect();
        let mut layers: Vec<Option<LayerDescription>> = self.layers.drain(..).map(Some).collect();
        let mut places = vec![0; layers.len()];
        order.iter().enumerate().for_each(|(place, layer)| places[*layer] = place);
        self.layers = order.iter().filter_map(|layer| layers[*layer].take()).collect();
        self.calls.iter_mut().for_each(|call| call.layer = places[call.layer]);
        self.find_paths();
    }

    /// Sets the layers that are cells of an `RNN` in the file, the models that contain each layer, and the path of each
    /// layer's weights.
    pub(super) fn set_places(&mut self, mut cells: BTreeMap<String, Cell>, containers: &Containers) {
        for layer in &mut self.layers {
            layer.cell = cells.remove(&layer.name);
            // A cell of an `RNN` has the place of the `RNN`.
            let name = layer.cell.as_ref().map_or(&layer.name, |cell| &cell.rnn);
            layer.containers = containers.get(name).cloned().unwrap_or_default();
        }
        self.find_paths();
    }

    /// Sets the path of each layer's weights.
    fn find_paths(&mut self) {
        // The number of layers of each class in each folder, and the paths of models and of `RNN`s.
        let mut counts = BTreeMap::<(String, String), usize>::new();
        let mut paths = BTreeMap::<String, String>::new();
        let mut numbered = |folder: &str, class: String| {
            let count = counts.entry((folder.to_owned(), class.clone())).or_default();
            *count += 1;
            if *count == 1 { format!("{folder}{class}") } else { format!("{folder}{class}_{}", *count - 1) }
        };
        for placed in &mut self.layers {
            let mut folder = String::new();
            for Container { id, class } in &placed.containers {
                let path = paths.entry(format!("model {id}")).or_insert_with(|| numbered(&folder, snake_case(class)));
                folder = format!("{path}/{FOLDER}/");
            }
            placed.path = match &placed.cell {
                Some(cell) => paths.entry(cell.rnn.clone()).or_insert_with(|| numbered(&folder, "rnn".into())).clone(),
                None => numbered(&folder, snake_case(&placed.class)),
            };
        }
    }

    /// Restores the names and the order of inputs and outputs in files that gradus wrote.
    pub(super) fn restore_names(&mut self, gradus: &Value) {
        restore_output_names(&mut self.outputs, &gradus["outputs"]);
        // Keras preserves the order of the inputs.
        let names = gradus["inputs"].as_array().map(Vec::as_slice).unwrap_or_default();
        if names.len() == self.inputs.len() {
            let pairs = self.inputs.iter_mut().zip(names.iter().filter_map(Value::as_str));
            pairs.for_each(|(input, known)| input.name = known.into());
        }
    }

    /// The weights of all layers, in their order.
    pub(super) fn weights(&self) -> impl Iterator<Item = &DeclaredWeight> {
        self.layers.iter().flat_map(LayerDescription::weights)
    }

    /// The names of the outputs.
    pub(super) fn outputs(&self) -> Vec<String> {
        self.outputs.iter().map(|output| output.name.clone()).collect()
    }
}

/// Sorts the outputs by `names`. A single output, which has no name in Keras, gets the given name.
fn restore_output_names(outputs: &mut [Output], names: &Value) {
    let names: Vec<&str> = names.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match (outputs, &names[..]) {
        ([only], [name]) => only.name = (*name).into(),
        (outputs, names) => outputs.sort_by_key(|output| names.iter().position(|name| *name == output.name)),
    }
}
