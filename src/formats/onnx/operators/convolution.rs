//! Convolutions. Channels are first in ONNX and last in gradus, and kernels are stored accordingly.

use super::attributes::{Operator, operator, read};
use super::inputs::{input, optional};
use super::volumes;
use super::window::{TransposedWindow, Window};
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Scope, Value};
use crate::ops::{Conv2dOptions, Conv2dTransposeOptions, Padding};

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator(
        "Conv",
        1,
        &[read("auto_pad"), read("dilations"), read("group"), read("kernel_shape"), read("pads"), read("strides")],
    ),
    operator(
        "ConvTranspose",
        1,
        &[
            read("auto_pad"),
            read("dilations"),
            read("group"),
            read("kernel_shape"),
            read("output_padding"),
            read("output_shape"),
            read("pads"),
            read("strides"),
        ],
    ),
];

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let (x, kernel) = (input(inputs, 0)?, input(inputs, 1)?);
    let (sizes, kernel_sizes) = (x.sizes(), kernel.sizes());
    let rank = sizes.len();
    if !(3..=5).contains(&rank) || kernel_sizes.len() != rank {
        return Err(format!("a convolution of {sizes:?} with {kernel_sizes:?} is not supported"));
    }
    let number = node.integer("group", 1)?;
    let groups = usize::try_from(number).ok().filter(|groups| (1..=sizes[1].max(1)).contains(groups));
    let groups = groups.ok_or_else(|| {
        format!("attribute group must be from 1 to the number of channels, got {number} for sizes {sizes:?}")
    })?;
    if let Some(shape) = node.integers("kernel_shape")?
        && !shape.iter().eq(kernel_sizes[2..].iter().map(|size| *size as i64).collect::<Vec<_>>().iter())
    {
        return Err(format!("kernel_shape {shape:?} does not match weights of sizes {kernel_sizes:?}"));
    }
    if node.operator == "ConvTranspose" {
        return transposed(node, scope, inputs, groups);
    }
    let windows = Window::read(node, &sizes[2..], &kernel_sizes[2..])?;
    // channels last; filters × channels of a group × … → … × channels of a group × filters
    let images = scope.arranged(x, &order::channels_last(rank))?;
    let kernel = scope.arranged(kernel, &[(2..rank).collect(), vec![1, 0]].concat())?;
    let bias = optional(inputs, 2).map(|bias| scope.in_onnx_order(bias)).transpose()?;
    scope.limits.check(output_size(&sizes, &windows, kernel.shape().last()))?;
    if let [planes, rows, columns] = windows[..] {
        let y = volumes::convolve(images, kernel, bias, [planes, rows, columns], groups)?;
        return Ok(vec![Value::with_order(y, order::channels_last(rank))]);
    }
    let (mut strides, mut dilation_rate) = ([1; 2], [1; 2]);
    let mut borders = vec![[0, 0]; 4];
    for (window, axis) in windows.iter().rev().zip([1, 0]) {
        strides[axis] = window.stride;
        dilation_rate[axis] = window.dilation;
        borders[axis + 1] = window.pads;
    }
    let same = windows.iter().all(Window::is_same) && rank == 4;
    if same {
        borders.fill([0, 0]);
    }
    let options = Conv2dOptions::new().strides(strides).dilation_rate(dilation_rate).groups(groups);
    let options = options.padding(if same { Padding::Same } else { Padding::Valid });
    let (images, kernel) = (with_rows(images, 1)?, with_rows(kernel, 0)?);
    let images = if borders == [[0, 0]; 4] { images } else { images.pad(&borders, 0.0) };
    let y = images.conv2d(kernel, bias, options);
    let y = if rank == 4 { y } else { y.reshape([y.shape().axis(0), y.shape().axis(2), y.shape().axis(3)]) };
    Ok(vec![Value::with_order(y, order::channels_last(rank))])
}

/// Records a transposed convolution.
fn transposed<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
    groups: usize,
) -> Result<Vec<Value<'r>>, String> {
    let (x, kernel) = (input(inputs, 0)?, input(inputs, 1)?);
    let (sizes, kernel_sizes) = (x.sizes(), kernel.sizes());
    let rank = sizes.len();
    let windows = TransposedWindow::read(node, &sizes[2..], &kernel_sizes[2..])?;
    // channels last; channels × filters of a group × … → … × filters of a group × channels
    let images = scope.arranged(x, &order::channels_last(rank))?;
    let kernel = scope.arranged(kernel, &[(2..rank).collect(), vec![1, 0]].concat())?;
    let bias = optional(inputs, 2).map(|bias| scope.in_onnx_order(bias)).transpose()?;
    let filters = kernel_sizes[1].saturating_mul(groups);
    let pixels = windows.iter().fold(sizes[0], |pixels, window| pixels.saturating_mul(window.output + window.cropping));
    scope.limits.check(pixels.saturating_mul(filters))?;
    if let [planes, rows, columns] = windows[..] {
        if groups != 1 {
            return Err("a transposed convolution of volumes in groups is not supported".into());
        }
        let y = volumes::transposed(images, kernel, bias, [planes, rows, columns])?;
        return Ok(vec![Value::with_order(y, order::channels_last(rank))]);
    }
    let (mut strides, mut dilation_rate, mut cropping, mut size) = ([1; 2], [1; 2], [0; 2], [1; 2]);
    for (window, axis) in windows.iter().rev().zip([1, 0]) {
        (strides[axis], dilation_rate[axis]) = (window.stride, window.dilation);
        (cropping[axis], size[axis]) = (window.cropping, window.output);
    }
    let options = Conv2dTransposeOptions::new(size).strides(strides).dilation_rate(dilation_rate);
    let options = options.cropping(cropping).groups(groups);
    let y = with_rows(images, 1)?.conv2d_transpose(with_rows(kernel, 0)?, bias, options);
    let y = if rank == 4 { y } else { y.reshape([y.shape().axis(0), y.shape().axis(2), y.shape().axis(3)]) };
    Ok(vec![Value::with_order(y, order::channels_last(rank))])
}

/// Adds an axis of size 1, as a convolution along one axis is a convolution of images with a single row.
fn with_rows(x: crate::tape::Var<'_>, axis: usize) -> Result<crate::tape::Var<'_>, String> {
    let mut sizes = x.shape().sizes().to_vec();
    if sizes.len() == 3 {
        sizes.insert(axis, 1);
    }
    Ok(x.reshape(Shape::new(&sizes).map_err(|error| error.to_string())?))
}

/// The number of elements of the output, or of the input if it is larger. The recorder allocates them.
fn output_size(image: &[usize], windows: &[Window], filters: usize) -> usize {
    let along = |window: &Window| {
        let padded = window.size.saturating_add(window.pads[0]).saturating_add(window.pads[1]);
        padded.saturating_sub(window.span()) / window.stride + 1
    };
    let pixels = windows.iter().fold(image[0], |pixels, window| pixels.saturating_mul(along(window)));
    pixels.saturating_mul(filters.max(image[1]))
}
