//! An intermediate form between an ONNX graph and an [`Architecture`]: layers with their arrays.

use crate::architecture::Architecture;
use crate::layers::{DeclaredWeight, Layer};
use crate::tape::Params;
use crate::{AxisOrder, Error, Graph, Result, Sequential, ValueInfo};
use std::sync::Arc;

/// Layers, their connections, and their arrays.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) inputs: Vec<ValueInfo>,
    /// The values are the inputs, then the outputs of each layer.
    pub(super) layers: Vec<NetworkLayer>,
    pub(super) outputs: Vec<Output>,
    /// The weights, in the order in which the layers declare them.
    pub(super) arrays: Vec<Vec<f32>>,
}

/// A layer of a network.
#[derive(Clone, Debug)]
pub(super) struct NetworkLayer {
    pub(super) layer: Arc<dyn Layer>,
    /// The numbers of its input values.
    pub(super) inputs: Vec<usize>,
    /// The number of its outputs.
    pub(super) outputs: usize,
}

/// An output of a network.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) name: String,
    pub(super) value: usize,
    pub(super) axis_order: AxisOrder,
}

impl Network {
    /// Builds the architecture with the weights. It is sequential if each layer takes the previous value.
    pub(super) fn architecture(&self) -> Result<Architecture> {
        let chained = |(number, layer): (usize, &NetworkLayer)| layer.inputs == [number] && layer.outputs == 1;
        let architecture = match (&self.inputs[..], &self.outputs[..]) {
            ([input], [output]) if output.value == self.layers.len() && self.layers.iter().enumerate().all(chained) => {
                let chain = Sequential::new(input.shape()).axis_orders(input.axis_order(), output.axis_order);
                let chain = chain.value_names(input.name(), &output.name);
                let chain = self.layers.iter().fold(chain, |chain, layer| chain.add(layer.layer.clone()));
                chain.with_params(&self.params(&chain.declared()?)?)
            }
            _ => {
                let graph = self.graph();
                graph.with_params(&self.params(&graph.declared()?)?)
            }
        }?;
        architecture.check()?;
        Ok(architecture)
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::new();
        let mut nodes: Vec<_> = self.inputs.iter().map(|input| graph.input_value(input.clone())).collect();
        for layer in &self.layers {
            let taken: Vec<_> = layer.inputs.iter().map(|value| nodes[*value]).collect();
            nodes.extend(graph.apply_many(layer.layer.clone(), taken, layer.outputs));
        }
        for Output { name, value, axis_order } in &self.outputs {
            graph.output_in_order(name, nodes[*value], *axis_order);
        }
        graph
    }

    /// The weights under the names that the layers declare.
    fn params(&self, declared: &[DeclaredWeight]) -> Result<Params> {
        if declared.len() != self.arrays.len() {
            return Err(Error::other("the weights in the file do not match those that the layers declare"));
        }
        let mut params = Params::new();
        for (weight, values) in declared.iter().zip(&self.arrays) {
            params.insert(weight.name(), weight.shape(), values.clone(), weight.is_trainable())?;
        }
        Ok(params)
    }
}
