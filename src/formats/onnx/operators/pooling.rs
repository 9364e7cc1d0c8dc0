//! Pooling: channels first in ONNX, last here.

use super::attributes::{Operator, ignored, operator, read};
use super::inputs::{input, one_output};
use super::window::{Window, sizes};
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Scope, Value};
use crate::formats::onnx::tensor::Tensor;
use crate::ops::Padding;
use crate::tape::Var;

/// The operators, and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator(
        "AveragePool",
        1,
        &[
            read("auto_pad"),
            read("kernel_shape"),
            read("pads"),
            read("strides"),
            read("count_include_pad").since(7),
            read("ceil_mode").since(10),
            read("dilations").since(19),
        ],
    ),
    operator("GlobalAveragePool", 1, &[]),
    operator("GlobalMaxPool", 1, &[]),
    operator(
        "MaxPool",
        1,
        &[
            read("auto_pad"),
            read("kernel_shape"),
            read("pads"),
            read("strides"),
            ignored("storage_order", "it concerns the places of the maxima, which are not supported").since(8),
            read("ceil_mode").since(10),
            read("dilations").since(10),
        ],
    ),
];

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
    let order = order::channels_last(4);
    let images = scope.arranged(x, &order)?;
    let y = match node.operator.as_str() {
        "AveragePool" => average(node, scope, images, Pooling::read(node, &image)?)?,
        "GlobalAveragePool" => images.mean_axes(&[1, 2], true),
        "GlobalMaxPool" => images.global_max_pool2d().reshape([image[0], 1, 1, image[1]]),
        _ => {
            let Pooling { kernel, strides, pads, beyond, .. } = Pooling::read(node, &image)?;
            // What lies outside is never the maximum.
            padded(images, pads, beyond, f32::NEG_INFINITY).max_pool2d(kernel, strides, Padding::Valid)
        }
    };
    Ok(vec![Value::lying(y, order)])
}

/// How windows slide over rows and columns.
struct Pooling {
    size: [usize; 2],
    kernel: [usize; 2],
    strides: [usize; 2],
    pads: [[usize; 2]; 2],
    /// What the last window needs beyond the padding, where sizes are rounded up.
    beyond: [usize; 2],
}

impl Pooling {
    fn read(node: &Node, image: &[usize]) -> Result<Pooling, String> {
        let kernel = sizes(node, "kernel_shape", vec![])?;
        let windows = Window::read(node, &image[2..], &kernel)?;
        if windows.iter().any(|window| window.dilation != 1) {
            return Err("dilations are not supported".into());
        }
        let [rows, columns] = windows[..] else { return Err(format!("a kernel of {kernel:?}")) };
        let both = [rows, columns];
        let ceiling = node.integer("ceil_mode", 0)? != 0;
        let beyond = both.map(|window| if ceiling { window.with_ceiling().pads[1] - window.pads[1] } else { 0 });
        if both.iter().any(|window| window.pads.iter().any(|pad| *pad >= window.kernel)) {
            return Err("padding as wide as the window is not supported".into());
        }
        let (size, kernel) = (both.map(|window| window.size), both.map(|window| window.kernel));
        Ok(Pooling {
            size,
            kernel,
            strides: both.map(|window| window.stride),
            pads: both.map(|window| window.pads),
            beyond,
        })
    }

    /// For each window along an axis, how many of its places count.
    fn counts(&self, axis: usize, padding: bool) -> Vec<usize> {
        let [before, after] = self.pads[axis];
        let end = before + self.size[axis];
        let counted = if padding { 0..end + after } else { before..end };
        let last = (end + after + self.beyond[axis]).saturating_sub(self.kernel[axis]);
        let window =
            |start: usize| (start + self.kernel[axis]).min(counted.end).saturating_sub(start.max(counted.start)).max(1);
        (0..=last).step_by(self.strides[axis]).map(window).collect()
    }
}

fn padded(images: Var<'_>, pads: [[usize; 2]; 2], beyond: [usize; 2], value: f32) -> Var<'_> {
    let around = [0, 1].map(|axis| [pads[axis][0], pads[axis][1] + beyond[axis]]);
    if around == [[0; 2]; 2] { images } else { images.pad(&[[0, 0], around[0], around[1], [0, 0]], value) }
}

/// The mean of zeros and image over each window, times the places of a window over those that count.
fn average<'r>(node: &Node, scope: &mut Scope<'_, 'r>, images: Var<'r>, pooling: Pooling) -> Result<Var<'r>, String> {
    let Pooling { kernel, strides, pads, beyond, .. } = pooling;
    let means = padded(images, pads, beyond, 0.0).average_pool2d(kernel, strides, Padding::Valid);
    // Nothing is counted for sizes that were refused.
    if let Some(problem) = scope.recorder.error() {
        return Err(problem);
    }
    let padding = node.integer("count_include_pad", 0)? != 0;
    let counts = [0, 1].map(|axis| pooling.counts(axis, padding));
    let places = kernel[0].saturating_mul(kernel[1]);
    if counts[0].iter().all(|count| *count == kernel[0]) && counts[1].iter().all(|count| *count == kernel[1]) {
        return Ok(means);
    }
    if Shape::from([counts[0].len(), counts[1].len()]) != Shape::from([means.shape().axis(1), means.shape().axis(2)]) {
        return Err("windows that do not fit the image".into());
    }
    let factor = |rows: &usize| counts[1].iter().map(|columns| places as f32 / (rows * columns) as f32).collect();
    let factors: Vec<f32> = counts[0].iter().flat_map(|rows| -> Vec<f32> { factor(rows) }).collect();
    let tensor = Tensor::floats(vec![1, counts[0].len(), counts[1].len(), 1], factors);
    let name = format!("{}.counts", node.outputs.first().map_or("", String::as_str));
    Ok(means * scope.weight(&name, &tensor, &[0, 1, 2, 3], false)?.0)
}
