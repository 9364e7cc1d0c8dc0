//! A graph without branches as a chain of this library's own layers, where there is a layer for each of its nodes: such a
//! network has a summary, and goes to any other format.
//!
//! A product and the sum behind it are one `Dense`, and an activation becomes its setting. Where ONNX flattens an image
//! with its channels first, the weights behind are put into the order of one with its channels last.

use super::check::{Checked, Fact};
use super::graph::Nodes;
use super::node::Node;
use super::operators::window::{Window, sizes};
use super::order;
use super::tensor::Tensor;
use crate::layers::{Activation, BatchNorm, Conv2d, Dense, Dropout, Flatten, MaxPool2d, Reshape};
use crate::model::Sequential;
use crate::ops::Padding;
use crate::shape::Shape;
use ndarray::{ArrayView, IxDyn};

/// A chain, and the arrays of its layers in the order in which they declare them.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) network: Sequential,
    pub(super) arrays: Vec<Vec<f32>>,
}

/// The chain that a graph is, if it is one.
pub(super) fn chain(nodes: &Nodes, checked: &Checked, sample: Shape) -> Option<Chain> {
    let current = nodes.inputs.first()?.name.clone();
    let (network, arrays) = (Sequential::new(sample), Vec::new());
    let mut builder = Builder { nodes, checked, current, network, last: None, arrays, flat: None };
    for node in &nodes.nodes {
        let computed =
            node.outputs.first().is_some_and(|name| matches!(checked.facts.get(name), Some(Fact::Computed(..))));
        // What is known already says shapes; a sum may be a part of the product before it.
        if computed && node.outputs[0] != builder.current {
            builder.add(node)?;
        }
    }
    builder.finish()
}

/// A layer whose activation may still follow.
enum Last {
    Dense(Dense),
    Conv2d(Conv2d),
}

struct Builder<'a> {
    nodes: &'a Nodes,
    checked: &'a Checked,
    /// The value that the next node has to read.
    current: String,
    network: Sequential,
    last: Option<Last>,
    arrays: Vec<Vec<f32>>,
    /// ONNX' sizes of the image that was flattened, channels first, while the order of its elements matters.
    flat: Option<Vec<usize>>,
}

