//! The traits of the layer [`OnnxGraph`]: it declares weights, is recorded on the tape, and is saved.

use super::layer::{GraphInput, OnnxGraph};
use super::record::record;
use super::scope::{Recorded, Scope, Value, Weights, arrange};
use super::size_limit::Limits;
use super::stored_graph;
use crate::initializers::Zeros;
use crate::layers::{Cursor, Layer, Weights as Declared};
use crate::tape::Var;
use crate::{Error, FromSpec, Result, Settings, Shape, Spec};
use std::collections::BTreeMap;

impl Layer for OnnxGraph {
    fn build(&self, inputs: &[Shape], weights: &mut Declared<'_>) -> Result<Vec<Shape>> {
        let outputs = self.outputs_for(inputs).map_err(|problem| {
            let known: Vec<String> = self.inputs.iter().map(|given| given.sample.to_string()).collect();
            let known = known.join(", ");
            Error::expected(format!("samples of shape {known}, or other sizes that the ONNX graph accepts ({problem})"))
        })?;
        for weight in self.weights.iter() {
            match weight.trainable {
                true => weights.add(&weight.name, weight.shape, &Zeros)?,
                false => weights.add_state(&weight.name, weight.shape, &Zeros)?,
            }
        }
        Ok(outputs.iter().map(|(shape, _)| *shape).collect())
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let x = inputs[0];
        let given: BTreeMap<_, _> =
            self.weights.iter().map(|weight| (weight.key.clone(), weights.take_one())).collect();
        let rows = self.rows.map(|rows| [rows, x.shape().axis(0)]);
        let (recorder, weights, limits) = (x.recorder(), Weights::Declared(&given), Limits::NONE);
        let mut scope = Scope { recorder, weights, rows, limits };
        let value = |(given, var): (&GraphInput, &Var<'r>)| {
            let recorded = Recorded { var: *var, order: given.order.clone(), integer: given.integer };
            (given.name.clone(), Value::Recorded(recorded))
        };
        let values = record(&self.nodes, &mut scope, self.inputs.iter().zip(inputs).map(value).collect());
        let output = |(number, (_, order)): (usize, &(Shape, Vec<usize>))| match values.get(number) {
            Some(Value::Recorded(recorded)) => arrange(recorded, order).unwrap_or_else(|problem| {
                recorder.fail(Error::other(problem));
                x
            }),
            // The recorder stores the error.
            _ => x,
        };
        self.outputs.iter().enumerate().map(output).collect()
    }

    fn spec(&self) -> Spec {
        stored_graph::write(self)
    }
}

impl FromSpec for OnnxGraph {
    const CLASS: &'static str = stored_graph::CLASS;

    fn from_spec(settings: &mut Settings<'_>) -> Result<OnnxGraph> {
        stored_graph::read(settings)
    }
}
