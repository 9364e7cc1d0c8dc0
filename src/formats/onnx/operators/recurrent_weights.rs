//! The weights of recurrent nodes. ONNX stores one matrix for each direction, with its gates in another order than gradus:
//! i, o, f, c in an `LSTM`, and z, r, h in a `GRU`, as in gradus.

use crate::formats::onnx::node::Node;
use crate::formats::onnx::scope::{Scope, Value};
use crate::formats::onnx::tensor::Tensor;
use crate::tape::Var;

/// The layout of the weights of a node.
#[derive(Clone, Copy)]
pub(in crate::formats::onnx) struct WeightLayout {
    /// The position in ONNX of each gate of gradus.
    gates: &'static [usize],
    pub(super) units: usize,
    directions: usize,
    /// Whether the reset gate of a `GRU` is applied after the product.
    pub(super) reset_after: bool,
}

/// Whether an operator is recurrent.
pub(in crate::formats::onnx) fn is_recurrent(node: &Node) -> bool {
    node.domain.is_empty() && ["GRU", "LSTM", "RNN"].contains(&node.operator.as_str())
}

impl WeightLayout {
    /// Reads the layout of a node whose weights have these sizes.
    pub(in crate::formats::onnx) fn read(
        node: &Node,
        of_weights: &[usize],
        of_recurrent_weights: &[usize],
    ) -> Result<WeightLayout, String> {
        let gates: &[usize] = match node.operator.as_str() {
            "LSTM" => &[0, 2, 3, 1],
            "GRU" => &[0, 1, 2],
            _ => &[0],
        };
        let [directions, columns, units] = *of_recurrent_weights else {
            return Err("the recurrent weights must have three axes".into());
        };
        if of_weights.len() != 3
            || of_weights[..2] != of_recurrent_weights[..2]
            || units.checked_mul(gates.len()) != Some(columns)
        {
            return Err(format!(
                "the weights have shapes {of_weights:?} and {of_recurrent_weights:?}, which do not fit together"
            ));
        }
        let reset_after = node.operator == "GRU" && node.integer("linear_before_reset", 0)? != 0;
        Ok(WeightLayout { gates, units, directions, reset_after })
    }

    fn columns(&self) -> usize {
        self.gates.len() * self.units
    }

    /// The column in ONNX of a column in gradus.
    fn column(&self, column: usize) -> usize {
        self.gates[column / self.units] * self.units + column % self.units
    }

    /// The place in ONNX of an element of a kernel, which has `depth` × columns elements.
    fn kernel_place(&self, direction: usize, depth: usize, at: usize) -> usize {
        let (row, column) = (at / self.columns(), at % self.columns());
        (direction * self.columns() + self.column(column)) * depth + row
    }

    /// The place in ONNX of an element of one of the two biases of a direction.
    fn bias_place(&self, direction: usize, half: usize, column: usize) -> usize {
        (direction * 2 + half) * self.columns() + self.column(column)
    }

    /// The weights of a direction: inputs × columns.
    pub(super) fn weights<'r>(
        &self,
        scope: &mut Scope<'_, 'r>,
        value: &Value<'r>,
        direction: usize,
    ) -> Result<Var<'r>, String> {
        let (columns, depth, units) = (self.columns(), value.sizes()[2], self.units);
        if let Value::Constant(name, constant) = value {
            constant.tensor.check_floats()?;
            let stored = constant.tensor.to_floats();
            // The values are left out where the weights are declared.
            let element = |at: usize| stored.get(self.kernel_place(direction, depth, at)).copied().unwrap_or(0.0);
            let arranged = Tensor::floats(vec![depth, columns], (0..depth * columns).map(element).collect());
            return scope.in_onnx_order(&Value::rearranged(&derived(name, direction), constant, arranged));
        }
        let all = scope.in_onnx_order(value)?;
        let gate = |gate: &usize| all.slice(&[direction, gate * units, 0], [1, units, depth]).reshape([units, depth]);
        let gates: Vec<Var<'r>> = self.gates.iter().map(gate).collect();
        let joined = if let [only] = gates[..] { only } else { gates[0].concatenate(&gates[1..], 0) };
        Ok(joined.transpose(&[1, 0]))
    }

    /// The biases of a direction: the sum of both for each column, or both for a GRU whose reset gate is applied after the
    /// product.
    pub(super) fn bias<'r>(
        &self,
        scope: &mut Scope<'_, 'r>,
        value: &Value<'r>,
        direction: usize,
    ) -> Result<Var<'r>, String> {
        let (units, columns) = (self.units, self.columns());
        let expected = [self.directions, 2 * columns];
        if value.sizes() != expected {
            return Err(format!("the biases have shape {:?}, expected {expected:?}", value.sizes()));
        }
        if let Value::Constant(name, constant) = value {
            constant.tensor.check_floats()?;
            let stored = constant.tensor.to_floats();
            let element = |half: usize, column: usize| {
                stored.get(self.bias_place(direction, half, column)).copied().unwrap_or(0.0)
            };
            let arranged = match self.reset_after {
                true => Tensor::floats(
                    vec![2, columns],
                    (0..2 * columns).map(|at| element(at / columns, at % columns)).collect(),
                ),
                false => Tensor::floats(
                    vec![columns],
                    (0..columns).map(|column| element(0, column) + element(1, column)).collect(),
                ),
            };
            return scope.in_onnx_order(&Value::rearranged(&derived(name, direction), constant, arranged));
        }
        let all = scope.in_onnx_order(value)?;
        let half = |half: usize| {
            let gate =
                |gate: &usize| all.slice(&[direction, half * columns + gate * units], [1, units]).reshape([units]);
            let gates: Vec<Var<'r>> = self.gates.iter().map(gate).collect();
            if let [only] = gates[..] { only } else { gates[0].concatenate(&gates[1..], 0) }
        };
        let [first, second] = [half(0), half(1)];
        Ok(match self.reset_after {
            true => first.concatenate(&[second], 0).reshape([2, columns]),
            false => first + second,
        })
    }

    /// The constant in ONNX of the weights or, with `is_bias`, the biases of all directions. A sum of two biases becomes the
    /// first bias.
    pub(in crate::formats::onnx) fn restored(
        &self,
        sizes: &[usize],
        is_bias: bool,
        directions: &[Vec<f32>],
    ) -> Result<Tensor, String> {
        let columns = self.columns();
        let mut values = vec![0.0; sizes.iter().product()];
        for (direction, weights) in directions.iter().enumerate() {
            for (at, value) in weights.iter().enumerate() {
                let place = match is_bias {
                    true => self.bias_place(direction, at / columns, at % columns),
                    false => self.kernel_place(direction, sizes.last().copied().unwrap_or(0), at),
                };
                *values.get_mut(place).ok_or("its weights have other sizes than its constants")? = *value;
            }
        }
        Ok(Tensor::floats(sizes.to_vec(), values))
    }
}

/// The name of the weights of a direction, derived from that of the constant.
pub(in crate::formats::onnx) fn derived(constant: &str, direction: usize) -> String {
    format!("{constant}@{direction}")
}
