//! A layer made of a closure.

use super::{Cursor, Layer, Weights};
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::spec::{CLOSURE, Spec};
use crate::tape::{Mode, Recorder, Var};
use std::fmt;
use std::sync::Arc;

type Function = dyn for<'r> Fn(&[Var<'r>]) -> Vec<Var<'r>> + Send + Sync;

/// A layer made of a closure that records operations, without weights. `Lambda` in Keras.
///
/// A model with a closure trains and predicts, but cannot be saved: [`Model::save`](crate::Model::save), checkpoints and the
/// writers of other formats return an error. A type that implements [`Layer`] and [`FromSpec`](crate::FromSpec) can be saved.
///
/// An input with a [mask](Var::mask) is an error, as for any custom layer that does not support masks.
///
/// ```
/// use gradus::{Sequential, layers::Lambda};
/// let network = Sequential::new([2]).add(Lambda::new(|x| x * 2.0 + 1.0));
/// let model = network.architecture(0)?.into_model()?;
/// assert_eq!(model.predict(&ndarray::arr2(&[[1.0, -1.0]]))?, ndarray::arr2(&[[3.0, -1.0]]).into_dyn());
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// `compile` returns the errors of the recorded operations, and [`Error::Shape`] for another number of inputs and for an output
/// without the batch axis.
#[derive(Clone)]
pub struct Lambda {
    function: Arc<Function>,
    /// Whether the closure takes a single value.
    single: bool,
}

impl Lambda {
    /// Creates a layer with one input and one output, which have a batch axis.
    pub fn new(function: impl for<'r> Fn(Var<'r>) -> Var<'r> + Send + Sync + 'static) -> Lambda {
        Lambda { function: Arc::new(move |inputs| vec![function(inputs[0])]), single: true }
    }

    /// Creates a layer with any number of inputs and outputs, which have a batch axis.
    ///
    /// ```
    /// use gradus::{Graph, layers::Lambda};
    /// let mut graph = Graph::new();
    /// let inputs = [graph.input("a", [2]), graph.input("b", [2])];
    /// let product = graph.apply(Lambda::multi(|inputs| vec![inputs[0] * inputs[1]]), inputs);
    /// graph.output("product", product);
    /// assert_eq!(graph.architecture(0)?.into_model()?.output_shapes()[0].rank(), 1);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn multi(function: impl for<'r> Fn(&[Var<'r>]) -> Vec<Var<'r>> + Send + Sync + 'static) -> Lambda {
        Lambda { function: Arc::new(function), single: false }
    }
}

impl fmt::Debug for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lambda")
    }
}

impl Layer for Lambda {
    /// Records the closure for one row, to find the shapes of the outputs.
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        if self.single && inputs.len() != 1 {
            return Err(Error::expected("one input"));
        }
        let recorder = Recorder::new(Mode::Inference);
        let mut rows = Vec::new();
        for input in inputs {
            rows.push(recorder.input(input.batch(1)?));
        }
        let outputs: Vec<Shape> = (self.function)(&rows).iter().map(Var::shape).collect();
        if recorder.error().is_some() {
            return recorder.finish().map(|_| Vec::new());
        }
        if outputs.iter().any(|output| output.rank() == 0 || output.axis(0) != 1) {
            return Err(Error::expected("outputs with the batch axis of the inputs"));
        }
        Ok(outputs.iter().map(|output| output.sample()).collect())
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        (self.function)(inputs)
    }

    fn spec(&self) -> Spec {
        Spec::new("Lambda").with(CLOSURE, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Arrays;
    use crate::layers::{Dense, TimeDistributed};
    use crate::losses::MeanSquaredError;
    use crate::optimizers::Sgd;
    use crate::{Checkpoints, Compile, Fit, Model, Progress, Sequential};
    use ndarray::Array2;

    fn model(layer: impl Layer + 'static, input: Shape) -> Result<Model> {
        let network = Sequential::new(input).add(Dense::new(4)).add(layer);
        network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()).seed(1))
    }

    fn halves() -> Lambda {
        Lambda::new(|x| {
            let half = Shape::from([x.shape().axis(0), 2]);
            x.slice(&[0, 0], half) * x.slice(&[0, 2], half).sigmoid()
        })
    }

    fn data() -> Arrays {
        let x = Array2::from_shape_fn((12, 3), |(i, j)| ((3 * i + 5 * j) % 7) as f32 - 3.0);
        Arrays::new(&x, Array2::<f32>::ones((12, 2))).unwrap()
    }

    #[test]
    fn a_model_with_a_closure_trains_and_is_not_saved() {
        let mut model = model(halves(), Shape::from(3)).unwrap();
        let quiet = || Fit::new().epochs(20).progress(Progress::Quiet);
        let losses = model.fit(&data(), quiet()).unwrap().get("loss").unwrap();
        assert!(losses[19] < losses[0]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let error = model.save(&path).unwrap_err();
        let expected =
            "Lambda: layer lambda is a closure, which cannot be saved; use a type that implements Layer and FromSpec";
        assert_eq!(error.to_string(), expected);
        assert!(matches!(error, Error::Spec { .. }) && !path.exists());
        let before = model.params().sha256();
        let error = model.fit(&data(), quiet().checkpoints(Checkpoints::new(folder.path()))).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(model.params().sha256(), before, "the error occurs before training");
    }

    #[test]
    fn closures_within_other_layers_are_not_saved() {
        let layer = TimeDistributed::new(Lambda::new(|x| x.relu()));
        let model = model(layer.frozen(), Shape::from([5, 3])).unwrap();
        let path = std::env::temp_dir().join("gradus-unsaved-closure.safetensors");
        assert!(
            model.save(path).unwrap_err().to_string().starts_with("Lambda: layer time_distributed contains a closure")
        );
    }

    #[test]
    fn errors_of_closures_are_errors_of_compile() {
        let message = |layer: Lambda| model(layer, Shape::from(3)).unwrap_err().to_string();
        let found = message(Lambda::new(|x| x.matmul(x)));
        assert!(found.contains("matmul"), "{found}");
        let found = message(Lambda::new(|x| x.sum()));
        assert!(found.contains("outputs with the batch axis of the inputs"), "{found}");
    }
}