impl Builder<'_> {
    /// Adds a node that reads the current value and nothing else that is computed.
    fn add(&mut self, node: &Node) -> Option<()> {
        let computed = node.inputs.iter().filter(|name| self.fact(name).is_some());
        if node.inputs.first() != Some(&self.current) && node.operator != "Add" {
            return None;
        }
        let [only] = computed.collect::<Vec<_>>()[..] else { return None };
        if *only != self.current || self.readers() != 1 {
            return None;
        }
        self.current = node.outputs.first()?.clone();
        match node.operator.as_str() {
            "Identity" | "Cast" | "Transpose" => Some(()),
            "Dropout" => self.dropout(node),
            "Gemm" => self.gemm(node),
            "MatMul" => self.matmul(node),
            "Conv" => self.conv2d(node),
            "MaxPool" => self.pooling(node),
            "BatchNormalization" => self.batch_norm(node),
            "Relu" => self.activation(Activation::Relu),
            "Sigmoid" => self.activation(Activation::Sigmoid),
            "Tanh" => self.activation(Activation::Tanh),
            "Softmax" => self.softmax(node),
            "Flatten" | "Reshape" => self.reshape(node),
            _ => None,
        }
    }

    /// The shape and order of a computed value.
    fn fact(&self, name: &str) -> Option<(Shape, &[usize])> {
        match self.checked.facts.get(name)? {
            Fact::Computed(shape, order) => Some((*shape, order)),
            _ => None,
        }
    }

    /// How many nodes compute with the current value.
    fn readers(&self) -> usize {
        let computes = |node: &&Node| node.outputs.first().is_some_and(|name| self.fact(name).is_some());
        self.nodes.readers(&self.current).filter(computes).count()
    }

    fn known(&self, node: &Node, input: usize) -> Option<&Tensor> {
        match self.checked.facts.get(node.inputs.get(input)?)? {
            Fact::Known(_, constant) => Some(&constant.tensor),
            _ => None,
        }
    }

    fn dropout(&mut self, node: &Node) -> Option<()> {
        let rate = match self.known(node, 1) {
            Some(rate) => *rate.as_floats().ok()?.first()?,
            None => node.number("ratio", 0.5).ok()?,
        };
        if 0.0 < rate && rate < 1.0 {
            self.flush();
            self.network = self.network.clone().add(Dropout::new(rate));
        }
        Some(())
    }

    fn gemm(&mut self, node: &Node) -> Option<()> {
        self.fact(&node.inputs[0]).filter(|(shape, _)| shape.rank() == 2)?;
        let plain = node.integer("transA", 0).ok()? == 0 && node.number("alpha", 1.0).ok()? == 1.0;
        if !plain || node.number("beta", 1.0).ok()? != 1.0 {
            return None;
        }
        let kernel = self.known(node, 1)?;
        let kernel = if node.integer("transB", 0).ok()? == 0 { kernel.clone() } else { kernel.transposed(&[1, 0]) };
        let bias = match node.inputs.get(2).filter(|name| !name.is_empty()) {
            Some(_) => Some(self.known(node, 2)?.clone()),
            None => None,
        };
        self.dense(&kernel, bias.as_ref())
    }

    /// With the sum behind it, if there is one.
    fn matmul(&mut self, node: &Node) -> Option<()> {
        self.fact(&node.inputs[0]).filter(|(shape, _)| shape.rank() == 2)?;
        let kernel = self.known(node, 1)?.clone();
        let output = node.outputs.first()?;
        let add = self.nodes.readers(output).next().filter(|next| next.operator == "Add" && self.readers() == 1);
        let side = add.map(|add| usize::from(add.inputs.first() == Some(output)));
        let bias = add.zip(side).and_then(|(add, side)| self.known(add, side)).cloned();
        let units = *kernel.sizes.last()?;
        match (add, bias) {
            (Some(add), Some(bias)) if bias.len() == units && bias.sizes.last() == Some(&units) => {
                self.current = add.outputs.first()?.clone();
                self.dense(&kernel, Some(&bias))
            }
            _ => self.dense(&kernel, None),
        }
    }

    fn dense(&mut self, kernel: &Tensor, bias: Option<&Tensor>) -> Option<()> {
        let [features, units] = kernel.sizes[..] else { return None };
        let values = match self.flat.take() {
            Some(image) => channels_last(kernel.as_floats().ok()?, &image, units)?,
            None => kernel.as_floats().ok()?.to_vec(),
        };
        if values.len() != features * units || bias.is_some_and(|bias| bias.len() != units) {
            return None;
        }
        self.flush();
        self.last = Some(Last::Dense(Dense::new(units).use_bias(bias.is_some())));
        self.arrays.push(values);
        self.arrays.extend(bias.map(|bias| bias.as_floats().map(<[f32]>::to_vec)).transpose().ok()?);
        Some(())
    }

    fn conv2d(&mut self, node: &Node) -> Option<()> {
        let kernel = self.known(node, 1)?.clone();
        let (image, _) = self.fact(&node.inputs[0])?;
        let [filters, _, height, width] = kernel.sizes[..] else { return None };
        let windows = Window::read(node, &[image.axis(1), image.axis(2)], &[height, width]).ok()?;
        let [rows, columns] = windows[..] else { return None };
        let padding = match [rows, columns] {
            both if both.iter().all(|window| window.pads == [0, 0]) => Padding::Valid,
            both if both.iter().all(Window::is_same) => Padding::Same,
            _ => return None,
        };
        let bias = match node.inputs.get(2).filter(|name| !name.is_empty()) {
            Some(_) => Some(self.known(node, 2)?.as_floats().ok()?.to_vec()),
            None => None,
        };
        self.flush();
        let layer = Conv2d::new(filters, 1).kernel_size([height, width]).strides([rows.stride, columns.stride]);
        self.last = Some(Last::Conv2d(layer.padding(padding).use_bias(bias.is_some())));
        self.arrays.push(kernel.transposed(&[2, 3, 1, 0]).as_floats().ok()?.to_vec());
        self.arrays.extend(bias);
        Some(())
    }

    fn pooling(&mut self, node: &Node) -> Option<()> {
        let (image, _) = self.fact(&node.inputs[0])?;
        let kernel = sizes(node, "kernel_shape", vec![]).ok()?;
        let windows = Window::read(node, &[image.axis(1), image.axis(2)], &kernel).ok()?;
        let [rows, columns] = windows[..] else { return None };
        let plain = |window: &Window| window.pads == [0, 0] && window.dilation == 1;
        if !windows.iter().all(plain) || node.integer("ceil_mode", 0).ok()? != 0 {
            return None;
        }
        let layer = MaxPool2d::new(1).pool_size([rows.kernel, columns.kernel]).strides([rows.stride, columns.stride]);
        self.flush();
        self.network = self.network.clone().add(layer);
        Some(())
    }

    fn batch_norm(&mut self, node: &Node) -> Option<()> {
        let (epsilon, momentum) = (node.number("epsilon", 1e-5).ok()?, node.number("momentum", 0.9).ok()?);
        let mut arrays = Vec::new();
        for input in 1..5 {
            let values = self.known(node, input)?.as_floats().ok()?;
            arrays.push(match &self.flat {
                Some(image) => channels_last(values, image, 1)?,
                None => values.to_vec(),
            });
        }
        self.flush();
        self.network = self.network.clone().add(BatchNorm::new().epsilon(epsilon).momentum(momentum));
        self.arrays.append(&mut arrays);
        Some(())
    }

    /// Along the axis that lies last.
    fn softmax(&mut self, node: &Node) -> Option<()> {
        let (shape, order) = self.fact(&node.inputs[0])?;
        let (_, given) = self.fact(&self.current)?;
        let modern = node.version >= 13 || shape.rank() == 2;
        let axis = node.integer("axis", if node.version >= 13 { -1 } else { 1 }).ok()?;
        let axis = order::axis(axis, shape.rank()).ok()?;
        if !modern || order.last() != Some(&axis) || given != order || self.flat.is_some() {
            return None;
        }
        self.activation(Activation::Softmax)
    }

    fn activation(&mut self, activation: Activation) -> Option<()> {
        match self.last.take() {
            Some(Last::Dense(layer)) => self.network = self.network.clone().add(layer.activation(activation)),
            Some(Last::Conv2d(layer)) => self.network = self.network.clone().add(layer.activation(activation)),
            None => self.network = self.network.clone().add(activation),
        }
        Some(())
    }

    fn reshape(&mut self, node: &Node) -> Option<()> {
        let (from, order) = self.fact(&node.inputs[0])?;
        let (to, given) = self.fact(&self.current)?;
        let plain = |order: &[usize]| order.iter().enumerate().all(|(place, axis)| place == *axis);
        if from.axis(0) != to.axis(0) || !plain(given) || self.flat.is_some() {
            return None;
        }
        let (from, order) = (from.sample(), order.to_vec());
        let to = to.sample();
        self.flush();
        self.network =
            if to.rank() == 1 { self.network.clone().add(Flatten) } else { self.network.clone().add(Reshape::new(to)) };
        if plain(&order) || from.rank() == 1 {
            return Some(());
        }
        // Channels that lie last are flattened as if they were first.
        if to.rank() != 1 || order != order::channels_last(order.len()) {
            return None;
        }
        let (channels, image) = from.sizes().split_last()?;
        self.flat = Some([&[*channels], image].concat());
        Some(())
    }

    /// A layer whose activation did not follow.
    fn flush(&mut self) {
        match self.last.take() {
            Some(Last::Dense(layer)) => self.network = self.network.clone().add(layer),
            Some(Last::Conv2d(layer)) => self.network = self.network.clone().add(layer),
            None => {}
        }
    }

    fn finish(mut self) -> Option<Chain> {
        self.flush();
        let whole = self.current == self.nodes.outputs.first()?.name && self.flat.is_none() && !self.network.is_empty();
        whole.then_some(Chain { network: self.network, arrays: self.arrays })
    }
}

/// Rows of `columns` numbers for each element of an image, from its order with channels first to that with them last.
fn channels_last(values: &[f32], image: &[usize], columns: usize) -> Option<Vec<f32>> {
    let view = ArrayView::from_shape(IxDyn(&[image, &[columns]].concat()), values).ok()?;
    let order: Vec<usize> = (1..image.len()).chain([0, image.len()]).collect();
    Some(view.permuted_axes(order).iter().copied().collect())
}
