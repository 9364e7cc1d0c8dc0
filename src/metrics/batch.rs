//! A batch as a metric sees it: outputs and targets, and how both are to be read.

use super::Threshold;
use crate::output_scale::OutputScale;
use crate::shape::View;

/// The outputs and the targets of a batch of rows, with what is known about them: whether targets are integer labels, and
/// the scale of the outputs.
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
    /// Outputs n × …, and an integer label for each position of each row.
    pub fn labels(outputs: View<'a>, labels: View<'a>) -> ScoredBatch<'a> {
        ScoredBatch { outputs, targets: labels, labels: true, scale: OutputScale::Plain }
    }

    /// Outputs n × …, and targets that are numbers, such as one-hot rows.
    pub fn values(outputs: View<'a>, targets: View<'a>) -> ScoredBatch<'a> {
        ScoredBatch { outputs, targets, labels: false, scale: OutputScale::Plain }
    }

    /// Sets the scale of the outputs. Without it they are probabilities or values.
    #[must_use]
    pub fn scale(mut self, scale: OutputScale) -> ScoredBatch<'a> {
        self.scale = scale;
        self
    }

    /// The outputs, n × ….
    pub fn outputs(&self) -> View<'a> {
        self.outputs
    }

    /// The targets, n × …; labels are whole numbers.
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

    /// The positions of all rows in turn: the outputs along the last axis, with their target.
    pub fn positions(&self) -> impl Iterator<Item = Position<'a>> + use<'a> {
        let (columns, labels, scale) = (self.outputs.shape().last(), self.labels, self.scale);
        let targets = self.targets.data().chunks_exact(if labels { 1 } else { columns });
        let positions = self.outputs.data().chunks_exact(columns).zip(targets);
        positions.map(move |(outputs, target)| Position { outputs, target, labels, scale })
    }

    /// Each output with its target, where targets are numbers in the outputs' shape.
    pub fn pairs(&self) -> impl Iterator<Item = (f32, f32)> + use<'a> {
        self.outputs.data().iter().copied().zip(self.targets.data().iter().copied())
    }

    /// A probability with which the outputs can be compared.
    pub fn threshold(&self, probability: f32) -> Threshold {
        Threshold::new(probability, self.scale)
    }

    /// Each row in turn, as a batch of one.
    pub(crate) fn each_row(&self) -> impl Iterator<Item = ScoredBatch<'a>> + use<'a> {
        let (labels, scale) = (self.labels, self.scale);
        let rows = self.outputs.samples().zip(self.targets.samples());
        rows.map(move |(outputs, targets)| ScoredBatch { outputs, targets, labels, scale })
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

    /// The class that the outputs name.
    pub fn predicted(&self) -> usize {
        self.scale.class(self.outputs)
    }

    /// The class that the target names: the label, the index of the first maximum of a row, or for a single number 1 where
    /// it is above ½.
    pub fn class(&self) -> usize {
        if self.labels { self.target[0] as usize } else { OutputScale::Plain.class(self.target) }
    }

    /// The target of each output. A label stands for its one-hot row.
    pub fn target(&self) -> impl Iterator<Item = f32> + use<'a> {
        let Position { target, labels, .. } = *self;
        let class = if labels { target[0] as usize } else { 0 };
        let one_hot = move |output: usize| f32::from(u8::from(output == class));
        (0..self.outputs.len()).map(move |output| if labels { one_hot(output) } else { target[output] })
    }
}
