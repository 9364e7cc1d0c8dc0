//! The maximum of each channel over an image (NHWC); the elements that are equal to it share its gradient.

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
    /// The maximum of each channel over images n × height × width × channels: n × channels.
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
    fn what_is_no_image_is_told() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.scope("pool", || recorder.input([2, 3]).global_max_pool2d());
        let expected = "pool: global_max_pool2d: found shape 2 × 3, expected images n × height × width × channels";
        assert_eq!(recorder.finish().unwrap_err().to_string(), expected);
    }
}
