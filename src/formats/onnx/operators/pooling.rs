//! Pooling. Channels are first in ONNX and last in gradus.

use super::attributes::{Operator, ignored, operator, read};
use super::inputs::{input, one_output};
use super::window::{Window, sizes};
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Scope, Value};
use crate::formats::onnx::tensor::Tensor;
use crate::layers::{AveragePool3d, MaxPool3d, Padding};
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
    if !(1..=3).contains(&spatial.len()) {
        return Err(format!("the input has sizes {sizes:?}, expected one to three axes after the channels"));
    }
    let pooling = Pooling::read(node, spatial)?;
    let x = scope.arranged(x, &order)?;
    let y = match node.operator.as_str() {
        "AveragePool" => average(node, scope, x, &pooling)?,
        // Padding is never the maximum.
        _ => pooling.pool(scope, pooling.padded(x, f32::NEG_INFINITY), true)?,
    };
    Ok(vec![Value::with_order(y, order)])
}

/// The windows along one to three axes.
struct Pooling {
    windows: Vec<Window>,
    /// Additional padding for the last window along each axis if output sizes are rounded up.
    ceil_pads: Vec<usize>,
}

impl Pooling {
    /// Reads the windows over axes of these sizes.
    fn read(node: &Node, spatial: &[usize]) -> Result<Pooling, String> {
        let kernel = sizes(node, "kernel_shape", vec![])?;
        let windows = Window::read(node, spatial, &kernel)?;
        if windows.iter().any(|window| window.dilation != 1) && node.text("auto_pad", "NOTSET")?.starts_with("SAME") {
            return Err("auto_pad with dilations is not supported, as runtimes differ; use pads".into());
        }
        if windows.iter().any(|window| window.pads.iter().any(|pad| *pad >= window.span())) {
            return Err("padding must be smaller than the window".into());
        }
        let ceiling = node.integer("ceil_mode", 0)? != 0;
        let added = |window: &Window| if ceiling { window.with_ceiling().pads[1] - window.pads[1] } else { 0 };
        Ok(Pooling { ceil_pads: windows.iter().map(added).collect(), windows })
    }

    /// The number of elements that each window along an axis averages.
    fn counts(&self, axis: usize, padding: bool) -> Vec<usize> {
        let Window { size, kernel, stride, dilation, pads: [before, after] } = self.windows[axis];
        let end = before + size;
        let counted = if padding { 0..end + after } else { before..end };
        let last = (end + after + self.ceil_pads[axis]).saturating_sub(self.windows[axis].span());
        // The number of elements of the window before a place.
        let before = |start: usize, place: usize| place.saturating_sub(start).div_ceil(dilation).min(kernel);
        let window = |start: usize| (before(start, counted.end) - before(start, counted.start)).max(1);
        (0..=last).step_by(stride).map(window).collect()
    }

