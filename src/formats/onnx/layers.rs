//! Export of layers as ONNX nodes.

use super::graph_nodes;
use super::layer::OnnxGraph;
use super::layer_settings::{axis, flag, missing, number, setting, size, sizes, word};
use super::node::Attribute;
use super::proto::element;
use super::recurrent_layers;
use super::tensor::Tensor;
use super::time_distributed;
use super::writer::Writer;
use crate::{FromSpec, Spec, SpecValue};

type Written = Result<(), String>;

/// A function that writes a layer.
type Write = fn(&mut Writer<'_>, &Spec) -> Written;

/// The layers that can be exported, by class.
const LAYERS: &[(&str, Write)] = &[
    ("Activation", |writer, spec| activation(writer, word(spec, "activation")?)),
    ("ActivityRegularization", no_effect),
    ("Add", add),
    ("AlphaDropout", no_effect),
    ("AveragePooling2D", |writer, spec| pooling(writer, spec, "AveragePool")),
    ("BatchNormalization", batch_norm),
    ("Bidirectional", recurrent_layers::write_bidirectional),
    ("Concatenate", concatenate),
    ("Conv2D", conv2d),
    ("Dense", dense),
    ("Dropout", no_effect),
    ("ELU", |writer, spec| elementwise(writer, "Elu", &[("alpha", number(spec, "alpha")?)])),
    ("Embedding", embedding),
    ("Flatten", flatten),
    ("GaussianDropout", no_effect),
    ("GaussianNoise", no_effect),
    ("GlobalAveragePooling2D", |writer, _| global_pooling(writer, "GlobalAveragePool")),
    ("GlobalMaxPooling2D", |writer, _| global_pooling(writer, "GlobalMaxPool")),
    ("GRU", recurrent_layers::write),
    ("LSTM", recurrent_layers::write),
    ("LayerNormalization", layer_norm),
    ("LeakyReLU", |writer, spec| elementwise(writer, "LeakyRelu", &[("alpha", number(spec, "negative_slope")?)])),
    ("Masking", |_, _| Err("Masking cannot be exported, since ONNX has no masks".into())),
    ("MaxPooling2D", |writer, spec| pooling(writer, spec, "MaxPool")),
    (OnnxGraph::CLASS, |writer, spec| graph_nodes::write(writer, &spec.make().map_err(|error| error.to_string())?)),
    ("Reshape", reshape),
    ("SimpleRNN", recurrent_layers::write),
    ("Softmax", |writer, spec| softmax(writer, "Softmax", axis(spec)?)),
    ("SpatialDropout1D", no_effect),
    ("SpatialDropout2D", no_effect),
    ("SpatialDropout3D", no_effect),
    ("TimeDistributed", time_distributed::write),
    ("ZeroPadding2D", zero_padding),
];

/// Writes a layer as nodes. The error is the reason why it cannot be exported.
pub(super) fn write(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    let several =
        ["Add", "Bidirectional", "Concatenate", "GRU", "LSTM", "SimpleRNN", OnnxGraph::CLASS].contains(&spec.class());
    if writer.arity() != 1 && !several {
        return Err(format!("{} with {} inputs cannot be exported", spec.class(), writer.arity()));
    }
    match LAYERS.iter().find(|(class, _)| *class == spec.class()) {
        Some((_, write)) => write(writer, spec),
        None => Err(format!("{} cannot be exported to ONNX", spec.class())),
    }
}

/// Writes nothing, for layers that return their input in inference.
fn no_effect(_writer: &mut Writer<'_>, _spec: &Spec) -> Written {
    Ok(())
}

fn activation(writer: &mut Writer<'_>, name: &str) -> Written {
    match name {
        "linear" => Ok(()),
        "relu" => elementwise(writer, "Relu", &[]),
        "sigmoid" => elementwise(writer, "Sigmoid", &[]),
        "tanh" => elementwise(writer, "Tanh", &[]),
        "softmax" => softmax(writer, "Softmax", -1),
        "log_softmax" => softmax(writer, "LogSoftmax", -1),
        "leaky_relu" => elementwise(writer, "LeakyRelu", &[("alpha", 0.2)]),
        "elu" => elementwise(writer, "Elu", &[("alpha", 1.0)]),
        "selu" => elementwise(writer, "Selu", &[]),
        "softplus" => elementwise(writer, "Softplus", &[]),
        "softsign" => elementwise(writer, "Softsign", &[]),
        "gelu" => elementwise(writer, "Gelu", &[]),
        "gelu_tanh" => {
            writer.node("Gelu", &[], &[("approximate", Attribute::Text("tanh".into()))]);
            Ok(())
        }
        "silu" => product_with_input(writer, &["Sigmoid"]),
        "hard_sigmoid" => elementwise(writer, "HardSigmoid", &[("alpha", 1.0 / 6.0), ("beta", 0.5)]),
        "legacy_hard_sigmoid" => elementwise(writer, "HardSigmoid", &[("alpha", 0.2), ("beta", 0.5)]),
        "exponential" => elementwise(writer, "Exp", &[]),
        "celu" => elementwise(writer, "Elu", &[("alpha", 1.0)]),
        "sparse_sigmoid" => elementwise(writer, "HardSigmoid", &[("alpha", 0.5), ("beta", 0.5)]),
        "mish" => product_with_input(writer, &["Softplus", "Tanh"]),
        "log_sigmoid" => {
            ["Neg", "Softplus", "Neg"].into_iter().for_each(|operator| writer.node(operator, &[], &[]));
            Ok(())
        }
        "tanh_shrink" => {
            let x = writer.value();
            writer.node("Tanh", &[], &[]);
            writer.node("Sub", &[&x], &[]);
            writer.node("Neg", &[], &[]);
            Ok(())
        }
        other => Err(format!("activation {other} cannot be exported")),
    }
}

/// Writes elementwise operators, and the product of their result with their input.
fn product_with_input(writer: &mut Writer<'_>, operators: &[&str]) -> Written {
    let x = writer.value();
    operators.iter().for_each(|operator| writer.node(operator, &[], &[]));
    writer.node("Mul", &[&x], &[]);
    Ok(())
}

/// Writes an elementwise operator.
fn elementwise(writer: &mut Writer<'_>, operator: &str, settings: &[(&str, f32)]) -> Written {
    let attributes: Vec<_> = settings.iter().map(|(name, value)| (*name, Attribute::Number(*value))).collect();
    writer.node(operator, &[], &attributes);
    Ok(())
}

fn softmax(writer: &mut Writer<'_>, operator: &str, axis: isize) -> Written {
    let axis = writer.axis(axis);
    writer.node(operator, &[], &[("axis", Attribute::Integer(axis))]);
    Ok(())
}

/// Writes a sum of inputs. `Add` takes two inputs; more programs support it than `Sum`, which takes any number.
fn add(writer: &mut Writer<'_>, _spec: &Spec) -> Written {
    writer.align_axis_orders();
    if writer.arity() == 2 {
        writer.join("Add", &[]);
    } else {
        writer.join("Sum", &[]);
    }
    Ok(())
}

fn concatenate(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.align_axis_orders();
    let axis = writer.axis(axis(spec)?);
    writer.join("Concat", &[("axis", Attribute::Integer(axis))]);
    Ok(())
}

/// Writes a lookup of rows by integer indices.
fn embedding(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    // The option is written only if it is set.
    if setting(spec, "mask_zero").is_some() && flag(spec, "mask_zero")? {
        return Err("Embedding with mask_zero cannot be exported, since ONNX has no masks".into());
    }
    writer.channels_last();
    let table = writer.weight("embeddings", None)?;
    writer.node("Cast", &[], &[("to", Attribute::Integer(i64::from(element::INT64)))]);
    let indices = writer.value();
    writer.node_of("Gather", &[&table, &indices], &[("axis", Attribute::Integer(0))]);
    Ok(())
}

fn dense(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_last();
    let kernel = writer.weight("kernel", None)?;
    let bias = if flag(spec, "use_bias")? { Some(writer.weight("bias", None)?) } else { None };
    match bias {
        // Gemm takes only matrices.
        Some(bias) if writer.rank() == 2 => writer.node("Gemm", &[&kernel, &bias], &[]),
        bias => {
            writer.node("MatMul", &[&kernel], &[]);
            bias.iter().for_each(|bias| writer.node("Add", &[bias], &[]));
        }
    }
    activation(writer, word(spec, "activation")?)
}

fn conv2d(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_first();
    // height × width × channels of a group × filters → filters × channels of a group × height × width
    let kernel = writer.weight("kernel", Some(&[3, 2, 0, 1]))?;
    let bias = if flag(spec, "use_bias")? { Some(writer.weight("bias", None)?) } else { None };
    let inputs: Vec<&str> = [Some(&kernel), bias.as_ref()].into_iter().flatten().map(String::as_str).collect();
    let mut attributes = window(writer, spec, "kernel_size")?;
    attributes.push(("dilations", integers(sizes(spec, "dilation_rate")?)));
    attributes.push(("group", Attribute::Integer(size(spec, "groups")? as i64)));
    writer.node("Conv", &inputs, &attributes);
    activation(writer, word(spec, "activation")?)
}

/// Writes a pooling layer. Averages exclude padding, which is the default in ONNX.
fn pooling(writer: &mut Writer<'_>, spec: &Spec, operator: &str) -> Written {
    writer.channels_first();
    let attributes = window(writer, spec, "pool_size")?;
    writer.node(operator, &[], &attributes);
    Ok(())
}

fn global_pooling(writer: &mut Writer<'_>, operator: &str) -> Written {
    writer.channels_first();
    writer.node(operator, &[], &[]);
    writer.flatten();
    Ok(())
}

/// Attributes of a window. Padding is explicit unless it depends on the size of an open axis.
fn window(writer: &Writer<'_>, spec: &Spec, kernel: &str) -> Result<Vec<(&'static str, Attribute)>, String> {
    let (kernel, strides) = (sizes(spec, kernel)?, sizes(spec, "strides")?);
    let dilation = sizes(spec, "dilation_rate").unwrap_or(&[1, 1]);
    let mut pads = vec![0; 4];
    if word(spec, "padding")? == "same" {
        for axis in 0..2 {
            let reach = (kernel[axis] - 1) * dilation[axis] + 1;
            let total = match writer.shape().sizes()[axis] {
                Some(size) => ((size.div_ceil(strides[axis]) - 1) * strides[axis] + reach).saturating_sub(size),
                None if strides[axis] == 1 => reach - 1,
                None => {
                    let upper = ("auto_pad", Attribute::Text("SAME_UPPER".into()));
                    return Ok(vec![("kernel_shape", integers(kernel)), ("strides", integers(strides)), upper]);
                }
            };
            (pads[axis], pads[axis + 2]) = (total / 2, total - total / 2);
        }
    }
    Ok(vec![("kernel_shape", integers(kernel)), ("strides", integers(strides)), ("pads", integers(&pads))])
}

fn integers(sizes: &[usize]) -> Attribute {
    Attribute::Integers(sizes.iter().map(|size| *size as i64).collect())
}

/// Writes zero padding of images in their current axis order.
fn zero_padding(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    let [top, bottom, left, right] = sizes(spec, "padding")?[..] else { return Err(missing(spec, "padding")) };
    let (before, after) = match writer.is_channels_first() {
        true => ([0, 0, top, left], [0, 0, bottom, right]),
        false => ([0, top, left, 0], [0, bottom, right, 0]),
    };
    let pads = [before, after].concat().iter().map(|size| *size as i64).collect();
    let pads = writer.constant("pads", &Tensor::list(pads));
    writer.node("Pad", &[&pads], &[("mode", Attribute::Text("constant".into()))]);
    Ok(())
}

/// Writes a layer normalization. The scale is required in ONNX, so it is ones if the layer has none.
fn layer_norm(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    reject_axis(spec)?;
    writer.channels_last();
    let scale = match flag(spec, "scale")? {
        true => writer.weight("gamma", None)?,
        false => {
            let columns = writer.shape().last().ok_or("its last axis is open")?;
            writer.constant("ones", &Tensor::floats(vec![columns], vec![1.0; columns]))
        }
    };
    let bias = if flag(spec, "center")? { Some(writer.weight("beta", None)?) } else { None };
    let inputs: Vec<&str> = [Some(&scale), bias.as_ref()].into_iter().flatten().map(String::as_str).collect();
    let epsilon = Attribute::Number(number(spec, "epsilon")?);
    writer.node("LayerNormalization", &inputs, &[("axis", Attribute::Integer(-1)), ("epsilon", epsilon)]);
    Ok(())
}

/// Rejects a normalization of other axes than the last.
fn reject_axis(spec: &Spec) -> Written {
    match setting(spec, "axis") {
        None => Ok(()),
        Some(axis) => Err(format!("{} with axis={axis} cannot be exported", spec.class())),
    }
}

fn batch_norm(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    reject_axis(spec)?;
    let channels = writer.shape().last().ok_or("its last axis is open")?;
    writer.channels_first();
    let mut names = Vec::new();
    for (part, option, constant) in [("gamma", "scale", 1.0), ("beta", "center", 0.0)] {
        // The options are absent if they have their defaults.
        names.push(match setting(spec, option) {
            Some(SpecValue::Bool(false)) => {
                writer.constant(part, &Tensor::floats(vec![channels], vec![constant; channels]))
            }
            _ => writer.weight(part, None)?,
        });
    }
    for part in ["moving_mean", "moving_variance"] {
        names.push(writer.weight(part, None)?);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let [epsilon, momentum] = [number(spec, "epsilon")?, number(spec, "momentum")?].map(Attribute::Number);
    writer.node("BatchNormalization", &names, &[("epsilon", epsilon), ("momentum", momentum)]);
    Ok(())
}

fn flatten(writer: &mut Writer<'_>, _spec: &Spec) -> Written {
    writer.channels_last();
    if writer.shape().rank() != 1 {
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
