//! Conversion of pooling.

use super::{Builder, LayerValue};
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::operators::window::{Window, sizes};
use crate::formats::onnx::order;
use crate::layers::{
    AveragePool1d, AveragePool2d, AveragePool3d, GlobalAveragePool1d, GlobalAveragePool2d, GlobalAveragePool3d,
    GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d, Layer, MaxPool1d, MaxPool2d, MaxPool3d,
};
use crate::ops::Padding;
use std::sync::Arc;

impl Builder<'_> {
    pub(super) fn pooling(&mut self, node: &Node) -> Option<()> {
        let rank = self.fact(node.inputs.first()?)?.0.rank();
        let from = self.in_order(&node.inputs[0], &order::channels_last(rank))?;
        let kernel = sizes(node, "kernel_shape", vec![]).ok()?;
        let windows = Window::read(node, &from.shape.sizes()[..rank.checked_sub(2)?], &kernel).ok()?;
        if windows.iter().any(|window| window.dilation != 1) || node.integer("ceil_mode", 0).ok()? != 0 {
            return None;
        }
        let padding = match &windows {
            valid if valid.iter().all(|window| window.pads == [0, 0]) => Padding::Valid,
            same if same.iter().all(Window::is_same) => Padding::Same,
            _ => return None,
        };
        let max = node.operator == "MaxPool";
        if !max && padding == Padding::Same && node.integer("count_include_pad", 0).ok()? != 0 {
            return None;
        }
        let layer: Arc<dyn Layer> = match (&windows[..], max) {
            ([steps], true) => Arc::new(MaxPool1d::new(steps.kernel).strides(steps.stride).padding(padding)),
            ([steps], false) => Arc::new(AveragePool1d::new(steps.kernel).strides(steps.stride).padding(padding)),
            ([rows, columns], true) => Arc::new(
                MaxPool2d::new([rows.kernel, columns.kernel]).strides([rows.stride, columns.stride]).padding(padding),
            ),
            ([rows, columns], false) => Arc::new(
                AveragePool2d::new([rows.kernel, columns.kernel])
                    .strides([rows.stride, columns.stride])
                    .padding(padding),
            ),
            (&[planes, rows, columns], max) => {
                let axes = [planes, rows, columns];
                let (window, strides) = (axes.map(|axis| axis.kernel), axes.map(|axis| axis.stride));
                match max {
                    true => Arc::new(MaxPool3d::new(window).strides(strides).padding(padding)),
                    false => Arc::new(AveragePool3d::new(window).strides(strides).padding(padding)),
                }
            }
            _ => return None,
        };
        self.apply(node, &from, layer, Vec::new())
    }

    /// Converts global pooling, whose output has no axes of size 1, unlike in ONNX.
    pub(super) fn global_pooling(&mut self, node: &Node) -> Option<()> {
        let rank = self.fact(node.inputs.first()?)?.0.rank();
        let from = self.in_order(&node.inputs[0], &order::channels_last(rank))?;
        if node.operator.starts_with("Reduce") {
            let given = node.integers("axes").ok()?.map(<[i64]>::to_vec);
            let known = self.constant_input(node, 1).and_then(|axes| axes.as_integers().ok()).map(<[i64]>::to_vec);
            let mut axes: Vec<usize> =
                given.or(known)?.iter().map(|axis| order::axis(*axis, rank)).collect::<Result<_, _>>().ok()?;
            axes.sort_unstable();
            axes.iter().copied().eq(2..rank).then_some(())?;
        }
        let mean = matches!(node.operator.as_str(), "GlobalAveragePool" | "ReduceMean");
        let layer: Arc<dyn Layer> = match (rank, mean) {
            (3, true) => Arc::new(GlobalAveragePool1d::new()),
            (3, false) => Arc::new(GlobalMaxPool1d::new()),
            (4, true) => Arc::new(GlobalAveragePool2d::new()),
            (4, false) => Arc::new(GlobalMaxPool2d::new()),
            (5, true) => Arc::new(GlobalAveragePool3d::new()),
            (5, false) => Arc::new(GlobalMaxPool3d::new()),
            _ => return None,
        };
        let value = self.step(layer, vec![from.value]);
        self.set_output(node, LayerValue { value, shape: Shape::from(from.shape.last()), flat: None })
    }
}
