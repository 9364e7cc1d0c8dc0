//! Requirements of losses and metrics on targets and on the model's output.

use crate::error::{Error, Result};
use crate::output_scale::OutputScale;
use crate::shape::Shape;
use crate::target::Target;
use std::borrow::Cow;

/// A kind of targets.
///
/// A position is an index into all axes of the output but the last. An output of shape 3 has one position, an output of
/// shape 8 × 6 × 3 has 8 × 6 positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetKind {
    /// Integer class labels, one for each position, ≥ 0 and less than the size of the output's last axis.
    Labels,
    /// Numbers from 0 to 1 in the output's shape, such as one-hot rows.
    Probabilities,
    /// Zeros and ones in the output's shape.
    Binary,
    /// Numbers −1, 0 and 1 in the output's shape.
    Signs,
    /// Finite numbers in the output's shape.
    Values,
    /// Targets of any kind and shape, without checks.
    Any,
}

/// The kinds of targets that a loss or a metric accepts, and its requirements on the model's output.
///
/// [`compile`](crate::Sequential::compile) checks the model's output. `fit` and `evaluate` check the targets of their
/// dataset before they start.
///
/// ```
/// use gradus::{Accepts, TargetKind};
/// let classes = Accepts::new(&[TargetKind::Labels, TargetKind::Probabilities])
///     .at_least(2, "BinaryAccuracy takes one output")
///     .remedy("Arrays::one_hot makes one-hot rows");
/// ```
///
/// Integer targets in the output's shape are read as numbers. Shapes may differ by a last axis of size 1.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Accepts {
    kinds: Vec<TargetKind>,
    outputs: usize,
    fewer: &'static str,
    class: Option<usize>,
    threshold: Option<f32>,
    pub(crate) ignored: Option<i64>,
    remedy: &'static str,
}

/// The interpretation of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) kind: TargetKind,
    /// Labels for each position, or values in the output's shape.
    pub(crate) target: Target,
    /// A label that need not be a class of the output.
    pub(crate) ignored: Option<i64>,
}

impl Accepts {
    /// Accepts targets of these kinds, at least one, and outputs of any size.
    pub fn new(kinds: &[TargetKind]) -> Accepts {
        Accepts {
            kinds: kinds.to_vec(),
            outputs: 1,
            fewer: "",
            class: None,
            threshold: None,
            ignored: None,
            remedy: "",
        }
    }

    /// Requires a minimum size of the output's last axis. `remedy` ends the error message about smaller ones.
    pub fn at_least(mut self, outputs: usize, remedy: &'static str) -> Accepts {
        (self.outputs, self.fewer) = (outputs, remedy);
        self
    }

    /// Requires that the output's last axis contains this class, counted from 0. Default: no requirement.
    pub fn class(mut self, class: impl Into<Option<usize>>) -> Accepts {
        self.class = class.into();
        self
    }

    /// Declares that outputs are compared with this probability. Margins are not probabilities: for an output that consists of
    /// margins, the only valid threshold is ½, which corresponds to a margin of 0.
    pub fn threshold(mut self, probability: impl Into<Option<f32>>) -> Accepts {
        self.threshold = probability.into();
        self
    }

    /// Also accepts this label, even if it is not a class of the output: −1 or 255 often mark positions without a class.
    /// Metrics of this output still require classes. The loss must be the mean over the other positions of a
    /// batch: `fit` and `evaluate` weight the losses of batches by their numbers of such positions.
    pub fn ignored_label(mut self, label: impl Into<Option<i64>>) -> Accepts {
        self.ignored = label.into();
        self
    }

    /// Sets the remedy that ends the error message about targets of another kind.
    pub fn remedy(mut self, remedy: &'static str) -> Accepts {
        self.remedy = remedy;
        self
    }

