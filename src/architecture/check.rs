//! Checks of names and connections before layers are built, and of axis orders afterwards.

use super::connections::{Connections, Output};
use super::{Architecture, ValueInfo};
use crate::error::{Error, Result, check_setting};
use crate::shape::MAX_RANK;

/// The place and the text of a problem.
type Problem = (String, String);

/// The problem with a node that was added to another graph. A clone is another graph.
const FOREIGN_NODE: &str = "it uses a node of another graph; use nodes that this graph returned";

/// The problem with a layer that was added to another graph.
const FOREIGN_LAYER: &str = "it applies a layer of another graph; add the layer to this graph with Graph::layer";

impl Architecture {
    /// Checks that inputs have elements, and at most `MAX_RANK` axes with the batch axis.
    pub(super) fn check_inputs(&self) -> Result<()> {
        for ValueInfo { name, shape, .. } in &self.connections.inputs {
            let place = || if self.connections.chain { name.clone() } else { format!("input \"{name}\"") };
            let found = shape.with_open_axes(1);
            if found.is_empty() {
                return Err(Error::expected("at least one element along each axis").at(place, &[found]));
            }
            if shape.rank() == MAX_RANK {
                let expected = format!("at most {} axes per sample, as a batch has one more", MAX_RANK - 1);
                return Err(Error::expected(expected).at(place, &[found]));
            }
        }
        Ok(())
    }

    /// Checks that the axis orders of inputs and outputs have no more axes than their samples.
    pub(super) fn check_axis_orders(&self) -> Result<()> {
        let inputs = self.connections.inputs.iter().map(|input| ("input", &input.name, input.axis_order, input.shape));
        let outputs = self.connections.outputs.iter();
        let outputs = outputs.map(|output| ("output", &output.name, output.axis_order, self.samples[output.value]));
        match inputs.chain(outputs).find(|(_, _, order, shape)| !order.fits(shape.rank())) {
            None => Ok(()),
            Some((kind, name, order, shape)) => {
                let problem = format!("its axis order {order} does not fit samples of shape {shape}");
                Err(Error::Graph { place: format!("{kind} \"{name}\""), problem: problem.into() })
            }
        }
    }

    /// Checks that the names of inputs, layers and outputs are unique and not empty, that calls and outputs use only earlier
    /// values of this network, that it has an input, a layer and an output, and that all values are used.
    ///
    /// # Errors
    /// [`Error::Graph`] with all problems; [`Error::Setting`] if there is no input, layer or output. Missing and unused
    /// parts are reported only without other problems, since a wrong connection can be the cause.
    pub(super) fn check_connections(&self) -> Result<()> {
        let mut problems = self.empty_names();
        problems.append(&mut self.repeated_names());
        let (mut wrong, used) = self.wrong_connections();
        problems.append(&mut wrong);
        if problems.is_empty() {
            let Connections { inputs, outputs, .. } = &self.connections;
            check_setting(!self.layers.is_empty(), self.kind(), "layers", 0, "at least 1")?;
            check_setting(!inputs.is_empty(), self.kind(), "inputs", 0, "at least 1")?;
            check_setting(!outputs.is_empty(), self.kind(), "outputs", 0, "at least 1")?;
            problems = self.unused_values(&used);
        }
        match &problems[..] {
            [] => Ok(()),
            [(place, problem)] => Err(Error::Graph { place: place.clone(), problem: problem.clone().into() }),
            several => {
                let texts: Vec<String> = several.iter().map(|(place, problem)| format!("{place}: {problem}")).collect();
                let problem = format!("{} problems: {}", texts.len(), texts.join("; "));
                Err(Error::Graph { place: self.kind().into(), problem: problem.into() })
            }
        }
    }

