//! SpectralNormalization: a layer whose kernel has spectral norm 1.

use crate::error::{Error, Result, check_setting};
use crate::initializers::TruncatedNormal;
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, Var};
use std::sync::Arc;

options! {
    /// Applies a layer whose kernel is divided by its spectral norm in each training step, which limits how much the layer can
    /// amplify a change of its input (Miyato et al. 2018). `SpectralNormalization` in Keras.
    ///
    /// The kernel, with all axes but the last as rows, is a matrix W. Its spectral norm is estimated by power iteration:
    /// v = uWᵀ/‖uWᵀ‖, u = vW/‖vW‖, σ = vWuᵀ. The vector u, the state `vector_u`, is kept between steps. As in Keras on
    /// TensorFlow, the divided kernel W/σ is written to the weight, and the optimizer updates it with the gradient with respect
    /// to W/σ. Evaluation and prediction use the kernel as it is after the last step. A kernel of zeros stays as it is.
    ///
    /// The layer is one with a weight named `kernel`, such as [`Dense`](crate::layers::Dense) and convolutions, or
    /// `embeddings`. If this layer is [frozen](crate::layers::Layer::frozen), its kernel does not change.
    ///
    /// ```
    /// use gradus::{Sequential, layers::{Dense, SpectralNormalization}};
    /// let network = Sequential::new([4]).add(SpectralNormalization::new(Dense::new(3)));
    /// let model = network.architecture(0)?.into_model()?;
    /// assert_eq!((model.params().count(true), model.params().count(false)), (4 * 3 + 3, 4 * 3 + 3 + 3));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns the errors of the layer, an error if it has no kernel, and
    /// [`Error::Setting`](crate::Error::Setting) for a number of power iterations that is
    /// not from 1 to 100.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct SpectralNormalization("SpectralNormalization") of (layer: Arc<dyn Layer>) {
        /// Number of power iterations in each step, 1 to 100. Defaults to 1.
        value power_iterations: usize = 1,
    }
}

impl SpectralNormalization {
    /// Creates the layer from the layer whose kernel is normalized.
    pub fn new(layer: impl Layer + 'static) -> SpectralNormalization {
        SpectralNormalization::with_defaults(Arc::new(layer))
    }
}

/// The names of the weight that is normalized.
const KERNELS: [&str; 2] = ["kernel", "embeddings"];

/// The largest number of iterations.
const MAX_ITERATIONS: usize = 100;

const VECTOR: &str = "vector_u";

/// The smallest squared length by which a vector is divided, 10⁻⁷ squared as in Keras.
const SMALLEST: f32 = 1e-14;

/// The vector divided by its length.
fn unit(vector: Var<'_>) -> Var<'_> {
    vector / (vector * vector).sum().clip(SMALLEST, f32::INFINITY).sqrt()
}

/// Returns the kernel divided by its estimated spectral norm, and the next vector u.
fn normalized<'r>(kernel: Var<'r>, mut u: Var<'r>, iterations: usize) -> [Var<'r>; 2] {
    let (shape, before) = (kernel.shape(), u);
    let matrix = kernel.reshape([shape.rows(), shape.last()]);
    let transposed = matrix.transpose(&[1, 0]);
    let mut v = u;
    for _ in 0..iterations {
        v = unit(u.matmul(transposed));
        u = unit(v.matmul(matrix));
    }
    let sigma = (v.matmul(matrix) * u).sum();
    // 1 for a kernel of zeros, which has the vectors v = u = 0 and σ = 0.
    let zeros = kernel.absolute().sum().equal(kernel.recorder().constant_values(Shape::SCALAR, vec![0.0]));
    [kernel / (sigma + zeros), u + before.where_nonzero(zeros)]
}

impl Layer for SpectralNormalization {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let valid = (1..=MAX_ITERATIONS).contains(&self.power_iterations);
        check_setting(valid, Self::CLASS, "power_iterations", self.power_iterations, "from 1 to 100")?;
        let before = weights.count();
        let outputs = self.layer.build(inputs, weights)?;
        let Some(kernel) = weights.shape_after(before, &KERNELS).filter(|kernel| kernel.rank() > 0) else {
            let problem = format!("its layer {} has no weight named kernel or embeddings", self.layer.spec().class());
            return Err(Error::Graph { place: Self::CLASS.into(), problem: problem.into() });
        };
        weights.add_state(VECTOR, Shape::from([1, kernel.last()]), &TruncatedNormal::new(0.0, 0.02))?;
        Ok(outputs)
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let trains = inputs[0].recorder().mode() == Mode::Training && !weights.frozen();
        if let (true, Some((kernel, kernel_id)), Some((u, u_id))) =
            (trains, weights.find(&KERNELS), weights.find(&[VECTOR]))
        {
            let [kernel, u] = normalized(kernel.stop_gradient(), u, self.power_iterations);
            weights.assign(kernel_id, kernel);
            weights.assign(u_id, u);
        }
        let outputs = self.layer.record(weights, inputs);
        let [_vector] = weights.take();
        outputs
    }

    fn supports_masking(&self) -> bool {
        self.layer.supports_masking()
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::layers::{Activation, Conv2d, Dense};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(SpectralNormalization::new(Dense::new(4).activation(Activation::Tanh))), Shape::from([2, 3])),
            (Box::new(SpectralNormalization::new(Conv2d::new(2, 2)).power_iterations(3)), Shape::from([3, 3, 2])),
        ]
    }
}
