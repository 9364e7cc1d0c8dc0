//! Resizing: images of a given size.

use crate::error::{Error, Result, check_setting};
use crate::layers::{Cursor, Interpolation, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Resizes images. `Resizing` in Keras.
    ///
    /// Inputs are images of any height × width × channels; outputs are `height` × `width` × channels. Images have channels
    /// last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::*};
    /// let model = Sequential::new([32, 20, 3]).add(Resizing::new(64, 64)).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([64, 64, 3])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size is 0 or both `crop_to_aspect_ratio` and
    /// `pad_to_aspect_ratio` are set, and [`Error::Shape`](crate::Error::Shape) if the input is no image, or one with a height or
    /// width of 2¹⁶ or more.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct Resizing("Resizing") of (height: usize, width: usize) {
        /// How pixels follow from the pixels of the input. Defaults to [`Interpolation::Bilinear`].
        value interpolation: Interpolation = Interpolation::Bilinear,
        /// Whether to crop the input around its center to the ratio of `height` and `width` first. Otherwise, the image is
        /// stretched. Defaults to `false`.
        value crop_to_aspect_ratio: bool = false,
        /// Whether to pad the input on two sides to the ratio of `height` and `width` first. Defaults to `false`.
        value pad_to_aspect_ratio: bool = false,
        /// Value of the padding of `pad_to_aspect_ratio`. Defaults to 0.
        value fill_value: f32 = 0.0,
        /// Whether smaller images are made from all pixels that a new pixel covers, against aliasing. Without effect for
        /// [`Interpolation::Nearest`]. Defaults to `false`.
        value antialias: bool = false,
    }
}

/// The largest height or width.
const MAX_SIZE: usize = 1 << 16;

impl Resizing {
    /// Creates the layer for images of `height` × `width`, both at least 1, with the defaults of Keras.
    pub fn new(height: usize, width: usize) -> Resizing {
        Resizing::with_defaults(height, width)
    }

    /// The height and the width with the ratio of the output for which `fits` one of those of the image: the first takes the
    /// ratio from the width, the second from the height. As in Keras, in single precision.
    fn in_ratio(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        let scaled = |size: usize, to: usize, of: usize| (size.saturating_mul(to) as f32 / of as f32) as usize;
        [scaled(width, self.height, self.width), scaled(height, self.width, self.height)]
    }
}

impl Layer for Resizing {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        for (name, size) in [("height", self.height), ("width", self.width)] {
            check_setting((1..MAX_SIZE).contains(&size), "Resizing", name, size, "at least 1 and less than 2¹⁶")?;
        }
        let both = self.crop_to_aspect_ratio && self.pad_to_aspect_ratio;
        check_setting(!both, "Resizing", "pad_to_aspect_ratio", "true", "false, as crop_to_aspect_ratio is true")?;
        match inputs {
            [x] if x.rank() == 3 && x.sizes()[..2].iter().any(|size| *size >= MAX_SIZE) => {
                Err(Error::expected("images whose height and width are less than 2¹⁶"))
            }
            [x] if x.rank() == 3 && !x.is_empty() => Ok(vec![Shape::new(&[self.height, self.width, x.axis(2)])?]),
            _ => Err(Error::expected("images height × width × channels; Reshape adds a missing axis")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let mut x = inputs[0];
        let [rows, height, width, channels] = [0, 1, 2, 3].map(|axis| x.shape().axis(axis));
        let [of_width, of_height] = self.in_ratio([height, width]);
        if self.crop_to_aspect_ratio {
            let size = [of_width.clamp(1, height), of_height.clamp(1, width)];
            let starts = [0, (height - size[0]) / 2, (width - size[1]) / 2, 0];
            x = x.slice(&starts, [rows, size[0], size[1], channels]);
        } else if self.pad_to_aspect_ratio {
            let [above, left] = [of_width.max(height) - height, of_height.max(width) - width].map(|pad| pad / 2);
            x = x.pad(&[[0; 2], [above; 2], [left; 2], [0; 2]], self.fill_value);
        }
        for (axis, size) in [(1, self.height), (2, self.width)] {
            let from = x.shape().axis(axis);
            if from != size {
                x = x.resample(axis as isize, self.interpolation.terms(from, size, self.antialias));
            }
        }
        vec![x.without_mask()]
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let cropped = Resizing::new(3, 2).crop_to_aspect_ratio(true).interpolation(Interpolation::Bicubic);
        let padded = Resizing::new(4, 4).pad_to_aspect_ratio(true).fill_value(0.5).antialias(true);
        vec![
            (Box::new(Resizing::new(5, 3)), Shape::from([3, 4, 2])),
            (Box::new(cropped), Shape::from([4, 5, 1])),
            (Box::new(padded.interpolation(Interpolation::Lanczos3)), Shape::from([7, 3, 2])),
            (Box::new(Resizing::new(3, 3).interpolation(Interpolation::Nearest)), Shape::from([2, 5, 1])),
        ]
    }
}
