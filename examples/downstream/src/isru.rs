//! A custom operation, the inverse square root unit (Carlile et al. 2017): y = x / √(1 + x²), dx = dy / √(1 + x²)³.
//!
//! Most functions need no custom operation: `x / (x * x + 1.0).sqrt()` on a `Var` is differentiated automatically. An
//! operation passes over the array once instead of four times, and stores no intermediate results.

use gradus::tape::{Context, Gradients, Inputs, Op, Var, arity};
use gradus::{Error, FromSpec, Result, Settings, Shape, Spec, layers};

/// The operation. It has no fields, because it has no settings and stores nothing for the backward pass.
struct Isru;

impl Op for Isru {
    fn name(&self) -> &'static str {
        "isru"
    }

    // Called once, while recording. Check shapes and allocate buffers here; `forward` and `backward` must not allocate.
    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        Ok(x)
    }

    // IEEE 754 defines the result of +, ·, / and √ on every machine. The system's exp or tanh differ between machines; those
    // of a `Var` do not.
    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        y.iter_mut().zip(x.data()).for_each(|(y, x)| *y = x / (1.0 + x * x).sqrt());
    }

    // Overwrites the gradient. The tape adds the gradients of values that are used more than once.
    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([x], [dx]) = (inputs.each(), gradients.each());
        let Some(dx) = dx else { return }; // x is data and needs no gradient
        for ((dx, x), dy) in dx.iter_mut().zip(x.data()).zip(dy) {
            let slope = 1.0 / (1.0 + x * x).sqrt();
            *dx = *dy * slope * slope * slope;
        }
    }
}

/// Adds the method `x.isru()` to `Var`, by a trait because `Var` is defined in gradus.
pub trait IsruExt {
    /// x / √(1 + x²), elementwise.
    fn isru(self) -> Self;
}

impl IsruExt for Var<'_> {
    fn isru(self) -> Self {
        self.recorder().apply(Isru, &[self])
    }
}

/// The operation as a layer.
#[derive(Clone, Copy, Debug)]
pub struct IsruLayer;

impl layers::Layer for IsruLayer {
    fn build(&self, inputs: &[Shape], _weights: &mut layers::Weights<'_>) -> Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![*x])
    }

    fn record<'r>(&self, _weights: &mut layers::Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].isru()]
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
    fn gradients_agree_with_central_differences() {
        Sample::new(|x| x[0].isru()).variable([3, 5]).check_gradients().unwrap();
        Sample::new(|x| (x[0].isru() * x[0]).isru()).variable([7]).check_gradients().unwrap();
    }

    #[test]
    fn the_layer_passes_all_checks() {
        LayerSample::new(IsruLayer).input([2, 3]).check().unwrap();
    }
}
