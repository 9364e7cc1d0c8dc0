//! Checks of a batch before a metric adds it.

use super::ScoredBatch;
use crate::accepts::Accepts;
use crate::error::{Error, Result};
use crate::target::Target;

/// Checks a batch against the requirements of a metric.
pub(super) fn check_batch(accepts: Accepts, class: &str, batch: &ScoredBatch<'_>) -> Result<()> {
    let (outputs, targets) = (batch.outputs().shape(), batch.targets().shape());
    if outputs.axis(0) != targets.axis(0) {
        return Err(Error::Rows { first: ("outputs", outputs.axis(0)), second: ("targets", targets.axis(0)) });
    }
    if outputs.is_empty() {
        return Err(Error::Empty { what: "the batch".into() });
    }
    let (output, target) = (outputs.sample(), targets.sample());
    let place = || format!("targets for {class}");
    accepts.check_output(|| class.to_owned(), output, batch.output_scale())?;
    let target = if batch.has_labels() { Target::Labels(target) } else { Target::Values(target) };
    let kind = accepts.check(place, output, target)?.kind;
    let rows = batch.targets().data().chunks(target.len().max(1)).enumerate();
    let mut numbers = rows.flat_map(|(row, numbers)| numbers.iter().map(move |number| (row, *number)));
    numbers.try_for_each(|(row, number)| kind.check(number, output.last(), row, place))
}
