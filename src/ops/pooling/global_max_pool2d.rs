//! The maximum of each channel over an image (NHWC); elements equal to the maximum share its gradient.

use crate::error::{Error, Result};
use crate::kernels::global_max;
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct GlobalMaxPool2d;

impl Op for GlobalMaxPool2d {
    fn name(&self) -> &'static str {
        "global_max_pool2d"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        if x.rank() != 4 {
            return Err(Error::expected("images n × height × width × channels"));
        }
        Ok(Shape::from([x.axis(0), x.axis(3)]))
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        global_max::forward(&x, x.shape().axis(3), x.shape().sample().len(), y);
    }

    fn backward(&mut self, inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([x], [Some(dx)]) = (inputs.each(), gradients.each()) else { return };
        global_max::backward(&x, x.shape().axis(3), x.shape().sample().len(), y, dy, dx);
    }
}

impl<'r> Var<'r> {
    /// Global 2D max pooling: from images n × height × width × channels to n × channels.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let images = recorder.input([1, 2, 2, 1]);
    /// let y = images.global_max_pool2d();
    /// let (images, y) = (images.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([images])[0].copy_from_slice(&[1.0, 2.0, 3.0, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [4.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn global_max_pool2d(self) -> Var<'r> {
        self.recorder().apply(GlobalMaxPool2d, &[self])
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].global_max_pool2d()).variable([2, 3, 2, 3]),
            Sample::new(|x| x[0].global_max_pool2d()).variable([1, 1, 1, 1]),
        ]
    }

    #[test]
    fn arrays_without_image_axes_are_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.scope("pool", || recorder.input([2, 3]).global_max_pool2d());
        let expected = "pool: global_max_pool2d: found shape 2 × 3, expected images n × height × width × channels";
        assert_eq!(recorder.finish().unwrap_err().to_string(), expected);
    }
}
