//! Recurrent layers: `RNN`, `LSTM` and `GRU`.

use super::attributes::{Operator, operator, read};
use super::inputs::{input, optional};
use super::recurrent_function::Function;
use super::recurrent_weights::WeightLayout;
use super::unrolled::{Cell, Special, Unrolled};
use crate::Shape;
use crate::formats::onnx::node::{Attribute, Node};
use crate::formats::onnx::scope::{Scope, Value};
use crate::formats::onnx::tensor::Tensor;
use crate::ops::{Activation, RecurrentOptions};
use crate::tape::Var;

/// Numbers that the memory of a recorded step corresponds to.
const RECORDED_STEP: usize = 256;

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator(
        "GRU",
        7,
        &[
            read("activation_alpha"),
            read("activation_beta"),
            read("activations"),
            read("clip"),
            read("direction"),
            read("hidden_size"),
            read("layout").since(14),
            read("linear_before_reset"),
        ],
    ),
    operator(
        "LSTM",
        7,
        &[
            read("activation_alpha"),
            read("activation_beta"),
            read("activations"),
            read("clip"),
            read("direction"),
            read("hidden_size"),
            read("input_forget"),
            read("layout").since(14),
        ],
    ),
    operator(
        "RNN",
        7,
        &[
            read("activation_alpha"),
            read("activation_beta"),
            read("activations"),
            read("clip"),
            read("direction"),
            read("hidden_size"),
            read("layout").since(14),
        ],
    ),
];

/// The sizes and settings of a node.
struct Recurrence<'n> {
    node: &'n Node,
    layout: WeightLayout,
    units: usize,
    /// Whether the batch is the first axis.
    batch_first: bool,
    /// Whether each direction is the reverse one.
    directions: &'static [bool],
}

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let directions: &[bool] = match node.text("direction", "forward")? {
        "forward" => &[false],
        "reverse" => &[true],
        "bidirectional" => &[false, true],
        other => return Err(format!("direction is \"{other}\", expected forward, reverse or bidirectional")),
    };
    let [of_weights, of_recurrent_weights] = [input(inputs, 1)?.sizes(), input(inputs, 2)?.sizes()];
    let layout = WeightLayout::read(node, &of_weights, &of_recurrent_weights)?;
    let units = layout.units;
    if of_weights[0] != directions.len() {
        return Err(format!("the weights have {} directions, expected {}", of_weights[0], directions.len()));
    }
    let hidden_size = node.integer("hidden_size", units as i64)?;
    if hidden_size != units as i64 {
        return Err(format!("attribute hidden_size is {hidden_size}, but the weights have {units} units"));
    }
    let recurrence = Recurrence { node, layout, units, batch_first: node.integer("layout", 0)? != 0, directions };
    recurrence.record(scope, inputs)
}

