//! Cross-correlation of images n × height × width × channels with kernels height × width × channels × filters, plus a
//! bias, through an activation:
//!
//! y[n, i, j, f] = a(b[f] + Σ x[n, i·s + u − p, j·s + v − p, c] · w[u, v, c, f]) over u, v, c, with x = 0 outside the image.
//!
//! With dz = dy · a′(y): db = Σ dz, dw = Σ x·dz over images and pixels, dx = Σ dz·w over the windows that contain an
//! element.

use super::grouped_conv2d::{self, without_bias};
use crate::error::{Error, Result};
use crate::kernels::activation::{self, Elementwise};
use crate::kernels::conv2d::{self, Geometry, RequestedGradients, Scratch};
use crate::ops::Conv2dOptions;
use crate::ops::window::size;
use crate::shape::Shape;
use crate::sizes::check_steps;
use crate::tape::{Context, Gradients, Inputs, Op, Var};

struct Conv2d {
    options: Conv2dOptions,
    activation: Elementwise,
    ready: Option<(Geometry, Scratch)>,
}

impl Op for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let &[x, w, ref bias @ ..] = inputs else {
            return Err(Error::expected("images, kernels and optionally biases"));
        };
        let geometry = geometry(x, w, &self.options)?;
        if bias.iter().any(|bias| *bias != Shape::from(geometry.filters)) {
            return Err(Error::expected(format!("one bias for each of the {} filters", geometry.filters)));
        }
        let shape = Shape::from([geometry.batch, geometry.output[0], geometry.output[1], geometry.filters]);
        let scratch = Scratch::new(&geometry, true)?;
        self.ready = Some((geometry, scratch));
        Ok(shape)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let Some((geometry, scratch)) = &mut self.ready else { return };
        let (x, w, bias) = (inputs.get(0), inputs.get(1), (inputs.count() == 3).then(|| inputs.get(2).data()));
        scratch.set_version(inputs.version(1));
        conv2d::forward(geometry, &x, &w, bias, self.activation, y, scratch);
    }

    fn backward(&mut self, inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let (x, w) = (inputs.get(0), inputs.get(1));
        let [dx, dw, db] = if inputs.count() == 3 { gradients.each() } else { without_bias(gradients) };
        let Some((geometry, scratch)) = &mut self.ready else { return };
        activation::backward(self.activation, y, dy);
        conv2d::backward(geometry, &x, &w, dy, RequestedGradients { dx, dw, db }, scratch);
    }

    fn fuse(&mut self, activation: Elementwise) -> bool {
        self.activation.replace_linear(activation)
    }

    fn pad_input(&mut self, input: Shape, around: &[[usize; 2]]) -> bool {
        let &[[0, 0], rows, columns, [0, 0]] = around else { return false };
        let size = [input.axis(1), input.axis(2)];
        let geometry = self.ready.as_ref().and_then(|(geometry, _)| geometry.with_padding(size, [rows, columns]));
        let ready = geometry.and_then(|geometry| Some((geometry, Scratch::new(&geometry, true).ok()?)));
        let padded = ready.is_some();
        self.ready = ready.or(self.ready.take());
        padded
    }
}

/// Whether [`grouped_conv2d`] computes a convolution with these options.
fn dilated_or_grouped(options: &Conv2dOptions) -> bool {
    options.dilation_rate != [1, 1] || options.groups != 1
}

/// The shape of one convolved sample.
pub(crate) fn conv2d_output(sample: Shape, kernel: Shape, options: &Conv2dOptions) -> Result<Shape> {
    if dilated_or_grouped(options) {
        return grouped_conv2d::output(sample.batch(1)?, kernel, options).map(|output| output.sample());
    }
    let geometry = geometry(sample.batch(1)?, kernel, options)?;
    Ok(Shape::from([geometry.output[0], geometry.output[1], geometry.filters]))
}

