//! Conversion of transposed convolutions.

use super::{Builder, Built};
use crate::formats::onnx::node::Node;
use crate::formats::onnx::operators::window::TransposedWindow;
use crate::formats::onnx::order;
use crate::layers::{Conv1dTranspose, Conv2dTranspose, Conv3dTranspose};
use crate::ops::Padding;

impl Builder<'_> {
    /// Converts a transposed convolution along one to three axes.
    pub(super) fn transposed_convolution(&mut self, node: &Node) -> Option<()> {
        let kernel = self.weight(node, 1)?.clone();
        let bias = if Self::has(node, 2) { Some(self.weight(node, 2)?.as_floats().ok()?.to_vec()) } else { None };
        let [_, filters, ref extent @ ..] = kernel.sizes[..] else { return None };
        let rank = extent.len() + 2;
        let from = self.in_order(node.inputs.first()?, &order::channels_last(rank))?;
        let image = from.shape.sizes()[..rank - 2].to_vec();
        let windows = TransposedWindow::read(node, &image, extent).ok()?;
        if from.flat.is_some() || node.integer("group", 1).ok()? != 1 {
            return None;
        }
        let biased = bias.is_some();
        let (padding, added) = match transposed_padding(&windows, &image, extent) {
            Some((padding, added)) => (padding, Some(added)),
            None if is_same_by_default(&windows, &image, extent) => (Padding::Same, None),
            None => return None,
        };
        let layer = match windows[..] {
            [steps] => {
                let layer =
                    Conv1dTranspose::new(filters, extent[0]).strides(steps.stride).dilation_rate(steps.dilation);
                let layer = layer.padding(padding).use_bias(biased);
                Built::Conv1dTranspose(match added {
                    Some(added) => layer.output_padding(added[0]),
                    None => layer,
                })
            }
            [rows, columns] => {
                let layer = Conv2dTranspose::new(filters, (extent[0], extent[1]));
                let layer = layer.strides([rows.stride, columns.stride]);
                let layer = layer.dilation_rate([rows.dilation, columns.dilation]).padding(padding).use_bias(biased);
                Built::Conv2dTranspose(match added {
                    Some(added) => layer.output_padding([added[0], added[1]].into()),
                    None => layer,
                })
            }
            [planes, rows, columns] => {
                let axes = [planes, rows, columns];
                let layer = Conv3dTranspose::new(filters, [extent[0], extent[1], extent[2]]);
                let layer = layer.strides(axes.map(|axis| axis.stride)).dilation_rate(axes.map(|axis| axis.dilation));
                let layer = layer.padding(padding).use_bias(biased);
                Built::Conv3dTranspose(match added {
                    Some(added) => layer.output_padding([added[0], added[1], added[2]].into()),
                    None => layer,
                })
            }
            _ => return None,
        };
        let order: Vec<usize> = (2..rank).chain([1, 0]).collect();
        let arrays = [Some(kernel.transposed(&order).as_floats().ok()?.to_vec()), bias];
        self.weighted(node, from, layer, arrays.into_iter().flatten().collect(), biased)
    }
}

/// The number of elements of an axis that the windows of a kernel reach.
fn reach(window: &TransposedWindow, extent: usize) -> usize {
    (extent - 1) * window.dilation + 1
}

/// The padding of a transposed convolution and the output padding of each axis, if the layer has both for these windows.
fn transposed_padding(
    windows: &[TransposedWindow],
    image: &[usize],
    extent: &[usize],
) -> Option<(Padding, Vec<usize>)> {
    let (mut padding, mut added) = (None, Vec::new());
    for (axis, window) in windows.iter().enumerate() {
        let reach = reach(window, extent[axis]);
        let (before_last, output) = ((image[axis] - 1) * window.stride, window.output);
        let valid = (window.cropping == 0).then(|| output.checked_sub(before_last + reach)).flatten();
        let cut = (before_last + reach).saturating_sub(output) / 2;
        let same = (window.cropping == cut).then(|| output.checked_sub(before_last + reach % 2)).flatten();
        let found = match (valid, same) {
            (Some(more), _) if more < window.stride && padding != Some(Padding::Same) => (Padding::Valid, more),
            (_, Some(more)) if more < window.stride && padding != Some(Padding::Valid) => (Padding::Same, more),
            _ => return None,
        };
        padding = Some(found.0);
        added.push(found.1);
    }
    Some((padding?, added))
}

/// Whether windows are those of a transposed convolution with `Padding::Same` and no output padding.
fn is_same_by_default(windows: &[TransposedWindow], image: &[usize], extent: &[usize]) -> bool {
    let mut axes = windows.iter().zip(image).zip(extent);
    axes.all(|((window, size), extent)| {
        let cut = reach(window, *extent).saturating_sub(window.stride);
        window.output == size * window.stride && window.cropping == cut / 2
    })
}
