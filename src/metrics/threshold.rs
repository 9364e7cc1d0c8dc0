//! Comparison of outputs of any scale with a probability.

use crate::kernels::{double, math};
use crate::output_scale::OutputScale;

/// A probability with which outputs of any scale are compared. Logits are compared without computing their probability,
/// whose rounding could change the result near the threshold.
///
/// ```
/// use gradus::{OutputScale, metrics::Threshold};
/// let threshold = Threshold::new(0.5, OutputScale::SoftmaxLogits);
/// let row = [1.0, 3.0, 1.5]; // softmax: 0.10, 0.74, 0.16
/// assert_eq!(row.map(|output| threshold.row(&row).is_above(output)), [false, true, false]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    probability: f64,
    scale: OutputScale,
    /// The threshold for single outputs.
    cut: f64,
}

impl Threshold {
    /// Creates a threshold from a probability, for outputs of this scale.
    pub fn new(probability: f32, scale: OutputScale) -> Threshold {
        let probability = f64::from(probability);
        let cut = match scale {
            OutputScale::SigmoidLogits | OutputScale::Margins => logit(probability),
            _ => probability,
        };
        Threshold { probability, scale, cut }
    }

    /// The threshold for the outputs of one position, which are all outputs along the last axis.
    pub fn row(&self, outputs: &[f32]) -> RowThreshold {
        if self.scale != OutputScale::SoftmaxLogits {
            return RowThreshold(Comparison::Output(self.cut));
        }
        let largest =
            outputs.iter().fold(f64::NEG_INFINITY, |most, x| if f64::from(*x) > most { (*x).into() } else { most });
        let sum = outputs.iter().fold(0.0, |sum, x| sum + double::exp(f64::from(*x) - largest));
        RowThreshold(Comparison::Exponential { largest, cut: self.probability * sum })
    }
}

/// A [`Threshold`] for the outputs of one position.
#[derive(Clone, Copy, Debug)]
pub struct RowThreshold(Comparison);

#[derive(Clone, Copy, Debug)]
enum Comparison {
    /// The output itself is compared.
    Output(f64),
    /// e to the distance from the largest output is compared.
    Exponential { largest: f64, cut: f64 },
}

impl RowThreshold {
    /// Whether an output is above the threshold. NaN never is.
    pub fn is_above(self, output: f32) -> bool {
        let output = f64::from(output);
        match self.0 {
            Comparison::Output(cut) => output > cut,
            Comparison::Exponential { largest, cut } => double::exp(output - largest) > cut,
        }
    }
}

/// The logit whose sigmoid is this probability; −∞ for probabilities ≤ 0 and ∞ for those ≥ 1.
fn logit(probability: f64) -> f64 {
    match probability {
        p if p <= 0.0 => f64::NEG_INFINITY,
        p if p >= 1.0 => f64::INFINITY,
        p => math::ln(p / (1.0 - p)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn above(probability: f32, scale: OutputScale, row: &[f32]) -> Vec<bool> {
        let threshold = Threshold::new(probability, scale).row(row);
        row.iter().map(|output| threshold.is_above(*output)).collect()
    }

    #[test]
    fn logits_are_above_where_their_probabilities_are() {
        let logits = [-2.0f32, -1e-9, 0.0, 1e-9, 0.5, 3.0];
        let sigmoid = logits.map(|x| 1.0 / (1.0 + (-f64::from(x)).exp()));
        for probability in [0.1, 0.25, 0.75, 0.9] {
            let expected: Vec<bool> = sigmoid.iter().map(|p| *p > f64::from(probability)).collect();
            assert_eq!(above(probability, OutputScale::SigmoidLogits, &logits), expected);
        }
        // As f32 these probabilities are ½.
        assert_eq!(above(0.5, OutputScale::SigmoidLogits, &logits), [false, false, false, true, true, true]);
        assert_eq!(above(0.5, OutputScale::Margins, &logits), [false, false, false, true, true, true]);
        let sum: f64 = logits.iter().map(|x| f64::from(*x).exp()).sum();
        for probability in [0.0, 0.05, 0.5, 0.8, 1.0] {
            let softmax = logits.map(|x| f64::from(x).exp() / sum > f64::from(probability));
            assert_eq!(above(probability, OutputScale::SoftmaxLogits, &logits), softmax, "{probability}");
        }
    }

    #[test]
    fn limits_and_nan_do_not_panic() {
        let extreme = [f32::NEG_INFINITY, -1e30, 1e30, f32::NAN];
        for scale in [OutputScale::Plain, OutputScale::SigmoidLogits] {
            assert!(!above(0.5, scale, &extreme)[3], "NaN is above nothing");
        }
        assert_eq!(above(0.0, OutputScale::SigmoidLogits, &extreme), [false, true, true, false]);
        assert_eq!(above(1.0, OutputScale::SigmoidLogits, &extreme), [false; 4]);
        assert_eq!(above(0.5, OutputScale::Plain, &[0.5, 0.5000001]), [false, true]);
    }
}