    fn padded<'r>(&self, x: Var<'r>, value: f32) -> Var<'r> {
        let pads =
            self.windows.iter().zip(&self.ceil_pads).map(|(window, ceil)| [window.pads[0], window.pads[1] + ceil]);
        let around: Vec<[usize; 2]> = [[0, 0]].into_iter().chain(pads).chain([[0, 0]]).collect();
        if around.iter().all(|pads| *pads == [0, 0]) { x } else { x.pad(&around, value) }
    }

    /// Copies the elements of each window, so that the windows have neither dilations nor common elements. `x` is padded.
    fn without_dilation<'r>(&self, scope: &Scope<'_, 'r>, x: Var<'r>) -> Result<(Pooling, Var<'r>), String> {
        let (mut windows, mut x) = (self.windows.clone(), x);
        for (axis, window) in windows.iter_mut().enumerate().filter(|(_, window)| window.dilation != 1) {
            let length = x.shape().axis(axis + 1);
            let Some(last) = length.checked_sub(window.span()) else {
                return Err("the windows exceed the image".into());
            };
            let count = last / window.stride + 1;
            scope.limits.check((x.shape().len() / length).saturating_mul(count).saturating_mul(window.kernel))?;
            scope.limits.spend_terms(count.saturating_mul(window.kernel), 1)?;
            let element = |at: usize| at / window.kernel * window.stride + at % window.kernel * window.dilation;
            let copied = (0..count * window.kernel).map(|at| vec![(element(at), 1.0)]);
            x = x.resample(axis as isize + 1, copied.collect());
            (window.stride, window.dilation) = (window.kernel, 1);
        }
        Ok((Pooling { windows, ceil_pads: self.ceil_pads.clone() }, x))
    }

    /// The maxima, or the means, of the windows over padded values with channels last.
    fn pool<'r>(&self, scope: &Scope<'_, 'r>, x: Var<'r>, maxima: bool) -> Result<Var<'r>, String> {
        if self.windows.iter().any(|window| window.dilation != 1) {
            let (pooling, x) = self.without_dilation(scope, x)?;
            return pooling.pool(scope, x, maxima);
        }
        let image = |x: Var<'r>, kernel, strides| match maxima {
            true => x.max_pool2d(kernel, strides, Padding::Valid),
            false => x.average_pool2d(kernel, strides, Padding::Valid),
        };
        let axis = |axis: usize| x.shape().axis(axis);
        Ok(match self.windows[..] {
            // A sequence is an image with a single column.
            [steps] => {
                let y = image(x.reshape([axis(0), axis(1), 1, axis(2)]), [steps.kernel, 1], [steps.stride, 1]);
                y.reshape([axis(0), y.shape().axis(1), axis(2)])
            }
            [rows, columns] => image(x, [rows.kernel, columns.kernel], [rows.stride, columns.stride]),
            [planes, rows, columns, ..] => {
                let axes = [planes, rows, columns];
                let (kernel, strides) = (axes.map(|window| window.kernel), axes.map(|window| window.stride));
                match maxima {
                    true => MaxPool3d::new(kernel).strides(strides).pool(x),
                    false => AveragePool3d::new(kernel).strides(strides).pool(x),
                }
            }
            [] => x,
        })
    }
}

/// Records an average pooling: the mean over each zero-padded window, multiplied by the ratio of the window size to the
/// number of averaged elements.
fn average<'r>(node: &Node, scope: &mut Scope<'_, 'r>, x: Var<'r>, pooling: &Pooling) -> Result<Var<'r>, String> {
    let means = pooling.pool(scope, pooling.padded(x, 0.0), false)?;
    // Stop if the recorder rejected the sizes.
    if let Some(problem) = scope.recorder.error() {
        return Err(problem);
    }
    let padding = node.integer("count_include_pad", 0)? != 0;
    let counts: Vec<Vec<usize>> = (0..pooling.windows.len()).map(|axis| pooling.counts(axis, padding)).collect();
    let all = |(window, counts): (&Window, &Vec<usize>)| counts.iter().all(|count| *count == window.kernel);
    if pooling.windows.iter().zip(&counts).all(all) {
        return Ok(means);
    }
    let sizes: Vec<usize> = counts.iter().map(Vec::len).collect();
    if means.shape().sizes().get(1..=sizes.len()) != Some(&sizes[..]) {
        return Err("the windows do not fit the image".into());
    }
    let places = pooling.windows.iter().fold(1usize, |places, window| places.saturating_mul(window.kernel));
    let mut averaged = vec![1usize];
    for counts in &counts {
        averaged =
            averaged.iter().flat_map(|before| counts.iter().map(move |count| before.saturating_mul(*count))).collect();
    }
    let factors = averaged.iter().map(|count| places as f32 / *count as f32).collect();
    let tensor = Tensor::floats([&[1], &sizes[..], &[1]].concat(), factors);
    Ok(means * scope.in_onnx_order(&Value::computed(tensor))?)
}
