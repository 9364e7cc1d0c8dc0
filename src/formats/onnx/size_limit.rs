//! The memory that the values of a graph may take.
//!
//! A small file can declare huge values. So a check subtracts each computed constant, and the values of one row, from the
//! budget of the file. The budget grows with the arrays of the caller, whose rows do not count.

use super::tensor::{Tensor, Values};
use crate::formats::budget::{Budget, MemoryLimit};
use crate::tape::Recorder;

/// Additional memory for values per byte of a sample: enough for networks that keep the size of an image in many layers.
const PER_SAMPLE_BYTE: u64 = 256;

/// Bytes of an element that the tape computes.
const FLOAT: u64 = size_of::<f32>() as u64;

/// The memory limit of a file, and the memory that its contents take.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FileMemory {
    pub(super) limit: MemoryLimit,
    /// The length of the file.
    pub(super) length: usize,
    /// The memory of its messages and tensors.
    pub(super) contents: u64,
    /// The elements of the samples whose shapes the caller gave.
    pub(super) given: usize,
}

impl FileMemory {
    /// The budget that is left for the values of a graph whose inputs have `sample` elements per row.
    ///
    /// # Errors
    /// A message if the samples are larger than the limit of the file.
    pub(super) fn budget(&self, sample: usize) -> Result<Budget, String> {
        let bytes = FLOAT.saturating_mul(sample as u64);
        let given = FLOAT.saturating_mul(self.given as u64);
        self.limit.budget(self.length).extended(given).check(bytes)?;
        Ok(self.budget_of_caller(sample))
    }

    /// The budget that is left for the values of a graph to which the caller passes samples of `sample` elements.
    pub(super) fn budget_of_caller(&self, sample: usize) -> Budget {
        let bytes = FLOAT.saturating_mul(sample as u64);
        let budget = self.limit.budget(self.length).extended(PER_SAMPLE_BYTE.saturating_mul(bytes));
        // The contents were subtracted when the file was read.
        let _ = budget.spend(self.contents);
        budget
    }
}

/// The limits of recording a graph.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits<'a> {
    budget: Option<&'a Budget>,
    rows: usize,
}

impl<'a> Limits<'a> {
    /// No limits, for graphs that were checked.
    pub(super) const NONE: Limits<'static> = Limits { budget: None, rows: 1 };

    /// Limits for values with this number of rows.
    pub(super) fn new(budget: &'a Budget, rows: usize) -> Limits<'a> {
        Limits { budget: Some(budget), rows: rows.max(1) }
    }

    /// A recorder that rejects values that are larger than the rest of the budget.
    pub(super) fn recorder(&self, mode: crate::tape::Mode) -> Recorder {
        let Some(budget) = self.budget else { return Recorder::new(mode) };
        let elements = usize::try_from(budget.left() / FLOAT).unwrap_or(usize::MAX);
        Recorder::limited(mode, elements.saturating_mul(self.rows))
    }

    /// Checks that a value fits into the rest of the budget, before it is recorded or computed.
    pub(super) fn check(&self, elements: usize) -> Result<(), String> {
        self.budget.map_or(Ok(()), |budget| budget.check(self.bytes(elements, FLOAT)))
    }

    /// Subtracts values that the tape computes.
    pub(super) fn spend(&self, elements: usize) -> Result<(), String> {
        self.budget.map_or(Ok(()), |budget| budget.spend(self.bytes(elements, FLOAT)))
    }

    /// Subtracts the lists of a resampling: for each of `places` elements, at most `terms` terms.
    pub(super) fn spend_terms(&self, places: usize, terms: usize) -> Result<(), String> {
        // A list that grows has space for four terms.
        let list = size_of::<Vec<(usize, f32)>>() + size_of::<(usize, f32)>() * terms.max(4);
        self.budget.map_or(Ok(()), |budget| budget.spend(places.saturating_mul(list) as u64))
    }

    /// Subtracts a computed constant.
    pub(super) fn spend_constant(&self, constant: &Tensor) -> Result<(), String> {
        let width = match constant.values {
            Values::Floats(_) => FLOAT,
            Values::Integers(_) => 8,
            Values::Weight => 0,
        };
        self.budget.map_or(Ok(()), |budget| budget.spend(self.bytes(constant.len(), width)))
    }

    /// The memory of one row.
    fn bytes(&self, elements: usize, width: u64) -> u64 {
        (elements.div_ceil(self.rows) as u64).saturating_mul(width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_do_not_count() {
        let memory = FileMemory { limit: MemoryLimit::bytes(4000), length: 10, contents: 1000, given: 0 };
        let budget = memory.budget(2).unwrap();
        assert_eq!(budget.left(), 3000 + 2 * 4 * PER_SAMPLE_BYTE);
        let limits = Limits::new(&budget, 65);
        limits.check(65 * 1000).unwrap();
        limits.spend(65 * 1000).unwrap();
        limits.spend_constant(&Tensor::list(vec![0; 65])).unwrap();
        assert_eq!(budget.left(), 3000 + 2 * 4 * PER_SAMPLE_BYTE - 4000 - 8);
        assert!(limits.check(65 * 1000).unwrap_err().contains("raise the limit with MemoryLimit"));
        assert!(memory.budget(1001).is_err(), "an input that is larger than the limit");
        assert!(FileMemory { given: 1, ..memory }.budget(1001).is_ok(), "an input whose shape the caller gave");
        Limits::NONE.check(usize::MAX).unwrap();
    }
}
