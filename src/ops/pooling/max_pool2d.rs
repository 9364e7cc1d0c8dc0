//! The maximum of each window of an image (NHWC); its gradient goes to the first place where the maximum stands.
//!
//! With padding `valid`, sizes that the windows do not fill are cut off: ⌊(n − window) / stride⌋ + 1. With `same`, an image
//! is first put into one of −∞, which is never a maximum.

use super::average_pool2d::windows;
use crate::error::Result;
use crate::kernels::pool::{self, PoolGeometry};
use crate::ops::Padding;
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct MaxPool2d {
    window: [usize; 2],
    strides: [usize; 2],
    geometry: Option<PoolGeometry>,
    at: Vec<u16>,
}

impl Op for MaxPool2d {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        let geometry = geometry(x, self.window, self.strides)?;
        let output = Shape::from([geometry.batch, geometry.output[0], geometry.output[1], geometry.channels]);
        self.at = sizes::filled(0, output.sizes())?;
        self.geometry = Some(geometry);
        Ok(output)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let ([x], Some(geometry)) = (inputs.each(), &self.geometry) else { return };
        pool::max_forward(geometry, &x, y, &mut self.at);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([Some(dx)], Some(geometry)) = (gradients.each(), &self.geometry) else { return };
        pool::max_backward(geometry, &self.at, dy, dx);
    }
}

/// The sizes of a pooling of `x`, n × height × width × channels, without padding.
fn geometry(x: Shape, window: [usize; 2], strides: [usize; 2]) -> Result<PoolGeometry> {
    let output = windows(x, "MaxPool2d", window, strides, Padding::Valid)?.output;
    let [batch, height, width, channels] = [0, 1, 2, 3].map(|axis| x.axis(axis));
    Ok(PoolGeometry { batch, height, width, channels, window, strides, output })
}

impl<'r> Var<'r> {
    /// The maximum of each window of `window` rows and columns, `strides` apart, of images n × height × width × channels.
    pub fn max_pool2d(self, window: impl Into<Size2d>, strides: impl Into<Size2d>, padding: Padding) -> Var<'r> {
        let (window, strides) = (window.into().sizes(), strides.into().sizes());
        let images = if padding == Padding::Same { self.with_border(window, strides) } else { self };
        self.recorder().apply(MaxPool2d { window, strides, geometry: None, at: Vec::new() }, &[images])
    }

    /// Images with so much of −∞ around that windows reach over each of their elements; the images themselves where they do
    /// anyway.
    fn with_border(self, window: [usize; 2], strides: [usize; 2]) -> Var<'r> {
        let x = self.shape();
        // What does not fit is refused when the windows are recorded.
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
    fn an_image_smaller_than_the_window_is_refused() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.input([8, 1, 9, 3]).max_pool2d([2, 2], [2, 2], Padding::Valid);
        let message = recorder.finish().unwrap_err().to_string();
        let expected = "max_pool2d: found shape 8 × 1 × 9 × 3, expected images n × height × width × channels of at \
                        least 2 × 2";
        assert_eq!(message, expected);
    }
}
