//! Gradients of parameters.

use super::params::{ParamId, Params};
use super::stamp::Stamp;
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::shape::Shape;
use ndarray::{ArrayViewD, IxDyn};

/// The loss's gradient with respect to each trainable parameter.
#[derive(Clone, Debug)]
pub struct ParamGradients {
    pub(super) stamp: Stamp,
    shapes: Vec<Shape>,
    pub(super) arrays: Vec<AlignedBuffer>,
}

impl ParamGradients {
    /// Allocates gradients for these parameters, filled with zeros.
    pub fn new(params: &Params) -> ParamGradients {
        let length = |id: ParamId| if params.trainable(id) { params.shape(id).len() } else { 0 };
        ParamGradients {
            stamp: params.stamp,
            shapes: params.ids().map(|id| params.shape(id)).collect(),
            arrays: params.ids().map(|id| AlignedBuffer::zeros(length(id))).collect(),
        }
    }

    /// The gradient of a parameter; `None` if it is not trainable.
    ///
    /// # Panics
    /// When `id` belongs to other parameters.
    pub fn get(&self, id: ParamId) -> Option<ArrayViewD<'_, f32>> {
        assert!(id.stamp == self.stamp, "a ParamId was used with ParamGradients that it does not belong to");
        ArrayViewD::from_shape(IxDyn(self.shapes[id.index].sizes()), &self.arrays[id.index]).ok()
    }

    /// The elements of each gradient, in the order of the parameters.
    pub(crate) fn arrays_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.arrays.iter_mut().map(|array| &mut **array)
    }

    /// The elements of the gradient of a parameter; empty if it is not trainable.
    pub(crate) fn values(&self, id: ParamId) -> &[f32] {
        &self.arrays[id.index]
    }
}
