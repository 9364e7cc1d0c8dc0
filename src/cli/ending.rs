//! The last operation of a model's output, which determines whether its values are probabilities, logits, or others.

use crate::error::Result;
use crate::model::Model;
use crate::tape::{Mode, Recorder, Var};
use std::fmt;

/// The last operation before an output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ending {
    /// Class probabilities along the last axis, which sum to 1.
    Softmax,
    /// Logarithms of such probabilities.
    LogSoftmax,
    /// Independent probabilities.
    Sigmoid,
    /// Unbounded values: products, sums, means and normalizations.
    Linear,
    /// Another operation, by name.
    Other(&'static str),
}

/// Operations whose results are unbounded for any inputs.
const LINEAR: &[&str] = &[
    "affine",
    "normalized_affine",
    "matmul",
    "conv2d",
    "batch_norm",
    "batch_norm_inference",
    "layer_norm",
    "embedding",
];

/// Operations whose results are unbounded unless their inputs are probabilities.
const COMBINING: &[&str] =
    &["add", "subtract", "mean_axes", "sum_axes", "average_pool2d", "global_max_pool2d", "max_pool2d"];

impl Ending {
    /// The last operation of the model's first output.
    pub(super) fn of(model: &Model) -> Result<Ending> {
        let recorder = Recorder::new(Mode::Inference);
        let inputs = model.architecture().accepted_inputs().iter();
        let rows = model.params().carried_rows().unwrap_or(2);
        let inputs = inputs.map(|shape| shape.batch(rows).map(|shape| recorder.input(shape)));
        let outputs = model.record(&recorder, &inputs.collect::<Result<Vec<_>>>()?)?;
        Ok(outputs.first().map_or(Ending::Linear, |output| ending(*output)))
    }
}

fn ending(value: Var<'_>) -> Ending {
    let Some((name, inputs)) = value.operation() else { return Ending::Linear };
    let probabilities =
        |input: &Var<'_>| matches!(ending(*input), Ending::Softmax | Ending::LogSoftmax | Ending::Sigmoid);
    match name {
        "softmax" => Ending::Softmax,
        "log_softmax" => Ending::LogSoftmax,
        "sigmoid" => Ending::Sigmoid,
        "scale" if !inputs.iter().any(probabilities) => inputs.first().map_or(Ending::Linear, |input| ending(*input)),
        "divide" if is_normalized(&inputs) => Ending::Softmax,
        name if LINEAR.contains(&name) => Ending::Linear,
        name if COMBINING.contains(&name) && !inputs.iter().any(probabilities) => Ending::Linear,
        name => Ending::Other(name),
    }
}

/// Whether probabilities are divided by their sum, as in ONNX files of scikit-learn.
fn is_normalized(inputs: &[Var<'_>]) -> bool {
    let [values, sums] = inputs else { return false };
    let same = |input: &Var<'_>| input.id() == values.id();
    matches!(ending(*values), Ending::Softmax | Ending::Sigmoid)
        && sums
            .operation()
            .is_some_and(|(name, summed)| ["matmul", "sum_axes"].contains(&name) && summed.first().is_some_and(same))
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ending::Softmax => "ends in a softmax",
            Ending::LogSoftmax => "ends in a log-softmax",
            Ending::Sigmoid => "ends in a sigmoid",
            Ending::Linear => "has no final softmax or sigmoid",
            Ending::Other(name) => return write!(f, "ends in the operation {name}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Activation, BatchNorm, Conv2d, Dense, Flatten, GlobalAveragePool2d, Layer, Reshape};
    use crate::losses::MeanSquaredError;
    use crate::optimizers::Sgd;
    use crate::{Compile, Sequential};

    fn of(network: Sequential) -> Ending {
        Ending::of(&network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new())).unwrap()).unwrap()
    }

    fn after(layer: impl Layer + 'static) -> Ending {
        of(Sequential::new([3]).add(Dense::new(4)).add(layer))
    }

    #[test]
    fn layers_and_fused_operations_have_the_same_ending() {
        use Activation::{LogSoftmax, Relu, Sigmoid, Softmax, Tanh};
        assert_eq!((after(Softmax), after(Dense::new(2).activation(Softmax))), (Ending::Softmax, Ending::Softmax));
        assert_eq!((after(Sigmoid), after(Dense::new(2).activation(Sigmoid))), (Ending::Sigmoid, Ending::Sigmoid));
        assert_eq!(after(Dense::new(2).use_bias(false).activation(Sigmoid)), Ending::Sigmoid);
        assert_eq!(after(LogSoftmax), Ending::LogSoftmax);
        assert_eq!((after(Dense::new(2)), after(BatchNorm::new())), (Ending::Linear, Ending::Linear));
        assert_eq!(
            (after(Relu), after(Dense::new(2).activation(Relu))),
            (Ending::Other("relu"), Ending::Other("relu"))
        );
        assert_eq!(after(Tanh), Ending::Other("tanh"));
        let image = || Sequential::new([5, 5, 1]).add(Conv2d::new(2, 2).activation(Sigmoid));
        assert_eq!(of(image().add(Flatten).add(Reshape::new([8, 4]))), Ending::Sigmoid);
        let normalized = Sequential::new([3]).add(BatchNorm::new()).add(Dense::new(2).activation(Sigmoid));
        assert_eq!(of(normalized), Ending::Sigmoid);
        assert_ne!(of(image().add(GlobalAveragePool2d::new())), Ending::Linear, "a mean of probabilities");
        assert_eq!(
            of(Sequential::new([5, 5, 1]).add(Conv2d::new(2, 2)).add(GlobalAveragePool2d::new())),
            Ending::Linear
        );
    }
}
