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
    /// Each layer with the numbers of its input values. The values are the inputs, then the output of each layer.
    pub(super) layers: Vec<(Arc<dyn Layer>, Vec<usize>)>,
    pub(super) outputs: Vec<Output>,
    /// The weights, in the order in which the layers declare them.
    pub(super) arrays: Vec<Vec<f32>>,
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
        let chained = |(number, (_, values)): (usize, &(_, Vec<usize>))| *values == [number];
        let architecture = match (&self.inputs[..], &self.outputs[..]) {
            ([input], [output]) if output.value == self.layers.len() && self.layers.iter().enumerate().all(chained) => {
                let chain = Sequential::new(input.shape()).axis_orders(input.axis_order(), output.axis_order);
                let chain = self.layers.iter().fold(chain, |chain, (layer, _)| chain.add(layer.clone()));
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
        for (layer, values) in &self.layers {
            let taken: Vec<_> = values.iter().map(|value| nodes[*value]).collect();
            nodes.push(graph.apply(layer.clone(), taken));
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
