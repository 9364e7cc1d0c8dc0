//! The mean of each window of an image (NHWC), over the elements inside the image, each of which gets an equal share of dy.

use crate::error::{Error, Result, check_setting};
use crate::kernels::average_pool::{self, Windows};
use crate::ops::window::{Padding, size};
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::sizes::check_steps;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct AveragePool2d {
    window: [usize; 2],
    strides: [usize; 2],
    padding: Padding,
    windows: Option<Windows>,
}

impl Op for AveragePool2d {
    fn name(&self) -> &'static str {
        "average_pool2d"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        let windows = windows(x, "AveragePool2d", self.window, self.strides, self.padding)?;
        self.windows = Some(windows);
        Ok(Shape::from([x.axis(0), windows.output[0], windows.output[1], windows.channels]))
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let ([x], Some(windows)) = (inputs.each(), &self.windows) else { return };
        average_pool::forward(windows, &x, y);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([Some(dx)], Some(windows)) = (gradients.each(), &self.windows) else { return };
        average_pool::backward(windows, dy, dx);
    }
}

/// The sizes of a pooling of `x`, n × height × width × channels.
pub(in crate::ops) fn windows(
    x: Shape,
    owner: &'static str,
    window: [usize; 2],
    strides: [usize; 2],
    padding: Padding,
) -> Result<Windows> {
    let elements = window[0].saturating_mul(window[1]);
    check_setting(
        (1..=1 << 16).contains(&elements),
        owner,
        "pool_size",
        elements,
        "≥ 1 and ≤ 65536 in rows × columns",
    )?;
    check_steps(owner, "strides", &strides)?;
    padding.check_not_causal(owner)?;
    let along = |axis: usize| size(x.axis(axis + 1), window[axis], strides[axis], padding);
    let (4, Some((rows, top)), Some((columns, left))) = (x.rank(), along(0)?, along(1)?) else {
        let [height, width] = window;
        let expected = format!("images n × height × width × channels of at least {height} × {width}");
        return Err(Error::expected(expected));
    };
    let (size, channels) = ([x.axis(1), x.axis(2)], x.axis(3));
    Ok(Windows { size, channels, window, strides, padding: [top, left], output: [rows, columns] })
}

/// The shape of one pooled sample.
pub(crate) fn pooled(
    sample: Shape,
    owner: &'static str,
    window: [usize; 2],
    strides: [usize; 2],
    padding: Padding,
) -> Result<Shape> {
    let windows = windows(sample.batch(1)?, owner, window, strides, padding)?;
    Ok(Shape::from([windows.output[0], windows.output[1], windows.channels]))
}

impl<'r> Var<'r> {
    /// 2D average pooling of images n × height × width × channels, with the size and the strides of windows in rows and
    /// columns. Padding does not count in the mean.
    ///
    /// ```
    /// use gradus::{Key, ops::Padding, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let images = recorder.input([1, 2, 2, 1]);
    /// let y = images.average_pool2d(2, 2, Padding::Valid);
    /// let (images, y) = (images.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([images])[0].copy_from_slice(&[1.0, 2.0, 3.0, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [2.5]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn average_pool2d(self, window: impl Into<Size2d>, strides: impl Into<Size2d>, padding: Padding) -> Var<'r> {
        let (window, strides) = (window.into().sizes(), strides.into().sizes());
        self.recorder().apply(AveragePool2d { window, strides, padding, windows: None }, &[self])
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use super::Padding;
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].average_pool2d([2, 2], [2, 2], Padding::Valid)).variable([2, 5, 7, 3]),
            Sample::new(|x| x[0].average_pool2d([3, 2], [1, 2], Padding::Same)).variable([1, 4, 6, 1]),
            Sample::new(|x| x[0].average_pool2d([3, 3], [1, 1], Padding::Same)).variable([1, 1, 1, 2]),
        ]
    }

    #[test]
    fn an_image_smaller_than_the_window_is_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let x = recorder.input([8, 1, 9, 3]);
        let _ = recorder.scope("pool", || x.average_pool2d([2, 2], [2, 2], Padding::Valid));
        let expected = "pool: average_pool2d: found shape 8 × 1 × 9 × 3, expected images n × height × width × channels \
                        of at least 2 × 2";
        assert_eq!(recorder.finish().unwrap_err().to_string(), expected);
    }
}
