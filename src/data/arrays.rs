//! A dataset in memory.

use super::elements::{InputElements, Inputs, TargetElements, Targets};
use super::{Dataset, Rows, Target, sample_weight};
use crate::error::{Error, Result};
use crate::shape::Shape;
use std::fmt;
use std::ops::RangeBounds;

/// A dataset in memory: inputs as bytes or floats, targets as class labels or floats.
///
/// Bytes are converted to floats when they are gathered, so that images take a quarter of the memory.
///
/// ```
/// use gradus::data::{Arrays, Dataset};
/// use ndarray::array;
///
/// let images = array![[0u8, 51], [255, 102], [1, 2]];
/// let data = Arrays::new(images, array![2, 0, 1])?.normalized();
/// let (mut inputs, mut targets) = ([0.0; 4], [0.0; 2]);
/// data.gather(&[1, 0], &mut inputs, &mut targets);
/// assert_eq!(inputs, [1.0, 0.4, 0.0, 0.2]);
/// assert_eq!(targets, [0.0, 2.0]);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone)]
pub struct Arrays {
    rows: usize,
    inputs: InputElements,
    input_shape: Shape,
    normalized: bool,
    targets: TargetElements,
    target: Target,
    weights: Option<Vec<f32>>,
}

impl Arrays {
    /// Creates a dataset from `inputs` (rows × the shape of a row) and `targets`: integer labels, one for each row or for each
    /// position (rows × the shape of the positions), or rows × floats.
    ///
    /// # Errors
    /// [`Error::Rows`] when the numbers of rows differ, [`Error::Empty`] without rows, and [`Error::Shape`] when an
    /// array has no axes, more than six, or an axis of size 0.
    pub fn new(inputs: impl Into<Inputs>, targets: impl Into<Targets>) -> Result<Arrays> {
        let (inputs, targets) = (inputs.into(), targets.into());
        let (rows, input_shape) = inputs.rows()?;
        let (target_rows, target) = targets.rows()?;
        if rows != target_rows {
            return Err(Error::Rows { first: ("inputs", rows), second: ("targets", target_rows) });
        }
        let (inputs, targets) = (inputs.elements, targets.elements);
        Ok(Arrays { rows, inputs, input_shape, normalized: false, targets, target, weights: None })
    }

    /// Divides inputs by 255 when they are gathered, so that bytes become numbers from 0 to 1.
    #[must_use]
    pub fn normalized(mut self) -> Arrays {
        self.normalized = true;
        self
    }

    /// Changes the shape of the inputs of a row: images 28 × 28 to `[784]`, for example.
    ///
    /// # Errors
    /// [`Error::Shape`] when the number of elements of `shape` differs from that of a row, or `shape` has more than five axes.
    pub fn reshaped(mut self, shape: impl Into<Shape>) -> Result<Arrays> {
        let shape = shape.into();
        if shape.len() != self.input_shape.len() {
            let (found, length) = (vec![shape], self.input_shape.len());
            let noun = if length == 1 { "element" } else { "elements" };
            let expected = format!("{length} {noun}, like a row of shape {}", self.input_shape);
            return Err(Error::Shape { place: "reshaped".into(), found, expected: expected.into() });
        }
        shape.batch(self.rows).map_err(|error| error.at(|| "reshaped".into(), &[shape]))?;
        self.input_shape = shape;
        Ok(self)
    }

    /// Converts labels to one-hot rows of `classes` floats when they are gathered: labels n × … become targets
    /// n × … × `classes`.
    ///
    /// # Errors
    /// [`Error::Label`] when a label is ≥ `classes`, [`Error::Shape`] when the targets are already floats, or the result would
    /// have more than [`MAX_RANK`](crate::MAX_RANK) axes.
    pub fn one_hot(mut self, classes: usize) -> Result<Arrays> {
        let (TargetElements::Labels(labels), Target::Labels(shape)) = (&self.targets, self.target) else {
            let expected = "integer labels; the targets are already floats, so remove one_hot".into();
            return Err(Error::Shape { place: "one_hot".into(), found: vec![self.target.shape()], expected });
        };
        let is_class = |label: i64| usize::try_from(label).is_ok_and(|label| label < classes);
        if let Some(wrong) = labels.iter().position(|label| !is_class(*label)) {
            return Err(Error::Label { row: wrong / shape.len(), label: labels[wrong] as f64, classes });
        }
        let rows =
            Shape::new(&[shape.sizes(), &[classes]].concat()).and_then(|shape| shape.batch(self.rows).map(|_| shape));
        self.target = Target::Values(rows.map_err(|error| error.at(|| "one_hot".into(), &[shape]))?);
        Ok(self)
    }

