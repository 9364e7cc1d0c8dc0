//! The recording context of operators: values with a storage order of their axes, and weights.
//!
//! Images are channels first in ONNX and channels last in gradus. To avoid transpositions, a recorded value has a storage
//! order: a `Transpose` node only changes this order, a convolution requires channels last, and elements move only if an
//! operator gets values with different orders. Weights are read from the file in the order that the operator requires.

use super::constant::Constant;
use super::fill::Fill;
use super::order;
use super::size_limit::Limits;
use super::tensor::{Tensor, Values};
use crate::Shape;
use crate::tape::{ParamId, Recorder, Var};
use std::collections::BTreeMap;

/// An input or output of a node.
#[derive(Clone, Debug)]
pub(super) enum Value<'r> {
    /// A constant, with the name of the constant in the file from which it was derived.
    Constant(String, Constant),
    /// A value that the tape computes.
    Recorded(Recorded<'r>),
}

/// A value on the tape.
#[derive(Clone, Debug)]
pub(super) struct Recorded<'r> {
    pub(super) var: Var<'r>,
    /// The axis of ONNX that is stored at each axis of `var`.
    pub(super) order: Vec<usize>,
    /// Whether the elements are integers in ONNX. They are stored as floats, which are exact up to 2²⁴. Few operators support
    /// them.
    pub(super) integer: bool,
}

/// A weight array in its storage order.
#[derive(Clone, Debug)]
pub(super) struct Weight {
    pub(super) key: WeightKey,
    /// The name of the constant, with a suffix if it is used in several orders.
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) values: Vec<f32>,
    pub(super) trainable: bool,
}

/// A constant, its storage order, its sizes in this order, and its role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WeightKey {
    pub(super) constant: String,
    pub(super) order: Vec<usize>,
    pub(super) sizes: Vec<usize>,
    pub(super) role: Role,
}

/// The use of a constant. A constant with several roles becomes a weight for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Weight,
    RunningMean,
    RunningVariance,
}

/// The name of the constant of the file from which a constant was derived. A derived name has suffixes that begin with `@`.
pub(super) fn source_of(derived: &str, constants: &BTreeMap<String, Constant>) -> String {
    let mut name = derived;
    while !constants.contains_key(name) {
        let Some((shorter, _)) = name.rsplit_once('@') else { return derived.to_owned() };
        name = shorter;
    }
    name.to_owned()
}

/// The source of weights.
pub(super) enum Weights<'a, 'r> {
    /// Weights are collected, and represented by inputs of the recorder.
    Collected(&'a mut Vec<Weight>),
    /// Weights that were declared as parameters.
    Declared(&'a BTreeMap<WeightKey, (Var<'r>, ParamId)>),
}

/// The recording of a graph.
pub(super) struct Scope<'a, 'r> {
    pub(super) recorder: &'r Recorder,
    pub(super) weights: Weights<'a, 'r>,
    /// The fixed number of rows in the file, if any, and the actual number, which replaces it in shapes.
    pub(super) rows: Option<[usize; 2]>,
    pub(super) limits: Limits<'a>,
}

impl<'r> Value<'r> {
    pub(super) fn new(var: Var<'r>) -> Value<'r> {
        Value::Recorded(Recorded::new(var))
    }

    /// A recorded value of floats in a storage order.
    pub(super) fn with_order(var: Var<'r>, order: Vec<usize>) -> Value<'r> {
        Value::Recorded(Recorded::with_order(var, order))
    }

    /// The sizes in the axis order of ONNX.
    pub(super) fn sizes(&self) -> Vec<usize> {
        match self {
            Value::Constant(_, constant) => constant.tensor.sizes.clone(),
            Value::Recorded(recorded) => recorded.sizes(),
        }
    }

    /// The tensor of a constant. Returns an error for a computed value.
    pub(super) fn as_constant(&self) -> Result<&Tensor, String> {
        match self {
            Value::Constant(_, constant) => Ok(&constant.tensor),
            Value::Recorded(_) => {
                Err("a setting of the node depends on the inputs of the graph, expected a constant".into())
            }
        }
    }

    /// Marks the elements as integers.
    pub(super) fn into_integers(self) -> Value<'r> {
        self.marked(true)
    }

    /// Marks the elements as floats.
    pub(super) fn into_floats(self) -> Value<'r> {
        self.marked(false)
    }

