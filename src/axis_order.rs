//! The order in which a file has the axes of a sample.

use crate::error::{Error, Result};
use crate::shape::{MAX_RANK, Shape};
use ndarray::{ArrayBase, Dimension, IxDyn, RawData};
use std::fmt;

/// The order in which the file that a model was loaded from has the axes of a sample.
///
/// Models of this library have the channels of images last, and so have the files of Keras and of this library. Most ONNX files have
/// channels first. An `AxisOrder` belongs to one input or output of a model and says, for each axis of a sample in the file, which axis
/// of the model's sample it is. The axis of the rows comes first in both and is not counted.
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
    /// The model's axis that each axis of the file is; beyond the axes that change places each is itself.
    axes: [usize; MAX_RANK],
}

impl AxisOrder {
    /// The order of the model's own axes, in which images have their channels last.
    pub const CHANNELS_LAST: AxisOrder = AxisOrder { axes: [0, 1, 2, 3, 4, 5] };

    /// The order of samples with `rank` axes, the rows not counted, in which the model's last axis comes first.
    pub fn channels_first(rank: usize) -> AxisOrder {
        let mut order = AxisOrder::CHANNELS_LAST;
        order.axes[..rank.min(MAX_RANK)].rotate_right(usize::from(rank > 1));
        order
    }

    /// The order of samples whose axes in the file are these axes of the model's samples, counted from 0 without the rows:
    /// `[2, 0, 1]` is [`channels_first`](AxisOrder::channels_first) of images.
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

    /// For each axis of a sample in the file, the model's axis that it is: as many as change places, and those before them.
    pub fn axes(&self) -> &[usize] {
        let moved = (0..MAX_RANK).rfind(|axis| self.axes[*axis] != *axis);
        &self.axes[..moved.map_or(0, |axis| axis + 1)]
    }

    /// Whether the file has the axes as the model has them.
    pub fn is_channels_last(&self) -> bool {
        *self == AxisOrder::CHANNELS_LAST
    }

    /// Whether samples with `rank` axes, the rows not counted, can have this order.
    pub fn fits(&self, rank: usize) -> bool {
        self.axes().len() <= rank
    }

    /// The shape in the file of a sample that has the shape `sample` in the model.
    ///
    /// # Panics
    /// When the order is one of more axes than `sample` has.
    pub fn shape_in_file(&self, sample: Shape) -> Shape {
        assert!(self.fits(sample.rank()), "an order of the axes {self} for samples of {sample}");
        let sizes: Vec<usize> = self.axes[..sample.rank()].iter().map(|axis| sample.axis(*axis)).collect();
        Shape::new(&sizes).unwrap_or(sample)
    }

    /// Rows × a sample in the file's order, seen or moved into the model's order. No number is copied.
    ///
    /// # Errors
    /// [`Error::Shape`] for an array without rows or with fewer axes than the order has.
    pub fn to_model<S: RawData, D: Dimension>(&self, array: ArrayBase<S, D>) -> Result<ArrayBase<S, IxDyn>> {
        let mut places = [0; MAX_RANK];
        self.axes.iter().enumerate().for_each(|(place, axis)| places[*axis] = place);
        self.permuted(array, &places)
    }

    /// Rows × a sample in the model's order, seen or moved into the file's order. No number is copied.
    ///
    /// # Errors
    /// [`Error::Shape`] for an array without rows or with fewer axes than the order has.
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
            let expected = format!("rows and then at least {} axes, in the order {self}", self.axes().len());
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
    /// `channels_last`, `channels_first`, or the model's axis that each axis in the file is, as in `[1, 0, 2]`.
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
            assert_eq!(file.shape()[1..], *order.shape_in_file(sample).sizes(), "{order}");
            assert_eq!(order.to_model(file).unwrap(), array, "{order}");
            assert_eq!(AxisOrder::new(order.axes()).unwrap(), order);
        }
    }

    #[test]
    fn the_last_axis_goes_first() {
        assert_eq!(AxisOrder::channels_first(3).axes(), [2, 0, 1]);
        assert_eq!(AxisOrder::channels_first(2).axes(), [1, 0]);
        assert!(AxisOrder::channels_first(1).is_channels_last() && AxisOrder::channels_first(0).is_channels_last());
        let array = Array::from_shape_fn(IxDyn(&[1, 2, 3, 4]), |at| (at[1], at[2], at[3]));
        assert_eq!(AxisOrder::channels_first(3).to_file(array).unwrap()[[0, 3, 1, 2]], (1, 2, 3));
    }

    #[test]
    fn what_is_no_order_is_refused() {
        for axes in [&[1][..], &[0, 0], &[0, 2], &[0, 1, 2, 3, 4, 5, 6]] {
            assert!(AxisOrder::new(axes).is_err(), "{axes:?}");
        }
        let message = AxisOrder::new(&[1, 1]).unwrap_err().to_string();
        assert_eq!(message, "axis order [1, 1]: expected each of the axes 0 to 1 once, at most 6 of them");
        let message = AxisOrder::channels_first(2).to_model(Array1::<f32>::zeros(3)).unwrap_err().to_string();
        let expected = "axis order: found shape 3, expected rows and then at least 2 axes, in the order channels_first";
        assert_eq!(message, expected);
        assert_eq!(AxisOrder::new(&[0, 2, 1]).unwrap().to_string(), "[0, 2, 1]");
    }
}
