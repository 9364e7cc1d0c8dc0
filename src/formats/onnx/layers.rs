//! Export of layers as ONNX nodes.

use super::activation_nodes::{activation, elementwise, prelu, relu, rescaling, softmax_layer};
use super::adaptive_pooling;
use super::graph_nodes;
use super::image_nodes::{convolution, depthwise, global_pooling, pooling, separable, transposed_convolution};
use super::layer::OnnxGraph;
use super::layer_settings::{flag, nested, number, setting, word};
use super::merging_nodes::{MERGING, add, concatenate, dot, merge, multiply};
use super::node::Attribute;
use super::normalization_nodes::{batch_norm, group_norm, layer_norm, normalization, rms_norm, unit_norm};
use super::proto::element;
use super::recurrent_layers;
use super::reshaping_nodes::{cropping, flatten, permute, repeat_vector, reshape, zero_padding};
use super::resizing_nodes::{resizing, up_sampling};
use super::time_distributed;
use super::writer::Writer;
use crate::layers::{CenterCrop, Layer, RandomCrop};
use crate::{FromSpec, Spec};

type Written = Result<(), String>;

/// A function that writes a layer.
type Write = fn(&mut Writer<'_>, &Spec) -> Written;

/// The layers that can be exported, by class.
const LAYERS: &[(&str, Write)] = &[
    ("Activation", |writer, spec| activation(writer, word(spec, "activation")?)),
    ("ActivityRegularization", no_effect),
    ("AdaptiveAveragePooling1D", |writer, spec| adaptive_pooling::write(writer, spec, false)),
    ("AdaptiveAveragePooling2D", |writer, spec| adaptive_pooling::write(writer, spec, false)),
    ("AdaptiveAveragePooling3D", |writer, spec| adaptive_pooling::write(writer, spec, false)),
    ("AdaptiveMaxPooling1D", |writer, spec| adaptive_pooling::write(writer, spec, true)),
    ("AdaptiveMaxPooling2D", |writer, spec| adaptive_pooling::write(writer, spec, true)),
    ("AdaptiveMaxPooling3D", |writer, spec| adaptive_pooling::write(writer, spec, true)),
    ("Add", add),
    ("AlphaDropout", no_effect),
    ("Average", |writer, _| merge(writer, "Mean")),
    ("AveragePooling1D", |writer, spec| pooling(writer, spec, "AveragePool")),
    ("AveragePooling2D", |writer, spec| pooling(writer, spec, "AveragePool")),
    ("AveragePooling3D", |writer, spec| pooling(writer, spec, "AveragePool")),
    ("BatchNormalization", batch_norm),
    ("Bidirectional", recurrent_layers::write_bidirectional),
    ("CenterCrop", center_crop),
    ("Concatenate", concatenate),
    ("Conv1D", convolution),
    ("Conv1DTranspose", transposed_convolution),
    ("Conv2D", convolution),
    ("Conv2DTranspose", transposed_convolution),
    ("Conv3D", convolution),
    ("Conv3DTranspose", transposed_convolution),
    ("Cropping1D", cropping),
    ("Cropping2D", cropping),
    ("Cropping3D", cropping),
    ("CutMix", no_effect),
    ("Dense", dense),
    ("DepthwiseConv1D", depthwise),
    ("DepthwiseConv2D", depthwise),
    ("Dot", dot),
    ("Dropout", no_effect),
    ("ELU", |writer, spec| elementwise(writer, "Elu", &[("alpha", number(spec, "alpha")?)])),
    ("Embedding", embedding),
    ("Flatten", flatten),
    ("GaussianDropout", no_effect),
    ("GaussianNoise", no_effect),
    ("GlobalAveragePooling1D", |writer, spec| global_pooling(writer, spec, "GlobalAveragePool")),
    ("GlobalAveragePooling2D", |writer, spec| global_pooling(writer, spec, "GlobalAveragePool")),
    ("GlobalAveragePooling3D", |writer, spec| global_pooling(writer, spec, "GlobalAveragePool")),
    ("GlobalMaxPooling1D", |writer, spec| global_pooling(writer, spec, "GlobalMaxPool")),
    ("GlobalMaxPooling2D", |writer, spec| global_pooling(writer, spec, "GlobalMaxPool")),
    ("GlobalMaxPooling3D", |writer, spec| global_pooling(writer, spec, "GlobalMaxPool")),
    ("GroupNormalization", group_norm),
    ("GRU", recurrent_layers::write),
    ("Identity", no_effect),
    ("LSTM", recurrent_layers::write),
    ("LayerNormalization", layer_norm),
    ("LeakyReLU", |writer, spec| elementwise(writer, "LeakyRelu", &[("alpha", number(spec, "negative_slope")?)])),
    ("Masking", |_, _| Err("Masking cannot be exported, since ONNX has no masks".into())),
    ("MaxPooling1D", |writer, spec| pooling(writer, spec, "MaxPool")),
    ("MaxPooling2D", |writer, spec| pooling(writer, spec, "MaxPool")),
    ("MaxPooling3D", |writer, spec| pooling(writer, spec, "MaxPool")),
    ("Maximum", |writer, _| merge(writer, "Max")),
    ("Minimum", |writer, _| merge(writer, "Min")),
    ("MixUp", no_effect),
    ("Multiply", multiply),
    ("Normalization", normalization),
    (OnnxGraph::CLASS, |writer, spec| graph_nodes::write(writer, &spec.make().map_err(|error| error.to_string())?)),
    ("PReLU", prelu),
    ("Permute", permute),
    ("RMSNormalization", rms_norm),
    ("ReLU", relu),
    ("RandomBrightness", no_effect),
    ("RandomContrast", no_effect),
    ("RandomCrop", random_crop),
    ("RandomElasticTransform", no_effect),
    ("RandomErasing", no_effect),
    ("RandomFlip", no_effect),
    ("RandomRotation", no_effect),
    ("RandomShear", no_effect),
    ("RandomTranslation", no_effect),
    ("RandomZoom", no_effect),
    ("RepeatVector", repeat_vector),
    ("Rescaling", rescaling),
    ("Reshape", reshape),
    ("Resizing", resizing),
    ("SeparableConv1D", separable),
    ("SeparableConv2D", separable),
    ("SimpleRNN", recurrent_layers::write),
    ("Softmax", softmax_layer),
    ("SpatialDropout1D", no_effect),
    ("SpatialDropout2D", no_effect),
    ("SpatialDropout3D", no_effect),
    ("SpectralNormalization", spectral_norm),
    ("Subtract", |writer, _| merge(writer, "Sub")),
    ("TimeDistributed", |writer, spec| time_distributed::write(writer, spec, write)),
    ("UnitNormalization", unit_norm),
    ("UpSampling1D", up_sampling),
    ("UpSampling2D", up_sampling),
    ("UpSampling3D", up_sampling),
    ("ZeroPadding1D", zero_padding),
    ("ZeroPadding2D", zero_padding),
    ("ZeroPadding3D", zero_padding),
];

/// Writes a layer as nodes. The error is the reason why it cannot be exported.
pub(super) fn write(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    let class = spec.class();
    let several =
        MERGING.contains(&class) || ["Bidirectional", "GRU", "LSTM", "SimpleRNN", OnnxGraph::CLASS].contains(&class);
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

/// Writes a crop around the center of images of a fixed size.
fn center_crop(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    let layer = spec.make::<CenterCrop>().map_err(|error| error.to_string())?;
    let shape = writer.shape().fixed().ok_or("its part of the image depends on the size of an open axis")?;
    write(writer, &layer.equivalent(shape).spec())
}

/// Writes a crop at a random place, which in inference is a resizing.
fn random_crop(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    let layer = spec.make::<RandomCrop>().map_err(|error| error.to_string())?;
    write(writer, &layer.equivalent().spec())
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

/// Writes the layer within a `SpectralNormalization`, which divides its kernel in training.
fn spectral_norm(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    write(writer, nested(spec, "layer").ok_or("its layer is missing")?)
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