    /// The type that describes the network, for messages.
    fn kind(&self) -> &'static str {
        if self.connections.chain { "Sequential" } else { "Graph" }
    }

    /// The names of all inputs, layers and outputs, each with its kind.
    fn names(&self) -> [(&'static str, Vec<&String>); 3] {
        let Connections { inputs, outputs, .. } = &self.connections;
        [
            ("input", inputs.iter().map(|input| &input.name).collect()),
            ("layer", self.layers.iter().map(|built| &built.name).collect()),
            ("output", outputs.iter().map(|output| &output.name).collect()),
        ]
    }

    /// Each input, layer and output with an empty name. Parameters are named `layer/weight`, and datasets, losses and
    /// predictions use the names of inputs and outputs.
    fn empty_names(&self) -> Vec<Problem> {
        let empty = |(kind, names): (&'static str, Vec<&String>)| {
            let numbers = (1..=names.len()).filter(|number| names[number - 1].is_empty()).collect::<Vec<_>>();
            numbers.into_iter().map(move |number| {
                (format!("{kind} {number}"), "its name is empty; give it a name of at least one character".to_owned())
            })
        };
        self.names().into_iter().flat_map(empty).collect()
    }

    /// Each name that several inputs, layers or outputs have.
    fn repeated_names(&self) -> Vec<Problem> {
        let repeated = |(kind, names): (&'static str, Vec<&String>)| {
            let second = |at: &usize| names[..*at].iter().filter(|name| **name == names[*at]).count() == 1;
            let names = (0..names.len()).filter(second).map(|at| names[at].clone());
            names
                .filter(|name| !name.is_empty())
                .map(|name| {
                    (format!("{kind} \"{name}\""), format!("several {kind}s have this name; names must be unique"))
                })
                .collect::<Vec<Problem>>()
        };
        self.names().into_iter().flat_map(repeated).collect()
    }

    /// The calls and outputs that do not use earlier values of this network, and whether each input and call is used.
    fn wrong_connections(&self) -> (Vec<Problem>, Vec<bool>) {
        let Connections { inputs, calls, outputs, .. } = &self.connections;
        let mut problems = Vec::new();
        // A call with several values is used if one of them is.
        let mut used = vec![false; inputs.len() + calls.len()];
        let source = |value: usize| match self.sources.call_of(value) {
            Some((call, _)) => inputs.len() + call,
            None if value < inputs.len() => value,
            None => usize::MAX,
        };
        for (number, call) in calls.iter().enumerate() {
            let known = self.sources.first(number);
            let place = match call.layer < self.layers.len() {
                true => self.place_of(call.layer),
                false => {
                    let place = format!("call {}", number + 1);
                    problems.push((place.clone(), FOREIGN_LAYER.into()));
                    place
                }
            };
            if call.inputs.is_empty() {
                problems.push((place, "it has no inputs; apply it to at least one node".into()));
            } else if call.inputs.iter().any(|value| *value >= known) {
                problems.push((place, FOREIGN_NODE.into()));
            }
            call.inputs.iter().filter(|value| **value < known).for_each(|value| used[source(*value)] = true);
        }
        for Output { name, value, .. } in outputs {
            match used.get_mut(source(*value)) {
                Some(used) => *used = true,
                None => problems.push((format!("output \"{name}\""), FOREIGN_NODE.into())),
            }
        }
        (problems, used)
    }

    /// The layers that are never applied, and the inputs and calls that are not used.
    fn unused_values(&self, used: &[bool]) -> Vec<Problem> {
        let Connections { inputs, calls, .. } = &self.connections;
        let layers = (0..self.layers.len()).filter(|layer| calls.iter().all(|call| call.layer != *layer));
        let layers = layers.map(|layer| (self.place_of(layer), "it is never applied; apply or remove it".to_owned()));
        let values = (0..used.len()).filter(|value| !used[*value]).map(|value| match value.checked_sub(inputs.len()) {
            None => {
                let place = format!("input \"{}\"", inputs[value].name);
                (place, "no layer uses it; apply a layer to it or remove it".to_owned())
            }
            Some(call) => {
                let problem =
                    "its output is not used; apply a layer to it, make it an output of the graph, or remove it";
                (self.place_of(calls[call].layer), problem.to_owned())
            }
        });
        layers.chain(values).collect()
    }

    /// Checks that the parameters are those that the layers declared.
    ///
    /// # Errors
    /// [`Error::Graph`] if [`params_mut`](Architecture::params_mut) was used to replace the parameters or to add others.
    pub(crate) fn check_params(&self) -> Result<()> {
        let mut declared = self.layers.iter().flat_map(|built| &built.weights).peekable();
        let first = declared.peek().copied();
        let known = first.is_none_or(|first| self.params.ids().any(|id| id == *first));
        if known && declared.count() == self.params.len() {
            return Ok(());
        }
        let problem = "they are not the parameters that its layers declared, because they were replaced, or others were \
                       added; change their values with Params::assign, set or get_mut";
        Err(Error::Graph { place: "parameters of the model".into(), problem: problem.into() })
    }

    /// Checks that a call expects the number of outputs that its layer has.
    pub(super) fn check_count(&self, call: usize, outputs: usize) -> Result<()> {
        let expected = self.connections.calls[call].values;
        if outputs == expected {
            return Ok(());
        }
        let place = self.place_of(self.connections.calls[call].layer);
        let problem = match outputs {
            0 => "it has no output; return at least one shape from `build`".to_owned(),
            _ if self.connections.chain => {
                format!("it has {outputs} outputs, but layers of a Sequential must have 1; use a Graph")
            }
            1 => format!("it has 1 output, but the call expects {expected}; use Graph::apply"),
            _ => format!(
                "it has {outputs} outputs, but the call expects {expected}; use Graph::apply_multi::<{outputs}>"
            ),
        };
        Err(Error::Graph { place, problem: problem.into() })
    }
}