    /// Checks the shape of one sample of the model's output. `place` names the loss or the metric.
    pub(crate) fn check_output(&self, place: impl Fn() -> String, output: Shape, scale: OutputScale) -> Result<()> {
        let wrong =
            |expected: String| Err(Error::Shape { place: place(), found: vec![output], expected: expected.into() });
        if self.kinds.is_empty() {
            let problem = "it accepts no kind of targets; name at least one TargetKind in Accepts::new";
            return Err(Error::Graph { place: place(), problem: problem.into() });
        }
        if output.last() < self.outputs {
            return wrong(format!("a last axis of size {} or more{}", self.outputs, after(self.fewer)));
        }
        if let Some(class) = self.class.filter(|class| *class >= output.last()) {
            return wrong(format!("a last axis with a class {class}; classes are counted from 0"));
        }
        match self.threshold {
            Some(threshold) if scale == OutputScale::Margins && threshold != 0.5 => wrong(format!(
                "probabilities, for the threshold {threshold}; the loss trains margins, for which only the threshold 0.5, \
                 a margin of 0, is defined"
            )),
            _ => Ok(()),
        }
    }

    /// The interpretation of a target for an output of this shape; `None` if it is not accepted.
    pub(crate) fn read(&self, output: Shape, target: Target) -> Option<Reading> {
        let found = |kind: &TargetKind| match (kind, target) {
            (TargetKind::Any, _) => Some(target),
            (TargetKind::Labels, Target::Labels(shape)) => {
                let fit = output.last() > 1 && equal_up_to_unit_axis(shape, positions(output));
                fit.then(|| Target::Labels(positions(output)))
            }
            (TargetKind::Labels, Target::Values(_)) => None,
            _ => equal_up_to_unit_axis(target.shape(), output).then_some(Target::Values(output)),
        };
        self.kinds
            .iter()
            .find_map(|kind| found(kind).map(|target| Reading { kind: *kind, target, ignored: self.ignored }))
    }

    /// The interpretation of a target, or an error with the reason why it is not accepted.
    pub(crate) fn check(&self, place: impl FnOnce() -> String, output: Shape, target: Target) -> Result<Reading> {
        self.read(output, target).ok_or_else(|| {
            let remedy = match self.includes_kind_of(target) {
                true if lacks_positions(output, target) => format!(
                    "; the output is {output} per row, so put Flatten before the last Dense, or give each position a target"
                ),
                true => after(SHAPE),
                false => after(self.remedy),
            };
            Error::Target { place: place(), found: target, expected: format!("{}{remedy}", self.expected(output)).into() }
        })
    }

    /// Whether a target exists that both accept for an output of this shape.
    pub(crate) fn is_compatible_with(&self, other: &Accepts, output: Shape) -> bool {
        let any = |accepts: &Accepts| accepts.includes(TargetKind::Any);
        let both = |target| self.read(output, target).is_some() && other.read(output, target).is_some();
        let positions = Target::Labels(positions(output));
        any(self) || any(other) || [positions, Target::Labels(output), Target::Values(output)].into_iter().any(both)
    }

    /// Whether targets of this kind are accepted.
    pub(crate) fn includes(&self, kind: TargetKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Describes the accepted targets for an output of this shape, for messages.
    pub(crate) fn expected(&self, output: Shape) -> String {
        let mut kinds: Vec<Cow<'_, str>> = Vec::new();
        for kind in self.kinds.iter().filter(|kind| **kind != TargetKind::Labels || output.last() > 1) {
            kinds.push(kind.expected(output));
        }
        match kinds.is_empty() {
            true => "an output with two or more classes, since the targets are integer labels".into(),
            false => kinds.join(" or "),
        }
    }

    /// The remedy with a leading semicolon, for a message about a loss and a metric that accept different targets.
    pub(crate) fn hint(&self) -> String {
        after(self.remedy)
    }

    /// Whether targets of this kind are accepted, in any shape.
    fn includes_kind_of(&self, target: Target) -> bool {
        let labels = self.includes(TargetKind::Labels);
        match target {
            Target::Labels(_) => labels,
            Target::Values(_) => !labels || self.kinds.len() > 1,
        }
    }
}

/// The remedy for targets whose shape differs from that of the output.
const SHAPE: &str = "give the targets the shape of the model's output, or change the number of units of the last layer";

/// Whether rows have one target but the output has several positions, as after a forgotten Flatten.
fn lacks_positions(output: Shape, target: Target) -> bool {
    let per_row = match target {
        Target::Labels(shape) => shape.len() == 1,
        Target::Values(shape) => shape.rank() < 2,
    };
    output.rank() > 1 && per_row
}

/// A remedy with a leading semicolon.
fn after(remedy: &str) -> String {
    if remedy.is_empty() { String::new() } else { format!("; {remedy}") }
}

/// The expectation and remedy for numbers that are not probabilities.
const PROBABILITIES: &str =
    "numbers from 0 to 1; scale the targets, or choose a loss and metrics of values, such as MeanSquaredError";

/// The expectation and remedy for numbers that are neither 0 nor 1.
const BINARY: &str = "0 or 1; round the targets, or choose a metric of values, such as MeanSquaredError";

impl TargetKind {
    /// Whether every number of this kind is also valid for the other kind.
    pub(crate) fn implies(self, other: TargetKind) -> bool {
        match other {
            TargetKind::Any => true,
            TargetKind::Values => self != TargetKind::Any,
            TargetKind::Probabilities => self == TargetKind::Binary || self == other,
            _ => self == other,
        }
    }

