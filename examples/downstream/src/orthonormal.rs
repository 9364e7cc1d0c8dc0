//! A custom regularizer: factor · ‖wᵀ · w − 1‖², the distance of the columns of a matrix from an orthonormal set. A branch
//! with such a kernel preserves the norm of its input.

use gradus::regularizers::Regularizer;
use gradus::tape::Var;
use gradus::{FromSpec, Result, Settings, Spec};

/// Penalizes kernels whose columns are not orthonormal.
#[derive(Clone, Copy, Debug)]
pub struct Orthonormal {
    factor: f32,
}

impl Orthonormal {
    /// Creates the regularizer with this factor.
    pub fn new(factor: f32) -> Orthonormal {
        Orthonormal { factor }
    }
}

impl Regularizer for Orthonormal {
    // ‖wᵀ · w − 1‖² = Σ (wᵀ · w)² − 2 · Σ w² + columns, because the trace of wᵀ · w is Σ w².
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        let products = weights.transpose(&[1, 0]).matmul(weights);
        let columns = weights.shape().last() as f32;
        ((products * products).sum() - (weights * weights).sum() * 2.0 + columns) * self.factor
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("factor", self.factor)
    }
}

impl FromSpec for Orthonormal {
    const CLASS: &'static str = "Orthonormal";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Orthonormal> {
        Ok(Orthonormal { factor: settings.float("factor")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gradus::testing::Sample;

    #[test]
    fn gradients_agree_with_central_differences() {
        Sample::new(|x| Orthonormal::new(0.5).record(x[0])).variable([4, 3]).check_gradients().unwrap();
    }
}
