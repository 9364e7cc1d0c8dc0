//! A subset of another dataset: a range of its rows, or chosen rows.

use super::{Columns, Dataset, Target, zeros};
use crate::error::{Error, Result};
use crate::shape::Shape;
use ndarray::{ArrayD, IxDyn};
use std::fmt;
use std::ops::{Bound, Range, RangeBounds};

/// A subset of another dataset, which is a dataset as well. Rows are not copied.
///
/// ```
/// use gradus::data::{Arrays, Dataset};
/// use ndarray::array;
///
/// let data = Arrays::new(array![[1u8], [2], [3], [4]], array![0, 1, 0, 1])?;
/// let last = data.rows(2..)?;
/// assert_eq!(last.len(), 2);
/// assert_eq!(last.inputs()?, array![[3.0], [4.0]].into_dyn());
/// assert_eq!(last.targets()?, array![0.0, 1.0].into_dyn());
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone)]
pub struct Rows<'a> {
    dataset: &'a dyn Dataset,
    picked: Picked,
    /// Whether rows differ in size, so that the shape of a batch depends on all of its rows.
    open: bool,
}

#[derive(Clone)]
enum Picked {
    Range(Range<usize>),
    Chosen(Vec<usize>),
}

/// Number of row numbers that are translated together, on the stack.
const BLOCK: usize = 64;

/// Maximum number of row numbers of a batch with open axes that are translated on the stack.
const BATCH: usize = 512;

impl<'a> Rows<'a> {
    /// Selects the rows in `range`: `5000..`, `..5000`, `10..=19`.
    ///
    /// # Errors
    /// [`Error::Unknown`] when the range exceeds the dataset, [`Error::Empty`] when it contains no rows.
    pub fn range(dataset: &'a dyn Dataset, range: impl RangeBounds<usize>) -> Result<Rows<'a>> {
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&last) => last.saturating_add(1),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => dataset.len(),
        };
        if end > dataset.len() {
            return Err(unknown(end - 1, dataset.len()));
        }
        if start >= end {
            return Err(Error::Empty { what: format!("the range of rows {start}..{end}").into() });
        }
        Ok(Rows { dataset, picked: Picked::Range(start..end), open: is_open(dataset) })
    }

    /// Selects these rows, in this order. A row may occur more than once.
    ///
    /// # Errors
    /// [`Error::Unknown`] when a row does not exist, [`Error::Empty`] without rows.
    pub fn chosen(dataset: &'a dyn Dataset, rows: Vec<usize>) -> Result<Rows<'a>> {
        if rows.is_empty() {
            return Err(Error::Empty { what: "the list of chosen rows".into() });
        }
        match rows.iter().find(|&&row| row >= dataset.len()) {
            Some(&row) => Err(unknown(row, dataset.len())),
            None => Ok(Rows { dataset, picked: Picked::Chosen(rows), open: is_open(dataset) }),
        }
    }

    /// Returns the inputs of all selected rows as an array, rows × [`batch_shape`](Dataset::batch_shape).
    ///
    /// # Errors
    /// [`Error::TooLarge`] when they do not fit in memory.
    pub fn inputs(&self) -> Result<ArrayD<f32>> {
        Ok(self.gathered()?.0)
    }

    /// Returns the targets of all selected rows as an array: rows, or rows × the shape of the target of a row.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when the inputs and targets, which are gathered together, do not fit in memory.
    pub fn targets(&self) -> Result<ArrayD<f32>> {
        Ok(self.gathered()?.1)
    }

    fn gathered(&self) -> Result<(ArrayD<f32>, ArrayD<f32>)> {
        let rows: Vec<usize> = (0..self.len()).collect();
        let input_shape = self.batch_shape(&rows).batch(self.len())?;
        let target_shape = self.batch_target(&rows).shape().batch(self.len())?;
        let (mut inputs, mut targets) = (zeros("inputs", input_shape)?, zeros("targets", target_shape)?);
        self.gather(&rows, &mut inputs, &mut targets);
        let array = |shape: Shape, values| ArrayD::from_shape_vec(IxDyn(shape.sizes()), values).map_err(Error::other);
        Ok((array(input_shape, inputs)?, array(target_shape, targets)?))
    }

    /// Translates `rows` to row numbers of the whole dataset in blocks, with their positions among `rows`.
    fn blocks(&self, rows: &[usize], mut gather: impl FnMut(&[usize], Range<usize>)) {
        let mut whole = [0; BLOCK];
        for (block, rows) in rows.chunks(BLOCK).enumerate() {
            whole.iter_mut().zip(rows).for_each(|(whole, &row)| *whole = self.whole(row));
            gather(&whole[..rows.len()], block * BLOCK..block * BLOCK + rows.len());
        }
    }

    /// Translates `rows` to row numbers of the whole dataset, all together, as rows with open axes are padded to the longest
    /// one of the batch. Allocates only for large batches.
    fn translated<T>(&self, rows: &[usize], gather: impl FnOnce(&[usize]) -> T) -> T {
        let (mut few, mut many) = ([0; BATCH], Vec::new());
        let whole = match few.get_mut(..rows.len()) {
            Some(few) => few,
            None => {
                many.resize(rows.len(), 0);
                &mut many[..]
            }
        };
        whole.iter_mut().zip(rows).for_each(|(whole, row)| *whole = self.whole(*row));
        gather(whole)
    }

    /// Returns the number, in the whole dataset, of row `row` of this subset.
    ///
    /// # Panics
    /// When the row does not exist.
    fn whole(&self, row: usize) -> usize {
        match &self.picked {
            Picked::Range(range) => {
                assert!(row < range.len(), "row {row} of {}", range.len());
                range.start + row
            }
            Picked::Chosen(rows) => rows[row],
        }
    }
}

