//! Comparison of the values and gradients of every layer with those of Keras (`tests/golden/make_ops.py`).

use super::*;
use crate::Key;
use crate::golden::{Cases, assert_close, load};
use crate::ops::Padding;
use crate::registry::BUILT_IN;
use crate::spec::SpecValue;
use crate::tape::{Mode, ParamGradients, Params, Recorder};
use std::borrow::Cow;

/// Maximum difference from the values of Keras, relative to the largest value of the array or 1.
const NEAR: f32 = 1e-5;

/// The layer of a case, whose name may end in a dash and a suffix.
fn layer(case: &str) -> Box<dyn Layer> {
    match case {
        "add" => Box::new(Add),
        "average" => Box::new(Average),
        "center_crop" => Box::new(CenterCrop::new(2, 3)),
        "center_crop-1" => Box::new(CenterCrop::new(4, 5)),
        "average_pool1d" => Box::new(AveragePool1d::new(3).strides(1).padding(Padding::Same)),
        "conv1d" => Box::new(Conv1d::new(4, 3)),
        "conv1d-1" => {
            let layer = Conv1d::new(4, 3).strides(2).padding(Padding::Same).groups(2);
            Box::new(layer.activation(Activation::Relu))
        }
        "conv1d-causal" => Box::new(Conv1d::new(4, 3).padding(Padding::Causal).dilation_rate(2)),
        "conv1d_transpose" => Box::new(Conv1dTranspose::new(4, 3).strides(2)),
        "conv1d_transpose-1" => {
            let layer = Conv1dTranspose::new(4, 5).strides(2).padding(Padding::Same);
            Box::new(layer.activation(Activation::Relu))
        }
        "conv2d_transpose" => Box::new(Conv2dTranspose::new(4, 3)),
        "conv2d_transpose-1" => {
            let layer = Conv2dTranspose::new(4, (3, 4)).strides((2, 3)).padding(Padding::Same);
            Box::new(layer.activation(Activation::Tanh))
        }
        "conv2d_transpose-2" => Box::new(Conv2dTranspose::new(2, (1, 2)).strides((2, 3)).use_bias(false)),
        "conv2d_transpose-3" => Box::new(Conv2dTranspose::new(2, 3).strides(2).output_padding((1, 0).into())),
        "conv2d_transpose-4" => Box::new(Conv2dTranspose::new(2, 2).dilation_rate((2, 3))),
        "depthwise_conv1d" => Box::new(DepthwiseConv1d::new(3).depth_multiplier(2)),
        "depthwise_conv1d-1" => {
            let layer = DepthwiseConv1d::new(3).strides(2).padding(Padding::Same);
            Box::new(layer.activation(Activation::Relu))
        }
        "dot" => Box::new(Dot::new([1, 1])),
        "dot-1" => Box::new(Dot::new([1, 2])),
        "dot-2" => Box::new(Dot::new([-1, 1]).normalize(true)),
        "resizing" => Box::new(Resizing::new(5, 3)),
        "resizing-1" => Box::new(Resizing::new(3, 4).interpolation(Interpolation::Lanczos3).antialias(true)),
        "resizing-2" => Box::new(Resizing::new(3, 2).interpolation(Interpolation::Nearest).crop_to_aspect_ratio(true)),
        "resizing-3" => Box::new(Resizing::new(8, 4).pad_to_aspect_ratio(true).fill_value(0.5).antialias(true)),
        "up_sampling2d-1" => Box::new(UpSampling2d::new((2, 3)).interpolation(Interpolation::Bilinear)),
        "up_sampling2d-2" => Box::new(UpSampling2d::new((2, 4)).interpolation(Interpolation::Bicubic)),
        "up_sampling2d-3" => Box::new(UpSampling2d::new((2, 3)).interpolation(Interpolation::Lanczos5)),
        "cropping1d" => Box::new(Cropping1d::new([1, 2])),
        "cropping2d" => Box::new(Cropping2d::new(((1, 0), (0, 2)))),
        "depthwise_conv2d" => Box::new(DepthwiseConv2d::new(3)),
        "depthwise_conv2d-1" => {
            let layer = DepthwiseConv2d::new((3, 2)).strides(2).padding(Padding::Same).depth_multiplier(2);
            Box::new(layer.activation(Activation::Relu))
        }
        "global_average_pool1d" => Box::new(GlobalAveragePool1d::new()),
        "global_max_pool1d" => Box::new(GlobalMaxPool1d::new()),
        "group_normalization" => Box::new(GroupNormalization::new(2)),
        "group_normalization-1" => Box::new(GroupNormalization::new(-1).epsilon(0.1).center(false)),
        "group_normalization-2" => Box::new(GroupNormalization::new(3).axis(1)),
        "identity" => Box::new(Identity),
        "masking" => Box::new(Masking::new(0.0)),
        "max_pool1d" => Box::new(MaxPool1d::new(2)),
        "max_pool1d-same" => Box::new(MaxPool1d::new(3).strides(2).padding(Padding::Same)),
        "maximum" => Box::new(Maximum),
        "minimum" => Box::new(Minimum),
        "multiply" => Box::new(Multiply),
        "normalization" => Box::new(Normalization::new().mean(vec![0.5, -0.25]).variance(vec![4.0, 0.25])),
        "normalization-1" => {
            let layer = Normalization::new().axis(1).mean(vec![0.5, 0.25, 0.75]).variance(vec![4.0, 0.25, 0.0]);
            Box::new(layer.invert(true))
        }
        "p_relu" => Box::new(PRelu::new()),
        "p_relu-1" => Box::new(PRelu::new().shared_axes(vec![1])),
        "permute" => Box::new(Permute::new([3, 1, 2])),
        "relu" => Box::new(Relu::new().max_value(0.8).negative_slope(0.1).threshold(0.2)),
        "relu-1" => Box::new(Relu::new()),
        "repeat_vector" => Box::new(RepeatVector::new(3)),
        "rescaling" => Box::new(Rescaling::new(0.5).offset(-1.0)),
        "rms_normalization" => Box::new(RmsNormalization::new().epsilon(1e-3)),
        "rms_normalization-1" => Box::new(RmsNormalization::new().axis([1, 2]).epsilon(1e-3)),
        "separable_conv1d" => Box::new(SeparableConv1d::new(4, 3).padding(Padding::Same).depth_multiplier(2)),
        "separable_conv2d" => {
            Box::new(SeparableConv2d::new(4, (3, 2)).depth_multiplier(2).activation(Activation::Tanh))
        }
        "subtract" => Box::new(Subtract),
        "unit_normalization" => Box::new(UnitNormalization::new()),
        "unit_normalization-1" => Box::new(UnitNormalization::new().axis(1)),
        "unit_normalization-2" => Box::new(UnitNormalization::new().axis([1, 2])),
        "up_sampling1d" => Box::new(UpSampling1d::new(3)),
        "up_sampling2d" => Box::new(UpSampling2d::new((2, 3))),
        "zero_padding1d" => Box::new(ZeroPadding1d::new([1, 2])),
        "average_pool2d" => Box::new(AveragePool2d::new(2)),
        "average_pool2d-same" => Box::new(AveragePool2d::new((3, 2)).strides((2, 1)).padding(Padding::Same)),
        "concatenate" => Box::new(Concatenate::new()),
        "concatenate-1" => Box::new(Concatenate::new().axis(1)),
        "conv2d-dilated" => Box::new(Conv2d::new(4, (3, 2)).padding(Padding::Same).dilation_rate((2, 3))),
        "conv2d-grouped" => {
            let layer = Conv2d::new(6, (2, 3)).strides((2, 1)).groups(2);
            Box::new(layer.activation(Activation::Relu))
        }
        "dense" => Box::new(Dense::new(4)),
        "dense-1" => Box::new(Dense::new(3).activation(Activation::Softmax)),
        "dense-2" => Box::new(Dense::new(3).activation(Activation::Tanh).use_bias(false)),
        "dense-gelu" => Box::new(Dense::new(4).activation(Activation::Gelu)),
        "elu" => Box::new(Elu::new().alpha(0.5)),
        "embedding" => Box::new(Embedding::new(5, 3)),
        "global_average_pool2d" => Box::new(GlobalAveragePool2d::new()),
        "global_max_pool2d" => Box::new(GlobalMaxPool2d::new()),
        "layer_norm" => Box::new(LayerNorm::new()),
        "layer_norm-1" => Box::new(LayerNorm::new().epsilon(1e-5).center(false)),
        "layer_norm-2" => Box::new(LayerNorm::new().scale(false)),
        "layer_norm-3" => Box::new(LayerNorm::new().axis([1, 2])),
        "layer_norm-4" => Box::new(LayerNorm::new().axis(1).center(false)),
        "leaky_relu" => Box::new(LeakyRelu::new()),
        "max_pool2d-same" => Box::new(MaxPool2d::new(2).padding(Padding::Same)),
        "softmax" => Box::new(Softmax::new().axis(1)),
        "softmax-1" => Box::new(Softmax::new().axis([1, 2])),
        "conv3d" => Box::new(Conv3d::new(4, (2, 3, 2))),
        "conv3d-1" => {
            let layer = Conv3d::new(4, 3).strides((2, 1, 2)).padding(Padding::Same).groups(2);
            Box::new(layer.activation(Activation::Tanh))
        }
        "conv3d-dilated" => {
            let layer = Conv3d::new(2, 2).padding(Padding::Same).dilation_rate((2, 1, 2));
            Box::new(layer.use_bias(false))
        }
        "conv3d_transpose" => Box::new(Conv3dTranspose::new(3, (2, 3, 2))),
        "conv3d_transpose-1" => {
            let layer = Conv3dTranspose::new(2, 3).strides(2).padding(Padding::Same);
            Box::new(layer.activation(Activation::Relu))
        }
        "conv3d_transpose-2" => Box::new(Conv3dTranspose::new(2, 2).strides((3, 1, 2)).use_bias(false)),
        "max_pool3d" => Box::new(MaxPool3d::new(2)),
        "max_pool3d-same" => Box::new(MaxPool3d::new((3, 2, 2)).strides((2, 1, 2)).padding(Padding::Same)),
        "average_pool3d" => Box::new(AveragePool3d::new((1, 2, 3))),
        "average_pool3d-same" => Box::new(AveragePool3d::new((3, 2, 2)).strides((2, 1, 2)).padding(Padding::Same)),
        "global_max_pool3d" => Box::new(GlobalMaxPool3d::new()),
        "global_average_pool3d" => Box::new(GlobalAveragePool3d::new().keepdims(true)),
        "adaptive_average_pool1d" => Box::new(AdaptiveAveragePool1d::new(3)),
        "adaptive_average_pool2d" => Box::new(AdaptiveAveragePool2d::new((2, 5))),
        "adaptive_average_pool3d" => Box::new(AdaptiveAveragePool3d::new((2, 3, 4))),
        "adaptive_max_pool1d" => Box::new(AdaptiveMaxPool1d::new(3)),
        "adaptive_max_pool2d" => Box::new(AdaptiveMaxPool2d::new((2, 3))),
        "adaptive_max_pool3d" => Box::new(AdaptiveMaxPool3d::new((2, 3, 2))),
        "up_sampling3d" => Box::new(UpSampling3d::new((1, 2, 3))),
        "cropping3d" => Box::new(Cropping3d::new([[1, 0], [0, 2], [1, 1]])),
        "zero_padding3d" => Box::new(ZeroPadding3d::new([[1, 0], [0, 2], [1, 1]])),
        "zero_padding2d" => Box::new(ZeroPadding2d::default()),
        "zero_padding2d-1" => Box::new(ZeroPadding2d::new(((1, 0), (2, 3)))),
        "bidirectional" => Box::new(Bidirectional::new(Gru::new(3))),
        "bidirectional-masked" => {
            Box::new(Bidirectional::new(Lstm::new(2).return_sequences(true)).merge_mode(MergeMode::Sum))
        }
        "bidirectional-masked_last" => Box::new(Bidirectional::new(SimpleRnn::new(2)).merge_mode(MergeMode::Mul)),
        "bidirectional-states" => {
            Box::new(Bidirectional::new(Lstm::new(2).return_state(true)).merge_mode(MergeMode::Ave))
        }
        "bidirectional-separate" => {
            Box::new(Bidirectional::new(Gru::new(2).return_sequences(true)).merge_mode(MergeMode::Separate))
        }
        "bidirectional-two" => {
            Box::new(Bidirectional::new(Lstm::new(2)).backward_layer(Gru::new(3).go_backwards(true)))
        }
        "conv_lstm2d" => Box::new(ConvLstm2d::new(2, (2, 3)).padding(Padding::Same).strides((2, 1)).return_state(true)),
        "conv_lstm2d-sequences" => Box::new(ConvLstm2d::new(2, 2).return_sequences(true).go_backwards(true)),
        "conv_lstm2d-dilated" => Box::new(ConvLstm2d::new(2, 2).dilation_rate(2).use_bias(false)),
        "time_distributed" => Box::new(TimeDistributed::new(Dense::new(4).activation(Activation::Tanh))),
        "gru-activations" => {
            Box::new(Gru::new(3).activation(Activation::Softsign).recurrent_activation(Activation::Softmax))
        }
        "lstm-activations" => {
            Box::new(Lstm::new(3).activation(Activation::Gelu).recurrent_activation(Activation::HardSigmoid))
        }
        "lstm-more_activations" => {
            Box::new(Lstm::new(3).activation(Activation::HardTanh).recurrent_activation(Activation::SparseSigmoid))
        }
        "simple_rnn-activations" => Box::new(SimpleRnn::new(3).activation(Activation::Elu)),
        recurrent if recurrent_class(recurrent).is_some() => recurrent_layer(recurrent),
        other => {
            let name = other.strip_prefix("activation-").unwrap_or_else(|| panic!("{other} is not compared"));
            Box::new(Spec::new("Activation").with("activation", name).make::<Activation>().unwrap())
        }
    }
}

