//! Tests with layers that violate one rule each.

use super::*;
use crate::initializers::Ones;
use crate::settings::Settings;

/// A layer that violates one rule.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Broken {
    Shape,
    Weight,
    Rows,
    Spec,
}

impl Layer for Broken {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        weights.add("scale", inputs[0].last(), &Ones)?;
        Ok(vec![if *self == Broken::Shape { Shape::from([inputs[0].len() + 1]) } else { inputs[0] }])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let x = inputs[0];
        let y = match self {
            Broken::Weight => x,
            Broken::Rows => x * weights.take::<1>()[0] + x.sum(),
            _ => x * weights.take::<1>()[0],
        };
        vec![y]
    }

    fn spec(&self) -> Spec {
        Spec::new("Broken")
    }
}

impl FromSpec for Broken {
    const CLASS: &'static str = "Broken";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Broken> {
        let _ = settings;
        Ok(Broken::Rows)
    }
}

#[test]
fn each_violation_is_detected() {
    let message = |layer: Broken| LayerSample::new(layer).input([4]).check().unwrap_err().to_string();
    assert_eq!(message(Broken::Shape), "Shape: the layer made from its spec has different weights or outputs");
    assert_eq!(message(Broken::Weight), "Weight: it does not use its weight layer/scale");
    assert_eq!(message(Broken::Rows), "Rows: in inference, the output of a row depends on other rows or on the key");
    let made = LayerSample::made_by(Box::new(Broken::Shape), |_| Ok(Box::new(Broken::Shape)));
    let taking = made.input([4]).check().unwrap_err().to_string();
    assert_eq!(taking, "Shape: it accepts an unknown setting; read settings by name");
    let few = LayerSample::new(Broken::Spec).values(ndarray::arr2(&[[1.0]])).check().unwrap_err().to_string();
    assert_eq!(few, "Spec: a sample has inputs of 3 rows");
}
