//! How the numbers of a model's output are to be read: as probabilities, as logits, or as margins.

/// How the numbers of a model's output are to be read. The loss says so
/// ([`Loss::output_scale`](crate::losses::Loss::output_scale)), and everything that turns outputs into classes follows it.
///
/// ```
/// use gradus::OutputScale;
/// assert_eq!(OutputScale::Plain.class(&[0.4]), 0);
/// assert_eq!(OutputScale::SigmoidLogits.class(&[0.4]), 1); // sigmoid(0.4) is above ½
/// assert_eq!(OutputScale::SoftmaxLogits.class(&[-1.0, 2.0, 0.5]), 1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputScale {
    /// Probabilities, or the values of a regression: used as they are.
    #[default]
    Plain,
    /// Independent logits: the probability of each output is its sigmoid.
    SigmoidLogits,
    /// Rows of logits: the probabilities are the softmax along the last axis.
    SoftmaxLogits,
    /// Margins, whose sign decides between two classes, as with [`Hinge`](crate::losses::Hinge). They stand for no
    /// probabilities.
    Margins,
}

impl OutputScale {
    /// The class that the outputs of one position name: the index of the first maximum. A single output tells two classes
    /// apart: 1 where it is above ½, or above 0 for logits and margins.
    pub fn class(self, outputs: &[f32]) -> usize {
        match (outputs, self) {
            ([output], OutputScale::SigmoidLogits | OutputScale::Margins) => usize::from(*output > 0.0),
            ([output], _) => usize::from(*output > 0.5),
            _ => argmax(outputs),
        }
    }
}

/// The index of the first maximum.
pub(crate) fn argmax(row: &[f32]) -> usize {
    let mut best = 0;
    for (at, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = at;
        }
    }
    best
}