    /// Sets one sample weight per row. In training and evaluation, the loss of a row is multiplied by it. The loss of a
    /// batch is the weighted sum divided by the number of rows. Metrics do not use the weights, unless they are weighted
    /// metrics. `sample_weight` in Keras.
    ///
    /// ```
    /// use gradus::data::{Arrays, Dataset};
    /// use ndarray::array;
    /// let data = Arrays::new(array![[1.0f32], [2.0], [3.0]], array![0u8, 1, 1])?.with_sample_weight([1.0, 0.5, 0.0])?;
    /// let mut weights = [0.0; 2];
    /// data.gather_sample_weight(&[1, 0], &mut weights);
    /// assert_eq!(weights, [0.5, 1.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Rows`] if the number of weights is not the number of rows, [`Error::Setting`] if a weight is not finite.
    pub fn with_sample_weight(mut self, weights: impl IntoIterator<Item = f32>) -> Result<Arrays> {
        self.weights = Some(sample_weight::checked(weights, self.rows)?);
        Ok(self)
    }

    /// The class labels in row order, even if they are gathered as one-hot rows; `None` if the targets are floats.
    pub fn labels(&self) -> Option<&[i64]> {
        match &self.targets {
            TargetElements::Labels(labels) => Some(labels),
            TargetElements::Values(_) => None,
        }
    }

    /// Returns the rows in `range` as a dataset: `data.rows(..5000)?`.
    ///
    /// # Errors
    /// [`Error::Unknown`] when the range exceeds the dataset, [`Error::Empty`] when it contains no rows.
    pub fn rows(&self, range: impl RangeBounds<usize>) -> Result<Rows<'_>> {
        Rows::range(self, range)
    }
}

impl Dataset for Arrays {
    fn len(&self) -> usize {
        self.rows
    }

    fn input_shape(&self) -> Shape {
        self.input_shape
    }

    fn target(&self) -> Target {
        self.target
    }

    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]) {
        self.inputs.gather(self.input_shape.len(), self.normalized, rows, inputs);
        self.targets.gather(self.target, rows, targets);
    }

    fn has_sample_weight(&self) -> bool {
        self.weights.is_some()
    }

    fn gather_sample_weight(&self, rows: &[usize], weights: &mut [f32]) {
        sample_weight::gather(self.weights.as_deref(), rows, weights);
    }

    fn gather_targets(&self, rows: &[usize], targets: &mut [f32]) {
        self.targets.gather(self.target, rows, targets);
    }
}

