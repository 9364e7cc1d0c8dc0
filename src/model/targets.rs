//! Checks of a dataset's targets against the loss and metrics.

use super::trained_outputs::TrainedOutput;
use crate::accepts::{Reading, TargetKind, are_labels};
use crate::architecture::Architecture;
use crate::data::{Columns, Dataset, Target};
use crate::error::{Error, Result};
use crate::losses::BinaryCrossentropy;
use crate::settings::FromSpec;
use crate::shape::Shape;

/// Number of rows gathered at a time.
const BLOCK: usize = 64;

/// The targets of a dataset for one output.
pub(super) struct TargetColumn<'a> {
    pub(super) data: &'a dyn Dataset,
    /// The columns and the number of this column, if the dataset has several.
    pub(super) column: Option<(&'a dyn Columns, usize)>,
}

/// The target of rows of one size, for the shape that the output has for them.
pub(super) struct SizedTarget {
    /// The number of the first row of this size for messages, if rows differ in size.
    pub(super) row: Option<usize>,
    pub(super) output: Shape,
    pub(super) target: Target,
}

impl TargetColumn<'_> {
    /// The target of one row.
    pub(super) fn target(&self) -> Target {
        match self.column {
            None => self.data.target(),
            Some((columns, number)) => columns.target_columns()[number].1,
        }
    }

    /// Writes the targets of rows to `targets`.
    pub(super) fn gather(&self, rows: &[usize], targets: &mut [f32]) {
        match self.column {
            None => self.data.gather_targets(rows, targets),
            Some((columns, number)) => columns.gather_target(number, rows, targets),
        }
    }

    /// The target of one row of a batch.
    pub(super) fn batch_target(&self, rows: &[usize]) -> Target {
        match self.column {
            None => self.data.batch_target(rows),
            Some((columns, number)) => columns.target_batch(number, rows),
        }
    }

    /// Calls `visit` with the target of each row and the row's number for messages.
    pub(super) fn for_each(&self, mut visit: impl FnMut(usize, &[f32]) -> Result<()>) -> Result<()> {
        let (rows, mut targets, mut numbers) = (self.data.len(), Vec::new(), Vec::with_capacity(BLOCK));
        for first in (0..rows).step_by(BLOCK) {
            numbers.clear();
            numbers.extend(first..rows.min(first + BLOCK));
            let length = self.batch_target(&numbers).len();
            targets.resize(numbers.len() * length, 0.0);
            self.gather(&numbers, &mut targets);
            let mut rows = numbers.iter().zip(targets.chunks_exact(length.max(1)));
            rows.try_for_each(|(row, target)| visit(self.data.row_number(*row), target))?;
        }
        Ok(())
    }

    /// Checks every number of the targets for this reading.
    pub(super) fn check(&self, reading: Reading, classes: usize, place: &dyn Fn() -> String) -> Result<()> {
        let Reading { kind, ignored, .. } = reading;
        let ignored = ignored.map(|label| label as f32);
        // Targets that are all 1 could be of either kind.
        let (mut zeros, mut negative) = (false, false);
        self.for_each(|row, target| {
            for number in target.iter().filter(|number| ignored != Some(**number)) {
                kind.check(*number, classes, row, place)?;
                (zeros, negative) = (zeros || *number == 0.0, negative || *number < 0.0);
                if kind == TargetKind::Signs && zeros && negative {
                    let expected = "−1 and 1, or 0 and 1, but not all three";
                    return Err(Error::TargetValue { place: place(), row, value: f64::from(*number), expected });
                }
            }
            Ok(())
        })
    }
}

/// The expectation and remedy for labels of several classes as targets of binary cross-entropy.
const LABELS: &str = "numbers from 0 to 1; scale the targets, or for integer labels of several classes choose \
                      SparseCategoricalCrossentropy and an output for each class";

impl TrainedOutput {
    /// Checks the targets of a dataset for an output before any work starts: their shape for each size of rows, and all
    /// values. `of` names the targets in messages.
    pub(super) fn check_targets(
        &self,
        architecture: &Architecture,
        of: &str,
        column: &TargetColumn<'_>,
        sizes: &[SizedTarget],
    ) -> Result<()> {
        self.check(architecture)?;
        for SizedTarget { row, output, target } in sizes {
            let of = row.map_or_else(|| of.to_owned(), |row| format!("{of} of row {row}"));
            self.readings(&of, *output, *target)?;
        }
        let Some(SizedTarget { output, target, .. }) = sizes.first() else { return Ok(()) };
        let readings = self.readings(of, *output, *target)?;
        for (number, (place, reading)) in readings.iter().enumerate() {
            let implied = |earlier: &Reading| {
                earlier.kind.implies(reading.kind) && [None, reading.ignored].contains(&earlier.ignored)
            };
            if !readings[..number].iter().any(|(_, earlier)| implied(earlier)) {
                let checked = column.check(*reading, output.last(), &|| place.clone());
                checked.map_err(|error| self.mention_labels(error))?;
            }
        }
        Ok(())
    }

    /// Changes the remedy for targets of binary cross-entropy that seem to be labels of several classes.
    fn mention_labels(&self, error: Error) -> Error {
        match error {
            Error::TargetValue { place, row, value, .. }
                if value > 1.0 && value.fract() == 0.0 && self.loss.spec().class() == BinaryCrossentropy::CLASS =>
            {
                Error::TargetValue { place, row, value, expected: LABELS }
            }
            other => other,
        }
    }

    /// The target of one row as the loss reads it, for an output of this shape.
    ///
    /// # Errors
    /// The loss or a metric does not accept the target.
    pub(super) fn read_target(&self, of: &str, output: Shape, target: Target) -> Result<Target> {
        Ok(match self.readings(of, output, target)?[0].1 {
            Reading { kind: TargetKind::Any, target, .. } if !are_labels(output, target) => {
                Target::Values(target.shape())
            }
            Reading { target, .. } => target,
        })
    }

    /// The interpretations of a target by the loss and by each metric, with their places in messages.
    fn readings(&self, of: &str, output: Shape, target: Target) -> Result<Vec<(String, Reading)>> {
        let class = self.loss.spec().class().to_owned();
        let losses = std::iter::once((class, self.loss.accepts(output)));
        let metrics = self.all_metrics().map(|metric| (metric.spec().class().to_owned(), metric.accepts(output)));
        let mut readings: Vec<(String, Reading)> = Vec::new();
        for (class, accepts) in losses.chain(metrics) {
            let place = format!("{of} for {class}");
            let reading = accepts.check(|| place.clone(), output, target)?;
            readings.push((place, reading));
        }
        Ok(readings)
    }
}