/// Whether an input has open axes.
fn is_open(dataset: &dyn Dataset) -> bool {
    let of_columns = |columns: &dyn Columns| {
        (0..columns.input_columns().len()).any(|input| !columns.input_open_axes(input).is_empty())
    };
    !dataset.open_axes().is_empty() || dataset.columns().is_some_and(of_columns)
}

fn unknown(row: usize, rows: usize) -> Error {
    let known = if rows == 0 { vec![] } else { vec![format!("row 0 to row {}", rows - 1)] };
    Error::Unknown { kind: "row", name: row.to_string(), known }
}

impl Dataset for Rows<'_> {
    fn len(&self) -> usize {
        match &self.picked {
            Picked::Range(range) => range.len(),
            Picked::Chosen(rows) => rows.len(),
        }
    }

    fn input_shape(&self) -> Shape {
        self.dataset.input_shape()
    }

    fn open_axes(&self) -> &[usize] {
        self.dataset.open_axes()
    }

    fn row_shape(&self, row: usize) -> Shape {
        self.dataset.row_shape(self.whole(row))
    }

    fn target(&self) -> Target {
        self.dataset.target()
    }

    fn batch_target(&self, rows: &[usize]) -> Target {
        if self.open { self.translated(rows, |rows| self.dataset.batch_target(rows)) } else { self.target() }
    }

    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]) {
        let (input, target) = (self.batch_shape(rows).len(), self.batch_target(rows).len());
        assert_eq!(inputs.len(), rows.len() * input, "inputs: rows × the shape of one");
        assert_eq!(targets.len(), rows.len() * target, "targets: rows × the target of one");
        if self.open {
            return self.translated(rows, |rows| self.dataset.gather(rows, inputs, targets));
        }
        self.blocks(rows, |rows, place| {
            let inputs = &mut inputs[place.start * input..place.end * input];
            let targets = &mut targets[place.start * target..place.end * target];
            self.dataset.gather(rows, inputs, targets);
        });
    }

    fn gather_targets(&self, rows: &[usize], targets: &mut [f32]) {
        let target = self.batch_target(rows).len();
        assert_eq!(targets.len(), rows.len() * target, "targets: rows × the target of one");
        if self.open {
            return self.translated(rows, |rows| self.dataset.gather_targets(rows, targets));
        }
        self.blocks(rows, |rows, place| {
            self.dataset.gather_targets(rows, &mut targets[place.start * target..place.end * target]);
        });
    }

    fn row_number(&self, row: usize) -> usize {
        self.dataset.row_number(self.whole(row))
    }

    fn has_sample_weight(&self) -> bool {
        self.dataset.has_sample_weight()
    }

    fn gather_sample_weight(&self, rows: &[usize], weights: &mut [f32]) {
        self.blocks(rows, |rows, place| self.dataset.gather_sample_weight(rows, &mut weights[place]));
    }

    fn columns(&self) -> Option<&dyn Columns> {
        self.dataset.columns().map(|_| self as &dyn Columns)
    }
}

