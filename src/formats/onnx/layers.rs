//! Each layer as nodes of ONNX. A layer is found by its class; what has no line here cannot be exported.

use super::export::Writer;
use super::node::Attribute;
use super::tensor::Tensor;
use crate::spec::{Spec, SpecValue};

type Written = Result<(), String>;

/// Every layer that ONNX can say, and how.
const LAYERS: &[(&str, fn(&mut Writer<'_>, &Spec) -> Written)] = &[
    ("Activation", |writer, spec| activation(writer, word(spec, "activation")?)),
    ("BatchNormalization", batch_norm),
    ("Conv2D", conv2d),
    ("Dense", dense),
    ("Dropout", |_, _| Ok(())), // drops nothing when predicting
    ("Flatten", flatten),
    ("MaxPooling2D", |writer, spec| pooling(writer, spec, "MaxPool")),
    ("Reshape", reshape),
];

/// Writes a layer.
pub(super) fn write(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    if writer.arity() != 1 {
        return Err(format!("{} of {} values is not known here", spec.class(), writer.arity()));
    }
    match LAYERS.iter().find(|(class, _)| *class == spec.class()) {
        Some((_, write)) => write(writer, spec),
        None => Err(format!("{} has no operators in ONNX that are known here", spec.class())),
    }
}

fn activation(writer: &mut Writer<'_>, name: &str) -> Written {
    match name {
        "linear" => {}
        "relu" => writer.node("Relu", &[], &[]),
        "sigmoid" => writer.node("Sigmoid", &[], &[]),
        "tanh" => writer.node("Tanh", &[], &[]),
        "softmax" => {
            let axis = writer.channel_axis();
            writer.node("Softmax", &[], &[("axis", Attribute::Integer(axis))]);
        }
        other => return Err(format!("activation {other} is not known here")),
    }
    Ok(())
}

fn dense(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_last();
    let kernel = writer.weight("kernel", None)?;
    if flag(spec, "use_bias")? {
        let bias = writer.weight("bias", None)?;
        writer.node("Gemm", &[&kernel, &bias], &[]);
    } else {
        writer.node("MatMul", &[&kernel], &[]);
    }
    activation(writer, word(spec, "activation")?)
}

fn conv2d(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_first();
    // height × width × channels × filters → filters × channels × height × width
    let kernel = writer.weight("kernel", Some(&[3, 2, 0, 1]))?;
    let bias = if flag(spec, "use_bias")? { Some(writer.weight("bias", None)?) } else { None };
    let inputs: Vec<&str> = [Some(&kernel), bias.as_ref()].into_iter().flatten().map(String::as_str).collect();
    let attributes = window(spec, "kernel_size")?;
    writer.node("Conv", &inputs, &attributes);
    activation(writer, word(spec, "activation")?)
}

fn pooling(writer: &mut Writer<'_>, spec: &Spec, operator: &str) -> Written {
    writer.channels_first();
    let attributes = window(spec, "pool_size")?;
    writer.node(operator, &[], &attributes);
    Ok(())
}

/// How a window slides.
fn window(spec: &Spec, kernel: &str) -> Result<Vec<(&'static str, Attribute)>, String> {
    let integers =
        |name: &str| Ok::<_, String>(Attribute::Integers(sizes(spec, name)?.iter().map(|n| *n as i64).collect()));
    let padding = match setting(spec, "padding") {
        Some(SpecValue::Word(word)) if word == "same" => "SAME_UPPER",
        _ => "VALID",
    };
    let padding = Attribute::Text(padding.into());
    Ok(vec![("kernel_shape", integers(kernel)?), ("strides", integers("strides")?), ("auto_pad", padding)])
}

fn batch_norm(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_first();
    let mut names = Vec::new();
    for part in ["gamma", "beta", "moving_mean", "moving_variance"] {
        names.push(writer.weight(part, None)?);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let [epsilon, momentum] = [number(spec, "epsilon")?, number(spec, "momentum")?].map(Attribute::Number);
    writer.node("BatchNormalization", &names, &[("epsilon", epsilon), ("momentum", momentum)]);
    Ok(())
}

fn flatten(writer: &mut Writer<'_>, _spec: &Spec) -> Written {
    writer.channels_last();
    if writer.rank() != 2 {
        writer.node("Flatten", &[], &[("axis", Attribute::Integer(1))]);
    }
    Ok(())
}

fn reshape(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_last();
    let sizes = sizes(spec, "target_shape")?;
    // 0 keeps the number of rows.
    let target = [&[0], sizes].concat().iter().map(|size| *size as i64).collect();
    let target = writer.constant("shape", &Tensor::list(target));
    writer.node("Reshape", &[&target], &[]);
    Ok(())
}

fn setting<'a>(spec: &'a Spec, name: &str) -> Option<&'a SpecValue> {
    spec.settings().iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn missing(spec: &Spec, name: &str) -> String {
    format!("{spec} has no setting {name} of the kind that is expected")
}

fn word<'a>(spec: &'a Spec, name: &str) -> Result<&'a str, String> {
    match setting(spec, name) {
        Some(SpecValue::Word(word)) => Ok(word),
        _ => Err(missing(spec, name)),
    }
}

fn flag(spec: &Spec, name: &str) -> Result<bool, String> {
    match setting(spec, name) {
        Some(SpecValue::Flag(flag)) => Ok(*flag),
        _ => Err(missing(spec, name)),
    }
}

fn number(spec: &Spec, name: &str) -> Result<f32, String> {
    match setting(spec, name) {
        Some(SpecValue::Number(number)) => Ok(*number),
        _ => Err(missing(spec, name)),
    }
}

fn sizes<'a>(spec: &'a Spec, name: &str) -> Result<&'a [usize], String> {
    match setting(spec, name) {
        Some(SpecValue::Sizes(sizes)) => Ok(sizes),
        _ => Err(missing(spec, name)),
    }
}
