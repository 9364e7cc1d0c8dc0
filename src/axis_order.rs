//! The order of the axes of a sample in a file.

use crate::error::{Error, Result};
use crate::sample_shape::SampleShape;
use crate::shape::{MAX_RANK, Shape};
use ndarray::{ArrayBase, Dimension, IxDyn, RawData};
use std::fmt;

/// The order of the axes of a sample in the file that a model was loaded from.
///
/// Models of this library have channels last, and so do files of this library and of Keras. Most ONNX files have channels
/// first. An `AxisOrder` belongs to one input or output of a model. It maps each axis of a sample in the file to an axis of
/// the model's sample. The axis of rows is first in both and is not counted.
///
/// ```
/// use gradus::{AxisOrder, Shape};
/// use ndarray::Array4;
/// let order = AxisOrder::channels_first(3);
/// assert_eq!(order.axes(), [2, 0, 1]);
/// assert_eq!(order.shape_in_file(Shape::from([8, 6, 3])), Shape::from([3, 8, 6]));
/// let images = Array4::<f32>::zeros((5, 3, 8, 6)).into_dyn(); // as the file has them
/// assert_eq!(order.to_model(images)?.shape(), [5, 8, 6, 3]);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AxisOrder {
    /// For each axis in the file, the model's axis. Axes after the last permuted one map to themselves.
    axes: [usize; MAX_RANK],
}

impl AxisOrder {
    /// The order of the model's axes, with channels last.
    pub const CHANNELS_LAST: AxisOrder = AxisOrder { axes: [0, 1, 2, 3, 4, 5] };

    /// The order with the model's last axis first, for samples with `rank` axes without the rows.
    pub fn channels_first(rank: usize) -> AxisOrder {
        let mut order = AxisOrder::CHANNELS_LAST;
        order.axes[..rank.min(MAX_RANK)].rotate_right(usize::from(rank > 1));
        order
    }

    /// The order with the given axis of the model for each axis in the file, counted from 0 without the rows. `[2, 0, 1]` is
    /// [`channels_first`](AxisOrder::channels_first) of images.
    ///
    /// # Errors
    /// [`Error::Other`] unless each of the numbers 0, 1, … `axes.len()` − 1 occurs once, at most [`MAX_RANK`] of them.
    pub fn new(axes: &[usize]) -> Result<AxisOrder> {
        let mut order = AxisOrder::CHANNELS_LAST;
        if axes.len() > MAX_RANK || (0..axes.len()).any(|axis| !axes.contains(&axis)) {
            return Err(Error::other(format!(
                "axis order {axes:?}: expected each of the axes 0 to {} once, at most {MAX_RANK} of them",
                axes.len().saturating_sub(1)
            )));
        }
        order.axes[..axes.len()].copy_from_slice(axes);
        Ok(order)
    }

    /// The model's axis for each axis of a sample in the file, up to the last permuted axis.
    pub fn axes(&self) -> &[usize] {
        let moved = (0..MAX_RANK).rfind(|axis| self.axes[*axis] != *axis);
        &self.axes[..moved.map_or(0, |axis| axis + 1)]
    }

    /// Whether the file has the axes in the model's order.
    pub fn is_channels_last(&self) -> bool {
        *self == AxisOrder::CHANNELS_LAST
    }

    /// Whether samples with `rank` axes, without the rows, can have this order.
    pub fn fits(&self, rank: usize) -> bool {
        self.axes().len() <= rank
    }

    /// The shape in the file of a sample that has the shape `sample` in the model.
    ///
    /// # Panics
    /// When the order permutes more axes than `sample` has.
    pub fn shape_in_file(&self, sample: impl Into<SampleShape>) -> SampleShape {
        let sample = sample.into();
        assert!(self.fits(sample.rank()), "an order of the axes {self} for samples of {sample}");
        sample.permuted(&self.axes)
    }

    /// Permutes an array of rows from the file's order to the model's. Takes an array or a view, and copies no numbers.
    ///
    /// # Errors
    /// [`Error::Shape`] for an array without an axis of rows or with fewer axes than the order permutes.
    pub fn to_model<S: RawData, D: Dimension>(&self, array: ArrayBase<S, D>) -> Result<ArrayBase<S, IxDyn>> {
        let mut places = [0; MAX_RANK];
        self.axes.iter().enumerate().for_each(|(place, axis)| places[*axis] = place);
        self.permuted(array, &places)
    }

