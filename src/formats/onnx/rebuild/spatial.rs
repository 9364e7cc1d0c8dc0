//! Conversion of pooling and padding of images.

use super::{Builder, LayerValue};
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::operators::window::{Window, sizes};
use crate::formats::onnx::order;
use crate::layers::{AveragePool2d, GlobalAveragePool2d, GlobalMaxPool2d, MaxPool2d, ZeroPadding2d};
use crate::ops::Padding;
use std::sync::Arc;

impl Builder<'_> {
    pub(super) fn pooling(&mut self, node: &Node) -> Option<()> {
        let from = self.in_order(node.inputs.first()?, &order::channels_last(4))?;
        let kernel = sizes(node, "kernel_shape", vec![]).ok()?;
        let windows = Window::read(node, &[from.shape.axis(0), from.shape.axis(1)], &kernel).ok()?;
        let [rows, columns] = windows[..] else { return None };
        if windows.iter().any(|window| window.dilation != 1) || node.integer("ceil_mode", 0).ok()? != 0 {
            return None;
        }
        let padding = match &windows {
            valid if valid.iter().all(|window| window.pads == [0, 0]) => Padding::Valid,
            same if same.iter().all(Window::is_same) => Padding::Same,
            _ => return None,
        };
        let (size, strides) = ([rows.kernel, columns.kernel], [rows.stride, columns.stride]);
        if node.operator == "MaxPool" {
            let layer = MaxPool2d::new(size).strides(strides).padding(padding);
            return self.apply(node, &from, layer, Vec::new());
        }
        if padding == Padding::Same && node.integer("count_include_pad", 0).ok()? != 0 {
            return None;
        }
        self.apply(node, &from, AveragePool2d::new(size).strides(strides).padding(padding), Vec::new())
    }

    /// Converts global pooling, whose output has no axes of size 1, unlike in ONNX.
    pub(super) fn global_pooling(&mut self, node: &Node) -> Option<()> {
        let from = self.in_order(node.inputs.first()?, &order::channels_last(4))?;
        if node.operator.starts_with("Reduce") {
            let given = node.integers("axes").ok()?.map(<[i64]>::to_vec);
            let known = self.constant_input(node, 1).and_then(|axes| axes.as_integers().ok()).map(<[i64]>::to_vec);
            let mut axes: Vec<usize> =
                given.or(known)?.iter().map(|axis| order::axis(*axis, 4)).collect::<Result<_, _>>().ok()?;
            axes.sort_unstable();
            (axes == [2, 3]).then_some(())?;
        }
        let mean = matches!(node.operator.as_str(), "GlobalAveragePool" | "ReduceMean");
        let value = match mean {
            true => self.step(Arc::new(GlobalAveragePool2d), vec![from.value]),
            false => self.step(Arc::new(GlobalMaxPool2d), vec![from.value]),
        };
        self.set_output(node, LayerValue { value, shape: Shape::from(from.shape.last()), flat: None })
    }

    /// Converts zero padding of images.
    pub(super) fn zero_padding(&mut self, node: &Node) -> Option<()> {
        let (shape, storage_order) = self.fact(node.inputs.first()?)?;
        let from = self.read(&node.inputs[0])?;
        let pads = match self.constant_input(node, 1) {
            Some(pads) => pads.as_integers().ok()?.to_vec(),
            None => node.integers("pads").ok()??.to_vec(),
        };
        let value = match self.constant_input(node, 2) {
            Some(value) => *value.to_floats().first()?,
            None => node.number("value", 0.0).ok()?,
        };
        let constant = node.text("mode", "constant").ok()? == "constant";
        if shape.rank() != 4 || from.flat.is_some() || pads.len() != 8 || value != 0.0 || !constant {
            return None;
        }
        // In storage order: rows, height, width, channels.
        let pair = |axis: &usize| Some([usize::try_from(pads[*axis]).ok()?, usize::try_from(pads[axis + 4]).ok()?]);
        match storage_order.iter().map(pair).collect::<Option<Vec<_>>>()?[..] {
            [[0, 0], rows, columns, [0, 0]] if !Self::has(node, 3) => {
                self.apply(node, &from, ZeroPadding2d::new([rows, columns]), Vec::new())
            }
            _ => None,
        }
    }
}