/// The class of a recurrent layer, and the rest of the name of its case.
fn recurrent_class(case: &str) -> Option<(Spec, &str)> {
    let classes = [
        ("simple_rnn", SimpleRnn::new(4).spec()),
        ("lstm", Lstm::new(3).spec()),
        ("gru-before", Gru::new(3).reset_after(false).spec()),
        ("gru", Gru::new(3).spec()),
    ];
    classes.into_iter().find_map(|(name, spec)| Some((spec, case.strip_prefix(name)?)))
}

fn recurrent_layer(case: &str) -> Box<dyn Layer> {
    let (spec, options) = recurrent_class(case).expect("a recurrent layer");
    let flags: &[(&'static str, bool)] = match options {
        "" => &[],
        "-sequences" | "-masked_backwards" => &[("return_sequences", true), ("go_backwards", true)],
        "-masked" => &[("return_sequences", true)],
        "-zeros" => &[("return_sequences", true), ("zero_output_for_mask", true)],
        "-states" | "-masked_last" | "-masked_states" => &[("return_state", true)],
        "-one_step" => &[("use_bias", false)],
        other => panic!("{other} is not compared"),
    };
    let changed = |(name, value): &(Cow<'static, str>, SpecValue)| {
        let flag = flags.iter().find(|(flag, _)| flag == name);
        (name.clone(), flag.map_or_else(|| value.clone(), |(_, flag)| SpecValue::Bool(*flag)))
    };
    let settings = spec.settings().iter().map(changed);
    let spec = settings.fold(Spec::new(spec.class()), |spec, (name, value)| spec.with(name, value));
    BUILT_IN.make(&spec).unwrap()
}

/// The arrays of a case whose names are this prefix, optionally followed by a digit.
fn numbered(cases: &Cases, case: &str, prefix: &str) -> Vec<String> {
    let names = std::iter::once(prefix.to_owned()).chain((0..9).map(|number| format!("{prefix}{number}")));
    names.filter(|name| cases.contains(&format!("{case}/{name}"))).collect()
}

#[test]
fn layers() {
    for file in ["layers.txt", "recurrent.txt"] {
        let cases = load(file);
        for case in cases.cases() {
            [Mode::Training, Mode::Inference].into_iter().for_each(|mode| check(&cases, case, mode));
        }
    }
}

fn check(cases: &Cases, case: &str, mode: Mode) {
    let array = |name: &str| cases.array(&format!("{case}/{name}"));
    let shape = |name: &str| Shape::new(array(name).shape()).unwrap();
    let (layer, names) = (layer(case), numbered(cases, case, "x"));
    let samples: Vec<Shape> = names.iter().map(|name| shape(name).sample()).collect();
    let mut params = Params::new();
    let mut weights = Weights::new(&mut params, case, Source::Init(Key::from_seed(1)));
    layer.build(&samples, &mut weights).unwrap();
    let ids = weights.into_ids();
    let weights = numbered(cases, case, "w");
    assert_eq!(ids.len(), weights.len(), "{case}");
    ids.iter().zip(&weights).for_each(|(id, name)| params.get_mut(*id).assign(array(name)));

    let recorder = Recorder::new(mode);
    let mut inputs: Vec<Var<'_>> = names.iter().map(|name| recorder.variable(shape(name))).collect();
    let mask = cases.contains(&format!("{case}/mask")).then(|| recorder.input(shape("mask")));
    inputs[0] = mask.map_or(inputs[0], |mask| inputs[0].with_mask(mask));
    let outputs = layer.record(&mut Cursor::new(&recorder, &params, &ids), &inputs);
    let y = if let [y] = outputs[..] { y } else { outputs[0].concatenate(&outputs[1..], -1) };
    let mask = mask.map(|mask| mask.id());
    let r = recorder.input(y.shape());
    recorder.minimize((y * r).sum());
    let inputs: Vec<_> = inputs.iter().map(Var::id).collect();
    let (y, r) = (y.id(), r.id());
    let mut tape = recorder.finish().unwrap();
    inputs.iter().zip(&names).for_each(|(id, name)| tape.input_mut(*id).assign(array(name)));
    tape.input_mut(r).assign(array("r"));
    mask.iter().for_each(|id| tape.input_mut(*id).assign(array("mask")));
    let mut gradients = ParamGradients::new(&params);
    tape.run(&params, Key::from_seed(0)).unwrap();
    tape.backward(&params, &mut gradients);
    assert_close(&format!("{case}/y"), tape.value(y), array("y").view(), NEAR);
    // Indices have no gradient in the file.
    for (id, name) in inputs.iter().zip(&names).filter(|_| case != "embedding") {
        let Some(found) = tape.gradient(*id) else { panic!("{case}: no gradient of {name}") };
        assert_close(&format!("{case}/d{name}"), found, array(&format!("d{name}")).view(), NEAR);
    }
    for (id, name) in ids.iter().zip(&weights) {
        let found = gradients.get(*id).unwrap();
        assert_close(&format!("{case}/d{name}"), found, array(&format!("d{name}")).view(), NEAR);
    }
}
