//! A layer with a penalty on its outputs.

use super::{Cursor, Layer, Weights};
use crate::error::Result;
use crate::regularizers::Regularizer;
use crate::settings::ACTIVITY_REGULARIZER;
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;
use std::sync::Arc;

/// A layer whose outputs have a penalty, created by [`Layer::activity_regularizer`]. The option `activity_regularizer` of all
/// layers in Keras.
///
/// The penalty of each output, including padding, is divided by the number of rows of the batch, as in Keras 3, and added to the
/// loss in training and evaluation. The layer has the name and the class of the inner layer.
///
/// The spec is that of the inner layer with the additional setting `activity_regularizer`. No class has this setting:
/// [`Registry::make_layer`](crate::save::Registry::make_layer) reads it.
///
/// A recurrent layer with a penalty on its outputs cannot be the layer of [`Bidirectional`](super::Bidirectional).
///
/// ```
/// use gradus::{Compile, Sequential, data::Arrays, layers::*, losses::MeanSquaredError};
/// use gradus::{initializers::Ones, optimizers::Sgd, regularizers::L2};
/// let layer = Dense::new(1).kernel_initializer(Ones).activity_regularizer(L2::new(0.25));
/// let model = Sequential::new([1]).add(layer).compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()))?;
/// let data = Arrays::new(ndarray::arr2(&[[2.0f32], [3.0]]), ndarray::arr2(&[[2.0f32], [3.0]]))?;
/// assert_eq!(model.evaluate(&data)?.loss, 0.25 * (4.0 + 9.0) / 2.0); // the errors are 0
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Regularized {
    layer: Arc<dyn Layer>,
    regularizer: Arc<dyn Regularizer>,
}

impl Regularized {
    /// Adds a penalty on the outputs of a layer.
    pub fn new(layer: Arc<dyn Layer>, regularizer: Arc<dyn Regularizer>) -> Regularized {
        Regularized { layer, regularizer }
    }
}

impl Layer for Regularized {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        self.regularizer.check()?;
        self.layer.build(inputs, weights)
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let outputs = self.layer.record(weights, inputs);
        for output in &outputs {
            add_penalty(*output, self.regularizer.record(*output));
        }
        outputs
    }

    fn spec(&self) -> Spec {
        self.layer.spec().with(ACTIVITY_REGULARIZER, self.regularizer.spec())
    }

    fn supports_masking(&self) -> bool {
        self.layer.supports_masking()
    }

    fn thawed(&self) -> Option<Arc<dyn Layer>> {
        let layer = self.layer.thawed()?;
        Some(Arc::new(Regularized { layer, regularizer: self.regularizer.clone() }))
    }
}

/// Adds a penalty on an output to the loss, divided by the number of rows.
pub(super) fn add_penalty<'r>(output: Var<'r>, penalty: Var<'r>) {
    let rows = output.shape().sizes().first().copied().unwrap_or(1);
    output.recorder().add_loss(penalty / rows as f32);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Arrays;
    use crate::layers::{Dense, LayerNorm};
    use crate::losses::MeanSquaredError;
    use crate::optimizers::Sgd;
    use crate::regularizers::{L1, L2};
    use crate::save::Registry;
    use crate::{Compile, Fit, Model, Progress, Sequential};
    use ndarray::Array2;

    fn model() -> Model {
        let network = Sequential::new([4])
            .add(Dense::new(3).activity_regularizer(L2::new(0.5)))
            .add(LayerNorm::new().frozen().activity_regularizer(L1::new(0.25)));
        network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()).seed(3)).unwrap()
    }

    fn data() -> Arrays {
        let x = Array2::from_shape_fn((12, 4), |(i, j)| ((3 * i + 5 * j) % 7) as f32 - 3.0);
        Arrays::new(&x, Array2::<f32>::zeros((12, 3))).unwrap()
    }

    #[test]
    fn the_setting_is_read_in_any_order_with_frozen() {
        let registry = Registry::new();
        for layer in [
            Box::new(Dense::new(3).frozen().activity_regularizer(L1::new(0.5))) as Box<dyn Layer>,
            Box::new(Dense::new(3).activity_regularizer(L1::new(0.5)).frozen()),
        ] {
            let made = registry.make_layer(&layer.spec()).unwrap();
            assert!(made.thawed().is_some() && made.spec().to_string().contains("activity_regularizer=L1(l1=0.5)"));
            assert_eq!(made.spec().settings().len(), layer.spec().settings().len());
        }
        let spec = Dense::new(3).activity_regularizer(L1::new(0.5)).spec();
        assert_eq!(registry.make_layer(&spec).unwrap().spec(), spec);
    }

    #[test]
    fn a_model_with_penalties_on_outputs_continues_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let fit = |model: &mut Model| {
            model.fit(&data(), Fit::new().epochs(2).batch_size(5).progress(Progress::Quiet)).unwrap();
            model.params().sha256()
        };
        let mut model = model();
        fit(&mut model);
        model.save(&path).unwrap();
        let mut loaded = Model::load(&path).unwrap();
        assert_eq!(fit(&mut loaded), fit(&mut model));
    }

    #[test]
    fn invalid_penalties_are_errors_of_compile() {
        let network = Sequential::new([4]).add(Dense::new(3).activity_regularizer(L2::new(-1.0)));
        let compile = Compile::new(Sgd::new(0.1), MeanSquaredError::new());
        let message = network.compile(compile).unwrap_err().to_string();
        assert!(message.ends_with("L2: l2 must be finite and ≥ 0, got -1"), "{message}");
    }
}
