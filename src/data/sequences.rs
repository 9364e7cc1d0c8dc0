//! A dataset in memory of sequences with different numbers of steps.

use super::elements::{Inputs, TargetElements, Targets};
use super::padded_rows::{PadSide, PaddedRows};
use super::{Dataset, Target, sample_weight};
use crate::error::{Error, Result};
use crate::shape::Shape;
use std::fmt;

/// Sequences with different numbers of steps, with one target for each. A batch is padded to its longest sequence.
///
/// A model ignores the padding if its first layer sets a [mask](crate::tape::Var::mask):
/// [`Masking`](crate::layers::Masking) with the padding value, or [`Embedding`](crate::layers::Embedding) with
/// `mask_zero` for words numbered from 1. A sequence without steps is then a row of padding only, for which
/// [`GlobalAveragePool1d`](crate::layers::GlobalAveragePool1d) outputs NaN; remove such sequences from the data.
///
/// [`Fit::shuffle_by_length`](crate::Fit::shuffle_by_length) forms batches of sequences of similar lengths. For several inputs,
/// or targets with different numbers of steps, use [`NamedArrays::with_sequences`](super::NamedArrays::with_sequences).
///
/// ```
/// use gradus::data::{Dataset, PadSide, Sequences};
/// use ndarray::{array, Array1};
///
/// let words: [Array1<f32>; 3] = [array![7.0], array![1.0, 2.0, 3.0], array![4.0, 5.0]];
/// let data = Sequences::new(words, array![0u8, 1, 1])?.pad(PadSide::Before, 0.0)?;
/// assert_eq!((data.len(), data.input_shape().len(), data.batch_shape(&[2, 0]).len()), (3, 3, 2));
/// let (mut inputs, mut targets) = ([0.0; 4], [0.0; 2]);
/// data.gather(&[2, 0], &mut inputs, &mut targets);
/// assert_eq!((inputs, targets), ([4.0, 5.0, 0.0, 7.0], [1.0, 0.0]));
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone)]
pub struct Sequences {
    inputs: PaddedRows,
    targets: TargetElements,
    target: Target,
    weights: Option<Vec<f32>>,
}

impl Sequences {
    /// Creates a dataset from one array per sequence, steps × the shape of a step, and `targets` as for
    /// [`Arrays`](super::Arrays). A sequence of indices has one axis, and a sequence may have no steps. By default,
    /// sequences are padded with 0 after the last step.
    ///
    /// # Errors
    /// [`Error::Rows`] when the numbers of sequences and targets differ, [`Error::Empty`] without rows, [`Error::Shape`] when
    /// steps have different shapes, an array has no axes or too many, or no sequence has steps.
    pub fn new<S: Into<Inputs>>(
        sequences: impl IntoIterator<Item = S>,
        targets: impl Into<Targets>,
    ) -> Result<Sequences> {
        let targets = targets.into();
        let (target_rows, target) = targets.rows()?;
        let inputs = PaddedRows::new(&mut sequences.into_iter().map(|sequence| sequence.into().into_floats()))?;
        if inputs.len() != target_rows {
            return Err(Error::Rows { first: ("sequences", inputs.len()), second: ("targets", target_rows) });
        }
        Ok(Sequences { inputs, targets: targets.elements, target, weights: None })
    }

    /// Sets the side at which sequences are padded, and the value of padding.
    ///
    /// # Errors
    /// [`Error::Setting`] for a value that is not finite.
    pub fn pad(mut self, side: PadSide, value: f32) -> Result<Sequences> {
        self.inputs.pad("Sequences", side, value)?;
        Ok(self)
    }

    /// Sets one sample weight per row. In training and evaluation, the loss of a row is multiplied by it. `sample_weight` in
    /// Keras.
    ///
    /// # Errors
    /// [`Error::Rows`] if the number of weights is not the number of rows, [`Error::Setting`] if a weight is not finite.
    pub fn with_sample_weight(mut self, weights: impl IntoIterator<Item = f32>) -> Result<Sequences> {
        self.weights = Some(sample_weight::checked(weights, self.len())?);
        Ok(self)
    }

    /// The number of steps of a row.
    ///
    /// # Panics
    /// When the row does not exist.
    pub fn steps(&self, row: usize) -> usize {
        self.inputs.steps(row)
    }
}

impl Dataset for Sequences {
    fn len(&self) -> usize {
        self.inputs.len()
    }

    fn input_shape(&self) -> Shape {
        self.inputs.largest()
    }

    fn open_axes(&self) -> &[usize] {
        self.inputs.open_axes()
    }

