//! Building an architecture: each layer checks the shapes of its inputs and declares its weights.

use super::built_layer::{BuiltLayer, Layers};
use super::connections::Connections;
use super::probe::probe;
use super::value_shapes::{KeptShapes, ValueShapes};
use super::{Architecture, ValueInfo};
use crate::error::{Error, Result};
use crate::layers::{Source, Weights};
use crate::sample_shape::SampleShape;
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Params;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Architecture {
    /// Builds all layers and checks their names and connections. Each layer is built for small sizes of open axes.
    pub(crate) fn build(connections: Connections, layers: Layers, source: Source) -> Result<Architecture> {
        let fixed = connections.inputs.iter().map(|input| input.shape.fixed()).collect::<Option<Vec<Shape>>>();
        let (inputs, samples) = match fixed {
            Some(inputs) => (inputs, None),
            None => {
                let at = |inputs: &[Shape]| {
                    Architecture::build_for(connections.clone(), layers.clone(), Source::Nowhere, inputs)
                };
                let (inputs, samples) = probe(&connections.inputs, at)?;
                (inputs, Some(samples))
            }
        };
        let mut architecture = Architecture::build_for(connections, layers, source, &inputs)?;
        if let Some(samples) = samples {
            architecture.samples = samples;
        }
        let outputs = architecture.connections.outputs.iter().map(|output| {
            ValueInfo::new(&output.name, architecture.samples[output.value]).with_axis_order(output.axis_order)
        });
        architecture.outputs = outputs.collect();
        architecture.check_axis_orders()?;
        Ok(architecture)
    }

    /// Builds all layers for inputs of these shapes.
    fn build_for(connections: Connections, layers: Layers, source: Source, inputs: &[Shape]) -> Result<Architecture> {
        let mut architecture = Architecture {
            sources: connections.sources(),
            layers: name(layers),
            samples: Vec::new(),
            probe: Arc::new(ValueShapes::new(inputs)),
            kept: KeptShapes::default(),
            outputs: Vec::new(),
            params: Params::new(),
            connections,
        };
        architecture.check_connections()?;
        architecture.check_inputs()?;
        (0..architecture.connections.calls.len()).try_for_each(|call| architecture.build_call(call, source))?;
        architecture.samples = architecture.probe.all().iter().map(|shape| SampleShape::from(*shape)).collect();
        Ok(architecture)
    }

    /// Builds the layer of a call. If it was built by an earlier call, checks that it can be applied again.
    fn build_call(&mut self, call: usize, source: Source) -> Result<()> {
        let layer = self.connections.calls[call].layer;
        let inputs = self.shapes_of(call);
        let at = self.place_of(layer);
        let place = || at.clone();
        let built = &self.layers[layer];
        let outputs = match built.calls.first() {
            None => {
                let mut declared = Weights::new(&mut self.params, &built.name, source);
                let outputs = built.layer.build(&inputs, &mut declared).map_err(|error| error.at(place, &inputs))?;
                let (weights, penalties, constraints) = declared.into_declared();
                let built = &mut self.layers[layer];
                (built.weights, built.penalties, built.constraints) = (weights, penalties, constraints);
                outputs
            }
            Some(first) => {
                let first = self.shapes_of(*first);
                self.rebuild(built, &inputs).map_err(|error| shared(error, &first).at(place, &inputs))?
            }
        };
        self.check_count(call, outputs.len())?;
        let weights = self.weight_count(&self.layers[layer]);
        Arc::make_mut(&mut self.probe).add_call(&outputs, weights);
        self.layers[layer].calls.push(call);
        Ok(())
    }

    /// The shapes of the inputs of a call.
    fn shapes_of(&self, call: usize) -> Vec<Shape> {
        self.probe.of_all(&self.connections.calls[call].inputs)
    }

    /// The number of a layer, counted from 1, and its name, for messages.
    pub(super) fn place_of(&self, layer: usize) -> String {
        format!("layer {} ({})", layer + 1, self.layers[layer].name)
    }
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
        BuiltLayer {
            layer,
            name,
            weights: Vec::new(),
            penalties: Vec::new(),
            constraints: Vec::new(),
            calls: Vec::new(),
        }
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
