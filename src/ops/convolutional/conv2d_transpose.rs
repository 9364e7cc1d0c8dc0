//! Transposed convolution of images n × height × width × channels with kernels height × width × filters × channels: the
//! gradient of the images of a convolution whose output has the shape of the input. With strides s, dilation rate d and
//! cropping p,
//!
//! y[n, i·s + u·d − p, j·s + v·d − p, f] = Σ x[n, i, j, c] · w[u, v, f, c].
//!
//! dx is that convolution of dy, and dw the gradient of its kernels.

use crate::error::{Error, Result, check_setting};
use crate::kernels::activation::Elementwise;
use crate::kernels::grouped_conv2d::{self as kernel, GroupedGeometry, Scratch};
use crate::ops::Conv2dTransposeOptions;
use crate::shape::Shape;
use crate::sizes::{self, MAX_STEP, check_steps};
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct Conv2dTranspose {
    options: Conv2dTransposeOptions,
    /// The convolution whose gradient is computed.
    convolution: Option<(GroupedGeometry, Scratch)>,
}

impl Op for Conv2dTranspose {
    fn name(&self) -> &'static str {
        "conv2d_transpose"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x, w] = arity(inputs)?;
        let g = geometry(x, w, &self.options)?;
        self.convolution = Some((g, Scratch::new(&g)?));
        Shape::new(&[g.batch, g.size[0], g.size[1], g.channels * g.groups])
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let ([x, w], Some((geometry, scratch))) = (inputs.each(), &mut self.convolution) else { return };
        kernel::backward_input(geometry, &w, &x, y, scratch);
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([x, w], [dx, dw]) = (inputs.each(), gradients.each());
        let Some((geometry, scratch)) = &mut self.convolution else { return };
        if let Some(dx) = dx {
            kernel::forward(geometry, dy, &w, None, Elementwise::Linear, dx, scratch);
        }
        if dw.is_some() {
            kernel::backward(geometry, dy, &w, &x, [None, dw], scratch);
        }
    }
}

/// The sizes of the convolution from the output to `x`.
fn geometry(x: Shape, w: Shape, options: &Conv2dTransposeOptions) -> Result<GroupedGeometry> {
    let Conv2dTransposeOptions { size, strides, cropping, dilation_rate: dilation, groups, .. } = *options;
    check_steps("Conv2dTranspose", "strides", &strides)?;
    check_steps("Conv2dTranspose", "dilation_rate", &dilation)?;
    check_setting(groups > 0, "Conv2dTranspose", "groups", 0, "at least 1")?;
    if x.rank() != 4 || w.rank() != 4 || x.axis(3) != w.axis(3) || !x.axis(3).is_multiple_of(groups) {
        return Err(Error::expected(format!(
            "images n × height × width × channels and kernels height × width × filters / {groups} × channels, with a \
             number of channels that is a multiple of {groups}"
        )));
    }
    let window = [w.axis(0), w.axis(1)];
    for axis in 0..2 {
        let reach = sizes::product(&[window[axis].saturating_sub(1), dilation[axis]])?;
        sizes::sum(&[sizes::product(&[x.axis(axis + 1), strides[axis]])?, reach, cropping[axis], size[axis]])?;
        check_setting((1..=MAX_STEP).contains(&size[axis]), "Conv2dTranspose", "size", size[axis], "≥ 1 and < 2³¹")?;
    }
    sizes::check_fits_memory::<f32>(&[x.axis(0), size[0], size[1], w.axis(2), groups])?;
    Ok(GroupedGeometry {
        batch: x.axis(0),
        size,
        channels: w.axis(2),
        filters: x.axis(3) / groups,
        groups,
        kernel: window,
        strides,
        dilation,
        padding: cropping,
        output: [x.axis(1), x.axis(2)],
    })
}

impl<'r> Var<'r> {
    /// The transposed 2D convolution of images n × height × width × channels with kernels height × width × filters × channels
    /// and an optional bias per filter: each pixel adds its multiple of a kernel to a window of the output.
    ///
    /// ```
    /// use gradus::{Key, ops::Conv2dTransposeOptions, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (images, kernels) = (recorder.input([1, 1, 2, 1]), recorder.input([1, 2, 1, 1]));
    /// let y = images.conv2d_transpose(kernels, None, Conv2dTransposeOptions::new((1, 3)));
    /// let (images, kernels, y) = (images.id(), kernels.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([images])[0].copy_from_slice(&[1.0, 2.0]);
    /// tape.input_slices([kernels])[0].copy_from_slice(&[3.0, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [3.0, 10.0, 8.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn conv2d_transpose(self, kernel: Var<'r>, bias: Option<Var<'r>>, options: Conv2dTransposeOptions) -> Var<'r> {
        let y = self.recorder().apply(Conv2dTranspose { options, convolution: None }, &[self, kernel]);
        options.activation.apply(bias.map_or(y, |bias| y + bias))
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use super::*;
    use crate::ops::Activation;
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        let options = Conv2dTransposeOptions::new;
        vec![
            Sample::new(move |x| x[0].conv2d_transpose(x[1], Some(x[2]), options((6, 5))))
                .variable([2, 5, 4, 3])
                .variable([2, 2, 4, 3])
                .variable([4]),
            Sample::new(move |x| x[0].conv2d_transpose(x[1], None, options((8, 9)).strides((2, 3)).cropping((1, 0))))
                .variable([2, 4, 3, 2])
                .variable([3, 2, 1, 2]),
            Sample::new(move |x| {
                let options = options((5, 5)).dilation_rate((2, 1)).groups(2).activation(Activation::Tanh);
                x[0].conv2d_transpose(x[1] * 0.3, Some(x[2]), options)
            })
            .variable([1, 3, 4, 4])
            .variable([2, 2, 1, 4])
            .variable([2]),
        ]
    }

    #[test]
    fn wrong_shapes_and_sizes_are_rejected() {
        let message = |options: Conv2dTransposeOptions, kernel: [usize; 4]| {
            let recorder = Recorder::new(Mode::Training);
            let (x, w) = (recorder.input([8, 9, 9, 4]), recorder.input(kernel));
            let _ = x.conv2d_transpose(w, None, options);
            recorder.finish().err().map_or(String::new(), |error| error.to_string())
        };
        let options = Conv2dTransposeOptions::new(9);
        assert_eq!(message(options, [3, 3, 6, 4]), "");
        assert!(message(options, [3, 3, 4, 6]).contains("expected images n × height × width × channels"));
        assert!(message(options.groups(3), [3, 3, 6, 4]).contains("a multiple of 3"));
        assert_eq!(message(options.groups(0), [3, 3, 6, 4]), "Conv2dTranspose: groups must be at least 1, got 0");
        let no_pixel = Conv2dTransposeOptions::new(0);
        assert_eq!(message(no_pixel, [3, 3, 6, 4]), "Conv2dTranspose: size must be ≥ 1 and < 2³¹, got 0");
        assert!(!message(Conv2dTransposeOptions::new(1 << 30), [3, 3, 6, 4]).is_empty());
        assert!(!message(options.cropping(usize::MAX), [3, 3, 6, 4]).is_empty());
    }
}
