//! Layers with names and weights, and who feeds whom: what records a model's forward pass.

use crate::architecture::ValueInfo;
use crate::error::{Error, Result, check_setting};
use crate::layers::{Cursor, Layer, Penalty, Source, Weights};
use crate::save::{Output, Wiring};
use crate::shape::{MAX_RANK, Shape};
use crate::spec::Spec;
use crate::tape::{Mode, ParamId, Params, Recorder, Var};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Layers, each with its name where it has been given one.
pub(super) type Layers = Vec<(Option<String>, Arc<dyn Layer>)>;

/// Built layers in their places. A chain is a graph in which each layer takes what the one before gives.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) wiring: Wiring,
    pub(super) layers: Vec<Placed>,
    /// The shape of one sample of each value.
    shapes: Vec<Shape>,
    /// About how many multiply-adds a sample takes: at each call every weight once at every place that the layer looks at.
    pub(super) work: usize,
}

/// A layer in its place.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) layer: Arc<dyn Layer>,
    /// Keras' name: `dense`, `dense_1`, …, or the one it was given.
    pub(super) name: String,
    pub(super) weights: Vec<ParamId>,
    /// Those of them that add to the loss.
    penalties: Vec<Penalty>,
    /// The calls in which it is applied.
    pub(super) calls: Vec<usize>,
}

impl Network {
    /// Lets each layer declare its weights, and checks that they fit together.
    pub(super) fn build(wiring: Wiring, layers: Layers, params: &mut Params, source: Source<'_>) -> Result<Network> {
        let owner = if wiring.chain { "Sequential" } else { "Graph" };
        check_setting(!layers.is_empty(), owner, "layers", 0, "at least 1")?;
        check_setting(!wiring.inputs.is_empty(), owner, "inputs", 0, "at least 1")?;
        check_setting(!wiring.outputs.is_empty(), owner, "outputs", 0, "at least 1")?;
        let shapes = wiring.inputs.iter().map(|input| input.shape).collect();
        let mut network = Network { layers: name(layers), shapes, wiring, work: 0 };
        network.check_names()?;
        network.check_values()?;
        network.check_inputs()?;
        (0..network.wiring.calls.len()).try_for_each(|call| network.place(call, params, source))?;
        network.check_axis_orders()?;
        Ok(network)
    }

    /// Builds the layer of a call, or where it was built before, checks that it can be applied again.
    fn place(&mut self, call: usize, params: &mut Params, source: Source<'_>) -> Result<()> {
        let layer = self.wiring.calls[call].layer;
        let inputs = self.shapes_of(call);
        let place = || self.place_of(layer);
        let Placed { layer: built, name, weights, calls, .. } = &self.layers[layer];
        let outputs = match calls.first() {
            None => {
                let mut declared = Weights::new(params, name, source);
                let outputs = built.build(&inputs, &mut declared).map_err(|error| error.at(place, &inputs))?;
                let (weights, penalties) = declared.into_declared();
                self.layers[layer].weights = weights;
                self.layers[layer].penalties = penalties;
                outputs
            }
            Some(first) => {
                let again = build_again(built.as_ref(), name, &inputs, params, weights.len());
                let first = self.shapes_of(*first);
                again.map_err(|error| shared(error, &first).at(place, &inputs))?
            }
        };
        self.check_count(call, outputs.len())?;
        let weights = self.layers[layer].weights.iter().map(|id| params.shape(*id).len());
        let weights = weights.fold(0, usize::saturating_add);
        let places = outputs.iter().map(|output| output.len() / output.last().max(1)).max().unwrap_or(0);
        let elements = outputs.iter().map(Shape::len).fold(0, usize::saturating_add);
        self.work = weights.saturating_mul(places).saturating_add(elements).saturating_add(self.work);
        self.shapes.extend(outputs);
        self.layers[layer].calls.push(call);
        Ok(())
    }

