//! Export of recurrent layers.
//!
//! ONNX has the steps first, a matrix for each direction, and two biases. Runtimes support only this layout, so the sequence is
//! transposed before and after.

use super::layer_settings::{flag, size, word};
use super::node::Attribute;
use super::tensor::Tensor;
use super::writer::Writer;
use crate::Spec;

/// Writes a `SimpleRNN`, `LSTM` or `GRU` as a node.
pub(super) fn write(writer: &mut Writer<'_>, spec: &Spec) -> Result<(), String> {
    // The gate of gradus at each position in ONNX, and the number of states.
    let (operator, gates, states): (&str, &[usize], usize) = match spec.class() {
        "LSTM" => ("LSTM", &[0, 3, 1, 2], 2),
        "GRU" => ("GRU", &[0, 1, 2], 1),
        _ => ("RNN", &[0], 1),
    };
    if spec.settings().iter().any(|(name, _)| name == "stateful") {
        return Err("it is stateful, and a model in ONNX has no states between runs; give it initial states instead".into());
    }
    let (units, backwards) = (size(spec, "units")?, flag(spec, "go_backwards")?);
    let sequences = flag(spec, "return_sequences")?;
    let mut attributes = vec![("hidden_size", Attribute::Integer(units as i64))];
    attributes.extend(activations(spec)?);
    let reset_after = operator == "GRU" && flag(spec, "reset_after")?;
    if reset_after {
        attributes.push(("linear_before_reset", Attribute::Integer(1)));
    }
    let initial: Vec<String> = (1..writer.arity()).map(|number| writer.layer_input(number).0).collect();

    writer.channels_last();
    let &[steps, Some(features)] = writer.shape().sizes() else { return Err("its input is not a sequence".into()) };
    swap_rows_and_steps(writer);
    if backwards && sequences {
        // A node that processes the steps backwards has its outputs in the order of the inputs.
        let steps =
            steps.ok_or("with go_backwards and return_sequences, its input must have a fixed number of steps")?;
        let reversed = writer.constant("reversed", &Tensor::list((0..steps as i64).rev().collect()));
        writer.node("Gather", &[&reversed], &[("axis", Attribute::Integer(0))]);
    } else if backwards {
        attributes.push(("direction", Attribute::Text("reverse".into())));
    }

    let columns = gates.len() * units;
    let column = |row: usize| gates[row / units] * units + row % units;
    let mut weights = Vec::new();
    for (part, name, depth) in [("kernel", "W", features), ("recurrent_kernel", "R", units)] {
        let values = writer.weight_values(part)?;
        let element = |at: usize| values[at % depth * columns + column(at / depth)];
        let arranged = (0..columns * depth).map(element).collect();
        weights.push(writer.constant(name, &Tensor::floats(vec![1, columns, depth], arranged)));
    }
    let bias = match flag(spec, "use_bias")? {
        true => writer.weight_values("bias")?,
        false => Vec::new(),
    };
    let element = |at: usize| bias.get(at / columns * columns + column(at % columns)).copied().unwrap_or(0.0);
    let both = (0..2 * columns).map(element).collect();
    weights.push(writer.constant("B", &Tensor::floats(vec![1, 2 * columns], both)));

    let x = writer.value();
    let first_axis = writer.constant("first_axis", &Tensor::list(vec![0]));
    let axis = |writer: &mut Writer<'_>, operator: &str, name: &str, axis: &str| {
        writer.node_with_outputs(operator, &[name, axis], &[], 1).remove(0)
    };
    let initial: Vec<String> = initial.iter().map(|state| axis(writer, "Unsqueeze", state, &first_axis)).collect();
    let mut inputs: Vec<&str> = std::iter::once(&x).chain(&weights).map(String::as_str).collect();
    if !initial.is_empty() {
        inputs.push("");
        inputs.extend(initial.iter().map(String::as_str));
    }
    let outputs = writer.node_with_outputs(operator, &inputs, &attributes, 1 + states);
    let results: Vec<String> = outputs[1..].iter().map(|state| axis(writer, "Squeeze", state, &first_axis)).collect();
    let mut values = vec![results[0].clone()];
    if sequences {
        let second_axis = writer.constant("second_axis", &Tensor::list(vec![1]));
        let squeezed = axis(writer, "Squeeze", &outputs[0], &second_axis);
        writer.set_value(&squeezed);
        swap_rows_and_steps(writer);
        values[0] = writer.value();
    }
    if flag(spec, "return_state")? {
        values.extend(results);
    }
    writer.graph(Vec::new(), values.into_iter().map(|name| (name, false)).collect());
    Ok(())
}

fn swap_rows_and_steps(writer: &mut Writer<'_>) {
    writer.node("Transpose", &[], &[("perm", Attribute::Integers(vec![1, 0, 2]))]);
}

/// The attributes of the activations.
fn activations(spec: &Spec) -> Result<Vec<(&'static str, Attribute)>, String> {
    let names = match spec.class() {
        "LSTM" => vec!["recurrent_activation", "activation", "activation"],
        "GRU" => vec!["recurrent_activation", "activation"],
        _ => vec!["activation"],
    };
    let (mut functions, mut alphas, mut betas) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
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
