//! Conversion of nodes with weights: matrix products, convolutions, normalizations and embeddings.

use super::{Builder, Built, is_onnx_order};
use crate::formats::onnx::check::Fact;
use crate::formats::onnx::constant::Constant;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::operators::window::Window;
use crate::formats::onnx::order;
use crate::formats::onnx::tensor::Tensor;
use crate::formats::permuted::permuted;
use crate::layers::{
    BatchNorm, Conv1d, Conv2d, Conv3d, Dense, DepthwiseConv1d, DepthwiseConv2d, Embedding, GroupNormalization, Layer,
    LayerNorm, Normalization, PRelu, ZeroPadding1d, ZeroPadding2d, ZeroPadding3d,
};
use crate::ops::Padding;
use std::sync::Arc;

impl Builder<'_> {
    pub(super) fn gemm(&mut self, node: &Node) -> Option<()> {
        let plain = node.integer("transA", 0).ok()? == 0 && node.number("alpha", 1.0).ok()? == 1.0;
        if !plain || node.number("beta", 1.0).ok()? != 1.0 {
            return None;
        }
        let kernel = self.weight(node, 1)?;
        let kernel = if node.integer("transB", 0).ok()? == 0 { kernel.clone() } else { kernel.transposed(&[1, 0]) };
        let bias = if Self::has(node, 2) { Some(self.weight(node, 2)?.clone()) } else { None };
        self.dense(node, &kernel, bias.as_ref())
    }

    pub(super) fn matmul(&mut self, node: &Node) -> Option<()> {
        // The constants of nodes are not trained, unlike the kernel of a layer.
        let Fact::Constant(_, Constant { learned: true, .. }) = self.checked.facts.get(node.inputs.get(1)?)? else {
            return None;
        };
        let kernel = self.weight(node, 1)?.clone();
        self.dense(node, &kernel, None)
    }

    fn dense(&mut self, node: &Node, kernel: &Tensor, bias: Option<&Tensor>) -> Option<()> {
        let (shape, order) = self.fact(node.inputs.first()?)?;
        let [features, units] = kernel.sizes[..] else { return None };
        if shape.rank() < 2 || !is_onnx_order(order) || bias.is_some_and(|bias| bias.len() != units) {
            return None;
        }
        let mut from = self.read(&node.inputs[0])?;
        let values = match from.flat.take() {
            Some(image) => channels_last(kernel.as_floats().ok()?, &image, units)?,
            None => kernel.as_floats().ok()?.to_vec(),
        };
        if values.len() != features * units {
            return None;
        }
        let mut arrays = vec![values];
        arrays.extend(bias.map(|bias| bias.as_floats().map(<[f32]>::to_vec)).transpose().ok()?);
        let layer = Built::Dense(Dense::new(units).use_bias(bias.is_some()));
        self.weighted(node, from, layer, arrays, bias.is_some())
    }

    /// Appends a layer to which an activation, and a bias if `biased` is false, can be added.
    pub(super) fn weighted(
        &mut self,
        node: &Node,
        from: super::LayerValue,
        layer: Built,
        arrays: Vec<Vec<f32>>,
        biased: bool,
    ) -> Option<()> {
        let value = self.built(layer, vec![from.value], arrays);
        self.steps.last_mut()?.biased = biased;
        let shape = self.fact(node.outputs.first()?)?.0.sample();
        self.set_output(node, super::LayerValue { value, shape, flat: None })
    }

    /// Converts a sum with a constant to the bias of the previous layer.
    pub(super) fn bias(&mut self, node: &Node) -> Option<()> {
        let side = usize::from(self.fact(node.inputs.first()?).is_some());
        let name = node.inputs.get(1 - side)?.clone();
        let place = self.places.get(&name)?.clone();
        let at = place.value.checked_sub(self.inputs.len())?;
        let bias = self.weight(node, side)?;
        let values = bias.as_floats().ok()?.to_vec();
        // A bias has one element per channel, which is the last axis of the output.
        let (shape, order) = self.fact(&name)?;
        let channel = *order.last()?;
        let wide = [vec![1; shape.rank().checked_sub(bias.sizes.len())?], bias.sizes.clone()].concat();
        let channels = wide.iter().enumerate().all(|(axis, size)| axis == channel || *size == 1);
        let unread = self.readers(&name) == 1;
        let step = self.steps.get_mut(at)?;
        if step.biased || !unread || !channels || wide.get(channel) != Some(&place.shape.last()) {
            return None;
        }
        let layer = std::mem::replace(&mut step.layer, Built::Finished(Arc::new(crate::layers::Flatten)));
        step.layer = layer.with_bias()?;
        step.arrays.push(values);
        step.biased = true;
        self.set_output(node, place)
    }

    /// Converts a convolution along one to three axes.
    pub(super) fn convolution(&mut self, node: &Node) -> Option<()> {
        let kernel = self.weight(node, 1)?.clone();
        let bias = if Self::has(node, 2) { Some(self.weight(node, 2)?.as_floats().ok()?.to_vec()) } else { None };
        let [filters, _, ref extent @ ..] = kernel.sizes[..] else { return None };
        let rank = extent.len() + 2;
        let mut from = self.in_order(node.inputs.first()?, &order::channels_last(rank))?;
        let (image, channels) = (from.shape.sizes()[..rank - 2].to_vec(), from.shape.last());
        let windows = Window::read(node, &image, extent).ok()?;
        let padded = windows.iter().any(|window| window.pads != [0, 0]);
        let padding = if padded && windows.iter().all(Window::is_same) { Padding::Same } else { Padding::Valid };
        if padded && padding == Padding::Valid {
            let layer: Arc<dyn Layer> = match windows[..] {
                [steps] => Arc::new(ZeroPadding1d::new(steps.pads)),
                [rows, columns] => Arc::new(ZeroPadding2d::new([rows.pads, columns.pads])),
                [planes, rows, columns] => Arc::new(ZeroPadding3d::new([planes.pads, rows.pads, columns.pads])),
                _ => return None,
            };
            from.value = self.step(layer, vec![from.value]);
        }
        let groups = usize::try_from(node.integer("group", 1).ok()?).ok()?;
        let depthwise = groups == channels && channels > 1 && filters.is_multiple_of(channels);
        let biased = bias.is_some();
        let layer = match windows[..] {
            [steps] if depthwise => Built::DepthwiseConv1d(
                DepthwiseConv1d::new(steps.kernel)
                    .strides(steps.stride)
                    .dilation_rate(steps.dilation)
                    .depth_multiplier(filters / channels)
                    .padding(padding)
                    .use_bias(biased),
            ),
            [steps] => Built::Conv1d(
                Conv1d::new(filters, steps.kernel)
                    .strides(steps.stride)
                    .dilation_rate(steps.dilation)
                    .groups(groups)
                    .padding(padding)
                    .use_bias(biased),
            ),
            [rows, columns] if depthwise => Built::DepthwiseConv2d(
                DepthwiseConv2d::new((rows.kernel, columns.kernel))
                    .strides([rows.stride, columns.stride])
                    .dilation_rate([rows.dilation, columns.dilation])
                    .depth_multiplier(filters / channels)
                    .padding(padding)
                    .use_bias(biased),
            ),
            [rows, columns] => Built::Conv2d(
                Conv2d::new(filters, (rows.kernel, columns.kernel))
                    .strides([rows.stride, columns.stride])
                    .dilation_rate([rows.dilation, columns.dilation])
                    .groups(groups)
                    .padding(padding)
                    .use_bias(biased),
            ),
            [planes, rows, columns] => {
                let axes = [planes, rows, columns];
                let layer = Conv3d::new(filters, axes.map(|axis| axis.kernel)).strides(axes.map(|axis| axis.stride));
                let layer = layer.dilation_rate(axes.map(|axis| axis.dilation)).groups(groups).padding(padding);
                Built::Conv3d(layer.use_bias(biased))
            }
            _ => return None,
        };
        let order: Vec<usize> = (2..rank).chain([1, 0]).collect();
        let arrays = [Some(kernel.transposed(&order).as_floats().ok()?.to_vec()), bias];
        self.weighted(node, from, layer, arrays.into_iter().flatten().collect(), biased)
    }

    /// Converts a normalization of groups of channels, or of each channel.
    pub(super) fn group_norm(&mut self, node: &Node) -> Option<()> {
        let rank = self.fact(node.inputs.first()?)?.0.rank();
        let from = self.in_order(&node.inputs[0], &order::channels_last(rank))?;
        if from.flat.is_some() {
            return None;
        }
        let groups = if node.operator == "InstanceNormalization" { -1 } else { node.integer("num_groups", 0).ok()? };
        let layer = GroupNormalization::new(isize::try_from(groups).ok()?).epsilon(node.number("epsilon", 1e-5).ok()?);
        let arrays = [self.weight(node, 1)?, self.weight(node, 2)?].map(|array| array.as_floats().map(<[f32]>::to_vec));
        let [scale, bias] = arrays;
        self.apply(node, &from, layer, vec![scale.ok()?, bias.ok()?])
    }

    /// Converts a rectifier with learned slopes.
    pub(super) fn prelu(&mut self, node: &Node) -> Option<()> {
        let (shape, storage_order) = self.fact(node.inputs.first()?)?;
        let from = self.read(&node.inputs[0])?;
        let slopes = self.weight(node, 1)?;
        let missing = shape.rank().checked_sub(slopes.sizes.len())?;
        let slopes = slopes.reshaped([&vec![1; missing][..], &slopes.sizes].concat()).ok()?.transposed(storage_order);
        if storage_order[0] != 0 || slopes.sizes[0] != 1 || from.flat.is_some() {
            return None;
        }
        let shared: Vec<usize> = (1..shape.rank()).filter(|axis| slopes.sizes[*axis] != shape.axis(*axis)).collect();
        if shared.iter().any(|axis| slopes.sizes[*axis] != 1) {
            return None;
        }
        let layer = if shared.is_empty() { PRelu::new() } else { PRelu::new().shared_axes(shared) };
        self.apply(node, &from, layer, vec![slopes.as_floats().ok()?.to_vec()])
    }

    pub(super) fn batch_norm(&mut self, node: &Node) -> Option<()> {
        let (epsilon, momentum) = (node.number("epsilon", 1e-5).ok()?, node.number("momentum", 0.9).ok()?);
        let rank = self.fact(node.inputs.first()?)?.0.rank();
        let from = self.in_order(&node.inputs[0], &order::channels_last(rank))?;
        let mut arrays = Vec::new();
        for input in 1..5 {
            // Statistics are not tied to a weight with the same initializer, such as ones.
            let array = if input < 3 { self.weight(node, input)? } else { self.statistics(node, input)? };
            let values = array.as_floats().ok()?;
            arrays.push(match &from.flat {
                Some(image) => channels_last(values, image, 1)?,
                None => values.to_vec(),
            });
        }
        self.apply(node, &from, BatchNorm::new().epsilon(epsilon).momentum(momentum), arrays)
    }

    /// Running statistics, which are a constant of the file.
    fn statistics(&self, node: &Node, input: usize) -> Option<&'_ Tensor> {
        match self.checked.facts.get(node.inputs.get(input)?)? {
            Fact::Constant(_, constant) if !constant.computed => Some(&constant.tensor),
            _ => None,
        }
    }

    /// Converts a difference with a constant, which is divided by a constant, to a normalization of the last axis.
    pub(super) fn normalization(&mut self, node: &Node) -> Option<()> {
        let difference = node.inputs.first()?;
        let source = self.nodes.source(difference).filter(|source| source.operator == "Sub")?;
        let last = (self.inputs.len() + self.steps.len()).checked_sub(1)?;
        if self.readers(difference) != 1
            || self.read(difference)?.value != last
            || self.fact(&node.outputs[0]).is_none()
        {
            return None;
        }
        let from = self.read(source.inputs.first()?).filter(|from| from.flat.is_none())?;
        // The step of the difference is replaced, so it must still be the last one.
        if from.value >= last {
            return None;
        }
        let (shape, storage_order) = self.fact(&source.inputs[0])?;
        let (mean, deviation) = (self.constant_input(source, 1)?, self.constant_input(node, 1)?);
        let channels = from.shape.last();
        let by_channel = |constant: &Tensor| {
            let missing = shape.rank().checked_sub(constant.sizes.len())?;
            let wide = constant.reshaped([&vec![1; missing][..], &constant.sizes].concat()).ok()?;
            let wide = wide.transposed(storage_order);
            let (columns, rest) = wide.sizes.split_last()?;
            let values = wide.as_floats().ok()?;
            let fits = rest.iter().all(|size| *size == 1) && [1, channels].contains(columns);
            fits.then(|| if *columns == 1 { vec![values[0]; channels] } else { values.to_vec() })
        };
        let (mean, deviation) = (by_channel(mean)?, by_channel(deviation)?);
        // The root of the square of such a number is the number.
        let exact = |deviation: &f32| (Normalization::SMALLEST_DEVIATION..1e18).contains(deviation);
        if storage_order.first() != Some(&0) || shape.rank() < 2 || !deviation.iter().all(exact) {
            return None;
        }
        let variance = deviation.iter().map(|deviation| deviation * deviation).collect();
        self.steps.pop();
        self.apply(node, &from, Normalization::new().mean(mean).variance(variance), Vec::new())
    }

    pub(super) fn layer_norm(&mut self, node: &Node) -> Option<()> {
        let (shape, storage_order) = self.fact(node.inputs.first()?)?;
        let axis = order::axis(node.integer("axis", -1).ok()?, shape.rank()).ok()?;
        let from = self.read(&node.inputs[0])?;
        if axis + 1 != shape.rank() || !is_onnx_order(storage_order) || node.outputs.len() != 1 || from.flat.is_some() {
            return None;
        }
        let scale = self.weight(node, 1)?.as_floats().ok()?.to_vec();
        let bias = if Self::has(node, 2) { Some(self.weight(node, 2)?.as_floats().ok()?.to_vec()) } else { None };
        let layer = LayerNorm::new().epsilon(node.number("epsilon", 1e-5).ok()?).center(bias.is_some());
        self.apply(node, &from, layer, [Some(scale), bias].into_iter().flatten().collect())
    }

    /// Whether indices are an input of the graph or the result of an arg-max. Other computed indices may be negative, which an
    /// `Embedding` rejects.
    fn is_given(&self, indices: &str) -> bool {
        match self.nodes.source(indices) {
            None => true,
            Some(source) => match source.operator.as_str() {
                "ArgMax" | "ArgMin" => true,
                "Cast" | "Identity" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Transpose" => {
                    source.inputs.first().is_some_and(|input| self.is_given(input))
                }
                _ => false,
            },
        }
    }

    pub(super) fn embedding(&mut self, node: &Node) -> Option<()> {
        let indices = node.inputs.get(1)?.clone();
        if !self.is_given(&indices) {
            return None;
        }
        let table = self.weight(node, 0)?.clone();
        let (_, storage_order) = self.fact(&indices)?;
        let ([rows, columns], true) = (&table.sizes[..], is_onnx_order(storage_order)) else { return None };
        let from = self.read(&indices)?;
        self.apply(node, &from, Embedding::new(*rows, *columns), vec![table.as_floats().ok()?.to_vec()])
    }
}

/// Permutes rows of `columns` numbers, one for each element of an image, from channels first to channels last.
fn channels_last(values: &[f32], image: &[usize], columns: usize) -> Option<Vec<f32>> {
    let sizes = [image, &[columns]].concat();
    let order: Vec<usize> = (1..image.len()).chain([0, image.len()]).collect();
    (values.len() == sizes.iter().product::<usize>()).then(|| permuted(values, &sizes, &order))
}