    fn marked(self, integer: bool) -> Value<'r> {
        match self {
            Value::Recorded(recorded) => Value::Recorded(Recorded { integer, ..recorded }),
            known => known,
        }
    }

    /// Whether the elements are integers in ONNX.
    pub(super) fn is_integer(&self) -> bool {
        match self {
            Value::Constant(_, constant) => matches!(constant.tensor.values, Values::Integers(_)),
            Value::Recorded(recorded) => recorded.integer,
        }
    }

    /// A constant that nodes compute.
    pub(super) fn computed(tensor: Tensor) -> Value<'r> {
        Value::Constant(String::new(), Constant::computed(tensor))
    }

    /// A constant with its elements arranged differently.
    pub(super) fn rearranged(name: &str, constant: &Constant, tensor: Tensor) -> Value<'r> {
        Value::Constant(name.into(), constant.with(tensor))
    }
}

impl<'r> Recorded<'r> {
    /// A value of floats in the axis order of ONNX.
    pub(super) fn new(var: Var<'r>) -> Recorded<'r> {
        Recorded::with_order(var, (0..var.shape().rank()).collect())
    }

    /// A value of floats in a storage order.
    pub(super) fn with_order(var: Var<'r>, order: Vec<usize>) -> Recorded<'r> {
        Recorded { var, order, integer: false }
    }

    /// Returns the value, or an error if its elements are integers.
    pub(super) fn floats(&self) -> Result<&Recorded<'r>, String> {
        let problem = "integers that depend on the inputs are not supported; cast them to floats";
        if self.integer { Err(problem.into()) } else { Ok(self) }
    }

    /// The sizes in the axis order of ONNX.
    pub(super) fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.order.len()];
        self.order.iter().enumerate().for_each(|(place, axis)| sizes[*axis] = self.var.shape().axis(place));
        sizes
    }

    /// Applies an elementwise operation, which keeps the storage order.
    pub(super) fn map(&self, operation: impl FnOnce(Var<'r>) -> Var<'r>) -> Value<'r> {
        Value::with_order(operation(self.var), self.order.clone())
    }
}

