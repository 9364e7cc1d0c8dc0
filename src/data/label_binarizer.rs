//! Encoding of labels as columns of zeros and ones, like scikit-learn's `LabelBinarizer`.

use super::labels::first_maximum;
use crate::error::{Error, Result};
use crate::shape::Shape;
use ndarray::{Array1, Array2, ArrayBase, Axis, Data, Ix2};

/// Encodes labels as columns of zeros and ones, and decodes them, like scikit-learn's `LabelBinarizer`. Classes are sorted.
/// Three or more have a column each, two share one column (1 for the second), and a single one has a column of zeros.
///
/// ```
/// use gradus::data::LabelBinarizer;
/// use ndarray::array;
///
/// let encoder = LabelBinarizer::fit(&["cat", "dog", "ant", "dog"])?;
/// assert_eq!(encoder.classes(), ["ant", "cat", "dog"]);
/// let rows = encoder.transform(&["dog", "ant", "cow"]);
/// assert_eq!(rows, array![[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]);
/// assert_eq!(encoder.inverse_transform(&array![[0.1, 0.7, 0.2]])?, array!["cat"]);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelBinarizer<T> {
    classes: Vec<T>,
}

impl<T: Ord + Clone> LabelBinarizer<T> {
    /// Collects the classes of the labels.
    ///
    /// # Errors
    /// [`Error::Empty`] without labels.
    pub fn fit<'a>(labels: impl IntoIterator<Item = &'a T>) -> Result<LabelBinarizer<T>>
    where
        T: 'a,
    {
        let mut classes: Vec<T> = labels.into_iter().cloned().collect();
        classes.sort();
        classes.dedup();
        match classes.is_empty() {
            true => Err(Error::Empty { what: "the list of labels".into() }),
            false => Ok(LabelBinarizer { classes }),
        }
    }

    /// The classes in ascending order.
    pub fn classes(&self) -> &[T] {
        &self.classes
    }

    /// Encodes labels as an array rows × classes, or rows × 1 for one or two classes. An unknown label gives a row of zeros.
    pub fn transform<'a>(&self, labels: impl IntoIterator<Item = &'a T>) -> Array2<f32>
    where
        T: 'a,
    {
        let places: Vec<Option<usize>> =
            labels.into_iter().map(|label| self.classes.binary_search(label).ok()).collect();
        let mut rows = Array2::zeros((places.len(), self.columns()));
        for (mut row, place) in rows.outer_iter_mut().zip(places) {
            match (self.classes.len(), place) {
                (1, _) | (2, Some(0)) | (_, None) => {}
                (2, Some(_)) => row[0] = 1.0,
                (_, Some(place)) => row[place] = 1.0,
            }
        }
        rows
    }

    /// Decodes each row: the class of its first maximum. For two classes, the second one if the column is > 0.5. For two
    /// classes, two columns are accepted too, and the second one is used.
    ///
    /// # Errors
    /// [`Error::Shape`] when the number of columns is not that of encoded labels.
    pub fn inverse_transform<S: Data<Elem = f32>>(&self, rows: &ArrayBase<S, Ix2>) -> Result<Array1<T>> {
        let binary = self.classes.len() <= 2;
        let columns = rows.ncols();
        if columns != self.columns() && !(binary && columns == 2) {
            let found = vec![Shape::from([rows.nrows(), columns])];
            let expected = format!("rows × {}, for {} classes", self.columns(), self.classes.len());
            return Err(Error::Shape { place: "inverse_transform".into(), found, expected: expected.into() });
        }
        Ok(rows.map_axis(Axis(1), |row| {
            let place = match self.classes.len() {
                1 => 0,
                2 => usize::from(row[columns - 1] > 0.5),
                _ => first_maximum(row),
            };
            self.classes[place].clone()
        }))
    }

    /// The number of columns of encoded labels.
    fn columns(&self) -> usize {
        if self.classes.len() <= 2 { 1 } else { self.classes.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn ten_digits_get_ten_columns() {
        let labels = Array1::from_iter((0..10u8).rev());
        let encoder = LabelBinarizer::fit(&labels).unwrap();
        let rows = encoder.transform(&labels);
        assert_eq!(rows, Array2::<f32>::eye(10).slice(ndarray::s![..;-1, ..]));
        assert_eq!(encoder.inverse_transform(&rows).unwrap(), labels);
    }

    #[test]
    fn two_classes_share_a_column() {
        let encoder = LabelBinarizer::fit(&[7, 3, 3]).unwrap();
        assert_eq!(encoder.transform(&[3, 7, 5]), array![[0.0], [1.0], [0.0]]);
        assert_eq!(encoder.inverse_transform(&array![[0.5], [0.6]]).unwrap(), array![3, 7]);
        assert_eq!(encoder.inverse_transform(&array![[0.1, 0.9], [0.9, 0.1]]).unwrap(), array![7, 3]);
    }

    #[test]
    fn one_class_has_a_column_of_zeros() {
        let encoder = LabelBinarizer::fit(&[4]).unwrap();
        assert_eq!(encoder.transform(&[4, 5]), array![[0.0], [0.0]]);
        assert_eq!(encoder.inverse_transform(&array![[0.0], [1.0]]).unwrap(), array![4, 4]);
    }

    #[test]
    fn a_wrong_number_of_columns_is_rejected() {
        let encoder = LabelBinarizer::fit(&[1, 2, 3]).unwrap();
        let error = encoder.inverse_transform(&Array2::<f32>::zeros((5, 2))).unwrap_err();
        assert_eq!(error.to_string(), "inverse_transform: found shape 5 × 2, expected rows × 3, for 3 classes");
        let encoder = LabelBinarizer::fit(&[1]).unwrap();
        assert!(encoder.inverse_transform(&Array2::<f32>::zeros((5, 3))).is_err());
        let error = LabelBinarizer::<u8>::fit(&[]).unwrap_err();
        assert_eq!(error.to_string(), "the list of labels is empty; it needs at least one row");
    }
}
