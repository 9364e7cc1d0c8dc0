//! Export of recurrent layers.
//!
//! ONNX has the steps first, a matrix for each direction, and two biases. Runtimes support only this layout, so the sequence is
//! transposed before and after.

use super::layer_settings::{flag, nested, size, word};
use super::node::Attribute;
use super::tensor::Tensor;
use super::writer::Writer;
use crate::Spec;

/// A recurrent layer in one direction.
struct Direction<'a> {
    spec: &'a Spec,
    /// The prefix of the names of its weights.
    prefix: &'static str,
    /// The value of the attribute `direction`.
    name: &'static str,
    /// The initial states, or none.
    initial: Vec<String>,
}

/// The operator, the gate of gradus at each position in ONNX, and the number of states.
fn cell(spec: &Spec) -> (&'static str, &'static [usize], usize) {
    match spec.class() {
        "LSTM" => ("LSTM", &[0, 3, 1, 2], 2),
        "GRU" => ("GRU", &[0, 1, 2], 1),
        _ => ("RNN", &[0], 1),
    }
}

/// Writes a `SimpleRNN`, `LSTM` or `GRU` as a node.
pub(super) fn write(writer: &mut Writer<'_>, spec: &Spec) -> Result<(), String> {
    let (sequences, backwards) = (flag(spec, "return_sequences")?, flag(spec, "go_backwards")?);
    let initial = (1..writer.arity()).map(|number| writer.layer_input(number).0).collect();
    let (steps, _) = begin(writer)?;
    let mut name = "forward";
    if backwards && sequences {
        // A node that processes the steps backwards has its outputs in the order of the inputs.
        let steps =
            steps.ok_or("with go_backwards and return_sequences, its input must have a fixed number of steps")?;
        let reversed = writer.constant("reversed", &Tensor::list((0..steps as i64).rev().collect()));
        writer.node("Gather", &[&reversed], &[("axis", Attribute::Integer(0))]);
    } else if backwards {
        name = "reverse";
    }
    let outputs = node(writer, &[Direction { spec, prefix: "", name, initial }])?;
    let results: Vec<String> = outputs[1..].iter().map(|state| of_direction(writer, state, 0, None)).collect();
    let mut values = vec![results[0].clone()];
    if sequences {
        values[0] = sequence(writer, &outputs[0], None);
    }
    if flag(spec, "return_state")? {
        values.extend(results);
    }
    writer.graph(Vec::new(), values.into_iter().map(|name| (name, false)).collect());
    Ok(())
}

/// Writes a `Bidirectional` as a node with both directions, or as two nodes if their settings differ, and the merging of their
/// outputs.
pub(super) fn write_bidirectional(writer: &mut Writer<'_>, spec: &Spec) -> Result<(), String> {
    let forward = nested(spec, "layer").ok_or("its layer is missing")?;
    let backward = nested(spec, "backward_layer").unwrap_or(forward);
    for layer in [forward, backward] {
        if !["SimpleRNN", "LSTM", "GRU"].contains(&layer.class()) {
            return Err(format!("Bidirectional of {} cannot be exported", layer.class()));
        }
    }
    let goes_backwards = flag(forward, "go_backwards")?;
    let (sequences, returns_state) = (flag(forward, "return_sequences")?, flag(forward, "return_state")?);
    let mut initial: Vec<String> = (1..writer.arity()).map(|number| writer.layer_input(number).0).collect();
    let of_backward = initial.split_off(cell(forward).2.min(initial.len()));
    begin(writer)?;
    let x = writer.value();
    let names = if goes_backwards { ["reverse", "forward"] } else { ["forward", "reverse"] };
    let [first, second] = [
        Direction { spec: forward, prefix: "forward_layer/", name: names[0], initial },
        Direction { spec: backward, prefix: "backward_layer/", name: names[1], initial: of_backward },
    ];
    let is_one_node = !goes_backwards
        && forward.class() == backward.class()
        && size(forward, "units")? == size(backward, "units")?
        && resets_after(forward)? == resets_after(backward)?;
    // The outputs of both nodes, and the direction in each.
    let outputs = if is_one_node {
        let outputs = node(writer, &[first, second])?;
        [(outputs.clone(), Some(0)), (outputs, Some(1))]
    } else {
        let first = node(writer, &[first])?;
        writer.set_value(&x);
        [(first, None), (node(writer, &[second])?, None)]
    };
    let merged = outputs.each_ref().map(|(outputs, direction)| match sequences {
        true => sequence(writer, &outputs[0], *direction),
        false => of_direction(writer, &outputs[1], 0, *direction),
    });
    let both = merged.each_ref().map(String::as_str);
    let join = |writer: &mut Writer<'_>, operator: &str, attributes: &[(&str, Attribute)]| {
        writer.node_with_outputs(operator, &both, attributes, 1).remove(0)
    };
    let mut values = match word(spec, "merge_mode")? {
        "concat" => vec![join(writer, "Concat", &[("axis", Attribute::Integer(if sequences { 2 } else { 1 }))])],
        "sum" => vec![join(writer, "Add", &[])],
        "mul" => vec![join(writer, "Mul", &[])],
        "ave" => {
            let sum = join(writer, "Add", &[]);
            let half = writer.constant("half", &Tensor::floats(Vec::new(), vec![0.5]));
            vec![writer.node_with_outputs("Mul", &[&sum, &half], &[], 1).remove(0)]
        }
        _ => merged.to_vec(),
    };
    if returns_state {
        for (outputs, direction) in &outputs {
            values.extend(outputs[1..].iter().map(|state| of_direction(writer, state, 0, *direction)));
        }
    }
    writer.graph(Vec::new(), values.into_iter().map(|name| (name, false)).collect());
    Ok(())
}