    /// A call takes as many values from its layer as the layer has outputs.
    fn check_count(&self, call: usize, outputs: usize) -> Result<()> {
        let taken = self.wiring.calls[call].values;
        if outputs == taken {
            return Ok(());
        }
        let place = self.place_of(self.wiring.calls[call].layer);
        let are = if taken == 1 { "is" } else { "are" };
        let problem = match outputs {
            0 => "it has no output; return at least one shape from `build`".to_owned(),
            _ if self.wiring.chain => format!("it has {outputs} outputs; a layer of a Sequential has one, use a Graph"),
            1 => format!("it has 1 output, but {taken} are taken; use Graph::apply"),
            _ => format!("it has {outputs} outputs, but {taken} {are} taken; use Graph::apply_multi::<{outputs}>"),
        };
        Err(Error::Graph { place, problem: problem.into() })
    }

    /// The shapes of what a call takes.
    fn shapes_of(&self, call: usize) -> Vec<Shape> {
        self.wiring.calls[call].inputs.iter().map(|value| self.shapes[*value]).collect()
    }

    fn place_of(&self, layer: usize) -> String {
        format!("layer {} ({})", layer + 1, self.layers[layer].name)
    }

    /// The shape of one sample of each value.
    pub(super) fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// The shape of one sample of an output.
    pub(super) fn output(&self, output: usize) -> Shape {
        self.shapes[self.wiring.outputs[output].value]
    }

    /// The shape of one sample of each output of a layer in its first call.
    pub(super) fn outputs_of(&self, placed: &Placed) -> &[Shape] {
        let Some(call) = placed.calls.first() else { return &[] };
        let first = self.wiring.sources().first(*call);
        &self.shapes[first..first + self.wiring.calls[*call].values]
    }

    /// The shape of one sample of each input.
    pub(super) fn inputs(&self) -> impl Iterator<Item = Shape> {
        self.wiring.inputs.iter().map(|input| input.shape)
    }

    /// The outputs' names.
    pub(super) fn output_names(&self) -> Vec<String> {
        self.wiring.outputs.iter().map(|output| output.name.clone()).collect()
    }