impl<'r> Scope<'_, 'r> {
    /// Returns a float value on the tape, with its storage order.
    pub(super) fn recorded(&mut self, value: &Value<'r>) -> Result<Recorded<'r>, String> {
        match value {
            Value::Recorded(recorded) => recorded.floats().cloned(),
            Value::Constant(..) => {
                let order: Vec<usize> = (0..value.sizes().len()).collect();
                Ok(Recorded::with_order(self.arranged(value, &order)?, order))
            }
        }
    }

    /// Returns a value of floats or integers on the tape, as floats with its storage order.
    pub(super) fn recorded_numbers(&mut self, value: &Value<'r>) -> Result<Recorded<'r>, String> {
        let order = match value {
            Value::Recorded(recorded) => recorded.order.clone(),
            Value::Constant(..) => (0..value.sizes().len()).collect(),
        };
        Ok(Recorded::with_order(self.numbers(value, &order)?, order))
    }

    /// Returns a float value in the axis order of ONNX.
    pub(super) fn in_onnx_order(&mut self, value: &Value<'r>) -> Result<Var<'r>, String> {
        let order: Vec<usize> = (0..value.sizes().len()).collect();
        self.arranged(value, &order)
    }

    /// Returns a float value in a storage order. A constant becomes a weight in this order.
    pub(super) fn arranged(&mut self, value: &Value<'r>, order: &[usize]) -> Result<Var<'r>, String> {
        match value {
            Value::Recorded(recorded) => arrange(recorded.floats()?, order),
            Value::Constant(name, constant) => {
                constant.tensor.check_floats()?;
                let stored = constant.with(constant.tensor.transposed(order));
                Ok(self.weight(name, &stored, order, Role::Weight)?.0)
            }
        }
    }

    /// Returns a value of floats or integers in a storage order.
    pub(super) fn numbers(&mut self, value: &Value<'r>, order: &[usize]) -> Result<Var<'r>, String> {
        match value {
            Value::Recorded(recorded) => arrange(recorded, order),
            Value::Constant(name, constant) if value.is_integer() => {
                let tensor = Tensor::floats(constant.tensor.sizes.clone(), constant.tensor.to_floats());
                let stored = Constant { learned: false, ..constant.with(tensor.transposed(order)) };
                Ok(self.weight(name, &stored, order, Role::Weight)?.0)
            }
            Value::Constant(..) => self.arranged(value, order),
        }
    }

    /// Returns a constant of floats, which is stored in this order. A constant of the file is a weight, and has an id if
    /// weights are declared.
    pub(super) fn weight(
        &mut self,
        name: &str,
        constant: &Constant,
        order: &[usize],
        role: Role,
    ) -> Result<(Var<'r>, Option<ParamId>), String> {
        let stored = &constant.tensor;
        let shape = Shape::new(&stored.sizes).map_err(|error| error.to_string())?;
        if shape.is_empty() {
            return Err(format!("constant \"{name}\" has no elements"));
        }
        if constant.computed {
            return Ok((self.recorder.apply(Fill::new(shape, stored.as_floats()?), &[]), None));
        }
        let key = WeightKey { constant: name.to_owned(), order: order.to_vec(), sizes: stored.sizes.clone(), role };
        match &mut self.weights {
            Weights::Collected(collected) => {
                if !collected.iter().any(|weight| weight.key == key) {
                    self.limits.spend_constant(stored)?;
                    let name = unused(collected, name, order);
                    let values = stored.to_floats();
                    collected.push(Weight { key, name, shape, values, trainable: constant.learned });
                }
                Ok((self.recorder.input(shape), None))
            }
            Weights::Declared(given) => {
                let given = given.get(&key).ok_or_else(|| {
                    format!("the sizes {:?} of constant \"{name}\" depend on the number of rows", stored.sizes)
                })?;
                Ok((given.0, Some(given.1)))
            }
        }
    }
}

/// The name of a new weight: that of the constant, with a suffix if another weight has this name.
fn unused(weights: &[Weight], constant: &str, order: &[usize]) -> String {
    let suffix = order::name_suffix(order);
    let numbered = |number: usize| match number {
        0 => constant.to_owned(),
        1 => format!("{constant}{suffix}"),
        number => format!("{constant}{suffix}_{number}"),
    };
    let is_taken = |name: &String| weights.iter().any(|weight| weight.name == *name);
    // One of these names is unused, as there are more of them than weights.
    (0..=weights.len()).map(numbered).find(|name| !is_taken(name)).unwrap_or_default()
}

/// Transposes a recorded value to a storage order. A reshape is sufficient if only axes of size 1 move.
pub(super) fn arrange<'r>(recorded: &Recorded<'r>, order: &[usize]) -> Result<Var<'r>, String> {
    if recorded.order.len() != order.len() {
        return Err(format!("an input has rank {}, expected {}", recorded.order.len(), order.len()));
    }
    if recorded.order == order {
        return Ok(recorded.var);
    }
    let sizes = recorded.sizes();
    let shape = order.iter().map(|axis| sizes[*axis]).collect::<Vec<_>>();
    let shape = Shape::new(&shape).map_err(|error| error.to_string())?;
    let long = |order: &[usize]| order.iter().copied().filter(|axis| sizes[*axis] != 1).collect::<Vec<_>>();
    if long(&recorded.order) == long(order) {
        return Ok(recorded.var.reshape(shape));
    }
    let places: Vec<usize> =
        order.iter().map(|axis| recorded.order.iter().position(|other| other == axis).unwrap_or(0)).collect();
    Ok(recorded.var.transpose(&places))
}
