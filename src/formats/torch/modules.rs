//! The PyTorch modules of a model's layers, and the mapping of their arrays.

use super::entry::{Entry, Second};
use crate::architecture::Architecture;
use crate::tape::Params;
use crate::{SampleShape, Shape, Spec, SpecValue};

/// Maps every array of a sequential model. The error lists the unsupported layers.
pub(super) fn entries(chain: &Architecture) -> Result<Vec<Entry>, Vec<String>> {
    let mut mapper = ModuleMapper { params: chain.params(), module: 0, flat: None, entries: Vec::new() };
    let mut unsupported = Vec::new();
    for (number, layer) in chain.layers().enumerate() {
        let (name, shapes) = (layer.name(), [number, number + 1].map(|value| chain.value_shape(value)));
        if let Err(problem) = mapper.layer(name, &layer.spec(), shapes) {
            unsupported.push(format!("layer \"{name}\" ({problem})"));
        }
    }
    if unsupported.is_empty() { Ok(mapper.entries) } else { Err(unsupported) }
}

struct ModuleMapper<'a> {
    params: &'a Params,
    /// The number of the next module.
    module: usize,
    /// The shape of the image that was flattened, until a layer with weights follows.
    flat: Option<Shape>,
    entries: Vec<Entry>,
}

impl ModuleMapper<'_> {
    /// Adds the arrays of a layer that converts samples of shape `input` to samples of shape `output`.
    fn layer(&mut self, name: &str, spec: &Spec, [input, output]: [SampleShape; 2]) -> Result<(), String> {
        match spec.class() {
            "Dense" => self.dense(name, spec)?,
            "Conv2D" => self.conv2d(name, spec, input)?,
            "Conv2DTranspose" => self.conv2d_transpose(name, spec)?,
            "DepthwiseConv2D" => {
                self.asymmetric_padding(spec, input)?;
                self.depthwise(name, "kernel")?;
                self.bias_and_activation(name, spec)?;
            }
            "SeparableConv2D" => {
                self.asymmetric_padding(spec, input)?;
                self.depthwise(name, "depthwise_kernel")?;
                self.module += 1;
                let kernel = self.shape(name, "pointwise_kernel")?;
                let sizes = |sizes: &[usize]| sizes.to_vec();
                self.entry(name, ["pointwise_kernel", "weight"], kernel.sizes(), &[3, 2, 0, 1], sizes)?;
                self.bias_and_activation(name, spec)?;
            }
            "GroupNormalization" => {
                if ["center", "scale"].iter().any(|flag| setting(spec, flag) != Some(&SpecValue::Bool(true))) {
                    return Err("GroupNormalization without beta or gamma has no equivalent module".into());
                }
                self.vector(name, ["gamma", "weight"])?;
                self.vector(name, ["beta", "bias"])?;
            }
            "PReLU" => {
                let slopes = self.shape(name, "alpha")?;
                if slopes.len() != slopes.last() || self.flat.is_some() {
                    return Err("PReLU with other slopes than one for each channel has no equivalent module".into());
                }
                self.entry(name, ["alpha", "weight"], &[slopes.len()], &[0], |sizes| sizes.to_vec())?;
            }
            "BatchNormalization" => {
                let arrays = [
                    ["gamma", "weight"],
                    ["beta", "bias"],
                    ["moving_mean", "running_mean"],
                    ["moving_variance", "running_var"],
                ];
                let off = ["scale", "center", "axis"].into_iter().find(|option| setting(spec, option).is_some());
                if let Some(option) = off {
                    return Err(format!("BatchNormalization with {option} has no equivalent module"));
                }
                for names in arrays {
                    self.vector(name, names)?;
                }
            }
            "LayerNormalization" => self.layer_norm(name, spec, input)?,
            "Embedding" => {
                let table = self.shape(name, "embeddings")?;
                self.entry(name, ["embeddings", "weight"], table.sizes(), &[0, 1], |sizes| sizes.to_vec())?;
            }
            "Bidirectional" => self.bidirectional(name, spec)?,
            "SimpleRNN" | "LSTM" | "GRU" => self.recurrent(name, "", spec, false)?,
            "Flatten" => self.flat = input.fixed().filter(|image| image.rank() == 3),
            "Reshape" => self.reshape(input, output)?,
            // A module that pads with −∞ precedes the max pooling.
            "MaxPooling2D" if !symmetric(spec, "pool_size", input)? => self.module += 1,
            "AveragePooling2D" if !symmetric(spec, "pool_size", input)? => {
                return Err("AveragePooling2D with unequal padding on both sides has no equivalent module".into());
            }
            "GlobalAveragePooling2D" | "GlobalMaxPooling2D" => self.module += 1,
            "ReLU" if setting(spec, "threshold") != Some(&SpecValue::Float(0.0)) => {
                return Err("ReLU with a threshold has no equivalent module".into());
            }
            "Activation"
            | "ActivityRegularization"
            | "AlphaDropout"
            | "AveragePooling2D"
            | "Cropping2D"
            | "Dropout"
            | "ELU"
            | "Identity"
            | "LeakyReLU"
            | "MaxPooling2D"
            | "ReLU"
            | "Softmax"
            | "UpSampling2D"
            | "ZeroPadding2D" => {}
            class => return Err(format!("{class} has no equivalent module")),
        }
        self.module += 1;
        Ok(())
    }

    /// Adds a kernel of shape units × features. The features of a flattened image are in PyTorch's order.
    fn dense(&mut self, name: &str, spec: &Spec) -> Result<(), String> {
        let kernel = self.shape(name, "kernel")?;
        let flat = |sizes: &[usize]| vec![sizes[0], sizes[1..].iter().product()];
        match self.flat.take() {
            Some(image) => {
                let view = [image.sizes(), &[kernel.last()]].concat();
                self.entry(name, ["kernel", "weight"], &view, &[3, 2, 0, 1], flat)?;
            }
            None => self.entry(name, ["kernel", "weight"], kernel.sizes(), &[1, 0], flat)?,
        }
        self.bias_and_activation(name, spec)
    }

    /// Counts the module that pads an image if the padding is not equal on both sides.
    fn asymmetric_padding(&mut self, spec: &Spec, input: SampleShape) -> Result<(), String> {
        if setting(spec, "strides") != Some(&SpecValue::UInts(vec![1, 1])) && !symmetric(spec, "kernel_size", input)? {
            self.module += 1;
        }
        Ok(())
    }

    /// Adds kernels of one channel each.
    fn depthwise(&mut self, name: &str, part: &str) -> Result<(), String> {
        let kernel = self.shape(name, part)?;
        let shaped = |sizes: &[usize]| vec![sizes[0] * sizes[1], 1, sizes[2], sizes[3]];
        self.entry(name, [part, "weight"], kernel.sizes(), &[2, 3, 0, 1], shaped)
    }

    fn conv2d_transpose(&mut self, name: &str, spec: &Spec) -> Result<(), String> {
        if setting(spec, "padding") == Some(&SpecValue::Str("same".into())) && setting(spec, "output_padding").is_none()
        {
            let sizes = |name: &str| match setting(spec, name) {
                Some(SpecValue::UInts(sizes)) => sizes.clone(),
                _ => vec![1, 1],
            };
            let (kernel, strides, dilation) = (sizes("kernel_size"), sizes("strides"), sizes("dilation_rate"));
            let cut = |axis: usize| ((kernel[axis] - 1) * dilation[axis] + 1).saturating_sub(strides[axis]);
            if cut(0) % 2 + cut(1) % 2 != 0 {
                return Err("Conv2DTranspose with unequal padding on both sides has no equivalent module".into());
            }
        }
        let kernel = self.shape(name, "kernel")?;
        self.entry(name, ["kernel", "weight"], kernel.sizes(), &[3, 2, 0, 1], |sizes| sizes.to_vec())?;
        self.bias_and_activation(name, spec)
    }

    fn conv2d(&mut self, name: &str, spec: &Spec, input: SampleShape) -> Result<(), String> {
        self.asymmetric_padding(spec, input)?;
        let kernel = self.shape(name, "kernel")?;
        self.entry(name, ["kernel", "weight"], kernel.sizes(), &[3, 2, 0, 1], |sizes| sizes.to_vec())?;
        self.bias_and_activation(name, spec)
    }

    /// Adds the bias, and counts the module of the activation.
    fn bias_and_activation(&mut self, name: &str, spec: &Spec) -> Result<(), String> {
        if setting(spec, "use_bias") == Some(&SpecValue::Bool(true)) {
            self.vector(name, ["bias", "bias"])?;
        }
        if setting(spec, "activation") != Some(&SpecValue::Str("linear".into())) {
            self.module += 1;
        }
        Ok(())
    }

    fn bidirectional(&mut self, name: &str, spec: &Spec) -> Result<(), String> {
        let Some(SpecValue::Nested(layer)) = setting(spec, "layer") else { return Ok(()) };
        if setting(spec, "merge_mode") != Some(&SpecValue::Str("concat".into())) {
            return Err("Bidirectional has an equivalent module only with merge_mode=concat".into());
        }
        if let Some(SpecValue::Nested(backward)) = setting(spec, "backward_layer") {
            let others = |spec: &Spec| {
                let kept = |(name, _): &&(_, _)| *name != "go_backwards" && *name != "zero_output_for_mask";
                spec.settings().iter().filter(kept).cloned().collect::<Vec<_>>()
            };
            if layer.class() != backward.class() || others(layer) != others(backward) {
                return Err("Bidirectional of two different layers has no equivalent module".into());
            }
        }
        self.recurrent(name, "forward_layer/", layer, false)?;
        self.recurrent(name, "backward_layer/", layer, true)
    }

    /// Adds the arrays of one direction of a recurrent layer, whose names in the model have a prefix.
    fn recurrent(&mut self, layer: &str, prefix: &str, spec: &Spec, reverse: bool) -> Result<(), String> {
        let class = spec.class();
        let differs = |name: &str, expected: &[SpecValue]| {
            let value = setting(spec, name)?;
            (!expected.contains(value)).then(|| format!("{class} with {name}={value} has no equivalent module"))
        };
        let word = |word: &str| SpecValue::Str(word.into());
        let relu = if class == "SimpleRNN" { word("relu") } else { word("tanh") };
        let problem = differs("activation", &[word("tanh"), relu])
            .or_else(|| differs("recurrent_activation", &[word("sigmoid")]))
            .or_else(|| differs("reset_after", &[SpecValue::Bool(true)]))
            .or_else(|| differs("go_backwards", &[SpecValue::Bool(false)]));
        if let Some(problem) = problem {
            return Err(problem);
        }
        self.flat = None;
        let exchanged =
            (class == "GRU").then(|| self.shape(layer, &format!("{prefix}recurrent_kernel"))).transpose()?;
        let exchanged = exchanged.map(|shape| shape.axis(0));
        let suffix = if reverse { "l0_reverse" } else { "l0" };
        for (own, torch) in [("kernel", "weight_ih"), ("recurrent_kernel", "weight_hh")] {
            let (own, torch) = (format!("{prefix}{own}"), format!("{torch}_{suffix}"));
            let shape = self.shape(layer, &own)?;
            self.entry(layer, [&own, &torch], shape.sizes(), &[1, 0], |sizes| sizes.to_vec())?;
            self.last_entry(None, exchanged);
        }
        if setting(spec, "use_bias") == Some(&SpecValue::Bool(true)) {
            let (own, torch) = (format!("{prefix}bias"), format!("bias_ih_{suffix}"));
            let shape = self.shape(layer, &own)?;
            self.entry(layer, [&own, &torch], &[shape.len()], &[0], |_| vec![shape.last()])?;
            let relation = if class == "GRU" { Second::Below } else { Second::Added };
            self.last_entry(Some((format!("{}.bias_hh_{suffix}", self.module), relation)), exchanged);
        }
        Ok(())
    }

    /// Completes the last entry, of a recurrent layer.
    fn last_entry(&mut self, second: Option<(String, Second)>, exchanged: Option<usize>) {
        if let Some(entry) = self.entries.last_mut() {
            (entry.second, entry.exchanged) = (second, exchanged);
        }
    }

    /// Adds the arrays of a normalization of the last axis.
    fn layer_norm(&mut self, name: &str, spec: &Spec, input: SampleShape) -> Result<(), String> {
        if let Some(axis) = setting(spec, "axis") {
            return Err(format!("LayerNormalization with axis={axis} has no equivalent module"));
        }
        if input.rank() == 3 {
            return Err("LayerNormalization of the channels of images, which are not the last axis in PyTorch".into());
        }
        let has = |name: &str| setting(spec, name) == Some(&SpecValue::Bool(true));
        if has("center") && !has("scale") {
            return Err("LayerNormalization with beta and without gamma".into());
        }
        for (setting, names) in [("scale", ["gamma", "weight"]), ("center", ["beta", "bias"])] {
            if has(setting) {
                self.vector(name, names)?;
            }
        }
        Ok(())
    }

    /// Adds an array with one element per channel, or per element of a flattened image.
    fn vector(&mut self, name: &str, names: [&str; 2]) -> Result<(), String> {
        let shape = self.shape(name, names[0])?;
        let flat = |sizes: &[usize]| vec![sizes.iter().product()];
        match self.flat.filter(|image| image.len() == shape.len()) {
            Some(image) => self.entry(name, names, image.sizes(), &[2, 0, 1], flat),
            None => self.entry(name, names, shape.sizes(), &[0], flat),
        }
    }

    /// Checks that a reshape is independent of the axis order: the images have a single channel.
    fn reshape(&mut self, input: SampleShape, output: SampleShape) -> Result<(), String> {
        let one_channel = |shape: SampleShape| shape.rank() != 3 || shape.last() == Some(1);
        if self.flat.is_none() && one_channel(input) && one_channel(output) {
            return Ok(());
        }
        Err(format!(
            "Reshape from {input} to {output} depends on the axis order of images, which is channels first in PyTorch"
        ))
    }

    fn shape(&self, layer: &str, array: &str) -> Result<Shape, String> {
        let id = self.params.id(&format!("{layer}/{array}")).map_err(|error| error.to_string())?;
        Ok(self.params.shape(id))
    }

    /// Adds an array that is reshaped to `view` and whose axes are permuted by `order`. `shaped` computes the shape in
    /// PyTorch.
    fn entry(
        &mut self,
        layer: &str,
        [own, torch]: [&str; 2],
        view: &[usize],
        order: &[usize],
        shaped: impl FnOnce(&[usize]) -> Vec<usize>,
    ) -> Result<(), String> {
        let permuted: Vec<usize> = order.iter().map(|axis| view[*axis]).collect();
        let shape = Shape::new(&shaped(&permuted)).map_err(|error| error.to_string())?;
        let (own, torch) = (format!("{layer}/{own}"), format!("{}.{torch}", self.module));
        let (view, order) = (view.to_vec(), order.to_vec());
        self.entries.push(Entry { own, torch, second: None, view, order, shape, exchanged: None });
        Ok(())
    }
}

fn setting<'a>(spec: &'a Spec, name: &str) -> Option<&'a SpecValue> {
    spec.settings().iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// Whether the padding is equal on both sides of an image. The error says that it depends on the size of an open axis.
fn symmetric(spec: &Spec, window: &str, image: SampleShape) -> Result<bool, String> {
    let sizes = |name: &str| match setting(spec, name) {
        Some(SpecValue::UInts(sizes)) => sizes.clone(),
        _ => vec![1, 1],
    };
    let (kernel, strides, dilation) = (sizes(window), sizes("strides"), sizes("dilation_rate"));
    let is_even = |axis: usize| {
        let reach = (kernel[axis] - 1) * dilation[axis] + 1;
        let even = |size: usize| {
            ((size.div_ceil(strides[axis]) - 1) * strides[axis] + reach).saturating_sub(size).is_multiple_of(2)
        };
        match image.sizes().get(axis).copied().flatten() {
            Some(size) => Ok(even(size)),
            None if strides[axis] == 1 => Ok(even(reach)),
            None => Err("its padding depends on the size of an open axis, which has no equivalent module".to_owned()),
        }
    };
    Ok(setting(spec, "padding") != Some(&SpecValue::Str("same".into())) || (is_even(0)? && is_even(1)?))
}
