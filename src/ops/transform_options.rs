//! Options of the operations that sample images at other positions.

use super::Interpolation;
use crate::error::{Result, check_setting};
use crate::kernels::sampling::FillMode;
use crate::size2d::Size2d;

/// Options of [`Var::affine_transform`](crate::tape::Var::affine_transform) and
/// [`Var::map_coordinates`](crate::tape::Var::map_coordinates).
///
/// ```
/// use gradus::ops::{FillMode, Interpolation, TransformOptions};
/// TransformOptions::new().interpolation(Interpolation::Nearest).fill_mode(FillMode::Wrap);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct TransformOptions {
    pub(super) interpolation: Interpolation,
    pub(super) fill_mode: FillMode,
    pub(super) fill_value: f32,
    pub(super) size: Option<Size2d>,
}

impl Default for TransformOptions {
    fn default() -> TransformOptions {
        TransformOptions::new()
    }
}

impl TransformOptions {
    /// Creates the options with the defaults of Keras.
    pub fn new() -> TransformOptions {
        TransformOptions {
            interpolation: Interpolation::Bilinear,
            fill_mode: FillMode::Constant,
            fill_value: 0.0,
            size: None,
        }
    }

    /// How values between pixels are computed: [`Interpolation::Nearest`] or [`Interpolation::Bilinear`]. Defaults to
    /// [`Interpolation::Bilinear`].
    pub fn interpolation(mut self, interpolation: Interpolation) -> TransformOptions {
        self.interpolation = interpolation;
        self
    }

    /// The values outside the image. Defaults to [`FillMode::Constant`].
    pub fn fill_mode(mut self, fill_mode: FillMode) -> TransformOptions {
        self.fill_mode = fill_mode;
        self
    }

    /// The value outside the image with [`FillMode::Constant`]. Defaults to 0.
    pub fn fill_value(mut self, fill_value: f32) -> TransformOptions {
        self.fill_value = fill_value;
        self
    }

    /// Rows and columns of the output of an affine transform. Defaults to those of the input.
    pub fn size(mut self, size: impl Into<Size2d>) -> TransformOptions {
        self.size = Some(size.into());
        self
    }

    /// Checks that the interpolation is one of the two that have terms at any position.
    pub(crate) fn check(&self, owner: &'static str) -> Result<()> {
        let known = matches!(self.interpolation, Interpolation::Nearest | Interpolation::Bilinear);
        check_setting(known, owner, "interpolation", self.interpolation.name(), "nearest or bilinear")
    }
}
