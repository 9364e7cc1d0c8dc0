//! Each image sampled at the positions that an affine or projective transform gives the pixels of the output:
//! y\[p\] = Σ weight · x\[q\] over the pixels q around the position of p; dx\[q\] = Σ weight · dy\[p\].
//!
//! Values are those of `ImageProjectiveTransformV3` of TensorFlow. Its gradient is the image transformed by the inverse of the
//! matrix, which is an approximation; this one is exact.

use crate::error::{Error, Result};
use crate::kernels::sampling::{self, FillMode, Sampling, Terms};
use crate::ops::{Interpolation, TransformOptions};
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct AffineTransform {
    options: TransformOptions,
    sampling: Sampling,
}

impl AffineTransform {
    /// The pixels of an image from which a pixel of the output is computed.
    fn terms(&self, transform: &[f32], pixel: [usize; 2]) -> Terms {
        let Some(position) = sampling::transformed(transform, pixel) else {
            return ([(None, 1.0); 4], 1);
        };
        let (size, fill) = (self.sampling.from, self.options.fill_mode);
        let [y, x] = [0, 1].map(|axis| sampling::moved(position[axis], size[axis], fill));
        let index = |axis: usize, at: f32| sampling::moved_index(at as i64, size[axis], FillMode::Constant);
        match self.options.interpolation {
            Interpolation::Nearest => sampling::nearest([y, x], size[1], index, f32::round),
            _ => sampling::bilinear([y, x], size[1], index),
        }
    }
}

impl Op for AffineTransform {
    fn name(&self) -> &'static str {
        "affine_transform"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [images, transforms] = arity(inputs)?;
        self.options.check("affine_transform")?;
        if images.rank() != 4 || images.is_empty() || transforms.sizes() != [images.axis(0), 8] {
            return Err(Error::expected("images rows × height × width × channels, and transforms rows × 8"));
        }
        let from = [images.axis(1), images.axis(2)];
        let to = self.options.size.map_or(from, |size| size.sizes());
        let output = Shape::new(&[images.axis(0), to[0], to[1], images.axis(3)])?;
        self.sampling = Sampling { from, to, channels: images.axis(3), fill_value: self.options.fill_value };
        Ok(output)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [images, transforms] = inputs.each();
        let this = &*self;
        self.sampling.forward(&images, y, |image, pixel| this.terms(&transforms[8 * image..][..8], pixel));
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([_, transforms], [dimages, dtransforms]) = (inputs.each(), gradients.each());
        if let Some(dtransforms) = dtransforms {
            dtransforms.fill(0.0);
        }
        let (Some(dimages), this) = (dimages, &*self) else { return };
        self.sampling.backward(dy, dimages, |image, pixel| this.terms(&transforms[8 * image..][..8], pixel));
    }
}

impl<'r> Var<'r> {
    /// Transforms images rows × height × width × channels by one affine or projective transform for each row.
    /// `ops.image.affine_transform` of Keras on TensorFlow.
    ///
    /// `transforms` are rows × 8: a₀, a₁, a₂, b₀, b₁, b₂, c₀, c₁. The pixel of the output in column x and row y has the value
    /// of the input in column (a₀·x + a₁·y + a₂) / k and row (b₀·x + b₁·y + b₂) / k, with k = c₀·x + c₁·y + 1. The transforms
    /// get no gradient.
    ///
    /// ```
    /// use gradus::ops::TransformOptions;
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, half_a_pixel) = (recorder.input([1, 1, 3, 1]), recorder.input([1, 8]));
    /// let y = x.affine_transform(half_a_pixel, TransformOptions::new());
    /// let (x, transform, y) = (x.id(), half_a_pixel.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 2.0, 4.0]);
    /// tape.input_slices([transform])[0].copy_from_slice(&[1.0, 0.0, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [1.5, 3.0, 2.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn affine_transform(self, transforms: Var<'r>, options: TransformOptions) -> Var<'r> {
        self.recorder().apply(AffineTransform { options, sampling: Sampling::default() }, &[self, transforms])
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use super::*;
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;
    use ndarray::Array2;

    /// Rotations with a shift and a projection, different for each row.
    fn transforms(rows: usize) -> Array2<f32> {
        Array2::from_shape_fn((rows, 8), |(row, at)| {
            [0.9, -0.3, 0.4, 0.35, 1.1, -0.7, 0.01, 0.02][at] * (1.0 + 0.1 * row as f32)
        })
    }

    pub(crate) fn samples() -> Vec<Sample> {
        let all = [FillMode::Constant, FillMode::Reflect, FillMode::Wrap, FillMode::Nearest];
        let bilinear = all.map(|fill| {
            let options = TransformOptions::new().fill_mode(fill).fill_value(0.5);
            Sample::new(move |x| x[0].affine_transform(x[1], options)).variable([2, 3, 5, 2]).input(transforms(2))
        });
        let smaller = TransformOptions::new().interpolation(Interpolation::Nearest).size((2, 3));
        let nearest = Sample::new(move |x| x[0].affine_transform(x[1], smaller));
        let one = Sample::new(|x| x[0].affine_transform(x[1], TransformOptions::new().fill_mode(FillMode::Reflect)));
        let others =
            [nearest.variable([3, 4, 4, 1]).input(transforms(3)), one.variable([1, 1, 4, 1]).input(transforms(1))];
        bilinear.into_iter().chain(others).collect()
    }

    #[test]
    fn other_interpolations_are_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let options = TransformOptions::new().interpolation(Interpolation::Bicubic);
        let _ = recorder.input([1, 2, 2, 1]).affine_transform(recorder.input([1, 8]), options);
        let error = recorder.finish().unwrap_err().to_string();
        assert_eq!(error, "affine_transform: interpolation must be nearest or bilinear, got bicubic");
    }
}
