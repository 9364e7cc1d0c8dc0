//! Normalisation of channels, ONNX' axis 1.

use super::{Node, Scope, Value, input, one_output};
use crate::formats::onnx::order;
use crate::formats::onnx::scope::Recorded;
use crate::tape::{Mode, ParamId, Var};

pub(super) const NAMES: &[&str] = &["BatchNormalization"];

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    one_output(node, "running statistics")?;
    let x = input(inputs, 0)?;
    let order = order::channels_last(x.sizes().len());
    let var = scope.arranged(x, &order)?;
    let scaling = [scope.plain(input(inputs, 1)?)?, scope.plain(input(inputs, 2)?)?];
    let (mean, variance) = (statistics(scope, input(inputs, 3)?)?, statistics(scope, input(inputs, 4)?)?);
    let (epsilon, momentum) = (node.number("epsilon", 1e-5)?, node.number("momentum", 0.9)?);
    let y = match (scope.recorder.mode(), mean.1, variance.1) {
        (Mode::Training, Some(mean), Some(variance)) => {
            var.batch_norm(scaling[0], scaling[1], momentum, epsilon, Some([mean, variance]))
        }
        _ => var.batch_norm_inference(scaling, [mean.0, variance.0], epsilon),
    };
    Ok(vec![Value::Recorded(Recorded { var: y, order })])
}

/// Running statistics follow the batches, not the optimizer.
fn statistics<'r>(scope: &mut Scope<'_, 'r>, value: &Value<'r>) -> Result<(Var<'r>, Option<ParamId>), String> {
    match value {
        Value::Known(name, constant) => scope.weight(name, &constant.tensor, &[0], false),
        Value::Recorded(recorded) => Ok((recorded.var, None)),
    }
}
