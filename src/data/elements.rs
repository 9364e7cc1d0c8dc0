//! The arrays of a dataset in memory, which are stored contiguous and row-major.

use super::Target;
use super::labels::Label;
use crate::error::{Error, Result};
use crate::kernels::bytes;
use crate::shape::{MAX_RANK, Shape};
use ndarray::{ArcArray1, Array1, ArrayBase, Data, Dimension};
use std::fmt;
use std::ops::Deref;

/// Inputs for [`Arrays`](super::Arrays): bytes or floats, rows × the shape of one row.
///
/// Converted from ndarray's arrays and views of `u8` or `f32` in any memory layout, with at least one axis. An array in row-major
/// order that is owned or shared (`ArcArray`) is not copied.
///
/// ```
/// use gradus::data::{Arrays, Dataset};
/// use ndarray::{Array1, Array3};
/// let images = Array3::<u8>::zeros((10, 28, 28));
/// assert_eq!(Arrays::new(images, Array1::<u8>::zeros(10))?.input_shape().sizes(), [28, 28]);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone)]
pub struct Inputs {
    pub(super) sizes: Vec<usize>,
    pub(super) elements: InputElements,
}

#[derive(Clone)]
pub(super) enum InputElements {
    Bytes(SharedElements<u8>),
    Floats(SharedElements<f32>),
}

/// Elements in row-major order. Clones share them, and so does a shared array that they were made from.
#[derive(Clone)]
pub(super) struct SharedElements<T>(ArcArray1<T>);

impl<T> Deref for SharedElements<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_slice().expect("elements in row-major order")
    }
}

impl<T: Copy> SharedElements<T> {
    /// The elements, without a copy if they are not shared.
    fn into_vec(self) -> Vec<T> {
        row_major(self.0).1
    }
}

/// Targets for [`Arrays`](super::Arrays): integer class labels, or floats.
///
/// Converted from ndarray's arrays and views in any memory layout, rows × the shape of the target of a row. Integers are class
/// labels: one for each row (N or N × 1), or one for each position, such as N × height × width for the pixels of an image.
/// Floats are `f32`; an array with one axis is one column.
///
/// ```
/// use gradus::data::{Arrays, Dataset, Target};
/// use ndarray::{Array1, Array2};
/// let inputs = Array2::<f32>::zeros((10, 4));
/// assert_eq!(Arrays::new(&inputs, Array1::<u8>::zeros(10))?.target(), Target::LABEL);
/// assert_eq!(Arrays::new(&inputs, Array2::<f32>::zeros((10, 3)))?.target(), Target::Values([3].into()));
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone)]
pub struct Targets {
    sizes: Vec<usize>,
    pub(super) elements: TargetElements,
}

#[derive(Clone)]
pub(super) enum TargetElements {
    Labels(Vec<i64>),
    Values(Vec<f32>),
}

impl fmt::Debug for Inputs {
    /// Formats the sizes and the type of the elements, without the elements.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.elements {
            InputElements::Bytes(_) => "bytes",
            InputElements::Floats(_) => "floats",
        };
        f.debug_struct("Inputs").field("sizes", &self.sizes).field("elements", &kind).finish()
    }
}

/// The type of an input: `u8` or `f32`.
pub trait InputElement: Copy + sealed::Input {}

impl fmt::Debug for Targets {
    /// Formats the sizes and the type of the elements, without the elements.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.elements {
            TargetElements::Labels(_) => "labels",
            TargetElements::Values(_) => "values",
        };
        f.debug_struct("Targets").field("sizes", &self.sizes).field("elements", &kind).finish()
    }
}

/// The type of a target: an integer (a class label) or `f32`.
pub trait TargetElement: Copy + sealed::Target {}

mod sealed {
    use super::{Inputs, Targets};
    use ndarray::ArcArray1;

    /// Wraps elements in row-major order.
    pub trait Input: Sized {
        fn inputs(sizes: Vec<usize>, elements: ArcArray1<Self>) -> Inputs;
    }

