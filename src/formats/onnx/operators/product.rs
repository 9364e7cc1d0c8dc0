//! Matrix products.

use super::arithmetic;
use super::attributes::{Operator, ignored, operator, read};
use super::inputs::{input, optional};
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::scope::{Scope, Value};
use crate::ops::Activation;

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator("MatMul", 1, &[]),
    operator(
        "Gemm",
        1,
        &[
            read("alpha"),
            read("beta"),
            read("transA"),
            read("transB"),
            ignored("broadcast", "broadcasting follows from the shapes").until(6),
        ],
    ),
];

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let y = if node.operator == "Gemm" { gemm(node, scope, inputs)? } else { matmul(scope, inputs)? };
    Ok(vec![y])
}

/// Records y = alpha · a · b + beta · c, with a or b optionally transposed.
fn gemm<'r>(node: &Node, scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Value<'r>, String> {
    let order = |name: &str| Ok::<_, String>(if node.integer(name, 0)? == 0 { [0, 1] } else { [1, 0] });
    let (a, b) = (input(inputs, 0)?, input(inputs, 1)?);
    let (a, b) = (scope.arranged(a, &order("transA")?)?, scope.arranged(b, &order("transB")?)?);
    let (alpha, beta) = (node.number("alpha", 1.0)?, node.number("beta", 1.0)?);
    let Some(c) = optional(inputs, 2) else { return Ok(Value::new(scaled(a.matmul(b), alpha))) };
    let columns = Shape::from(b.shape().axis(1));
    if let ([1.0, 1.0], true) = ([alpha, beta], c.sizes().iter().product::<usize>() == columns.len()) {
        let bias = scope.in_onnx_order(c)?.reshape(columns);
        return Ok(Value::new(a.affine(b, bias, Activation::Linear)));
    }
    let product = Value::new(scaled(a.matmul(b), alpha));
    let c = Value::new(scaled(scope.in_onnx_order(c)?, beta));
    arithmetic::pair(scope, &product, &c, |product, c| product + c)
}

fn scaled(x: crate::tape::Var<'_>, factor: f32) -> crate::tape::Var<'_> {
    if factor == 1.0 { x } else { x * factor }
}

/// Records products of matrices in the last two axes. The other axes broadcast.
fn matmul<'r>(scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Value<'r>, String> {
    let (a, b) = (scope.in_onnx_order(input(inputs, 0)?)?, scope.in_onnx_order(input(inputs, 1)?)?);
    let (left, right) = (a.shape(), b.shape());
    if left.rank() == 0 || right.rank() == 0 {
        return Err(format!("the operands must have at least one axis, got shapes {left} and {right}"));
    }
    // As in NumPy, an operand with one axis is a row on the left and a column on the right. Its added axis is removed again.
    let a = if left.rank() == 1 { a.reshape([1, left.len()]) } else { a };
    let b = if right.rank() == 1 { b.reshape([right.len(), 1]) } else { b };
    let y = a.matmul(b);
    let mut sizes = y.shape().sizes().to_vec();
    if right.rank() == 1 {
        sizes.pop();
    }
    if left.rank() == 1 {
        sizes.remove(sizes.len() - if right.rank() == 1 { 1 } else { 2 });
    }
    let shape = Shape::new(&sizes).map_err(|error| error.to_string())?;
    Ok(Value::new(if shape == y.shape() { y } else { y.reshape(shape) }))
}