impl fmt::Debug for Arrays {
    /// Formats the shapes and types of the rows, without their elements.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let elements = match self.inputs {
            InputElements::Bytes(_) => "u8",
            InputElements::Floats(_) => "f32",
        };
        f.debug_struct("Arrays")
            .field("rows", &self.rows)
            .field("elements", &elements)
            .field("input_shape", &self.input_shape)
            .field("normalized", &self.normalized)
            .field("target", &self.target)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, Array3, Array6, array};

    fn gathered(data: &Arrays, rows: &[usize]) -> (Vec<f32>, Vec<f32>) {
        // The previous contents of the buffers must not matter.
        let mut inputs = vec![f32::NAN; rows.len() * data.input_shape().len()];
        let mut targets = vec![f32::NAN; rows.len() * data.target().len()];
        data.gather(rows, &mut inputs, &mut targets);
        (inputs, targets)
    }

    #[test]
    fn bytes_normalize_to_exact_quotients() {
        let bytes = Array2::from_shape_fn((256, 1), |(byte, _)| byte as u8);
        let data = Arrays::new(bytes, Array1::<u8>::zeros(256)).unwrap();
        let rows: Vec<usize> = (0..256).collect();
        let expected: Vec<f32> = rows.iter().map(|&byte| byte as f32).collect();
        assert_eq!(gathered(&data, &rows).0, expected);
        let expected: Vec<f32> = expected.iter().map(|byte| byte / 255.0).collect();
        assert_eq!(gathered(&data.normalized(), &rows).0, expected);
    }

    #[test]
    fn rows_keep_their_targets() {
        let data = Arrays::new(array![[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0]], array![1i64, 0, 2]).unwrap();
        assert_eq!(gathered(&data, &[2, 0, 2]), (vec![5.0, 6.0, 1.0, 2.0, 5.0, 6.0], vec![2.0, 1.0, 2.0]));
        assert_eq!(gathered(&data.clone().normalized(), &[0]).0, [1.0 / 255.0, 2.0 / 255.0]);
        let data = data.one_hot(3).unwrap();
        assert_eq!(gathered(&data, &[2, 0]).1, [0.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
        assert_eq!(data.labels(), Some(&[1, 0, 2][..]));
        let data = Arrays::new(array![[1u8], [2]], array![[0.5f32, 0.25], [1.0, 2.0]]).unwrap();
        assert_eq!(gathered(&data, &[1, 0]), (vec![2.0, 1.0], vec![1.0, 2.0, 0.5, 0.25]));
        assert_eq!(data.labels(), None);
        assert_eq!(gathered(&data, &[]), (vec![], vec![]));
    }

    #[test]
    fn different_numbers_of_rows_are_rejected() {
        let error = Arrays::new(Array3::<u8>::zeros((3, 2, 2)), Array1::<u8>::zeros(2)).unwrap_err();
        let text = "inputs have 3 rows and targets have 2; they need the same number";
        assert_eq!(error.to_string(), text);
        let error = Arrays::new(Array2::<u8>::zeros((0, 2)), Array1::<u8>::zeros(0)).unwrap_err();
        assert_eq!(error.to_string(), "the array of inputs is empty; it needs at least one row");
        let error = Arrays::new(Array2::<u8>::zeros((1, 2)), Array1::<u8>::zeros(0)).unwrap_err();
        assert_eq!(error.to_string(), "the array of targets is empty; it needs at least one row");
    }

    #[test]
    fn labels_become_one_hot_rows_if_they_are_classes() {
        let data = Arrays::new(array![[1u8], [2], [3]], array![0i32, 9, -1]).unwrap();
        let text = "row 2: label must be an integer ≥ 0 and < 10, the number of classes, got -1";
        assert_eq!(data.clone().one_hot(10).unwrap_err().to_string(), text);
        assert!(data.clone().one_hot(9).unwrap_err().to_string().starts_with("row 1: label must be an integer"));
        let wild = Arrays::new(array![[1u8]], array![u64::MAX]).unwrap().one_hot(10);
        assert!(matches!(wild, Err(Error::Label { row: 0, label, .. }) if label > 9e18));
        let text =
            "one_hot: found shape 10, expected integer labels; the targets are already floats, so remove one_hot";
        let floats = Arrays::new(array![[1u8]], Array2::<f32>::zeros((1, 10))).unwrap();
        assert_eq!(floats.one_hot(10).unwrap_err().to_string(), text);
    }

    #[test]
    fn labels_per_position_keep_their_shape() {
        let data = Arrays::new(array![[1u8], [2]], array![[[0u8, 2], [1, 1]], [[2, 2], [0, 1]]]).unwrap();
        assert_eq!(data.target(), Target::Labels(Shape::from([2, 2])));
        assert_eq!(gathered(&data, &[1, 0]).1, [2.0, 2.0, 0.0, 1.0, 0.0, 2.0, 1.0, 1.0]);
        let one_hot = data.clone().one_hot(3).unwrap();
        assert_eq!(one_hot.target(), Target::Values(Shape::from([2, 2, 3])));
        let row = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        assert_eq!(gathered(&one_hot, &[1]).1, row);
        let error = data.one_hot(2).unwrap_err().to_string();
        assert!(error.starts_with("row 0: label must be an integer"), "{error}");
        let full = Arrays::new(array![[1u8]], Array6::<u8>::zeros((1, 2, 1, 1, 1, 1))).unwrap();
        let error = full.one_hot(2).unwrap_err().to_string();
        assert!(error.starts_with("one_hot: found shape 2 × 1 × 1 × 1 × 1, expected at most 6 axes"), "{error}");
    }

    #[test]
    fn rows_can_be_reshaped() {
        let data = Arrays::new(Array3::<u8>::zeros((2, 28, 28)), array![0u8, 1]).unwrap();
        assert_eq!(data.clone().reshaped([28, 28, 1]).unwrap().input_shape(), Shape::from([28, 28, 1]));
        let text = "reshaped: found shape 28 × 27, expected 784 elements, like a row of shape 28 × 28";
        assert_eq!(data.clone().reshaped([28, 27]).unwrap_err().to_string(), text);
        let error = data.clone().reshaped([28, 28, 1, 1, 1, 1]).unwrap_err();
        assert!(
            error.to_string().starts_with("reshaped: found shape 28 × 28 × 1 × 1 × 1 × 1, expected at most 6 axes")
        );
        assert!(format!("{data:?}").contains("rows: 2, elements: \"u8\""), "{data:?}");
    }
}