    /// Permutes an array of rows from the model's order to the file's. Takes an array or a view, and copies no numbers.
    ///
    /// # Errors
    /// [`Error::Shape`] for an array without an axis of rows or with fewer axes than the order permutes.
    pub fn to_file<S: RawData, D: Dimension>(&self, array: ArrayBase<S, D>) -> Result<ArrayBase<S, IxDyn>> {
        self.permuted(array, &self.axes)
    }

    fn permuted<S: RawData, D: Dimension>(
        &self,
        array: ArrayBase<S, D>,
        axes: &[usize; MAX_RANK],
    ) -> Result<ArrayBase<S, IxDyn>> {
        let rank = array.ndim();
        if rank == 0 || rank > MAX_RANK || !self.fits(rank - 1) {
            let found = Shape::new(array.shape()).into_iter().collect::<Vec<_>>();
            let expected = format!("an axis of rows and at least {} axes in the order {self}", self.axes().len());
            return Err(Error::expected(expected).at(|| "axis order".into(), &found));
        }
        let axes: Vec<usize> = std::iter::once(0).chain(axes[..rank - 1].iter().map(|axis| axis + 1)).collect();
        Ok(array.into_dyn().permuted_axes(axes))
    }
}

impl Default for AxisOrder {
    fn default() -> AxisOrder {
        AxisOrder::CHANNELS_LAST
    }
}

impl fmt::Display for AxisOrder {
    /// Writes `channels_last`, `channels_first`, or the model's axis for each axis in the file, as in `[1, 0, 2]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.axes() {
            [] => f.write_str("channels_last"),
            axes if *self == AxisOrder::channels_first(axes.len()) => f.write_str("channels_first"),
            axes => write!(f, "{axes:?}"),
        }
    }
}

impl fmt::Debug for AxisOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AxisOrder({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, Array1, IxDyn};

    /// Every order of up to four axes.
    fn orders() -> Vec<AxisOrder> {
        let mut orders = vec![vec![]];
        for axis in 0..4 {
            let longer = orders.iter().flat_map(|order: &Vec<usize>| {
                (0..=order.len()).map(move |at| [&order[..at], &[axis], &order[at..]].concat())
            });
            orders = [orders.clone(), longer.collect()].concat();
        }
        orders.iter().filter_map(|axes| AxisOrder::new(axes).ok()).collect()
    }

    #[test]
    fn to_model_and_to_file_are_inverse_and_agree_with_the_shape_in_the_file() {
        let sample = Shape::from([2, 3, 4, 5]);
        let array = Array::from_shape_fn(IxDyn(&[7, 2, 3, 4, 5]), |at| at.slice().iter().fold(0, |n, i| 10 * n + i));
        assert!(orders().len() > 24);
        for order in orders() {
            let file = order.to_file(array.view()).unwrap();
            assert_eq!(order.shape_in_file(sample), Shape::new(&file.shape()[1..]).unwrap(), "{order}");
            assert_eq!(order.to_model(file).unwrap(), array, "{order}");
            assert_eq!(AxisOrder::new(order.axes()).unwrap(), order);
        }
    }

    #[test]
    fn channels_first_moves_the_last_axis_to_the_front() {
        assert_eq!(AxisOrder::channels_first(3).axes(), [2, 0, 1]);
        assert_eq!(AxisOrder::channels_first(2).axes(), [1, 0]);
        assert!(AxisOrder::channels_first(1).is_channels_last() && AxisOrder::channels_first(0).is_channels_last());
        let array = Array::from_shape_fn(IxDyn(&[1, 2, 3, 4]), |at| (at[1], at[2], at[3]));
        assert_eq!(AxisOrder::channels_first(3).to_file(array).unwrap()[[0, 3, 1, 2]], (1, 2, 3));
    }

    #[test]
    fn invalid_orders_are_rejected() {
        for axes in [&[1][..], &[0, 0], &[0, 2], &[0, 1, 2, 3, 4, 5, 6]] {
            assert!(AxisOrder::new(axes).is_err(), "{axes:?}");
        }
        let message = AxisOrder::new(&[1, 1]).unwrap_err().to_string();
        assert_eq!(message, "axis order [1, 1]: expected each of the axes 0 to 1 once, at most 6 of them");
        let message = AxisOrder::channels_first(2).to_model(Array1::<f32>::zeros(3)).unwrap_err().to_string();
        let expected =
            "axis order: found shape 3, expected an axis of rows and at least 2 axes in the order channels_first";
        assert_eq!(message, expected);
        assert_eq!(AxisOrder::new(&[0, 2, 1]).unwrap().to_string(), "[0, 2, 1]");
    }
}
