//! Random layers of images: layers that change images in training and return them unchanged in evaluation and prediction.

use crate::error::{Error, Result};
use crate::kernels::sampling::FillMode;
use crate::layers::Interpolation;
use crate::ops::TransformOptions;
use crate::random::Draws;
use crate::shape::Shape;
use crate::tape::{Mode, Var};

/// An affine or projective transform, as [`Var::affine_transform`] takes it.
pub(super) type Transform = [f32; 8];

/// Checks that the input is one image of height × width × channels.
pub(super) fn check_images(inputs: &[Shape]) -> Result<Shape> {
    match inputs {
        [x] if x.rank() == 3 && !x.is_empty() => Ok(*x),
        _ => Err(Error::expected("images height × width × channels; Reshape adds a missing axis")),
    }
}

/// The options of an affine transform of a layer.
pub(super) fn options(interpolation: Interpolation, fill_mode: FillMode, fill_value: f32) -> TransformOptions {
    TransformOptions::new().interpolation(interpolation).fill_mode(fill_mode).fill_value(fill_value)
}

/// Height and width of a batch of images.
pub(super) fn size(x: Var<'_>) -> [usize; 2] {
    [x.shape().axis(1), x.shape().axis(2)]
}

/// In training, transforms each image by a transform that `draw` returns.
pub(super) fn transformed<'r>(
    x: Var<'r>,
    options: TransformOptions,
    draw: impl Fn(&mut Draws) -> Transform + Send + Sync + 'static,
) -> Var<'r> {
    match x.recorder().mode() {
        Mode::Inference => x,
        Mode::Training => {
            let transforms = x.random_rows([8], move |draws, row| row.copy_from_slice(&draw(draws)));
            x.affine_transform(transforms, options)
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    //! Comparison of images with those of Keras for given random numbers (`tests/golden/make_augmentation.py`).

    use super::*;
    use crate::Key;
    use crate::golden::{assert_close, load};
    use crate::tape::{Params, Recorder};
    use ndarray::Array2;

    /// The maximum difference, relative to the largest value or 1.
    const NEAR: f32 = 1e-5;

    /// The random numbers of all images of a case.
    pub(in crate::layers) fn given(case: &str) -> Vec<f32> {
        load("augmentation.txt").array(&format!("{case}/given")).iter().copied().collect()
    }

    /// Compares the images that `record` makes of images and of random numbers with those of Keras.
    pub(in crate::layers) fn compare(case: &str, record: impl for<'r> Fn(Var<'r>, Var<'r>) -> Var<'r>) {
        let cases = load("augmentation.txt");
        let array = |name: &str| cases.array(&format!("{case}/{name}"));
        let recorder = Recorder::new(Mode::Training);
        let [x, numbers] = ["x", "given"].map(|name| recorder.input(Shape::new(array(name).shape()).unwrap()));
        let y = record(x, numbers);
        let [x, numbers, y] = [x, numbers, y].map(|var| var.id());
        let mut tape = recorder.finish().unwrap();
        tape.input_mut(x).assign(array("x"));
        tape.input_mut(numbers).assign(array("given"));
        tape.run(&Params::new(), Key::from_seed(0)).unwrap();
        assert_close(case, tape.value(y), array("y").view(), NEAR);
    }

    /// Compares transformed images; `transform` makes a transform from the random numbers and the size of an image.
    pub(in crate::layers) fn check(
        case: &str,
        options: TransformOptions,
        transform: impl Fn(&[f32], [usize; 2]) -> Transform,
    ) {
        compare(case, |x, numbers| {
            let rows = x.shape().axis(0);
            let given = given(case);
            let count = numbers.shape().len() / rows;
            let transforms = given.chunks(count).flat_map(|numbers| transform(numbers, size(x)));
            let transforms = Array2::from_shape_vec((rows, 8), transforms.collect()).unwrap();
            x.affine_transform(x.recorder().constant(&transforms), options)
        });
    }

    /// The names of the cases of a layer with all modes of filling and interpolations, and their options.
    pub(in crate::layers) fn filled(layer: &str) -> Vec<(String, TransformOptions)> {
        let fills = [
            ("constant", FillMode::Constant),
            ("reflect", FillMode::Reflect),
            ("wrap", FillMode::Wrap),
            ("nearest", FillMode::Nearest),
        ];
        let interpolations = [("bilinear", Interpolation::Bilinear), ("nearest", Interpolation::Nearest)];
        let all = fills.into_iter().flat_map(|fill| interpolations.map(|interpolation| (fill, interpolation)));
        all.map(|((fill, fill_mode), (word, interpolation))| {
            (format!("{layer}-{fill}-{word}"), options(interpolation, fill_mode, 0.5))
        })
        .collect()
    }
}
