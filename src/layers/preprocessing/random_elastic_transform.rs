//! RandomElasticTransform: images distorted by smooth random displacements.

use crate::error::Result;
use crate::kernels::double::exp;
use crate::layers::factor::Bounds;
use crate::layers::random_normal::normal;
use crate::layers::random_transform::{self, options};
use crate::layers::{Cursor, Factor, FillMode, Interpolation, Layer, Weights, factor};
use crate::random::Draws;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, Var};

options! {
    /// Distorts each image by smooth random displacements in training (Simard et al. 2003). `RandomElasticTransform` in Keras.
    ///
    /// Inputs and outputs are images height × width × channels. For a strength s from `scale`, each pixel is moved by normal
    /// random numbers of standard deviation σ = s/20 · min(height, width), which are blurred by a Gaussian of the same σ and
    /// multiplied by s/10 · max(height, width). In evaluation and prediction, the output is the input. Draws follow from the seed
    /// of the model, the step and the position of the image in the batch. Displacements along the two axes are independent;
    /// those of Keras on TensorFlow are equal.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// let distorted = RandomElasticTransform::new().factor(0.5).value_range([0.0, 1.0]);
    /// assert!(Sequential::new([28, 28, 1]).add(distorted).architecture(0).is_ok());
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the factor and the scale are from 0 to 1, the
    /// interpolation is nearest or bilinear, and the range of values is finite and ascending, and
    /// [`Error::Shape`](crate::Error::Shape) if the input is no image.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct RandomElasticTransform("RandomElasticTransform") {
        /// The range of the probability.
        field factor: Bounds = [0.0, 1.0],
        /// The range of the strength.
        field scale: Bounds = [0.0, 1.0],
        /// How values between pixels are computed: [`Interpolation::Nearest`] or [`Interpolation::Bilinear`]. Defaults to
        /// [`Interpolation::Bilinear`].
        value interpolation: Interpolation = Interpolation::Bilinear,
        /// The values outside the image. Defaults to [`FillMode::Reflect`].
        value fill_mode: FillMode = FillMode::Reflect,
        /// The value outside the image with [`FillMode::Constant`]. Defaults to 0.
        value fill_value: f32 = 0.0,
        /// The range of the values of images, to which the output is limited. Defaults to 0 to 255.
        value value_range: Bounds = [0.0, 255.0],
    }
}

impl RandomElasticTransform {
    /// Creates the layer with the defaults of Keras.
    pub fn new() -> RandomElasticTransform {
        RandomElasticTransform::default()
    }

    /// The range of the probability that an image is changed, which is drawn for each image. One number stands for the range
    /// from 0 to the number. Defaults to 0 to 1.
    pub fn factor(mut self, factor: impl Into<Factor>) -> RandomElasticTransform {
        self.factor = factor.into().above_zero();
        self
    }

    /// The range of the strength, which is drawn for each image; Keras draws one for a batch. One number stands for the range
    /// from 0 to the number. Defaults to 0 to 1.
    pub fn scale(mut self, scale: impl Into<Factor>) -> RandomElasticTransform {
        self.scale = scale.into().above_zero();
        self
    }

    /// Draws the positions of all pixels: their rows, and then their columns. The rest of `positions` is work space.
    fn draw(self, draws: &mut Draws, size: [usize; 2], positions: &mut [f32]) {
        let probability = factor::uniform(draws, self.factor);
        let moves = (draws.uniform() as f32) < probability;
        let strength = factor::uniform(draws, self.scale);
        let length = size[0] * size[1];
        let (fields, space) = positions.split_at_mut(2 * length);
        space.fill(0.0);
        let [alpha, sigma] = strengths(strength, size);
        fields.fill(0.0);
        if moves && sigma > 0.0 {
            fields.iter_mut().for_each(|value| *value = sigma * normal(draws));
            fields.chunks_exact_mut(length).for_each(|field| blur(field, size, sigma, space));
        }
        for (axis, field) in fields.chunks_exact_mut(length).enumerate() {
            for (at, value) in field.iter_mut().enumerate() {
                *value = [at / size[1], at % size[1]][axis] as f32 + alpha * *value;
            }
        }
    }

    /// The images with the values of these positions.
    fn distorted<'r>(self, x: Var<'r>, positions: Var<'r>) -> Var<'r> {
        let options = random_transform::options(self.interpolation, self.fill_mode, self.fill_value);
        x.map_coordinates(positions, options).clip(self.value_range[0], self.value_range[1])
    }
}