/// Transposes the sequence. Returns its number of steps, if it is fixed, and its number of features.
fn begin(writer: &mut Writer<'_>) -> Result<(Option<usize>, usize), String> {
    writer.channels_last();
    let &[steps, Some(features)] = writer.shape().sizes() else { return Err("its input is not a sequence".into()) };
    swap_rows_and_steps(writer);
    Ok((steps, features))
}

/// The part of a value that belongs to a direction; `None` for the only direction of a node. `axis` is the axis of directions,
/// which is removed.
fn of_direction(writer: &mut Writer<'_>, value: &str, axis: i64, direction: Option<i64>) -> String {
    let Some(direction) = direction else {
        let name = if axis == 0 { "first_axis" } else { "second_axis" };
        let axis = writer.constant(name, &Tensor::list(vec![axis]));
        return writer.node_with_outputs("Squeeze", &[value, &axis], &[], 1).remove(0);
    };
    let name = if direction == 0 { "first_direction" } else { "second_direction" };
    let index = writer.constant(name, &Tensor::integers(Vec::new(), vec![direction]));
    writer.node_with_outputs("Gather", &[value, &index], &[("axis", Attribute::Integer(axis))], 1).remove(0)
}

/// The outputs of all steps in a direction, rows × steps × units.
fn sequence(writer: &mut Writer<'_>, outputs: &str, direction: Option<i64>) -> String {
    let steps = of_direction(writer, outputs, 1, direction);
    writer.set_value(&steps);
    swap_rows_and_steps(writer);
    writer.value()
}

fn resets_after(spec: &Spec) -> Result<bool, String> {
    if spec.class() == "GRU" { flag(spec, "reset_after") } else { Ok(false) }
}

