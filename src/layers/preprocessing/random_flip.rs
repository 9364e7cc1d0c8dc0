//! RandomFlip: images mirrored at random.

use crate::error::Result;
use crate::layers::random_transform::{self, Transform};
use crate::layers::{Cursor, FillMode, Interpolation, Layer, Weights};
use crate::random::Draws;
use crate::settings::{FromSpec, OptionValue, Settings, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

/// The axes along which [`RandomFlip`] mirrors images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlipMode {
    /// Left and right.
    Horizontal,
    /// Top and bottom.
    Vertical,
    /// Both at once.
    #[default]
    HorizontalAndVertical,
}

/// All modes, with their names in Keras.
const MODES: [(&str, FlipMode); 3] = [
    ("horizontal", FlipMode::Horizontal),
    ("vertical", FlipMode::Vertical),
    ("horizontal_and_vertical", FlipMode::HorizontalAndVertical),
];

impl OptionValue for FlipMode {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        spec.with(name, MODES.iter().find(|(_, mode)| mode == self).map_or("", |(name, _)| name))
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<FlipMode> {
        settings.one_of(name, &MODES)
    }
}

options! {
    /// Mirrors each image with probability ½ in training. `RandomFlip` in Keras.
    ///
    /// Inputs and outputs are images height × width × channels. In evaluation and prediction, the output is the input. Draws
    /// follow from the seed of the model, the step and the position of the image in the batch.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// let augmented = Sequential::new([28, 28, 1]).add(RandomFlip::new(FlipMode::Horizontal)).add(Conv2d::new(8, 3));
    /// assert!(augmented.architecture(0).is_ok());
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) if the input is no image.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct RandomFlip("RandomFlip") {
        /// The axes along which images are mirrored. Defaults to [`FlipMode::HorizontalAndVertical`], which mirrors along both
        /// or neither.
        value mode: FlipMode = FlipMode::HorizontalAndVertical,
    }
}

impl RandomFlip {
    /// Creates the layer for this mode.
    pub fn new(mode: FlipMode) -> RandomFlip {
        RandomFlip::default().mode(mode)
    }

    fn transform(self, flipped: bool, [height, width]: [usize; 2]) -> Transform {
        let [down, right] = match self.mode {
            FlipMode::Horizontal => [false, flipped],
            FlipMode::Vertical => [flipped, false],
            FlipMode::HorizontalAndVertical => [flipped; 2],
        };
        let along = |mirrored: bool, size: usize| if mirrored { [-1.0, size as f32 - 1.0] } else { [1.0, 0.0] };
        let ([y, last_row], [x, last_column]) = (along(down, height), along(right, width));
        [x, 0.0, last_column, 0.0, y, last_row, 0.0, 0.0]
    }

    fn draw(self, draws: &mut Draws, size: [usize; 2]) -> Transform {
        self.transform(draws.uniform() <= 0.5, size)
    }
}

impl Layer for RandomFlip {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        Ok(vec![random_transform::check_images(inputs)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, layer) = (inputs[0], *self);
        let (size, options) =
            (random_transform::size(x), random_transform::options(Interpolation::Nearest, FillMode::Constant, 0.0));
        vec![random_transform::transformed(x, options, move |draws| layer.draw(draws, size)).without_mask()]
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
    use crate::layers::random_transform::tests::check;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(RandomFlip::new(FlipMode::Horizontal)), Shape::from([3, 4, 2])),
            (Box::new(RandomFlip::default()), Shape::from([1, 5, 1])),
        ]
    }

    #[test]
    fn pictures_are_those_of_keras() {
        let options = random_transform::options(Interpolation::Nearest, FillMode::Constant, 0.0);
        for (case, mode) in
            [("flip", FlipMode::Horizontal), ("flip-1", FlipMode::Vertical), ("flip-2", FlipMode::default())]
        {
            check(case, options, |given, size| RandomFlip::new(mode).transform(given[0] != 0.0, size));
        }
    }
}