    /// Wraps elements in row-major order.
    pub trait Target: Sized {
        fn targets(sizes: Vec<usize>, elements: Vec<Self>) -> Targets;
    }
}

impl InputElement for u8 {}
impl sealed::Input for u8 {
    fn inputs(sizes: Vec<usize>, elements: ArcArray1<u8>) -> Inputs {
        Inputs { sizes, elements: InputElements::Bytes(SharedElements(elements)) }
    }
}

impl InputElement for f32 {}
impl sealed::Input for f32 {
    fn inputs(sizes: Vec<usize>, elements: ArcArray1<f32>) -> Inputs {
        Inputs { sizes, elements: InputElements::Floats(SharedElements(elements)) }
    }
}

impl<T: Label + Copy> TargetElement for T {}
impl<T: Label + Copy> sealed::Target for T {
    fn targets(sizes: Vec<usize>, elements: Vec<T>) -> Targets {
        let labels = elements.into_iter().map(|label| label.number()).collect();
        Targets { sizes, elements: TargetElements::Labels(labels) }
    }
}

impl TargetElement for f32 {}
impl sealed::Target for f32 {
    fn targets(sizes: Vec<usize>, elements: Vec<f32>) -> Targets {
        Targets { sizes, elements: TargetElements::Values(elements) }
    }
}

impl<S: Data<Elem: InputElement>, D: Dimension> From<ArrayBase<S, D>> for Inputs {
    fn from(array: ArrayBase<S, D>) -> Inputs {
        let (sizes, elements) = shared(array);
        sealed::Input::inputs(sizes, elements)
    }
}

impl<S: Data<Elem: InputElement>, D: Dimension> From<&ArrayBase<S, D>> for Inputs {
    fn from(array: &ArrayBase<S, D>) -> Inputs {
        array.to_shared().into()
    }
}

impl<S: Data<Elem: TargetElement>, D: Dimension> From<ArrayBase<S, D>> for Targets {
    fn from(array: ArrayBase<S, D>) -> Targets {
        let (sizes, elements) = row_major(array);
        sealed::Target::targets(sizes, elements)
    }
}

impl<S: Data<Elem: TargetElement>, D: Dimension> From<&ArrayBase<S, D>> for Targets {
    fn from(array: &ArrayBase<S, D>) -> Targets {
        array.view().into()
    }
}

impl Inputs {
    /// The sizes, and the elements as floats.
    pub(super) fn into_floats(self) -> (Vec<usize>, Vec<f32>) {
        match self.elements {
            InputElements::Bytes(bytes) => (self.sizes, bytes.iter().copied().map(f32::from).collect()),
            InputElements::Floats(floats) => (self.sizes, floats.into_vec()),
        }
    }

    /// The number of rows, and the shape of a row.
    pub(super) fn rows(&self) -> Result<(usize, Shape)> {
        rows("inputs", &self.sizes)
    }
}

impl Targets {
    /// The sizes, the elements as floats, and whether they are labels.
    pub(super) fn into_floats(self) -> (Vec<usize>, Vec<f32>, bool) {
        match self.elements {
            TargetElements::Labels(labels) => {
                (self.sizes, labels.into_iter().map(|label| label as f32).collect(), true)
            }
            TargetElements::Values(values) => (self.sizes, values, false),
        }
    }

    /// The number of rows, and the target of a row.
    pub(super) fn rows(&self) -> Result<(usize, Target)> {
        let (count, shape) = rows("targets", &self.sizes)?;
        match self.elements {
            TargetElements::Labels(_) if shape.len() == 1 => Ok((count, Target::LABEL)),
            TargetElements::Labels(_) => Ok((count, Target::Labels(shape))),
            TargetElements::Values(_) if shape.rank() == 0 => Ok((count, Target::Values(Shape::from([1])))),
            TargetElements::Values(_) => Ok((count, Target::Values(shape))),
        }
    }
}