    /// Records the forward pass of inputs that have a batch axis, and gives the outputs.
    pub(super) fn record<'r>(&self, recorder: &'r Recorder, params: &Params, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let mut values = inputs.to_vec();
        for call in &self.wiring.calls {
            let taken: Vec<Var<'r>> = call.inputs.iter().map(|value| values[*value]).collect();
            let (placed, outputs) = (&self.layers[call.layer], &self.shapes[values.len()..][..call.values]);
            values.extend(recorder.scope(&placed.name, || placed.record(recorder, params, &taken, outputs)));
        }
        self.wiring.outputs.iter().map(|output| values[output.value]).collect()
    }

    /// Records what the weights of all layers add to the loss, if any do.
    pub(super) fn record_penalty<'r>(&self, recorder: &'r Recorder, params: &Params) -> Option<Var<'r>> {
        let penalty = |(id, regularizer): &Penalty| {
            let cost = regularizer.record(recorder.parameter(params, *id));
            if cost.shape() != Shape::SCALAR {
                let place = || format!("{}: {}", params.name(*id), regularizer.spec().class());
                recorder.fail(Error::expected("a scalar to add to the loss; take its sum").at(place, &[cost.shape()]));
            }
            cost
        };
        let penalties = self
            .layers
            .iter()
            .flat_map(|placed| placed.penalties.iter().map(move |of| recorder.scope(&placed.name, || penalty(of))));
        penalties.reduce(|sum, penalty| sum + penalty)
    }

    /// What a layer of another crate announces may not be what it records, and its regularizer may not fit; better to
    /// hear of it now.
    pub(super) fn check_recording(&self, params: &Params) -> Result<()> {
        let recorder = Recorder::new(Mode::Inference);
        let inputs = self.inputs().map(|shape| shape.batch(1).map(|shape| recorder.input(shape)));
        self.record(&recorder, params, &inputs.collect::<Result<Vec<_>>>()?);
        self.record_penalty(&recorder, params);
        recorder.finish().map(|_| ())
    }

    /// Inputs have elements, and room for a batch axis.
    fn check_inputs(&self) -> Result<()> {
        for ValueInfo { name, shape, .. } in &self.wiring.inputs {
            let place = || if self.wiring.chain { name.clone() } else { format!("input \"{name}\"") };
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
    fn check_axis_orders(&self) -> Result<()> {
        let inputs = self.wiring.inputs.iter().map(|input| ("input", &input.name, input.axis_order, input.shape));
        let outputs = self.wiring.outputs.iter();
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
    fn check_names(&self) -> Result<()> {
        let twice = |names: Vec<&String>| {
            let again = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
            again.map(|(_, name)| (*name).clone())
        };
        let Wiring { inputs, outputs, .. } = &self.wiring;
        for (kind, names) in [
            ("input", inputs.iter().map(|input| &input.name).collect()),
            ("layer", self.layers.iter().map(|placed| &placed.name).collect()),
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
    fn check_values(&self) -> Result<()> {
        let wrong = |place: String, problem: &'static str| Err(Error::Graph { place, problem: problem.into() });
        let foreign = "it takes a node of another graph; apply it to nodes that this graph gave";
        let Wiring { inputs, calls, outputs, .. } = &self.wiring;
        // Of a call with several values, one that is used is enough.
        let mut used = vec![false; inputs.len() + calls.len()];
        let sources = self.wiring.sources();
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
}

/// Builds a layer with the weights it has, for inputs that may have other shapes.
fn build_again(layer: &dyn Layer, name: &str, inputs: &[Shape], params: &Params, count: usize) -> Result<Vec<Shape>> {
    let mut copies = Params::new();
    let mut weights = Weights::new(&mut copies, name, Source::Given(params));
    let outputs = layer.build(inputs, &mut weights)?;
    let declared = weights.into_ids().len();
    if declared == count { Ok(outputs) } else { Err(Error::expected(format!("{count} weights, not {declared}"))) }
}

/// What is wrong with applying a layer once more, beside what it was first applied to.
fn shared(error: Error, first: &[Shape]) -> Error {
    let first: Vec<String> = first.iter().map(Shape::to_string).collect();
    Error::expected(format!(
        "inputs that go with its weights, which it shares with its first call, on {} ({error})",
        first.join(", ")
    ))
}

impl Placed {
    /// Records the layer, whose outputs have samples of these shapes.
    fn record<'r>(
        &self,
        recorder: &'r Recorder,
        params: &Params,
        inputs: &[Var<'r>],
        outputs: &[Shape],
    ) -> Vec<Var<'r>> {
        let mut weights = Cursor::new(recorder, params, &self.weights);
        let mut values = self.layer.record(&mut weights, inputs);
        if let [unused, ..] = weights.left() {
            recorder.fail(Error::Unreached { parameter: params.name(*unused).into() });
        }
        let rows = inputs.first().map_or(0, |x| x.shape().axis(0));
        if values.len() != outputs.len() {
            let announced = Error::expected(format!("{} outputs, as `build` announced", outputs.len()));
            recorder.fail(announced.at(|| self.name.clone(), &values.iter().map(Var::shape).collect::<Vec<_>>()));
            // The recording has failed; what follows only needs as many values.
            values.resize(outputs.len(), inputs[0]);
        }
        for (output, y) in outputs.iter().zip(&values) {
            if output.batch(rows).ok() != Some(y.shape()) {
                let announced = Error::expected(format!("samples of {output}, as `build` announced"));
                recorder.fail(announced.at(|| self.name.clone(), &[y.shape()]));
            }
        }
        values
    }
}

/// Layers with their names: the ones that they were given, or else Keras'.
fn name(layers: Layers) -> Vec<Placed> {
    let mut counts = BTreeMap::new();
    let named = layers.into_iter().map(|(name, layer)| {
        let name = name.unwrap_or_else(|| layer_name(&layer.spec(), &mut counts));
        Placed { layer, name, weights: Vec::new(), penalties: Vec::new(), calls: Vec::new() }
    });
    named.collect()
}

/// Keras' name for a layer that has none: the class in snake case, and from the second of its kind on a number.
pub(crate) fn layer_name(spec: &Spec, counts: &mut BTreeMap<String, usize>) -> String {
    let class = spec.snake_case();
    let count = counts.entry(class.clone()).or_default();
    *count += 1;
    if *count == 1 { class } else { format!("{class}_{}", *count - 1) }
}
