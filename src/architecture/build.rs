//! Building an architecture: each layer checks the shapes of its inputs and declares its weights.

use super::built_layer::{BuiltLayer, Layers};
use super::connections::Connections;
use super::{Architecture, ValueInfo};
use crate::error::{Error, Result};
use crate::layers::{Layer, Source, Weights};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Params;
use std::collections::BTreeMap;

impl Architecture {
    /// Builds all layers and checks their names and connections.
    pub(crate) fn build(connections: Connections, layers: Layers, source: Source<'_>) -> Result<Architecture> {
        let mut architecture = Architecture {
            sources: connections.sources(),
            layers: name(layers),
            shapes: connections.inputs.iter().map(|input| input.shape).collect(),
            outputs: Vec::new(),
            params: Params::new(),
            work: 0,
            connections,
        };
        architecture.check_connections()?;
        architecture.check_inputs()?;
        (0..architecture.connections.calls.len()).try_for_each(|call| architecture.build_call(call, source))?;
        let outputs = architecture.connections.outputs.iter().map(|output| {
            ValueInfo::new(&output.name, architecture.shapes[output.value]).with_axis_order(output.axis_order)
        });
        architecture.outputs = outputs.collect();
        architecture.check_axis_orders()?;
        Ok(architecture)
    }

    /// Builds the layer of a call. If it was built by an earlier call, checks that it can be applied again.
    fn build_call(&mut self, call: usize, source: Source<'_>) -> Result<()> {
        let layer = self.connections.calls[call].layer;
        let inputs = self.shapes_of(call);
        let at = self.place_of(layer);
        let place = || at.clone();
        let BuiltLayer { layer: built, name, weights, calls, .. } = &self.layers[layer];
        let outputs = match calls.first() {
            None => {
                let mut declared = Weights::new(&mut self.params, name, source);
                let outputs = built.build(&inputs, &mut declared).map_err(|error| error.at(place, &inputs))?;
                let (weights, penalties) = declared.into_declared();
                self.layers[layer].weights = weights;
                self.layers[layer].penalties = penalties;
                outputs
            }
            Some(first) => {
                let again = build_again(built.as_ref(), name, &inputs, &self.params, weights.len());
                let first = self.shapes_of(*first);
                again.map_err(|error| shared(error, &first).at(place, &inputs))?
            }
        };
        self.check_count(call, outputs.len())?;
        let weights = self.layers[layer].weights.iter().map(|id| self.params.shape(*id).len());
        let weights = weights.fold(0, usize::saturating_add);
        let places = outputs.iter().map(|output| output.len() / output.last().max(1)).max().unwrap_or(0);
        let elements = outputs.iter().map(Shape::len).fold(0, usize::saturating_add);
        self.work = weights.saturating_mul(places).saturating_add(elements).saturating_add(self.work);
        self.shapes.extend(outputs);
        self.layers[layer].calls.push(call);
        Ok(())
    }

    /// The shapes of the inputs of a call.
    fn shapes_of(&self, call: usize) -> Vec<Shape> {
        self.connections.calls[call].inputs.iter().map(|value| self.shapes[*value]).collect()
    }

    /// The number of a layer, counted from 1, and its name, for messages.
    pub(super) fn place_of(&self, layer: usize) -> String {
        format!("layer {} ({})", layer + 1, self.layers[layer].name)
    }
}

/// Builds a layer again, with its weights, for inputs that may have other shapes.
fn build_again(layer: &dyn Layer, name: &str, inputs: &[Shape], params: &Params, count: usize) -> Result<Vec<Shape>> {
    let mut copies = Params::new();
    let mut weights = Weights::new(&mut copies, name, Source::Given(params));
    let outputs = layer.build(inputs, &mut weights)?;
    let declared = weights.into_ids().len();
    if declared == count { Ok(outputs) } else { Err(Error::expected(format!("{count} weights, not {declared}"))) }
}

/// The error about inputs of a further call, with the shapes of the inputs of the first call.
fn shared(error: Error, first: &[Shape]) -> Error {
    let first: Vec<String> = first.iter().map(Shape::to_string).collect();
    Error::expected(format!(
        "inputs that fit the weights of its first call, whose inputs had the shape {}, since all calls of a layer share its \
         weights ({error})",
        first.join(", ")
    ))
}

/// Names the layers: with the given name, or else the default name of Keras.
fn name(layers: Layers) -> Vec<BuiltLayer> {
    let mut counts = BTreeMap::new();
    let named = layers.into_iter().map(|(name, layer)| {
        let name = name.unwrap_or_else(|| layer_name(&layer.spec(), &mut counts));
        BuiltLayer { layer, name, weights: Vec::new(), penalties: Vec::new(), calls: Vec::new() }
    });
    named.collect()
}

/// The default name of a layer in Keras: the class in snake case, numbered starting with the second layer of a class.
fn layer_name(spec: &Spec, counts: &mut BTreeMap<String, usize>) -> String {
    let class = spec.snake_case();
    let count = counts.entry(class.clone()).or_default();
    *count += 1;
    if *count == 1 { class } else { format!("{class}_{}", *count - 1) }
}