/// The factor of displacements, and the standard deviation of their blur, for images of this size.
fn strengths(strength: f32, size: [usize; 2]) -> [f32; 2] {
    let (longer, shorter) = (size[0].max(size[1]) as f32, size[0].min(size[1]) as f32);
    [longer * (0.1 * strength), shorter * (0.05 * strength)]
}

/// The number of weights of the blur.
fn kernel_size(sigma: f32) -> usize {
    (6 * sigma as usize) | 1
}

/// The elements that [`blur`] needs as work space for images of this size: the weights, and a row or a column.
fn space(size: [usize; 2]) -> usize {
    kernel_size(strengths(1.0, size)[1]) + size[0].max(size[1])
}

/// Blurs a field by a Gaussian of standard deviation `sigma` along both axes. Outside, it is 0.
fn blur(field: &mut [f32], [rows, columns]: [usize; 2], sigma: f32, space: &mut [f32]) {
    let count = kernel_size(sigma);
    let (weights, line) = space.split_at_mut(count);
    let distance = |at: usize| (at as f64 - (count as f64 - 1.0) / 2.0) / f64::from(sigma);
    weights.iter_mut().enumerate().for_each(|(at, weight)| *weight = exp(-0.5 * distance(at) * distance(at)) as f32);
    let sum = weights.iter().fold(0.0, |sum, weight| sum + weight);
    weights.iter_mut().for_each(|weight| *weight /= sum);
    let mut along = |first: usize, step: usize, length: usize| {
        let line = &mut line[..length];
        line.iter_mut().enumerate().for_each(|(at, value)| *value = field[first + at * step]);
        for at in 0..length {
            let from = (at + count / 2).saturating_sub(count - 1);
            let to = (at + count / 2).min(length - 1);
            let terms = (from..=to).map(|other| line[other] * weights[other + count / 2 - at]);
            field[first + at * step] = terms.fold(0.0, |sum, term| sum + term);
        }
    };
    (0..rows).for_each(|row| along(row * columns, 1, columns));
    (0..columns).for_each(|column| along(column, columns, rows));
}

impl Layer for RandomElasticTransform {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        factor::check("RandomElasticTransform", "factor", self.factor, [0.0, 1.0])?;
        factor::check("RandomElasticTransform", "scale", self.scale, [0.0, 1.0])?;
        factor::check_value_range("RandomElasticTransform", self.value_range)?;
        options(self.interpolation, self.fill_mode, self.fill_value).check("RandomElasticTransform")?;
        Ok(vec![random_transform::check_images(inputs)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, layer, size) = (inputs[0], *self, random_transform::size(inputs[0]));
        let y = match x.recorder().mode() {
            Mode::Inference => x,
            Mode::Training => {
                let (rows, length) = (x.shape().axis(0), 2_usize.saturating_mul(size[0]).saturating_mul(size[1]));
                let draw = move |draws: &mut Draws, positions: &mut [f32]| layer.draw(draws, size, positions);
                let drawn = x.random_rows([length.saturating_add(space(size))], draw);
                let positions = drawn.slice(&[0, 0], [rows, length]).reshape([rows, 2, size[0], size[1]]);
                self.distorted(x, positions)
            }
        };
        vec![y.without_mask()]
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
    use crate::golden::{assert_close, load};
    use crate::layers::random_transform::tests::{compare, filled};
    use ndarray::ArrayD;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let layer = RandomElasticTransform::new().factor((0.75, 1.0)).scale((0.5, 1.0)).value_range([-9.0, 9.0]);
        let other = layer.fill_mode(FillMode::Constant).fill_value(0.5).interpolation(Interpolation::Nearest);
        vec![(Box::new(layer), Shape::from([5, 4, 2])), (Box::new(other), Shape::from([3, 6, 1]))]
    }

    #[test]
    fn pictures_are_those_of_keras() {
        for (case, options) in filled("elastic") {
            compare(&case, |x, positions| x.map_coordinates(positions, options));
        }
    }

    #[test]
    fn displacements_are_blurred_as_by_keras() {
        let cases = load("augmentation.txt");
        for case in ["blur", "blur-1"] {
            let array = |name: &str| cases.array(&format!("{case}/{name}"));
            let (mut field, sigma) = (array("x").iter().copied().collect::<Vec<f32>>(), array("sigma")[[0]]);
            let size = [array("x").shape()[0], array("x").shape()[1]];
            blur(&mut field, size, sigma, &mut vec![0.0; kernel_size(sigma) + size[0].max(size[1])]);
            let found = ArrayD::from_shape_vec(array("x").raw_dim(), field).unwrap();
            assert_close(case, found.view(), array("y").view(), 1e-5);
        }
    }
}
