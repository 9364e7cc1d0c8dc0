//! Pooling. Channels are first in ONNX and last in gradus.

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

/// The operators and their attributes.
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
            ignored("storage_order", "it affects only the output of indices, which is not supported").since(8),
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
    one_output(node, "indices of the maxima")?;
    let x = input(inputs, 0)?;
    let sizes = x.sizes();
    let order = order::channels_last(sizes.len());
    let [rows, channels, spatial @ ..] = &sizes[..] else {
        return Err(format!("the input has sizes {sizes:?}, expected n × channels × height × width"));
    };
    if node.operator.starts_with("Global") {
        let pixels = spatial.iter().product();
        let images = scope.arranged(x, &order)?.reshape([*rows, pixels, 1, *channels]);
        let pooled = match node.operator.as_str() {
            "GlobalAveragePool" => images.mean_axes(&[1, 2], false),
            _ => images.global_max_pool2d(),
        };
        let ones = [&[*rows], &vec![1; spatial.len()][..], &[*channels]].concat();
        let y = pooled.reshape(Shape::new(&ones).map_err(|error| error.to_string())?);
        return Ok(vec![Value::with_order(y, order)]);
    }
    // A sequence is an image with a single column.
    let image = match *spatial {
        [steps] => [*rows, *channels, steps, 1],
        [height, width] => [*rows, *channels, height, width],
        _ => return Err(format!("the input has sizes {sizes:?}, expected one or two axes after the channels")),
    };
    let pooling = Pooling::read(node, &image, spatial.len())?;
    let images = scope.arranged(x, &order)?.reshape([image[0], image[2], image[3], image[1]]);
    let y = match node.operator.as_str() {
        "AveragePool" => average(node, scope, images, pooling)?,
        _ => {
            let Pooling { kernel, strides, pads, ceil_pads, .. } = pooling;
            // Padding is never the maximum.
            padded(images, pads, ceil_pads, f32::NEG_INFINITY).max_pool2d(kernel, strides, Padding::Valid)
        }
    };
    let y = match spatial {
        [_] => y.reshape([y.shape().axis(0), y.shape().axis(1), y.shape().axis(3)]),
        _ => y,
    };
    Ok(vec![Value::with_order(y, order)])
}

/// The windows along rows and columns.
struct Pooling {
    size: [usize; 2],
    kernel: [usize; 2],
    strides: [usize; 2],
    pads: [[usize; 2]; 2],
    /// Additional padding for the last window if output sizes are rounded up.
    ceil_pads: [usize; 2],
}

impl Pooling {
    /// Reads the windows over the first `axes` of the axes of an image, n × channels × height × width.
    fn read(node: &Node, image: &[usize; 4], axes: usize) -> Result<Pooling, String> {
        let kernel = sizes(node, "kernel_shape", vec![])?;
        let mut windows = Window::read(node, &image[2..2 + axes], &kernel)?;
        windows.resize(2, Window { size: image[3], kernel: 1, stride: 1, dilation: 1, pads: [0, 0] });
        if windows.iter().any(|window| window.dilation != 1) {
            return Err("dilations are not supported".into());
        }
        let [rows, columns] = windows[..] else { return Err(format!("kernel_shape {kernel:?} has too many sizes")) };
        let both = [rows, columns];
        let ceiling = node.integer("ceil_mode", 0)? != 0;
        let ceil_pads = both.map(|window| if ceiling { window.with_ceiling().pads[1] - window.pads[1] } else { 0 });
        if both.iter().any(|window| window.pads.iter().any(|pad| *pad >= window.kernel)) {
            return Err("padding must be smaller than the window".into());
        }
        let (size, kernel) = (both.map(|window| window.size), both.map(|window| window.kernel));
        Ok(Pooling {
            size,
            kernel,
            strides: both.map(|window| window.stride),
            pads: both.map(|window| window.pads),
            ceil_pads,
        })
    }

    /// The number of elements that each window along an axis averages.
    fn counts(&self, axis: usize, padding: bool) -> Vec<usize> {
        let [before, after] = self.pads[axis];
        let end = before + self.size[axis];
        let counted = if padding { 0..end + after } else { before..end };
        let last = (end + after + self.ceil_pads[axis]).saturating_sub(self.kernel[axis]);
        let window =
            |start: usize| (start + self.kernel[axis]).min(counted.end).saturating_sub(start.max(counted.start)).max(1);
        (0..=last).step_by(self.strides[axis]).map(window).collect()
    }
}

fn padded(images: Var<'_>, pads: [[usize; 2]; 2], ceil_pads: [usize; 2], value: f32) -> Var<'_> {
    let around = [0, 1].map(|axis| [pads[axis][0], pads[axis][1] + ceil_pads[axis]]);
    if around == [[0; 2]; 2] { images } else { images.pad(&[[0, 0], around[0], around[1], [0, 0]], value) }
}

/// Records an average pooling: the mean over each zero-padded window, multiplied by the ratio of the window size to the
/// number of averaged elements.
fn average<'r>(node: &Node, scope: &mut Scope<'_, 'r>, images: Var<'r>, pooling: Pooling) -> Result<Var<'r>, String> {
    let Pooling { kernel, strides, pads, ceil_pads, .. } = pooling;
    let means = padded(images, pads, ceil_pads, 0.0).average_pool2d(kernel, strides, Padding::Valid);
    // Stop if the recorder rejected the sizes.
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
        return Err("the windows do not fit the image".into());
    }
    let factor = |rows: &usize| counts[1].iter().map(|columns| places as f32 / (rows * columns) as f32).collect();
    let factors: Vec<f32> = counts[0].iter().flat_map(|rows| -> Vec<f32> { factor(rows) }).collect();
    let tensor = Tensor::floats(vec![1, counts[0].len(), counts[1].len(), 1], factors);
    Ok(means * scope.in_onnx_order(&Value::computed(tensor))?)
}
