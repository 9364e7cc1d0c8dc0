//! A layer of one's own that brings two branches together: y = b + (a − b) · sigmoid(gate), with one learned gate for each
//! feature.

use gradus::initializers::Constant;
use gradus::layers::{Cursor, Layer, Weights};
use gradus::tape::Var;
use gradus::{Error, FromSpec, Result, Settings, Shape, Spec};

/// Between two branches, for each feature: at first as far from `b` as `sigmoid(gate)` says.
#[derive(Clone, Copy, Debug)]
pub struct Blend {
    gate: f32,
}

impl Blend {
    /// With gates that begin at this number: 0 is halfway.
    pub fn new(gate: f32) -> Blend {
        Blend { gate }
    }
}

impl Layer for Blend {
    // Shapes here are of one sample; the batch's axis comes when it is recorded. What is expected is enough for an error:
    // the model adds the layer's name and the shapes.
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Shape> {
        match inputs {
            [a, b] if a == b => {
                weights.add("gate", a.last(), &Constant::new(self.gate))?;
                Ok(*a)
            }
            _ => Err(Error::expected("two branches of one shape")),
        }
    }

    // Recorded once for each size of batch and for training and inference apart, then replayed. Weights come in the order in
    // which `build` added them.
    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Var<'r> {
        let ([gate], a, b) = (weights.take(), inputs[0], inputs[1]);
        b + (a - b) * gate.sigmoid()
    }

    // All settings by name: what files and summaries say of the layer, and what `from_spec` reads.
    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("gate", self.gate)
    }
}

impl FromSpec for Blend {
    const CLASS: &'static str = "Blend";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Blend> {
        Ok(Blend { gate: settings.number("gate")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gradus::testing::LayerSample;

    #[test]
    fn it_holds_what_layers_hold() {
        LayerSample::new(Blend::new(0.5)).input([4]).input([4]).check().unwrap();
        LayerSample::new(Blend::new(-1.0)).input([2, 3]).input([2, 3]).check().unwrap();
    }

    #[test]
    fn branches_that_do_not_fit_are_refused() {
        let error = LayerSample::new(Blend::new(0.0)).input([4]).input([5]).check().unwrap_err();
        let text = "Blend { gate: 0.0 }: found shapes 4 and 5, expected two branches of one shape";
        assert_eq!(error.to_string(), text);
    }
}