impl InputElements {
    /// Writes rows of `length` elements, divided by 255 if they are normalized.
    pub(super) fn gather(&self, length: usize, normalized: bool, rows: &[usize], values: &mut [f32]) {
        match self {
            InputElements::Bytes(pixels) => {
                bytes::gather(pixels, length, rows, if normalized { 255.0 } else { 1.0 }, values);
            }
            InputElements::Floats(floats) if normalized => gather(floats, length, rows, values, |float| float / 255.0),
            InputElements::Floats(floats) => gather(floats, length, rows, values, |float| float),
        }
    }
}

impl TargetElements {
    /// Writes the targets of rows. Labels become one-hot rows if the dataset has values.
    pub(super) fn gather(&self, target: Target, rows: &[usize], values: &mut [f32]) {
        match (self, target) {
            (TargetElements::Labels(labels), Target::Labels(shape)) => {
                gather(labels, shape.len(), rows, values, |label| label as f32);
            }
            (TargetElements::Labels(labels), Target::Values(shape)) => {
                assert_eq!(values.len(), rows.len() * shape.len(), "targets: rows × classes");
                values.fill(0.0);
                let (classes, positions) = (shape.last(), shape.len() / shape.last());
                for (target, &row) in values.chunks_exact_mut(shape.len()).zip(rows) {
                    let labels = &labels[row * positions..][..positions];
                    for (target, label) in target.chunks_exact_mut(classes).zip(labels) {
                        target[*label as usize] = 1.0; // in range since `one_hot`
                    }
                }
            }
            (TargetElements::Values(floats), target) => gather(floats, target.len(), rows, values, |value| value),
        }
    }
}

/// Writes rows of `length` elements, converted by `float`.
fn gather<T: Copy>(elements: &[T], length: usize, rows: &[usize], output: &mut [f32], float: impl Fn(T) -> f32) {
    assert_eq!(output.len(), rows.len() * length, "as many floats as {} rows of {length} have", rows.len());
    for (output, &row) in output.chunks_exact_mut(length).zip(rows) {
        let row = &elements[row * length..][..length];
        output.iter_mut().zip(row).for_each(|(output, &element)| *output = float(element));
    }
}

/// The axes and the elements in row-major order, without a copy if the array is owned or shared and row-major.
fn shared<S: Data<Elem: Copy>, D: Dimension>(array: ArrayBase<S, D>) -> (Vec<usize>, ArcArray1<S::Elem>) {
    let (sizes, count) = (array.shape().to_vec(), array.len());
    if !array.is_standard_layout() {
        return (sizes, Array1::from_iter(array.iter().copied()).into_shared());
    }
    let array = match array.try_into_owned_nocopy() {
        Ok(owned) => owned.into_shared(),
        Err(array) => array.to_shared(),
    };
    (sizes, array.into_shape_with_order(count).expect("elements in row-major order"))
}

/// The axes and the elements in row-major order, without a copy if the array is owned and row-major.
fn row_major<S: Data<Elem: Copy>, D: Dimension>(array: ArrayBase<S, D>) -> (Vec<usize>, Vec<S::Elem>) {
    let sizes = array.shape().to_vec();
    let count = array.len();
    if !array.is_standard_layout() {
        return (sizes, array.iter().copied().collect());
    }
    let (mut elements, offset) = array.into_owned().into_raw_vec_and_offset();
    elements.drain(..offset.unwrap_or(0));
    elements.truncate(count);
    (sizes, elements)
}

