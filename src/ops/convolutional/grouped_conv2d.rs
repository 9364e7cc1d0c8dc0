//! Dilated and grouped convolution, for [`conv2d`](super::conv2d). With the dilation rate d,
//!
//! y[n, i, j, f] = a(b[f] + Σ x[n, i·s + u·d − p, j·s + v·d − p, c] · w[u, v, c, f]) over u, v and the channels c of f's
//! group.
//!
//! With dz = dy · a′(y): db = Σ dz, dw = Σ x·dz over images and pixels, dx = Σ dz·w over the windows that contain an
//! element.

use crate::error::{Error, Result, check_setting};
use crate::kernels::activation::{self, Elementwise};
use crate::kernels::grouped_conv2d::{self as kernel, GroupedGeometry, Scratch};
use crate::kernels::matmul::{self, ROWS_PER_CHUNK};
use crate::ops::Conv2dOptions;
use crate::ops::window::size;
use crate::shape::Shape;
use crate::sizes::{self, check_steps};
use crate::tape::{Context, Gradients, Inputs, Op, Var};

struct GroupedConv2d {
    options: Conv2dOptions,
    activation: Elementwise,
    ready: Option<(GroupedGeometry, Scratch)>,
}

impl Op for GroupedConv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let &[x, w, ref bias @ ..] = inputs else {
            return Err(Error::expected("images, kernels and optionally biases"));
        };
        let sizes = sizes(x, w, &self.options)?;
        if bias.iter().any(|bias| *bias != Shape::from(w.axis(3))) {
            return Err(Error::expected(format!("one bias for each of the {} filters", w.axis(3))));
        }
        self.ready = Some((sizes, Scratch::new(&sizes)?));
        output(x, w, &self.options)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let Some((sizes, scratch)) = &mut self.ready else { return };
        let (x, w, bias) = (inputs.get(0), inputs.get(1), (inputs.count() == 3).then(|| inputs.get(2).data()));
        kernel::forward(sizes, &x, &w, bias, self.activation, y, scratch);
    }

    fn backward(&mut self, inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let (x, w) = (inputs.get(0), inputs.get(1));
        let [dx, dw, db] = if inputs.count() == 3 { gradients.each() } else { without_bias(gradients) };
        let Some((sizes, scratch)) = &mut self.ready else { return };
        activation::backward(self.activation, y, dy);
        let dz = &*dy;
        if let Some(db) = db {
            matmul::sum_rows(dz, db.len(), ROWS_PER_CHUNK, db);
        }
        kernel::backward(sizes, &x, &w, dz, [dx, dw], scratch);
    }

    fn fuse(&mut self, activation: Elementwise) -> bool {
        self.activation.replace_linear(activation)
    }

    fn pad_input(&mut self, input: Shape, around: &[[usize; 2]]) -> bool {
        let &[[0, 0], rows, columns, [0, 0]] = around else { return false };
        let size = [input.axis(1), input.axis(2)];
        let geometry = self.ready.as_ref().and_then(|(geometry, _)| geometry.with_padding(size, [rows, columns]));
        let ready = geometry.and_then(|geometry| Some((geometry, Scratch::new(&geometry).ok()?)));
        let padded = ready.is_some();
        self.ready = ready.or(self.ready.take());
        padded
    }
}

/// The gradients of images and kernels, and `None` for biases.
pub(in crate::ops) fn without_bias(gradients: Gradients<'_>) -> [Option<&mut [f32]>; 3] {
    let [dx, dw] = gradients.each();
    [dx, dw, None]
}

/// The shape of the output images.
pub(in crate::ops) fn output(x: Shape, w: Shape, options: &Conv2dOptions) -> Result<Shape> {
    let sizes = sizes(x, w, options)?;
    Ok(Shape::from([sizes.batch, sizes.output[0], sizes.output[1], w.axis(3)]))
}

