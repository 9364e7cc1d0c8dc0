//! An array of a model and what it is in PyTorch.

use crate::save::NamedArray;
use crate::tape::Params;
use crate::{Error, Result, Shape};
use ndarray::{ArrayView, IxDyn};

/// One array in both worlds.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) own: String,
    pub(super) torch: String,
    /// The own array's elements seen with these axes …
    pub(super) view: Vec<usize>,
    /// … whose axes PyTorch has in this order …
    pub(super) order: Vec<usize>,
    /// … as this shape.
    pub(super) shape: Shape,
}

impl Entry {
    /// Puts PyTorch's array under its own name and layout.
    pub(super) fn insert(&self, found: &NamedArray, model: &Params, params: &mut Params) -> Result<()> {
        let turned: Vec<usize> = self.order.iter().map(|axis| self.view[*axis]).collect();
        let back: Vec<usize> = (0..self.order.len())
            .map(|axis| self.order.iter().position(|other| *other == axis).unwrap_or(axis))
            .collect();
        let view = ArrayView::from_shape(IxDyn(&turned), &found.values).map_err(Error::other)?;
        let values = view.permuted_axes(back.as_slice()).iter().copied().collect();
        params.insert(&self.own, model.shape(model.id(&self.own)?), values, true).map(|_| ())
    }
}