    fn row_shape(&self, row: usize) -> Shape {
        self.inputs.row_shape(row)
    }

    fn target(&self) -> Target {
        self.target
    }

    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]) {
        self.inputs.gather(rows, inputs);
        self.gather_targets(rows, targets);
    }

    fn gather_targets(&self, rows: &[usize], targets: &mut [f32]) {
        self.targets.gather(self.target, rows, targets);
    }

    fn has_sample_weight(&self) -> bool {
        self.weights.is_some()
    }

    fn gather_sample_weight(&self, rows: &[usize], weights: &mut [f32]) {
        sample_weight::gather(self.weights.as_deref(), rows, weights);
    }
}

impl fmt::Debug for Sequences {
    /// Writes the numbers of rows and steps, not the elements.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, shape) = (self.len(), self.input_shape());
        f.debug_struct("Sequences").field("rows", &rows).field("longest", &shape).field("target", &self.target).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, Array3, array};

    fn data() -> Sequences {
        let rows =
            [1, 3, 0, 2].map(|steps| Array2::from_shape_fn((steps, 2), |(i, j)| (10 * steps + 2 * i + j) as f32));
        Sequences::new(rows, array![[0.5f32], [1.5], [2.5], [3.5]]).unwrap()
    }

    fn gathered(data: &Sequences, rows: &[usize]) -> (Vec<f32>, Vec<f32>) {
        let mut inputs = vec![f32::NAN; rows.len() * data.batch_shape(rows).len()];
        let mut targets = vec![f32::NAN; rows.len()];
        data.gather(rows, &mut inputs, &mut targets);
        (inputs, targets)
    }

    #[test]
    fn batches_are_padded_to_their_longest_row_on_the_chosen_side() {
        let data = data();
        assert_eq!((data.input_shape(), data.open_axes()), (Shape::from([3, 2]), &[0][..]));
        assert_eq!(data.batch_shape(&[0, 3]), Shape::from([2, 2]));
        let expected = [10.0, 11.0, 0.0, 0.0, 20.0, 21.0, 22.0, 23.0];
        assert_eq!(gathered(&data, &[0, 3]), (expected.to_vec(), vec![0.5, 3.5]));
        let before = data.clone().pad(PadSide::Before, -1.0).unwrap();
        let expected = [-1.0, -1.0, 10.0, 11.0, 20.0, 21.0, 22.0, 23.0];
        assert_eq!(gathered(&before, &[0, 3]).0, expected);
        assert_eq!(gathered(&before, &[2]).0, [-1.0, -1.0]);
        let part = data.clone().with_sample_weight([1.0, 2.0, 3.0, 4.0]).unwrap();
        let mut weights = [0.0; 2];
        part.gather_sample_weight(&[3, 1], &mut weights);
        assert_eq!(weights, [4.0, 2.0]);
    }

    #[test]
    fn rows_of_equal_length_have_no_open_axis() {
        let data = Sequences::new([array![1u8, 2], array![3, 4]], array![0, 1]).unwrap();
        assert_eq!((data.open_axes(), data.row_shape(1)), (&[][..], Shape::from([2])));
    }

    #[test]
    fn sequences_that_do_not_fit_are_rejected() {
        let message = |data: Result<Sequences>| data.unwrap_err().to_string();
        let labels = |rows: usize| Array1::<u8>::zeros(rows);
        let different = [Array2::<f32>::zeros((1, 2)), Array2::zeros((1, 3))];
        assert_eq!(
            message(Sequences::new(different, labels(2))),
            "sequence 1: found shape 1 × 3, expected steps of shape 1 × 2, as in the sequences before"
        );
        assert_eq!(
            message(Sequences::new([array![1.0f32]], labels(2))),
            "sequences have 1 row and targets have 2; they need the same number"
        );
        let none: [Array1<f32>; 0] = [];
        assert_eq!(
            message(Sequences::new(none, labels(1))),
            "the list of sequences is empty; it needs at least one row"
        );
        let empty = [Array1::<f32>::zeros(0)];
        assert_eq!(message(Sequences::new(empty, labels(1))), "sequences: expected at least one sequence with a step");
        let flat = [Array3::<f32>::zeros((2, 0, 3))];
        assert_eq!(
            message(Sequences::new(flat, labels(1))),
            "sequence 0: found shape 1 × 0 × 3, expected steps with at least one element"
        );
        assert_eq!(message(data().pad(PadSide::After, f32::NAN)), "Sequences: pad must be finite, got NaN");
    }
}