/// Appends the node of one or two directions, whose input is the first value. Returns its outputs.
fn node(writer: &mut Writer<'_>, directions: &[Direction<'_>]) -> Result<Vec<String>, String> {
    let first = directions[0].spec;
    let (operator, gates, states) = cell(first);
    let (units, count) = (size(first, "units")?, directions.len());
    let mut attributes = vec![("hidden_size", Attribute::Integer(units as i64))];
    attributes.extend(activations(directions)?);
    if resets_after(first)? {
        attributes.push(("linear_before_reset", Attribute::Integer(1)));
    }
    let name = if count == 2 { "bidirectional" } else { directions[0].name };
    if name != "forward" {
        attributes.push(("direction", Attribute::Text(name.into())));
    }
    let columns = gates.len() * units;
    let column = |row: usize| gates[row / units] * units + row % units;
    let (mut weights, x) = (Vec::new(), writer.value());
    let &[_, Some(features)] = writer.shape().sizes() else { return Err("its input is not a sequence".into()) };
    let prefix = if count == 2 { "" } else { directions[0].prefix };
    for (part, name, depth) in [("kernel", "W", features), ("recurrent_kernel", "R", units)] {
        let mut arranged = Vec::new();
        for direction in directions {
            let values = writer.weight_values(&format!("{}{part}", direction.prefix))?;
            arranged.extend((0..columns * depth).map(|at| values[at % depth * columns + column(at / depth)]));
        }
        weights
            .push(writer.constant(&format!("{prefix}{name}"), &Tensor::floats(vec![count, columns, depth], arranged)));
    }
    let mut both = Vec::new();
    for Direction { spec, prefix, .. } in directions {
        if spec.settings().iter().any(|(name, _)| name == "stateful") {
            return Err("it is stateful, and models in ONNX keep no states between runs; give it initial states".into());
        }
        let bias = match flag(spec, "use_bias")? {
            true => writer.weight_values(&format!("{prefix}bias"))?,
            false => Vec::new(),
        };
        let element = |at: usize| bias.get(at / columns * columns + column(at % columns)).copied().unwrap_or(0.0);
        both.extend((0..2 * columns).map(element));
    }
    weights.push(writer.constant(&format!("{prefix}B"), &Tensor::floats(vec![count, 2 * columns], both)));

    let mut initial = Vec::new();
    for state in 0..directions.iter().map(|direction| direction.initial.len()).min().unwrap_or(0) {
        let first_axis = writer.constant("first_axis", &Tensor::list(vec![0]));
        let mut of_state = Vec::new();
        for direction in directions {
            let inputs = [direction.initial[state].as_str(), first_axis.as_str()];
            of_state.push(writer.node_with_outputs("Unsqueeze", &inputs, &[], 1).remove(0));
        }
        initial.push(match &of_state[..] {
            [one] => one.clone(),
            several => {
                let several: Vec<&str> = several.iter().map(String::as_str).collect();
                writer.node_with_outputs("Concat", &several, &[("axis", Attribute::Integer(0))], 1).remove(0)
            }
        });
    }
    let mut inputs: Vec<&str> = std::iter::once(&x).chain(&weights).map(String::as_str).collect();
    if !initial.is_empty() {
        inputs.push("");
        inputs.extend(initial.iter().map(String::as_str));
    }
    Ok(writer.node_with_outputs(operator, &inputs, &attributes, 1 + states))
}

fn swap_rows_and_steps(writer: &mut Writer<'_>) {
    writer.node("Transpose", &[], &[("perm", Attribute::Integers(vec![1, 0, 2]))]);
}

/// The attributes of the activations of all directions.
fn activations(directions: &[Direction<'_>]) -> Result<Vec<(&'static str, Attribute)>, String> {
    let names: &[&str] = match directions[0].spec.class() {
        "LSTM" => &["recurrent_activation", "activation", "activation"],
        "GRU" => &["recurrent_activation", "activation"],
        _ => &["activation"],
    };
    let all = directions.iter().flat_map(|direction| names.iter().map(|name| (direction.spec, *name)));
    let (mut functions, mut alphas, mut betas) = (Vec::new(), Vec::new(), Vec::new());
    for (spec, name) in all {
        let (function, alpha, beta): (&str, Option<f32>, Option<f32>) = match word(spec, name)? {
            "elu" => ("Elu", Some(1.0), None),
            "hard_sigmoid" => ("HardSigmoid", Some(1.0 / 6.0), Some(0.5)),
            "leaky_relu" => ("LeakyRelu", Some(0.2), None),
            "legacy_hard_sigmoid" => ("HardSigmoid", Some(0.2), Some(0.5)),
            "linear" => ("Affine", Some(1.0), Some(0.0)),
            "relu" => ("Relu", None, None),
            "sigmoid" => ("Sigmoid", None, None),
            "softplus" => ("Softplus", None, None),
            "softsign" => ("Softsign", None, None),
            "tanh" => ("Tanh", None, None),
            other => return Err(format!("{} with {name}={other} cannot be exported", spec.class())),
        };
        functions.push(function.to_owned());
        alphas.extend(alpha);
        betas.extend(beta);
    }
    let mut attributes = vec![("activations", Attribute::Texts(functions))];
    if !alphas.is_empty() {
        attributes.push(("activation_alpha", Attribute::Numbers(alphas)));
    }
    if !betas.is_empty() {
        attributes.push(("activation_beta", Attribute::Numbers(betas)));
    }
    Ok(attributes)
}
