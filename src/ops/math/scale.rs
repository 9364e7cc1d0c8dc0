//! y = x · factor + offset with constants, dx = dy · factor; the operators of values and numbers, as in `2.0 * x - 1.0`.

use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};
use std::ops;

struct Scale {
    factor: f32,
    offset: f32,
}

impl Op for Scale {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        arity(inputs).map(|[x]| x)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        y.iter_mut().zip(x.data()).for_each(|(y, x)| *y = x * self.factor + self.offset);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        if let [Some(dx)] = gradients.each() {
            dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx = *dy * self.factor);
        }
    }
}

impl<'r> Var<'r> {
    /// Multiplies each element by a constant, like `x * factor`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.scale(0.5) + (2.0 * x - 1.0);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[2.0, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [4.0, 9.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn scale(self, factor: f32) -> Var<'r> {
        self.recorder().apply(Scale { factor, offset: 0.0 }, &[self])
    }

    /// Records x · factor + offset.
    fn shift(self, factor: f32, offset: f32) -> Var<'r> {
        self.recorder().apply(Scale { factor, offset }, &[self])
    }
}

impl<'r> ops::Mul<f32> for Var<'r> {
    type Output = Var<'r>;

    fn mul(self, factor: f32) -> Var<'r> {
        self.scale(factor)
    }
}

impl<'r> ops::Mul<Var<'r>> for f32 {
    type Output = Var<'r>;

    fn mul(self, x: Var<'r>) -> Var<'r> {
        x.scale(self)
    }
}

impl<'r> ops::Add<f32> for Var<'r> {
    type Output = Var<'r>;

    fn add(self, offset: f32) -> Var<'r> {
        self.shift(1.0, offset)
    }
}

impl<'r> ops::Add<Var<'r>> for f32 {
    type Output = Var<'r>;

    fn add(self, x: Var<'r>) -> Var<'r> {
        x + self
    }
}

impl<'r> ops::Sub<f32> for Var<'r> {
    type Output = Var<'r>;

    fn sub(self, offset: f32) -> Var<'r> {
        self.shift(1.0, -offset)
    }
}

impl<'r> ops::Sub<Var<'r>> for f32 {
    type Output = Var<'r>;

    fn sub(self, x: Var<'r>) -> Var<'r> {
        x.shift(-1.0, self)
    }
}

impl<'r> ops::Neg for Var<'r> {
    type Output = Var<'r>;

    fn neg(self) -> Var<'r> {
        self.scale(-1.0)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].scale(-1.5)).variable([2, 3]),
            Sample::new(|x| 1.0 - (2.0 * x[0] + 0.5) * -3.0).variable([7]),
            Sample::new(|x| -x[0] - 2.0).variable([1]),
            Sample::new(|x| 0.5 + x[0]).variable([3]),
        ]
    }
}
