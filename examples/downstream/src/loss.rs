//! A custom loss: the mean of d² / √(1 + d²) for d = prediction − target. It is close to d² for small d and close to |d|
//! for large d, which limits the influence of outliers.

use crate::isru::IsruExt;
use gradus::losses::Loss;
use gradus::tape::Var;
use gradus::{Accepts, FromSpec, Result, Settings, Shape, Spec, TargetKind};

/// The mean of d · isru(d).
#[derive(Clone, Copy, Debug)]
pub struct RobustError;

impl Loss for RobustError {
    // Checked before training begins: finite numbers in the shape of the output.
    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Values])
    }

    // Receives a whole batch, so the mean is also taken over the rows. The operations provide the derivative.
    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        let difference = prediction - target;
        (difference * difference.isru()).mean()
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for RobustError {
    const CLASS: &'static str = "RobustError";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<RobustError> {
        Ok(RobustError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gradus::testing::Sample;

    #[test]
    fn gradients_agree_with_central_differences() {
        Sample::new(|x| RobustError.record(x[0], x[1])).variable([4, 2]).variable([4, 2]).check_gradients().unwrap();
    }
}
