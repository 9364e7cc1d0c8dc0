//! The correspondence of an array of a model to an array of a `state_dict`.

use crate::save::NamedArray;
use crate::tape::Params;
use crate::{Error, Result, Shape};
use ndarray::{ArrayView, IxDyn};

/// An array of a model and its counterpart in PyTorch.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The name of the array in the model.
    pub(super) own: String,
    /// The name of the array in PyTorch.
    pub(super) torch: String,
    /// The sizes to which the array of the model is reshaped before its axes are permuted.
    pub(super) view: Vec<usize>,
    /// The order of these axes in PyTorch.
    pub(super) order: Vec<usize>,
    /// The shape of the array in PyTorch.
    pub(super) shape: Shape,
}

impl Entry {
    /// Converts an array of PyTorch to the layout of the model, and adds it to `params` under its name in the model.
    pub(super) fn insert(&self, found: &NamedArray, model: &Params, params: &mut Params) -> Result<()> {
        let permuted: Vec<usize> = self.order.iter().map(|axis| self.view[*axis]).collect();
        let inverse: Vec<usize> = (0..self.order.len())
            .map(|axis| self.order.iter().position(|other| *other == axis).unwrap_or(axis))
            .collect();
        let view = ArrayView::from_shape(IxDyn(&permuted), &found.values).map_err(Error::other)?;
        let values = view.permuted_axes(inverse.as_slice()).iter().copied().collect();
        params.insert(&self.own, model.shape(model.id(&self.own)?), values, true).map(|_| ())
    }
}
