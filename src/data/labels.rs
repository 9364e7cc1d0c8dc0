//! Conversion between class labels and one-hot rows.

use super::zeros;
use crate::error::{Error, Result};
use crate::shape::Shape;
use ndarray::{Array1, Array2, ArrayBase, ArrayView1, Axis, Data, Ix2};

/// A class label: an integer, or a custom type that represents one.
pub trait Label {
    /// The class, counted from 0. Values that do not fit are `i64::MAX`, which is not a class.
    fn number(&self) -> i64;
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl Label for $integer {
            fn number(&self) -> i64 {
                i64::try_from(*self).unwrap_or(i64::MAX)
            }
        }
    )*};
}

integers!(u16 u64 usize i16 i64 isize);

// These types always fit.
macro_rules! small_integers {
    ($($integer:ty)*) => {$(
        impl Label for $integer {
            fn number(&self) -> i64 {
                i64::from(*self)
            }
        }
    )*};
}

small_integers!(u8 u32 i8 i32);

impl<L: Label + ?Sized> Label for &L {
    fn number(&self) -> i64 {
        (**self).number()
    }
}

/// Maximum number of classes that `f32` labels can distinguish.
const MOST_CLASSES: usize = 1 << 24;

/// Converts labels to one-hot rows: rows × `classes`, with 1 in the column of the label. `classes` defaults to the largest
/// label + 1.
///
/// ```
/// use gradus::data::{from_categorical, to_categorical};
/// use ndarray::array;
///
/// let labels = array![1u8, 0, 2];
/// let rows = to_categorical(&labels, None)?;
/// assert_eq!(rows, array![[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
/// assert_eq!(from_categorical(&rows)?, array![1, 0, 2]);
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// [`Error::Label`] for a label that is negative or ≥ `classes` (at most 2²⁴), [`Error::Empty`] without labels,
/// [`Error::TooLarge`] when the rows do not fit in memory.
pub fn to_categorical<L: Label>(labels: impl IntoIterator<Item = L>, classes: Option<usize>) -> Result<Array2<f32>> {
    let labels: Vec<i64> = labels.into_iter().map(|label| label.number()).collect();
    let Some(&largest) = labels.iter().max() else {
        return Err(Error::Empty { what: "the list of labels".into() });
    };
    let classes = classes.unwrap_or_else(|| usize::try_from(largest.saturating_add(1)).unwrap_or(0));
    let below = classes.min(MOST_CLASSES);
    if let Some(row) = labels.iter().position(|&label| label < 0 || label as u64 >= below as u64) {
        return Err(Error::Label { row, label: labels[row] as f64, classes: below });
    }
    let shape = Shape::from([labels.len(), classes]);
    let mut rows = zeros("one-hot rows", shape)?;
    for (row, &label) in rows.chunks_exact_mut(classes).zip(&labels) {
        row[label as usize] = 1.0;
    }
    Array2::from_shape_vec((labels.len(), classes), rows).map_err(Error::other)
}

/// Converts each row to its class: the column of its first maximum. NaN counts as the maximum, as in NumPy, so that it is not
/// hidden.
///
/// # Errors
/// [`Error::Shape`] when the array has no columns.
pub fn from_categorical<S: Data<Elem = f32>>(rows: &ArrayBase<S, Ix2>) -> Result<Array1<usize>> {
    if rows.ncols() == 0 {
        let (found, expected) =
            (vec![Shape::from([rows.nrows(), 0])], "at least one column, one for each class".into());
        return Err(Error::Shape { place: "from_categorical".into(), found, expected });
    }
    Ok(rows.map_axis(Axis(1), first_maximum))
}

/// The index of the first maximum, or of the first NaN.
pub(super) fn first_maximum(row: ArrayView1<'_, f32>) -> usize {
    let mut best = 0;
    for (index, value) in row.iter().enumerate() {
        if value.is_nan() {
            return index;
        }
        if *value > row[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn labels_of_all_integer_types_are_converted() {
        let expected = array![[0.0, 1.0, 0.0]];
        assert_eq!(to_categorical([1u8], Some(3)).unwrap(), expected);
        assert_eq!(to_categorical(vec![1usize], Some(3)).unwrap(), expected);
        assert_eq!(to_categorical(&array![1i32], Some(3)).unwrap(), expected);
        assert_eq!(to_categorical(array![1i64].view(), Some(3)).unwrap(), expected);
        assert_eq!(to_categorical([1u32].iter(), Some(3)).unwrap(), expected);
    }

    #[test]
    fn labels_that_are_not_classes_are_rejected() {
        let message = |labels: &[i64], classes| to_categorical(labels, classes).unwrap_err().to_string();
        assert!(message(&[0, 3], Some(3)).starts_with("row 1: label must be an integer ≥ 0 and < 3"));
        assert!(message(&[0, -1, 2], None).starts_with("row 1: label must be an integer ≥ 0 and < 3"));
        assert!(message(&[-1], None).starts_with("row 0: label must be an integer"));
        assert!(message(&[0], Some(0)).starts_with("row 0: label must be an integer"));
        assert_eq!(message(&[], None), "the list of labels is empty; it needs at least one row");
    }

    #[test]
    fn huge_labels_do_not_allocate() {
        assert!(matches!(to_categorical([u64::MAX, 1], None), Err(Error::Label { row: 0, .. })));
        assert!(matches!(to_categorical([1, 1 << 24], None), Err(Error::Label { row: 1, .. })));
        assert!(matches!(to_categorical([1], Some(usize::MAX)), Err(Error::TooLarge { .. })));
    }

    #[test]
    fn the_first_maximum_is_selected() {
        let rows = array![[0.1, 0.4, 0.4], [f32::NEG_INFINITY, f32::NEG_INFINITY, -1.0], [1.0, f32::NAN, 2.0]];
        assert_eq!(from_categorical(&rows).unwrap(), array![1, 2, 1]);
        assert_eq!(from_categorical(&rows.t()).unwrap(), array![2, 2, 2]);
        let error = from_categorical(&Array2::<f32>::zeros((2, 0))).unwrap_err();
        let text = "from_categorical: found shape 2 × 0, expected at least one column, one for each class";
        assert_eq!(error.to_string(), text);
    }
}
