//! The maximum of each window of an image (NHWC); its gradient goes to the first place where the maximum stands.
//!
//! Sizes that the windows do not fill are cut off: ⌊(n − window) / stride⌋ + 1.

use crate::error::{Error, check_setting};
use crate::kernels::pool::{self, PoolGeometry};
use crate::tape::{Gradients, Inputs, Op, Var, arity};
use crate::{Key, Result, Shape};

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
        self.at = vec![0; output.len()];
        self.geometry = Some(geometry);
        Ok(output)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _key: Key) {
        let ([x], Some(geometry)) = (inputs.each(), &self.geometry) else { return };
        pool::max_forward(geometry, &x, y, &mut self.at);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([Some(dx)], Some(geometry)) = (gradients.each(), &self.geometry) else { return };
        pool::max_backward(geometry, &self.at, dy, dx);
    }
}

/// The shape of one pooled sample, for a layer to announce.
pub(crate) fn max_pool2d_output(sample: Shape, window: [usize; 2], strides: [usize; 2]) -> Result<Shape> {
    let geometry = geometry(sample.batch(1)?, window, strides)?;
    Ok(Shape::from([geometry.output[0], geometry.output[1], geometry.channels]))
}

/// The sizes of a pooling of `x`, n × height × width × channels.
fn geometry(x: Shape, window: [usize; 2], strides: [usize; 2]) -> Result<PoolGeometry> {
    let places = window[0].saturating_mul(window[1]);
    check_setting((1..=1 << 16).contains(&places), "MaxPool2d", "pool_size", places as f64, "1 ≤ places ≤ 65536")?;
    check_setting(strides[0] > 0 && strides[1] > 0, "MaxPool2d", "strides", 0.0, "1 ≤ strides")?;
    if x.rank() != 4 || x.axis(1) < window[0] || x.axis(2) < window[1] {
        let [height, width] = window;
        return Err(Error::expected(format!("images n × height × width × channels of at least {height} × {width}")));
    }
    let output = [0, 1].map(|axis| (x.axis(axis + 1) - window[axis]) / strides[axis] + 1);
    let [batch, height, width, channels] = [0, 1, 2, 3].map(|axis| x.axis(axis));
    Ok(PoolGeometry { batch, height, width, channels, window, strides, output })
}

impl<'r> Var<'r> {
    /// The maximum of each window of `window` rows and columns, `strides` apart, of images n × height × width × channels.
    pub fn max_pool2d(self, window: [usize; 2], strides: [usize; 2]) -> Var<'r> {
        self.recorder().apply(MaxPool2d { window, strides, geometry: None, at: Vec::new() }, &[self])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].max_pool2d([2, 2], [2, 2])).variable([2, 5, 7, 3]),
            Sample::new(|x| x[0].max_pool2d([3, 2], [1, 2])).variable([1, 4, 6, 1]),
        ]
    }

    #[test]
    fn an_image_smaller_than_the_window_is_refused() {
        let recorder = Recorder::new(Mode::Training);
        recorder.input([8, 1, 9, 3]).max_pool2d([2, 2], [2, 2]);
        let message = recorder.finish().unwrap_err().to_string();
        let expected = "max_pool2d: found shape 8 × 1 × 9 × 3, expected images n × height × width × channels of at \
                        least 2 × 2";
        assert_eq!(message, expected);
    }
}
