//! The scale of a model's output: probabilities, logits or margins.

/// The scale of a model's output. The loss defines it ([`Loss::output_scale`](crate::losses::Loss::output_scale)), and
/// metrics and `predict_classes` use it to convert outputs to classes.
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
    /// Probabilities, or the values of a regression.
    #[default]
    Plain,
    /// Independent logits: the probability of each output is its sigmoid.
    SigmoidLogits,
    /// Rows of logits: the probabilities are the softmax along the last axis.
    SoftmaxLogits,
    /// Margins, whose sign selects one of two classes, as with [`Hinge`](crate::losses::Hinge). They are not probabilities.
    Margins,
}

impl OutputScale {
    /// The predicted class of one position: the index of the first maximum. A single output distinguishes two classes: 1 if
    /// it is greater than ½, or greater than 0 for logits and margins; otherwise 0.
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
