//! What must hold of names and connections before any layer is built, and of axis orders afterwards.

use super::connections::{Connections, Output};
use super::{Architecture, ValueInfo};
use crate::error::{Error, Result};
use crate::shape::MAX_RANK;

impl Architecture {
    /// Inputs have elements, and room for a batch axis.
    pub(super) fn check_inputs(&self) -> Result<()> {
        for ValueInfo { name, shape, .. } in &self.connections.inputs {
            let place = || if self.connections.chain { name.clone() } else { format!("input \"{name}\"") };
            if shape.is_empty() {
                return Err(Error::expected("at least one element along each axis").at(place, &[*shape]));
            }
            if shape.rank() == MAX_RANK {
                let expected = format!("at most {} axes per sample, as a batch has one more", MAX_RANK - 1);
                return Err(Error::expected(expected).at(place, &[*shape]));
            }
        }
        Ok(())
    }

    /// The axis orders of inputs and outputs are of no more axes than their samples have.
    pub(super) fn check_axis_orders(&self) -> Result<()> {
        let inputs = self.connections.inputs.iter().map(|input| ("input", &input.name, input.axis_order, input.shape));
        let outputs = self.connections.outputs.iter();
        let outputs = outputs.map(|output| ("output", &output.name, output.axis_order, self.shapes[output.value]));
        match inputs.chain(outputs).find(|(_, _, order, shape)| !order.fits(shape.rank())) {
            None => Ok(()),
            Some((kind, name, order, shape)) => {
                let problem = format!("its axis order is {order}, but its samples are {shape}");
                Err(Error::Graph { place: format!("{kind} \"{name}\""), problem: problem.into() })
            }
        }
    }

    /// Inputs, layers and outputs each have names of their own.
    pub(super) fn check_names(&self) -> Result<()> {
        let twice = |names: Vec<&String>| {
            let again = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
            again.map(|(_, name)| (*name).clone())
        };
        let Connections { inputs, outputs, .. } = &self.connections;
        for (kind, names) in [
            ("input", inputs.iter().map(|input| &input.name).collect()),
            ("layer", self.layers.iter().map(|built| &built.name).collect()),
            ("output", outputs.iter().map(|output| &output.name).collect()),
        ] {
            if let Some(name) = twice(names) {
                let problem = format!("two {kind}s have this name; give each its own");
                return Err(Error::Graph { place: format!("{kind} \"{name}\""), problem: problem.into() });
            }
        }
        Ok(())
    }

    /// Every call and output takes values that stand before it, and every value and layer is used.
    pub(super) fn check_values(&self) -> Result<()> {
        let wrong = |place: String, problem: &'static str| Err(Error::Graph { place, problem: problem.into() });
        let foreign = "it takes a node of another graph; apply it to nodes that this graph gave";
        let Connections { inputs, calls, outputs, .. } = &self.connections;
        // Of a call with several values, one that is used is enough.
        let mut used = vec![false; inputs.len() + calls.len()];
        let sources = &self.sources;
        let place_of_value = |value: usize| match sources.call_of(value) {
            Some((call, _)) => inputs.len() + call,
            None if value < inputs.len() => value,
            None => usize::MAX,
        };
        for (number, call) in calls.iter().enumerate() {
            let known = sources.first(number);
            if call.layer >= self.layers.len() {
                return wrong(format!("call {}", number + 1), "it applies a layer of another graph");
            }
            if call.inputs.iter().any(|value| *value >= known) {
                return wrong(self.place_of(call.layer), foreign);
            }
            if call.inputs.is_empty() {
                return wrong(self.place_of(call.layer), "it is applied to nothing; give it at least one node");
            }
            call.inputs.iter().for_each(|value| used[place_of_value(*value)] = true);
        }
        for Output { name, value, .. } in outputs {
            let Some(used) = used.get_mut(place_of_value(*value)) else {
                return wrong(format!("output \"{name}\""), foreign);
            };
            *used = true;
        }
        if let Some(layer) = (0..self.layers.len()).find(|layer| calls.iter().all(|call| call.layer != *layer)) {
            return wrong(self.place_of(layer), "it is never applied; apply it or leave it out");
        }
        match used.iter().position(|used| !used) {
            None => Ok(()),
            Some(input) if input < inputs.len() => {
                let place = format!("input \"{}\"", inputs[input].name);
                wrong(place, "no layer takes it; apply one to it or leave it out")
            }
            Some(value) => wrong(
                self.place_of(calls[value - inputs.len()].layer),
                "nothing takes what it gives; apply a layer to it, make it an output, or leave it out",
            ),
        }
    }

    /// A call takes as many values from its layer as the layer has outputs.
    pub(super) fn check_count(&self, call: usize, outputs: usize) -> Result<()> {
        let taken = self.connections.calls[call].values;
        if outputs == taken {
            return Ok(());
        }
        let place = self.place_of(self.connections.calls[call].layer);
        let are = if taken == 1 { "is" } else { "are" };
        let problem = match outputs {
            0 => "it has no output; return at least one shape from `build`".to_owned(),
            _ if self.connections.chain => {
                format!("it has {outputs} outputs; a layer of a Sequential has one, use a Graph")
            }
            1 => format!("it has 1 output, but {taken} are taken; use Graph::apply"),
            _ => format!("it has {outputs} outputs, but {taken} {are} taken; use Graph::apply_multi::<{outputs}>"),
        };
        Err(Error::Graph { place, problem: problem.into() })
    }
}
