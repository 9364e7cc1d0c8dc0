//! Volumes depth × height × width × channels as images: planes, one for each depth, or columns along the depth.

use crate::error::{Error, Result};
use crate::layers::Padding;
use crate::ops;
use crate::shape::Shape;
use crate::sizes;
use crate::tape::Var;

/// Checks that the input is one volume, and returns its sizes.
pub(super) fn check(inputs: &[Shape]) -> Result<[usize; 4]> {
    match inputs {
        [x] if x.rank() == 4 => Ok([0, 1, 2, 3].map(|axis| x.axis(axis))),
        _ => Err(Error::expected("volumes depth × height × width × channels; Reshape adds a missing axis")),
    }
}

/// The planes of a batch of volumes, as (rows · depth) × height × width × channels. The array is not copied.
pub(super) fn planes(x: Var<'_>) -> Var<'_> {
    let [rows, depth, height, width, channels] = [0, 1, 2, 3, 4].map(|axis| x.shape().axis(axis));
    x.reshape([rows.saturating_mul(depth), height, width, channels])
}

/// The volumes whose planes are these images. The array is not copied.
pub(super) fn volumes(planes: Var<'_>, rows: usize) -> Var<'_> {
    let [all, height, width, channels] = [0, 1, 2, 3].map(|axis| planes.shape().axis(axis));
    planes.reshape([rows, all / rows, height, width, channels])
}

/// The shape of a pooled volume.
pub(super) fn pooled(
    [depth, height, width, channels]: [usize; 4],
    owner: &'static str,
    [window, plane_window @ ..]: [usize; 3],
    [stride, plane_strides @ ..]: [usize; 3],
    padding: Padding,
) -> Result<Shape> {
    let plane = ops::pooled(Shape::from([height, width, channels]), owner, plane_window, plane_strides, padding)?;
    let line = Shape::from([depth, sizes::product(&plane.sizes()[..2])?, channels]);
    let depth = ops::pooled(line, owner, [window, 1], [stride, 1], padding)?.axis(0);
    Shape::new(&[depth, plane.axis(0), plane.axis(1), channels])
}

/// Pools volumes: first their planes, and then the pooled planes along the depth. `pool` pools images with a window and strides.
pub(super) fn pool<'r>(
    x: Var<'r>,
    [window, plane_window @ ..]: [usize; 3],
    [stride, plane_strides @ ..]: [usize; 3],
    pool: impl Fn(Var<'r>, [usize; 2], [usize; 2]) -> Var<'r>,
) -> Var<'r> {
    let (rows, depth, pooled) = (x.shape().axis(0), x.shape().axis(1), pool(planes(x), plane_window, plane_strides));
    let [height, width, channels] = [1, 2, 3].map(|axis| pooled.shape().axis(axis));
    let y = pool(pooled.reshape([rows, depth, height.saturating_mul(width), channels]), [window, 1], [stride, 1]);
    y.reshape([rows, y.shape().axis(1), height, width, channels])
}

/// Implements [`Layer`](super::Layer) for a layer with the options `pool_size`, `strides` and `padding`, by the method `$pool` of
/// [`Var`], which pools images.
macro_rules! pooling {
    ($layer:ident, $pool:ident) => {
        impl $layer {
            /// Records the pooling of volumes, rows × depth × height × width × channels.
            pub fn pool<'r>(&self, x: $crate::tape::Var<'r>) -> $crate::tape::Var<'r> {
                let image = |x: $crate::tape::Var<'r>, window, strides| x.$pool(window, strides, self.padding);
                $crate::layers::volumes::pool(x, self.pool_size.sizes(), self.strides.sizes(), image)
            }
        }

        impl $crate::layers::Layer for $layer {
            fn build(
                &self,
                inputs: &[$crate::shape::Shape],
                _weights: &mut $crate::layers::Weights<'_>,
            ) -> $crate::error::Result<Vec<$crate::shape::Shape>> {
                let (x, window) = ($crate::layers::volumes::check(inputs)?, self.pool_size.sizes());
                let (strides, owner) = (self.strides.sizes(), stringify!($layer));
                Ok(vec![$crate::layers::volumes::pooled(x, owner, window, strides, self.padding)?])
            }

            fn record<'r>(
                &self,
                _weights: &mut $crate::layers::Cursor<'_, 'r>,
                inputs: &[$crate::tape::Var<'r>],
            ) -> Vec<$crate::tape::Var<'r>> {
                vec![self.pool(inputs[0]).without_mask()]
            }

            fn supports_masking(&self) -> bool {
                true
            }

            fn spec(&self) -> $crate::spec::Spec {
                self.write_options($crate::spec::Spec::new(Self::CLASS))
            }
        }
    };
}
pub(super) use pooling;
