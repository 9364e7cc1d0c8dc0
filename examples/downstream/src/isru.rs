//! An operation of one's own: y = x / √(1 + x²), dx = dy / √(1 + x²)³ (Carlile et al. 2017, the inverse square root unit).
//!
//! Most functions need none: `x / (x * x + 1.0).sqrt()` on a `Var` has its derivative already. An operation goes over the
//! array once instead of four times, and keeps nothing in between.

use gradus::tape::{Context, Gradients, Inputs, Op, Var, arity};
use gradus::{Error, FromSpec, Result, Settings, Shape, Spec, layers};

/// It has no settings and keeps nothing for backward, so there are no fields.
struct Isru;

impl Op for Isru {
    fn name(&self) -> &'static str {
        "isru"
    }

    // Called once, while recording: the place for checks, and for memory, as the two below allocate nothing.
    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        Ok(x)
    }

    // IEEE 754 rounds +, ·, / and √ alike on every machine. The system's exp or tanh would not give the same bits; those of
    // a `Var` do.
    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        y.iter_mut().zip(x.data()).for_each(|(y, x)| *y = x / (1.0 + x * x).sqrt());
    }

    // Overwrites what is lent; where x is used twice, the tape adds.
    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([x], [dx]) = (inputs.each(), gradients.each());
        let Some(dx) = dx else { return }; // nobody wants it: x is data
        for ((dx, x), dy) in dx.iter_mut().zip(x.data()).zip(dy) {
            let slope = 1.0 / (1.0 + x * x).sqrt();
            *dx = *dy * slope * slope * slope;
        }
    }
}

/// The method that records it, `x.isru()`: a trait, as `Var` belongs to gradus.
pub trait IsruExt {
    /// x / √(1 + x²), element by element.
    fn isru(self) -> Self;
}

impl IsruExt for Var<'_> {
    fn isru(self) -> Self {
        self.recorder().apply(Isru, &[self])
    }
}

/// The operation as a layer, to put behind others in a model.
#[derive(Clone, Copy, Debug)]
pub struct IsruLayer;

impl layers::Layer for IsruLayer {
    fn build(&self, inputs: &[Shape], _weights: &mut layers::Weights<'_>) -> Result<Shape> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        Ok(*x)
    }

    fn record<'r>(&self, _weights: &mut layers::Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Var<'r> {
        inputs[0].isru()
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for IsruLayer {
    const CLASS: &'static str = "Isru";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<IsruLayer> {
        Ok(IsruLayer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gradus::testing::{LayerSample, Sample};

    #[test]
    fn gradients_are_right() {
        Sample::new(|x| x[0].isru()).variable([3, 5]).check_gradients().unwrap();
        Sample::new(|x| (x[0].isru() * x[0]).isru()).variable([7]).check_gradients().unwrap();
    }

    #[test]
    fn it_holds_what_layers_hold() {
        LayerSample::new(IsruLayer).input([2, 3]).check().unwrap();
    }
}