    fn expected(self, output: Shape) -> Cow<'static, str> {
        let rows = if output.last() > 1 { ", such as one-hot rows" } else { "" };
        let shaped = |numbers: &str| format!("{numbers} of shape {output} per row").into();
        match self {
            TargetKind::Labels => Target::Labels(positions(output)).to_string().into(),
            TargetKind::Probabilities => format!("numbers from 0 to 1 of shape {output} per row{rows}").into(),
            TargetKind::Binary => shaped("zeros and ones"),
            TargetKind::Signs => shaped("numbers −1 and 1, or 0 and 1,"),
            TargetKind::Values => shaped("numbers"),
            TargetKind::Any => "targets of any kind".into(),
        }
    }

    /// Checks one number of a target. `row` and `place` locate it in the error.
    pub(crate) fn check(self, value: f32, classes: usize, row: usize, place: impl FnOnce() -> String) -> Result<()> {
        let (fits, expected) = match self {
            TargetKind::Labels if value.fract() == 0.0 && value >= 0.0 && value < classes as f32 => return Ok(()),
            TargetKind::Labels => return Err(Error::Label { row, label: f64::from(value), classes }),
            TargetKind::Probabilities => ((0.0..=1.0).contains(&value), PROBABILITIES),
            TargetKind::Binary => (value == 0.0 || value == 1.0, BINARY),
            TargetKind::Signs => (value == 0.0 || value.abs() == 1.0, "−1 or 1, or 0 or 1"),
            TargetKind::Values => (value.is_finite(), "finite numbers; remove rows without a target"),
            TargetKind::Any => return Ok(()),
        };
        if fits {
            return Ok(());
        }
        Err(Error::TargetValue { place: place(), row, value: f64::from(value), expected })
    }
}

/// The shape of the positions of an output: all axes but the last.
pub(crate) fn positions(output: Shape) -> Shape {
    Shape::new(&output.sizes()[..output.rank().saturating_sub(1)]).unwrap_or(Shape::SCALAR)
}

/// Whether a target consists of integer labels, one for each position of an output of this shape.
pub(crate) fn are_labels(output: Shape, target: Target) -> bool {
    Accepts::new(&[TargetKind::Labels]).read(output, target).is_some()
}

/// Whether two shapes are equal, or differ by a last axis of size 1.
fn equal_up_to_unit_axis(a: Shape, b: Shape) -> bool {
    let lacks = |a: Shape, b: Shape| b.sizes().strip_suffix(&[1]) == Some(a.sizes());
    a == b || lacks(a, b) || lacks(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_complete_without_kinds_and_for_labels_of_one_output() {
        let none = Accepts::new(&[]).check_output(|| "loss Mine".into(), Shape::from(3), OutputScale::Plain);
        let expected = "loss Mine: it accepts no kind of targets; name at least one TargetKind in Accepts::new";
        assert_eq!(none.unwrap_err().to_string(), expected);
        let labels = Accepts::new(&[TargetKind::Labels]);
        let one = labels.check(|| "targets for Mine".into(), Shape::from(1), Target::LABEL).unwrap_err().to_string();
        assert!(
            one.contains("expected an output with two or more classes, since the targets are integer labels"),
            "{one}"
        );
    }
}