/// The columns of the whole dataset, which exist when [`Dataset::columns`] returns this.
impl Columns for Rows<'_> {
    fn input_columns(&self) -> Vec<(String, Shape)> {
        self.dataset.columns().map_or(Vec::new(), |whole| whole.input_columns())
    }

    fn input_open_axes(&self, input: usize) -> &[usize] {
        self.dataset.columns().map_or(&[], |whole| whole.input_open_axes(input))
    }

    fn input_row_shape(&self, input: usize, row: usize) -> Shape {
        self.dataset.columns().map_or(Shape::SCALAR, |whole| whole.input_row_shape(input, self.whole(row)))
    }

    fn target_columns(&self) -> Vec<(String, Target)> {
        self.dataset.columns().map_or(Vec::new(), |whole| whole.target_columns())
    }

    fn target_batch(&self, target: usize, rows: &[usize]) -> Target {
        let whole = self.dataset.columns();
        let batch = |whole: &dyn Columns| self.translated(rows, |rows| whole.target_batch(target, rows));
        whole.map_or(Target::Values(Shape::SCALAR), batch)
    }

    fn gather_input(&self, input: usize, rows: &[usize], values: &mut [f32]) {
        let Some(whole) = self.dataset.columns() else { return };
        if self.open {
            return self.translated(rows, |rows| whole.gather_input(input, rows, values));
        }
        let length = values.len() / rows.len().max(1);
        self.blocks(rows, |rows, place| {
            whole.gather_input(input, rows, &mut values[place.start * length..place.end * length]);
        });
    }

    fn gather_target(&self, target: usize, rows: &[usize], values: &mut [f32]) {
        let Some(whole) = self.dataset.columns() else { return };
        if self.open {
            return self.translated(rows, |rows| whole.gather_target(target, rows, values));
        }
        let length = values.len() / rows.len().max(1);
        self.blocks(rows, |rows, place| {
            whole.gather_target(target, rows, &mut values[place.start * length..place.end * length]);
        });
    }

    fn has_target_weight(&self, target: usize) -> bool {
        self.dataset.columns().is_some_and(|whole| whole.has_target_weight(target))
    }

    fn gather_target_weight(&self, target: usize, rows: &[usize], weights: &mut [f32]) {
        let Some(whole) = self.dataset.columns() else { return };
        self.blocks(rows, |rows, place| whole.gather_target_weight(target, rows, &mut weights[place]));
    }
}

impl fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let picked: &dyn fmt::Debug = match &self.picked {
            Picked::Range(range) => range,
            Picked::Chosen(rows) => rows,
        };
        f.debug_struct("Rows").field("of", &self.dataset.len()).field("picked", picked).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Arrays;
    use super::*;
    use ndarray::{Array1, Array2};

    fn numbers(rows: usize) -> Arrays {
        let inputs = Array2::from_shape_fn((rows, 2), |(row, column)| (2 * row + column) as f32);
        Arrays::new(inputs, Array1::from_iter(0..rows)).unwrap()
    }

    #[test]
    fn subsets_of_subsets_gather_the_right_rows() {
        let data = numbers(300);
        let part = Rows::range(&data, 100..).unwrap();
        let part = Rows::chosen(&part, (0..200).rev().collect()).unwrap();
        let inputs = part.inputs().unwrap();
        assert_eq!(inputs.shape(), [200, 2]);
        assert!(inputs.outer_iter().zip((100..300).rev()).all(|(row, whole)| row[0] == 2.0 * whole as f32));
        assert_eq!(part.targets().unwrap()[[199]], 100.0);
        assert_eq!((part.input_shape(), part.target()), (Shape::from([2]), Target::LABEL));
    }

    #[test]
    fn missing_rows_are_rejected() {
        let data = numbers(10);
        let message = |rows: Result<Rows<'_>>| rows.unwrap_err().to_string();
        assert_eq!(message(data.rows(3..11)), "unknown row \"10\"; available: row 0 to row 9");
        assert_eq!(
            message(data.rows(..=usize::MAX)),
            format!("unknown row \"{}\"; available: row 0 to row 9", usize::MAX - 1)
        );
        assert_eq!(message(data.rows(4..4)), "the range of rows 4..4 is empty; it needs at least one row");
        assert_eq!(message(data.rows(12..)), "the range of rows 12..10 is empty; it needs at least one row");
        assert_eq!(message(Rows::chosen(&data, vec![9, 10])), "unknown row \"10\"; available: row 0 to row 9");
        assert_eq!(message(Rows::chosen(&data, vec![])), "the list of chosen rows is empty; it needs at least one row");
    }

    #[test]
    fn rows_of_subsets_keep_their_numbers_and_targets() {
        let data = numbers(100);
        let part = data.rows(3..).unwrap();
        assert_eq!(format!("{part:?}"), "Rows { of: 100, picked: 3..100 }");
        let part = Rows::chosen(&part, (10..90).rev().collect()).unwrap();
        assert_eq!((part.row_number(0), part.row_number(79)), (92, 13));
        let mut targets = [0.0; 80];
        part.gather_targets(&(0..80).collect::<Vec<_>>(), &mut targets);
        assert!(targets.iter().enumerate().all(|(row, label)| *label == part.row_number(row) as f32));
    }
}