/// Splits the sizes of an array into the number of rows and the shape of a row.
fn rows(what: &'static str, sizes: &[usize]) -> Result<(usize, Shape)> {
    let [count, row @ ..] = sizes else {
        let expected = "at least one axis: that of the rows".into();
        return Err(Error::Shape { place: what.into(), found: vec![Shape::SCALAR], expected });
    };
    if sizes.len() > MAX_RANK {
        let expected = format!("at most {MAX_RANK} axes including the rows; merge some of {sizes:?}");
        return Err(Error::Shape {
            place: what.into(),
            found: vec![Shape::new(&sizes[..MAX_RANK])?],
            expected: expected.into(),
        });
    }
    if *count == 0 {
        return Err(Error::Empty { what: format!("the array of {what}").into() });
    }
    if row.contains(&0) {
        let expected = "axes of size 1 or more; rows must have elements".into();
        return Err(Error::Shape { place: what.into(), found: vec![Shape::new(sizes)?], expected });
    }
    Ok((*count, Shape::new(row)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, Array1, Array2, Array3, ArrayD, IxDyn, s};

    fn bytes(inputs: &Inputs) -> &[u8] {
        match &inputs.elements {
            InputElements::Bytes(bytes) => bytes,
            InputElements::Floats(_) => panic!("floats"),
        }
    }

    #[test]
    fn every_layout_is_stored_row_major() {
        let array = Array::from_shape_fn((2, 3), |(i, j)| (10 * i + j) as u8);
        assert_eq!(bytes(&array.view().into()), [0, 1, 2, 10, 11, 12]);
        assert_eq!(bytes(&(&array).into()), [0, 1, 2, 10, 11, 12]);
        assert_eq!(bytes(&array.t().into()), [0, 10, 1, 11, 2, 12]);
        assert_eq!(bytes(&array.slice(s![.., ..;-2]).into()), [2, 0, 12, 10]);
        assert_eq!(bytes(&array.clone().reversed_axes().into()), [0, 10, 1, 11, 2, 12]);
        assert_eq!(bytes(&array.clone().slice_move(s![1.., ..]).into()), [10, 11, 12]);
        assert_eq!(bytes(&array.clone().slice_move(s![..1, ..]).into()), [0, 1, 2]);
        assert_eq!(bytes(&array.clone().slice_move(s![..;-1, ..]).into()), [10, 11, 12, 0, 1, 2]);
        assert_eq!(bytes(&array.into_dyn().into_shared().into()), [0, 1, 2, 10, 11, 12]);
    }

    #[test]
    fn an_owned_array_is_not_copied() {
        let array = Array3::<f32>::zeros((4, 2, 2));
        let address = array.as_ptr();
        let InputElements::Floats(floats) = Inputs::from(array).elements else { panic!("bytes") };
        assert_eq!(floats.as_ptr(), address);
        let values = floats.into_vec();
        assert_eq!(values.as_ptr(), address);
    }

    #[test]
    fn a_shared_array_and_its_rows_are_not_copied() {
        let array = Array3::<u8>::zeros((4, 2, 2)).into_shared();
        let rows = array.clone().slice_move(s![1..3, .., ..]);
        for (inputs, start) in [(Inputs::from(&array), 0), (array.clone().into(), 0), (rows.into(), 4)] {
            assert_eq!(bytes(&inputs).as_ptr(), array.as_ptr().wrapping_add(start));
        }
    }

    #[test]
    fn targets_are_labels_or_values() {
        let target = |targets: Targets| targets.rows().map(|(_, target)| target);
        assert_eq!(target(Array1::<u8>::zeros(3).into()).unwrap(), Target::LABEL);
        assert_eq!(target(Array2::<i32>::zeros((3, 1)).into()).unwrap(), Target::LABEL);
        assert_eq!(target(Array1::<usize>::zeros(3).view().into()).unwrap(), Target::LABEL);
        assert_eq!(target(Array1::<f32>::zeros(3).into()).unwrap(), Target::Values(Shape::from([1])));
        assert_eq!(target(Array2::<f32>::zeros((3, 10)).into()).unwrap(), Target::Values(Shape::from([10])));
        let positions = Target::Labels(Shape::from([8, 6]));
        assert_eq!(target(Array3::<u8>::zeros((3, 8, 6)).into()).unwrap(), positions);
    }

    #[test]
    fn arrays_without_rows_are_rejected() {
        let message =
            |sizes: &[usize]| Inputs::from(ArrayD::<f32>::zeros(IxDyn(sizes))).rows().unwrap_err().to_string();
        assert_eq!(message(&[]), "inputs: found shape (), expected at least one axis: that of the rows");
        assert_eq!(message(&[0, 4]), "the array of inputs is empty; it needs at least one row");
        assert!(message(&[4, 0]).starts_with("inputs: found shape 4 × 0, expected axes of size 1 or more"));
        assert!(message(&[1; 7]).contains("expected at most 6 axes"));
    }
}
