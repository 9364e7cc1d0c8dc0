//! Convolutions of volumes: of samples with three axes besides the channels.

use super::window::{TransposedWindow, Window};
use crate::Shape;
use crate::layers::{Conv3d, Conv3dTranspose, Declared, Layer, Padding};
use crate::tape::Var;

/// Records a convolution of volumes with channels last. The kernel has the shape of the weight of [`Conv3d`].
pub(super) fn convolve<'r>(
    x: Var<'r>,
    kernel: Var<'r>,
    bias: Option<Var<'r>>,
    windows: [Window; 3],
    groups: usize,
) -> Result<Var<'r>, String> {
    let layer = Conv3d::new(kernel.shape().last(), windows.map(|window| window.kernel)).groups(groups);
    let layer = layer.strides(windows.map(|window| window.stride)).use_bias(false);
    let layer = layer.dilation_rate(windows.map(|window| window.dilation));
    let pads = windows.map(|window| window.pads);
    let (x, layer) = match pads == [[0, 0]; 3] {
        true => (x, layer),
        false if windows.iter().all(Window::is_same) => (x, layer.padding(Padding::Same)),
        false => (x.pad(&[[0, 0], pads[0], pads[1], pads[2], [0, 0]], 0.0), layer),
    };
    check(&layer, x, kernel)?;
    Ok(layer.convolve(x, kernel, bias))
}

/// Records a transposed convolution of volumes with channels last. The kernel has the shape of the weight of [`Conv3dTranspose`].
pub(super) fn transposed<'r>(
    x: Var<'r>,
    kernel: Var<'r>,
    bias: Option<Var<'r>>,
    windows: [TransposedWindow; 3],
) -> Result<Var<'r>, String> {
    let extent = [0, 1, 2].map(|axis| kernel.shape().axis(axis));
    let (filters, strides) = (kernel.shape().axis(3), windows.map(|window| window.stride));
    let layer = Conv3dTranspose::new(filters, extent).strides(strides).use_bias(false).output_padding(0.into());
    let layer = layer.dilation_rate(windows.map(|window| window.dilation));
    check(&layer, x, kernel)?;
    let whole = layer.convolve(x, kernel, None);
    // The elements of the output after those of the windows are 0 before the bias is added.
    let missing =
        |axis: usize| (windows[axis].cropping + windows[axis].output).saturating_sub(whole.shape().axis(axis + 1));
    let missing = [0, 1, 2].map(missing);
    let padded = match missing {
        [0, 0, 0] => whole,
        [planes, rows, columns] => whole.pad(&[[0, 0], [0, planes], [0, rows], [0, columns], [0, 0]], 0.0),
    };
    let [planes, rows, columns] = windows.map(|window| window.output);
    let size = Shape::new(&[x.shape().axis(0), planes, rows, columns, filters]).map_err(|error| error.to_string())?;
    let y = match size == padded.shape() {
        true => padded,
        false => {
            let starts = windows.map(|window| window.cropping);
            padded.slice(&[0, starts[0], starts[1], starts[2], 0], size)
        }
    };
    Ok(bias.map_or(y, |bias| y + bias))
}

/// Checks that a layer accepts volumes, and has a kernel of this shape.
fn check(layer: &dyn Layer, x: Var<'_>, kernel: Var<'_>) -> Result<(), String> {
    let sample = x.shape().sample();
    let declared = Declared::of(layer, "volumes", &[sample]);
    let declared = declared.map_err(|error| error.at(|| "convolution".into(), &[sample]).to_string())?;
    match declared.weights().first().map(|weight| weight.shape()) {
        Some(expected) if expected == kernel.shape() => Ok(()),
        _ => {
            Err(format!("the weights, of shape {} with channels last, do not fit volumes of {sample}", kernel.shape()))
        }
    }
}
