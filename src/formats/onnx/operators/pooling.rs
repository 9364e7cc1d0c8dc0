//! Pooling: channels first in ONNX, last here.

use super::window::{Window, sizes};
use super::{Node, Scope, Value, input, one_output};
use crate::formats::onnx::scope::Recorded;
use crate::formats::onnx::order;

pub(super) const NAMES: &[&str] = &["MaxPool"];

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    one_output(node, "the places of the maxima")?;
    let x = input(inputs, 0)?;
    let image = x.sizes();
    if image.len() != 4 {
        return Err(format!("pooling of {image:?} is not supported, only of images n × channels × height × width"));
    }
    let kernel = sizes(node, "kernel_shape", vec![])?;
    let mut windows = Window::read(node, &image[2..], &kernel)?;
    if windows.iter().any(|window| window.dilation != 1) {
        return Err("dilations are not supported".into());
    }
    if node.integer("ceil_mode", 0)? != 0 {
        windows = windows.into_iter().map(Window::with_ceiling).collect();
    }
    let [rows, columns] = windows[..] else { return Err(format!("a kernel of {kernel:?}")) };
    if [rows, columns].iter().any(|window| window.pads.iter().any(|pad| *pad >= window.kernel)) {
        return Err("padding as wide as the window is not supported".into());
    }
    let order = order::channels_last(4);
    let images = scope.arranged(x, &order)?;
    // What lies outside is never the maximum.
    let images = pad::record(images, &[[0, 0], rows.pads, columns.pads, [0, 0]], f32::NEG_INFINITY);
    let y = images.max_pool2d([rows.kernel, columns.kernel], [rows.stride, columns.stride]);
    Ok(vec![Value::Recorded(Recorded { var: y, order })])
}