impl Recurrence<'_> {
    fn record<'r>(&self, scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Vec<Value<'r>>, String> {
        let order: &[usize] = if self.batch_first { &[0, 1, 2] } else { &[1, 0, 2] };
        let x = scope.arranged(input(inputs, 0)?, order)?;
        let [rows, steps] = [x.shape().axis(0), x.shape().axis(1)];
        let mask = optional(inputs, 4).map(|lengths| mask(scope, lengths, [rows, steps])).transpose()?;
        let states = if self.node.operator == "LSTM" { 2 } else { 1 };
        let wants_sequence = self.node.outputs.first().is_some_and(|name| !name.is_empty());
        let mut outputs = vec![Vec::new(); 1 + states];
        for (direction, reverse) in self.directions.iter().enumerate() {
            let kernel = self.layout.weights(scope, input(inputs, 1)?, direction)?;
            let recurrent = self.layout.weights(scope, input(inputs, 2)?, direction)?;
            let bias = optional(inputs, 3).map(|bias| self.layout.bias(scope, bias, direction)).transpose()?;
            let activations = self.activations(direction)?;
            let special = self.special(scope, inputs, direction, &activations)?;
            if special.is_needed() {
                // Each step is recorded by itself.
                scope.limits.check(rows.saturating_mul(steps).saturating_mul(RECORDED_STEP))?;
                let unrolled = Unrolled {
                    cell: match self.node.operator.as_str() {
                        "LSTM" => Cell::Lstm,
                        "GRU" => Cell::Gru { reset_after: self.layout.reset_after },
                        _ => Cell::Rnn,
                    },
                    special,
                    activations,
                    x,
                    kernel,
                    recurrent_kernel: recurrent,
                    bias,
                    states: self.initial_states(scope, inputs, direction, [rows, states])?,
                    mask,
                    go_backwards: *reverse,
                };
                let mut results = unrolled.record();
                if !wants_sequence {
                    results[0] = results[1];
                }
                outputs.iter_mut().zip(results).for_each(|(all, result)| all.push(result));
                continue;
            }
            let known: Vec<Activation> = activations.iter().filter_map(Function::activation).collect();
            let [gates, candidate] = match known[..] {
                [gates, candidate, ..] => [gates, candidate],
                [only] => [Activation::Linear, only],
                [] => [Activation::Linear; 2],
            };
            let options = RecurrentOptions::new()
                .activation(candidate)
                .recurrent_activation(gates)
                .initial_state(self.initial_states(scope, inputs, direction, [rows, states])?)
                .mask(mask)
                .zero_output_for_mask(true)
                .go_backwards(*reverse)
                .in_order_of_inputs(true)
                .return_sequences(wants_sequence)
                .return_state(true);
            let results = match self.node.operator.as_str() {
                "LSTM" => x.lstm(kernel, recurrent, bias, options),
                "GRU" => x.gru(kernel, recurrent, bias, self.layout.reset_after, options),
                _ => x.simple_rnn(kernel, recurrent, bias, options),
            };
            outputs.iter_mut().zip(results).for_each(|(all, result)| all.push(result));
        }
        let join = |parts: &[Var<'r>], axis: isize, shape: &[usize]| {
            let shape = Shape::new(shape).map_err(|error| error.to_string())?;
            let parts: Vec<Var<'r>> = parts.iter().map(|part| part.reshape(shape)).collect();
            Ok::<_, String>(if let [only] = parts[..] { only } else { parts[0].concatenate(&parts[1..], axis) })
        };
        let mut values = Vec::new();
        for (number, parts) in outputs.iter().enumerate() {
            values.push(match (number, wants_sequence) {
                (0, true) => {
                    let y = join(parts, 2, &[rows, steps, 1, self.units])?;
                    Value::with_order(y, if self.batch_first { vec![0, 1, 2, 3] } else { vec![2, 0, 1, 3] })
                }
                // Nothing uses the output without a name.
                _ => {
                    let y = join(parts, 1, &[rows, 1, self.units])?;
                    Value::with_order(y, if self.batch_first { vec![0, 1, 2] } else { vec![1, 0, 2] })
                }
            });
        }
        Ok(values)
    }

    /// The states of a direction before the first step.
    fn initial_states<'r>(
        &self,
        scope: &mut Scope<'_, 'r>,
        inputs: &[Option<Value<'r>>],
        direction: usize,
        [rows, states]: [usize; 2],
    ) -> Result<Vec<Var<'r>>, String> {
        let given: Vec<Option<&Value<'r>>> = (0..states).map(|state| optional(inputs, 5 + state)).collect();
        if given.iter().all(Option::is_none) {
            return Ok(Vec::new());
        }
        let sizes = vec![rows, self.directions.len(), self.units];
        let state = |value: Option<&Value<'r>>| {
            let order: &[usize] = if self.batch_first { &[0, 1, 2] } else { &[1, 0, 2] };
            let all = match value {
                Some(value) => scope.arranged(value, order)?,
                None => {
                    let length = Shape::new(&sizes).map_err(|error| error.to_string())?.len();
                    scope.limits.check(length)?;
                    scope.in_onnx_order(&Value::computed(Tensor::floats(sizes.clone(), vec![0.0; length])))?
                }
            };
            Ok(all.slice(&[0, direction, 0], [rows, 1, self.units]).reshape([rows, self.units]))
        };
        given.into_iter().map(state).collect()
    }

    /// The settings of a direction that the operation over all steps does not have.
    fn special<'r>(
        &self,
        scope: &mut Scope<'_, 'r>,
        inputs: &[Option<Value<'r>>],
        direction: usize,
        activations: &[Function],
    ) -> Result<Special<'r>, String> {
        let clip = self.node.number("clip", 0.0)?;
        if clip.is_nan() || clip < 0.0 {
            return Err(format!("attribute clip is {clip}, expected a number ≥ 0"));
        }
        let units = self.units;
        let is_zero = |value: &&Value<'r>| match value.as_constant().and_then(Tensor::as_floats) {
            Ok(values) => values.iter().all(|value| *value == 0.0),
            Err(_) => false,
        };
        let weights = optional(inputs, 7).filter(|_| self.node.operator == "LSTM").filter(|value| !is_zero(value));
        let peepholes = match weights {
            None => None,
            Some(weights) => {
                let expected = [self.directions.len(), 3 * units];
                if weights.sizes() != expected {
                    return Err(format!("the peepholes have shape {:?}, expected {expected:?}", weights.sizes()));
                }
                let all = scope.in_onnx_order(weights)?;
                let gate = |number: usize| all.slice(&[direction, number * units], [1, units]).reshape([units]);
                Some([gate(0), gate(1), gate(2)])
            }
        };
        Ok(Special {
            clip: (clip > 0.0).then_some(clip),
            peepholes,
            input_forget: self.node.integer("input_forget", 0)? != 0,
            activations_differ: matches!(activations, [_, candidate, cell] if candidate != cell)
                || activations.iter().any(|function| function.activation().is_none()),
        })
    }

    /// The activations of a direction: those of the gates, of the candidate and of the cell state.
    fn activations(&self, direction: usize) -> Result<Vec<Function>, String> {
        let defaults: &[&str] = match self.node.operator.as_str() {
            "LSTM" => &["Sigmoid", "Tanh", "Tanh"],
            "GRU" => &["Sigmoid", "Tanh"],
            _ => &["Tanh"],
        };
        let names: Vec<&str> = match self.node.attributes.get("activations") {
            None => defaults.repeat(self.directions.len()),
            Some(Attribute::Texts(names)) => names.iter().map(String::as_str).collect(),
            Some(_) => return Err("attribute activations has another type, expected a list of strings".into()),
        };
        let expected = defaults.len() * self.directions.len();
        if names.len() != expected {
            return Err(format!("the number of activations is {}, expected {expected}", names.len()));
        }
        let mut parameters =
            [self.node.numbers("activation_alpha")?, self.node.numbers("activation_beta")?].map(|all| all.iter());
        let mut all = Vec::new();
        for name in names {
            all.push(Function::read(name, &mut parameters)?);
        }
        Ok(all[direction * defaults.len()..][..defaults.len()].to_vec())
    }
}

/// 1 for the steps before the length of each row, otherwise 0.
fn mask<'r>(scope: &mut Scope<'_, 'r>, lengths: &Value<'r>, [rows, steps]: [usize; 2]) -> Result<Var<'r>, String> {
    if lengths.sizes() != [rows] {
        return Err(format!("the lengths of sequences have shape {:?}, expected [{rows}]", lengths.sizes()));
    }
    let lengths = scope.numbers(lengths, &[0])?.reshape([rows, 1]);
    scope.limits.check(steps)?;
    let numbers = Value::computed(Tensor::floats(vec![1, steps], (0..steps).map(|step| step as f32).collect()));
    Ok(scope.in_onnx_order(&numbers)?.less(lengths))
}
