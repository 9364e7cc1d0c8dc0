//! Each image sampled at given positions: y\[p\] = Σ weight · x\[q\] over the pixels q around the position of p;
//! dx\[q\] = Σ weight · dy\[p\].

use crate::error::{Error, Result};
use crate::kernels::sampling::{self, Sampling, Terms};
use crate::ops::{Interpolation, TransformOptions};
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct MapCoordinates {
    options: TransformOptions,
    sampling: Sampling,
}

impl MapCoordinates {
    /// The pixels of an image from which a pixel of the output is computed. `positions` has the rows of all pixels, and then
    /// their columns.
    fn terms(&self, positions: &[f32], [row, column]: [usize; 2]) -> Terms {
        let (size, fill) = (self.sampling.from, self.options.fill_mode);
        let [rows, columns] = self.sampling.to;
        let at = row * columns + column;
        let position = [positions[at], positions[rows * columns + at]];
        let index = |axis: usize, at: f32| sampling::moved_index(at as i64, size[axis], fill);
        match self.options.interpolation {
            Interpolation::Nearest => sampling::nearest(position, size[1], index, f32::round_ties_even),
            _ => sampling::bilinear(position, size[1], index),
        }
    }
}

impl Op for MapCoordinates {
    fn name(&self) -> &'static str {
        "map_coordinates"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [images, positions] = arity(inputs)?;
        self.options.check("map_coordinates")?;
        let fits = images.rank() == 4 && positions.rank() == 4 && !images.is_empty() && !positions.is_empty();
        if !fits || positions.axis(0) != images.axis(0) || positions.axis(1) != 2 {
            let expected = "images rows × height × width × channels, and positions rows × 2 × height × width";
            return Err(Error::expected(expected));
        }
        let [from, to] = [[images.axis(1), images.axis(2)], [positions.axis(2), positions.axis(3)]];
        let output = Shape::new(&[images.axis(0), to[0], to[1], images.axis(3)])?;
        self.sampling = Sampling { from, to, channels: images.axis(3), fill_value: self.options.fill_value };
        Ok(output)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let ([images, positions], this) = (inputs.each(), &*self);
        let length = positions.shape().sample().len();
        self.sampling.forward(&images, y, |image, pixel| this.terms(&positions[length * image..][..length], pixel));
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([_, positions], [dimages, dpositions]) = (inputs.each(), gradients.each());
        if let Some(dpositions) = dpositions {
            dpositions.fill(0.0);
        }
        let (Some(dimages), this) = (dimages, &*self) else { return };
        let length = positions.shape().sample().len();
        self.sampling.backward(dy, dimages, |image, pixel| this.terms(&positions[length * image..][..length], pixel));
    }
}

impl<'r> Var<'r> {
    /// Samples images rows × height × width × channels at positions rows × 2 × height × width: first the rows of all pixels of
    /// the output, then their columns. `ops.image.map_coordinates` of Keras for each image and channel. The positions get no
    /// gradient, and [`TransformOptions::size`] has no effect.
    ///
    /// ```
    /// use gradus::ops::TransformOptions;
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, positions) = (recorder.input([1, 1, 3, 1]), recorder.input([1, 2, 1, 2]));
    /// let y = x.map_coordinates(positions, TransformOptions::new());
    /// let (x, positions, y) = (x.id(), positions.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 2.0, 4.0]);
    /// tape.input_slices([positions])[0].copy_from_slice(&[0.0, 0.0, 1.5, 0.25]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [3.0, 1.25]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn map_coordinates(self, positions: Var<'r>, options: TransformOptions) -> Var<'r> {
        self.recorder().apply(MapCoordinates { options, sampling: Sampling::default() }, &[self, positions])
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use super::*;
    use crate::kernels::sampling::FillMode;
    use crate::testing::Sample;
    use ndarray::Array4;

    /// Positions around and outside of images.
    fn positions(sizes: [usize; 4]) -> Array4<f32> {
        Array4::from_shape_fn(sizes, |(row, axis, y, x)| {
            [y, x][axis] as f32 * 1.3 - 0.7 + 0.11 * (row + 2 * y + x) as f32
        })
    }

    pub(crate) fn samples() -> Vec<Sample> {
        let all = [FillMode::Constant, FillMode::Reflect, FillMode::Wrap, FillMode::Nearest];
        let bilinear = all.map(|fill| {
            let options = TransformOptions::new().fill_mode(fill).fill_value(0.5);
            let sample = Sample::new(move |x| x[0].map_coordinates(x[1], options));
            sample.variable([2, 3, 4, 1]).input(positions([2, 2, 5, 3]))
        });
        let options = TransformOptions::new().interpolation(Interpolation::Nearest);
        let nearest = Sample::new(move |x| x[0].map_coordinates(x[1], options)).variable([1, 3, 4, 2]);
        bilinear.into_iter().chain([nearest.input(positions([1, 2, 2, 2]))]).collect()
    }
}
