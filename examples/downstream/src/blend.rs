//! A custom layer that interpolates between two branches: y = b + (a − b) · sigmoid(gate), with one learned gate per
//! feature.

use gradus::initializers::Constant;
use gradus::layers::{Cursor, Layer, Weights};
use gradus::tape::Var;
use gradus::{Error, FromSpec, Result, Settings, Shape, Spec};

/// Interpolates between two branches, a and b, with one learned gate per feature.
#[derive(Clone, Copy, Debug)]
pub struct Blend {
    gate: f32,
}

impl Blend {
    /// Creates the layer with this initial value of every gate. 0 weights both branches equally.
    pub fn new(gate: f32) -> Blend {
        Blend { gate }
    }
}

impl Layer for Blend {
    // Shapes here are those of one sample, without the batch axis. An error states only the expected shapes; the model
    // adds the name of the layer and the shapes that it found.
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        match inputs {
            [a, b] if a == b => {
                weights.add("gate", a.last(), &Constant::new(self.gate))?;
                Ok(vec![*a])
            }
            _ => Err(Error::expected("two branches of one shape")),
        }
    }

    // Called once per batch size and mode (training or inference); the recording is then replayed. Weights are taken in
    // the order in which `build` added them.
    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let ([gate], a, b) = (weights.take(), inputs[0], inputs[1]);
        vec![b + (a - b) * gate.sigmoid()]
    }

    // All settings by name, as saved in files and read by `from_spec`.
    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("gate", self.gate)
    }
}

impl FromSpec for Blend {
    const CLASS: &'static str = "Blend";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Blend> {
        Ok(Blend { gate: settings.float("gate")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gradus::testing::LayerSample;

    #[test]
    fn the_layer_passes_all_checks() {
        LayerSample::new(Blend::new(0.5)).input([4]).input([4]).check().unwrap();
        LayerSample::new(Blend::new(-1.0)).input([2, 3]).input([2, 3]).check().unwrap();
    }

    #[test]
    fn branches_of_different_shapes_are_errors() {
        let error = LayerSample::new(Blend::new(0.0)).input([4]).input([5]).check().unwrap_err();
        let text = "Blend { gate: 0.0 }: found shapes 4 and 5, expected two branches of one shape";
        assert_eq!(error.to_string(), text);
    }
}