/// The sizes of a convolution of `x` with the kernels `w`.
fn sizes(x: Shape, w: Shape, options: &Conv2dOptions) -> Result<GroupedGeometry> {
    let Conv2dOptions { strides, dilation_rate: dilation, groups, padding, .. } = *options;
    check_steps("Conv2d", "strides", &strides)?;
    check_steps("Conv2d", "dilation_rate", &dilation)?;
    check_setting(groups > 0, "Conv2d", "groups", 0, "at least 1")?;
    let cut = |size: usize| size.is_multiple_of(groups);
    if x.rank() != 4 || w.rank() != 4 || !cut(x.axis(3)) || !cut(w.axis(3)) || x.axis(3) / groups != w.axis(2) {
        return Err(Error::expected(format!(
            "images n × height × width × channels and kernels height × width × channels / {groups} × filters, with \
             numbers of channels and filters that are multiples of {groups}"
        )));
    }
    let kernel = [w.axis(0), w.axis(1)];
    let reach = |axis: usize| sizes::sum(&[sizes::product(&[kernel[axis].saturating_sub(1), dilation[axis]])?, 1]);
    let [height, width] = [reach(0)?, reach(1)?];
    let along = |axis: usize, reach: usize| size(x.axis(axis + 1), reach, strides[axis], padding);
    let (Some((rows, top)), Some((columns, left))) = (along(0, height)?, along(1, width)?) else {
        return Err(Error::expected(format!("images of at least {height} × {width}, or padding `same`")));
    };
    Ok(GroupedGeometry {
        batch: x.axis(0),
        size: [x.axis(1), x.axis(2)],
        channels: w.axis(2),
        filters: w.axis(3) / groups,
        groups,
        kernel,
        strides,
        dilation,
        padding: [top, left],
        output: [rows, columns],
    })
}

/// Records the convolution of images with kernels and optional biases.
pub(in crate::ops) fn record<'r>(inputs: &[Var<'r>], options: Conv2dOptions, activation: Elementwise) -> Var<'r> {
    inputs[0].recorder().apply(GroupedConv2d { options, activation, ready: None }, inputs)
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use super::*;
    use crate::ops::{Activation, Padding};
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    fn options(dilation: [usize; 2], groups: usize, padding: Padding) -> Conv2dOptions {
        Conv2dOptions::new().dilation_rate(dilation).groups(groups).padding(padding)
    }

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].conv2d(x[1], Some(x[2]), options([2, 1], 1, Padding::Valid)))
                .variable([2, 5, 4, 3])
                .variable([2, 3, 3, 4])
                .variable([4]),
            Sample::new(|x| x[0].conv2d(x[1], Some(x[2]), options([1, 2], 2, Padding::Same)))
                .variable([2, 3, 4, 4])
                .variable([3, 2, 2, 6])
                .variable([6]),
            Sample::new(|x| x[0].conv2d(x[1], None, options([1, 1], 3, Padding::Valid)))
                .variable([1, 3, 3, 3])
                .variable([2, 2, 1, 3]),
            Sample::new(|x| {
                x[0].conv2d(x[1] * 0.3, None, options([2, 2], 1, Padding::Same).activation(Activation::Tanh))
            })
            .variable([1, 1, 1, 1])
            .variable([3, 3, 1, 2]),
        ]
    }

    #[test]
    fn wrong_shapes_and_options_are_rejected() {
        let message = |options: Conv2dOptions| {
            let recorder = Recorder::new(Mode::Training);
            let (x, w) = (recorder.input([8, 9, 9, 4]), recorder.input([3, 3, 2, 6]));
            let _ = recorder.scope("conv2d_1", || x.conv2d(w, None, options));
            recorder.finish().err().map_or(String::new(), |error| error.to_string())
        };
        assert_eq!(message(options([1, 1], 2, Padding::Valid)), "");
        let expected = "conv2d_1: conv2d: found shapes 8 × 9 × 9 × 4 and 3 × 3 × 2 × 6, expected images n × height × width \
                        × channels and kernels height × width × channels / 4 × filters, with numbers of channels and filters \
                        that are multiples of 4";
        assert_eq!(message(options([1, 1], 4, Padding::Valid)), expected);
        assert!(message(options([5, 1], 2, Padding::Valid)).ends_with("images of at least 11 × 3, or padding `same`"));
        assert_eq!(message(options([1, 0], 2, Padding::Valid)), "Conv2d: dilation_rate must be ≥ 1 and < 2³¹, got 0");
        assert_eq!(message(options([1, 1], 0, Padding::Valid)), "Conv2d: groups must be at least 1, got 0");
    }
}
