//! The maximum of each window of an image (NHWC); its gradient goes to the first element equal to the maximum.
//!
//! With padding `valid`, the output has ⌊(n − window) / stride⌋ + 1 elements; elements that no window covers are ignored.
//! With `same`, an image is padded with −∞, which is never the maximum.

use super::average_pool2d::windows;
use crate::error::Result;
use crate::kernels::pool::{self, PoolGeometry};
use crate::ops::window::Padding;
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct MaxPool2d {
    window: [usize; 2],
    strides: [usize; 2],
    geometry: Option<PoolGeometry>,
    /// The position of the maximum in each window.
    maxima: Vec<u16>,
}

impl Op for MaxPool2d {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        let geometry = geometry(x, self.window, self.strides)?;
        let output = Shape::from([geometry.batch, geometry.output[0], geometry.output[1], geometry.channels]);
        self.maxima = sizes::filled(0, output.sizes())?;
        self.geometry = Some(geometry);
        Ok(output)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let ([x], Some(geometry)) = (inputs.each(), &self.geometry) else { return };
        pool::max_forward(geometry, &x, y, &mut self.maxima);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([Some(dx)], Some(geometry)) = (gradients.each(), &self.geometry) else { return };
        pool::max_backward(geometry, &self.maxima, dy, dx);
    }
}

/// The sizes of a pooling of `x`, n × height × width × channels, without padding.
fn geometry(x: Shape, window: [usize; 2], strides: [usize; 2]) -> Result<PoolGeometry> {
    let output = windows(x, "MaxPool2d", window, strides, Padding::Valid)?.output;
    let [batch, height, width, channels] = [0, 1, 2, 3].map(|axis| x.axis(axis));
    Ok(PoolGeometry { batch, height, width, channels, window, strides, output })
}

impl<'r> Var<'r> {
    /// 2D max pooling of images n × height × width × channels, with the size and the strides of windows in rows and columns.
    ///
    /// ```
    /// use gradus::{Key, ops::Padding, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let images = recorder.input([1, 2, 2, 1]);
    /// let y = images.max_pool2d(2, 2, Padding::Valid);
    /// let (images, y) = (images.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([images])[0].copy_from_slice(&[1.0, 2.0, 3.0, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [4.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn max_pool2d(self, window: impl Into<Size2d>, strides: impl Into<Size2d>, padding: Padding) -> Var<'r> {
        let (window, strides) = (window.into().sizes(), strides.into().sizes());
        let images = if padding == Padding::Same { self.padded_for_windows(window, strides) } else { self };
        self.recorder().apply(MaxPool2d { window, strides, geometry: None, maxima: Vec::new() }, &[images])
    }

    /// The images padded with −∞ for padding `same`.
    fn padded_for_windows(self, window: [usize; 2], strides: [usize; 2]) -> Var<'r> {
        let x = self.shape();
        // An error is reported when the pooling is recorded.
        let Ok(windows) = windows(x, "MaxPool2d", window, strides, Padding::Same) else { return self };
        let around = [0, 1].map(|axis| {
            let reach = (windows.output[axis] - 1) * strides[axis] + window[axis];
            let before = windows.padding[axis];
            [before, reach.saturating_sub(before + windows.size[axis])]
        });
        if around == [[0; 2]; 2] { self } else { self.pad(&[[0, 0], around[0], around[1], [0, 0]], f32::NEG_INFINITY) }
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use super::Padding;
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].max_pool2d([2, 2], [2, 2], Padding::Valid)).variable([2, 5, 7, 3]),
            Sample::new(|x| x[0].max_pool2d([3, 2], [1, 2], Padding::Valid)).variable([1, 4, 6, 1]),
            Sample::new(|x| x[0].max_pool2d([2, 2], [2, 2], Padding::Same)).variable([2, 5, 7, 3]),
            Sample::new(|x| x[0].max_pool2d([3, 3], [1, 2], Padding::Same)).variable([1, 4, 1, 1]),
        ]
    }

    #[test]
    fn an_image_smaller_than_the_window_is_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.input([8, 1, 9, 3]).max_pool2d([2, 2], [2, 2], Padding::Valid);
        let message = recorder.finish().unwrap_err().to_string();
        let expected = "max_pool2d: found shape 8 × 1 × 9 × 3, expected images n × height × width × channels of at \
                        least 2 × 2";
        assert_eq!(message, expected);
    }
}
