//! Arrays with different numbers of steps, which are padded to the longest of a batch.

use crate::error::{Error, Result, check_setting};
use crate::shape::Shape;

/// The side of a sequence at which it is padded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PadSide {
    /// Before the first step. `padding="pre"` in Keras' `pad_sequences`.
    Before,
    /// After the last step. `padding="post"` in Keras' `pad_sequences`.
    #[default]
    After,
}

/// One array for each row, steps × the shape of a step.
#[derive(Clone)]
pub(super) struct PaddedRows {
    values: Vec<f32>,
    /// The number of steps before each row, and the number of all steps.
    starts: Vec<usize>,
    /// The shape of an array of one step.
    step: Shape,
    longest: usize,
    /// The open axes: the axis of the steps, unless all rows have the same number of steps.
    open: &'static [usize],
    side: PadSide,
    padding: f32,
}

impl PaddedRows {
    /// Joins the sizes and elements of each row.
    ///
    /// # Errors
    /// [`Error::Empty`] without rows, [`Error::Shape`] when steps have different shapes, an array has no axes or too many, or
    /// no array has steps.
    pub(super) fn new(rows: &mut dyn Iterator<Item = (Vec<usize>, Vec<f32>)>) -> Result<PaddedRows> {
        let (mut values, mut starts, mut step, mut longest) = (Vec::new(), vec![0], None, 0);
        for (row, (sizes, elements)) in rows.enumerate() {
            let place = || format!("sequence {row}");
            let [steps, size @ ..] = &sizes[..] else {
                return Err(Error::expected("at least one axis: that of the steps").at(place, &[Shape::SCALAR]));
            };
            let found = Shape::new(&[&[1], size].concat()).and_then(|shape| shape.batch(1).map(|_| shape));
            let found = found.map_err(|error| error.at(place, &[]))?;
            let expected: Shape = *step.get_or_insert(found);
            if found != expected || found.is_empty() {
                let expected = match found.is_empty() {
                    true => "steps with at least one element".to_owned(),
                    false => format!("steps of shape {expected}, as in the sequences before"),
                };
                return Err(Error::expected(expected).at(place, &[found]));
            }
            values.extend(elements);
            longest = longest.max(*steps);
            starts.push(starts[row] + steps);
        }
        let Some(step) = step else { return Err(Error::Empty { what: "the list of sequences".into() }) };
        if longest == 0 {
            return Err(Error::expected("at least one sequence with a step").at(|| "sequences".into(), &[]));
        }
        let differ = starts.windows(2).any(|pair| pair[1] - pair[0] != longest);
        let open: &[usize] = if differ { &[0] } else { &[] };
        Ok(PaddedRows { values, starts, step, longest, open, side: PadSide::default(), padding: 0.0 })
    }

    /// Sets the side at which rows are padded, and the value of padding.
    ///
    /// # Errors
    /// [`Error::Setting`] for a value that is not finite.
    pub(super) fn pad(&mut self, place: &'static str, side: PadSide, value: f32) -> Result<()> {
        check_setting(value.is_finite(), place, "pad", f64::from(value), "finite")?;
        (self.side, self.padding) = (side, value);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The open axes of a row.
    pub(super) fn open_axes(&self) -> &'static [usize] {
        self.open
    }

    /// The number of steps of a row.
    pub(super) fn steps(&self, row: usize) -> usize {
        self.starts[row + 1] - self.starts[row]
    }

    /// The shape of a row.
    pub(super) fn row_shape(&self, row: usize) -> Shape {
        self.step.with_axis(0, self.steps(row))
    }

    /// The shape of the longest row.
    pub(super) fn largest(&self) -> Shape {
        self.step.with_axis(0, self.longest)
    }

    /// The shape to which rows are padded: at least one step.
    pub(super) fn batch_shape(&self, rows: &[usize]) -> Shape {
        let steps = rows.iter().map(|row| self.steps(*row)).fold(1, usize::max);
        self.step.with_axis(0, steps)
    }

    /// Writes padded rows.
    ///
    /// # Panics
    /// When the slice has the wrong length or a row does not exist.
    pub(super) fn gather(&self, rows: &[usize], output: &mut [f32]) {
        let length = self.batch_shape(rows).len();
        assert_eq!(output.len(), rows.len() * length, "inputs: as many floats as {} rows of {length} have", rows.len());
        output.fill(self.padding);
        let size = self.step.len();
        for (output, &row) in output.chunks_exact_mut(length).zip(rows) {
            let sequence = &self.values[self.starts[row] * size..self.starts[row + 1] * size];
            let start = match self.side {
                PadSide::Before => length - sequence.len(),
                PadSide::After => 0,
            };
            output[start..][..sequence.len()].copy_from_slice(sequence);
        }
    }
}
