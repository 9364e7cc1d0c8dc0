//! A batch for metrics: outputs and targets with their interpretation.

use super::Threshold;
use crate::output_scale::OutputScale;
use crate::shape::View;

/// The outputs and the targets of a batch of rows, the type of the targets (integer labels or numbers), and the scale of the
/// outputs.
///
/// ```
/// use gradus::{Shape, View, metrics::{Accuracy, Metric, ScoredBatch}};
/// let outputs = View::new(Shape::from([2, 3]), &[0.1, 0.7, 0.2, 0.5, 0.3, 0.2]);
/// let batch = ScoredBatch::labels(outputs, View::new(Shape::from([2]), &[1.0, 2.0]));
/// assert_eq!(Accuracy.score(&batch)?, 0.5);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ScoredBatch<'a> {
    outputs: View<'a>,
    targets: View<'a>,
    labels: bool,
    scale: OutputScale,
}

impl<'a> ScoredBatch<'a> {
    /// Creates a batch from outputs n × … and an integer label for each position of each row.
    pub fn labels(outputs: View<'a>, labels: View<'a>) -> ScoredBatch<'a> {
        ScoredBatch { outputs, targets: labels, labels: true, scale: OutputScale::Plain }
    }

    /// Creates a batch from outputs n × … and targets that are numbers, such as one-hot rows.
    pub fn values(outputs: View<'a>, targets: View<'a>) -> ScoredBatch<'a> {
        ScoredBatch { outputs, targets, labels: false, scale: OutputScale::Plain }
    }

    /// Sets the scale of the outputs. Defaults to probabilities or values.
    #[must_use]
    pub fn scale(mut self, scale: OutputScale) -> ScoredBatch<'a> {
        self.scale = scale;
        self
    }

    /// The outputs, n × ….
    pub fn outputs(&self) -> View<'a> {
        self.outputs
    }

    /// The targets, n × …. Labels are integers, stored as floats.
    pub fn targets(&self) -> View<'a> {
        self.targets
    }

    /// Whether the targets are integer labels.
    pub fn has_labels(&self) -> bool {
        self.labels
    }

    /// The scale of the outputs.
    pub fn output_scale(&self) -> OutputScale {
        self.scale
    }

    /// The number of rows n.
    pub fn rows(&self) -> usize {
        self.outputs.shape().axis(0)
    }

    /// The positions of all rows, in order: the outputs along the last axis, with their target.
    pub fn positions(&self) -> impl Iterator<Item = Position<'a>> + use<'a> {
        let (columns, labels, scale) = (self.outputs.shape().last(), self.labels, self.scale);
        let targets = self.targets.data().chunks_exact(if labels { 1 } else { columns });
        let positions = self.outputs.data().chunks_exact(columns).zip(targets);
        positions.map(move |(outputs, target)| Position { outputs, target, labels, scale })
    }

    /// Each output with its target, for targets that are numbers in the outputs' shape.
    pub fn pairs(&self) -> impl Iterator<Item = (f32, f32)> + use<'a> {
        self.outputs.data().iter().copied().zip(self.targets.data().iter().copied())
    }

    /// A threshold at this probability, for outputs of this batch's scale.
    pub fn threshold(&self, probability: f32) -> Threshold {
        Threshold::new(probability, self.scale)
    }

    /// The rows, each as a batch of one.
    pub(crate) fn each_row(&self) -> impl Iterator<Item = ScoredBatch<'a>> + use<'a> {
        self.each_part(1)
    }

    /// The parts along the leading axes, each as a batch of one row: the rows for one axis, and the steps of all rows for two.
    pub(crate) fn each_part(&self, axes: usize) -> impl Iterator<Item = ScoredBatch<'a>> + use<'a> {
        let (labels, scale) = (self.labels, self.scale);
        let parts = self.outputs.parts(axes).zip(self.targets.parts(axes));
        parts.map(move |(outputs, targets)| ScoredBatch { outputs, targets, labels, scale })
    }
}

/// The outputs of one position with their target.
#[derive(Clone, Copy, Debug)]
pub struct Position<'a> {
    outputs: &'a [f32],
    target: &'a [f32],
    labels: bool,
    scale: OutputScale,
}

impl<'a> Position<'a> {
    /// The outputs along the last axis.
    pub fn outputs(&self) -> &'a [f32] {
        self.outputs
    }

    /// The predicted class.
    pub fn predicted(&self) -> usize {
        self.scale.class(self.outputs)
    }

    /// Whether the predicted class is that of the target. `false` if an output is NaN.
    pub fn is_right(&self) -> bool {
        !self.outputs.iter().any(|output| output.is_nan()) && self.predicted() == self.class()
    }

    /// The class of the target: the label, the index of the first maximum of a row, or, for a single number, 1 if it is > ½ and
    /// 0 otherwise.
    pub fn class(&self) -> usize {
        if self.labels { self.target[0] as usize } else { OutputScale::Plain.class(self.target) }
    }

    /// The target of each output. A label is converted to its one-hot row.
    pub fn target(&self) -> impl Iterator<Item = f32> + use<'a> {
        let Position { target, labels, .. } = *self;
        let class = if labels { target[0] as usize } else { 0 };
        let one_hot = move |output: usize| f32::from(u8::from(output == class));
        (0..self.outputs.len()).map(move |output| if labels { one_hot(output) } else { target[output] })
    }
}