/// The sizes of a convolution of `x` with the kernels `w`.
fn geometry(x: Shape, w: Shape, options: &Conv2dOptions) -> Result<Geometry> {
    let strides = options.strides;
    check_steps("Conv2d", "strides", &strides)?;
    if x.rank() != 4 || w.rank() != 4 || x.axis(3) != w.axis(2) {
        let expected = "images n × height × width × channels and kernels height × width × channels × filters";
        return Err(Error::expected(expected));
    }
    let kernel = [w.axis(0), w.axis(1)];
    let along = |axis: usize| size(x.axis(axis + 1), kernel[axis], strides[axis], options.padding);
    let (Some((rows, top)), Some((columns, left))) = (along(0)?, along(1)?) else {
        let [height, width] = kernel;
        return Err(Error::expected(format!("images of at least {height} × {width}, or padding `same`")));
    };
    Ok(Geometry {
        batch: x.axis(0),
        height: x.axis(1),
        width: x.axis(2),
        channels: x.axis(3),
        kernel,
        filters: w.axis(3),
        groups: 1,
        strides,
        dilation: [1, 1],
        padding: [top, left],
        output: [rows, columns],
    })
}

impl<'r> Var<'r> {
    /// The 2D convolution of images n × height × width × channels with kernels height × width × channels × filters and an
    /// optional bias per filter.
    ///
    /// ```
    /// use gradus::{Key, ops::Conv2dOptions, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (images, kernels) = (recorder.input([1, 2, 2, 1]), recorder.input([2, 2, 1, 1]));
    /// let y = images.conv2d(kernels, None, Conv2dOptions::new());
    /// let (images, kernels, y) = (images.id(), kernels.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([images])[0].copy_from_slice(&[1.0, 2.0, 3.0, 4.0]);
    /// tape.input_slices([kernels])[0].copy_from_slice(&[1.0, 0.0, 0.0, 2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [9.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn conv2d(self, kernel: Var<'r>, bias: Option<Var<'r>>, options: Conv2dOptions) -> Var<'r> {
        let inputs: Vec<Var<'r>> = [Some(self), Some(kernel), bias].into_iter().flatten().collect();
        options.activation.fuse(|activation| match dilated_or_grouped(&options) {
            true => grouped_conv2d::record(&inputs, options, activation),
            false => self.recorder().apply(Conv2d { options, activation, ready: None }, &inputs),
        })
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use super::*;
    use crate::ops::{Activation, Padding};
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].conv2d(x[1], Some(x[2]), Conv2dOptions::default()))
                .variable([2, 5, 4, 3])
                .variable([2, 3, 3, 4])
                .variable([4]),
            Sample::new(|x| x[0].conv2d(x[1], Some(x[2]), Conv2dOptions::new().strides((2, 1)).padding(Padding::Same)))
                .variable([2, 5, 4, 1])
                .variable([3, 2, 1, 2])
                .variable([2]),
            Sample::new(|x| x[0].conv2d(x[1] * 0.3, Some(x[2]), Conv2dOptions::new().activation(Activation::Tanh)))
                .variable([1, 3, 3, 2])
                .variable([2, 2, 2, 3])
                .variable([3]),
            Sample::new(|x| x[0].conv2d(x[1], None, Conv2dOptions::new().activation(Activation::Tanh)))
                .variable([1, 2, 3, 1])
                .variable([2, 2, 1, 1]),
        ]
    }

    #[test]
    fn a_wrong_number_of_channels_is_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let (x, w, b) = (recorder.input([8, 9, 9, 3]), recorder.input([2, 2, 1, 6]), recorder.input([6]));
        let _ = recorder.scope("conv2d_1", || x.conv2d(w, Some(b), Conv2dOptions::default()));
        let expected = "conv2d_1: conv2d: found shapes 8 × 9 × 9 × 3, 2 × 2 × 1 × 6 and 6, expected images n × height × \
                        width × channels and kernels height × width × channels × filters";
        assert_eq!(recorder.finish().unwrap_err().to_string(), expected);
    }
}
