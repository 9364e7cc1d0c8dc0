//! What operators are recorded with: values whose axes may lie in another order, and weights where they lie best.
//!
//! ONNX' images have their channels first, and here they are last. Instead of moving numbers, a recorded value knows in
//! which order its axes lie: a `Transpose` node only changes that knowledge, a convolution asks for channels last, and
//! numbers move where two orders meet that do not fit. A weight is taken from the file in the order that its reader asks
//! for, so it never moves later.

use super::constant::Constant;
use super::order;
use super::tensor::{Tensor, Values};
use crate::Shape;
use crate::tape::{ParamId, Recorder, Var};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a node reads or gives.
#[derive(Clone, Debug)]
pub(super) enum Value<'r> {
    /// Known numbers, and the name of the constant that they come from.
    Known(String, Constant),
    /// Computed when the tape runs.
    Recorded(Recorded<'r>),
}

/// A value on the tape.
#[derive(Clone, Debug)]
pub(super) struct Recorded<'r> {
    pub(super) var: Var<'r>,
    /// Which of ONNX' axes lies at each place.
    pub(super) order: Vec<usize>,
    /// Whether it is whole numbers in ONNX. They lie as floats here, which are exact up to 2²⁴, and few operators take them.
    pub(super) whole: bool,
}

/// A weight array as it lies in memory.
#[derive(Clone, Debug)]
pub(super) struct Weight {
    pub(super) key: WeightKey,
    /// The constant's name; with something behind it where the constant is used in two orders.
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) values: Vec<f32>,
    pub(super) trainable: bool,
}

/// A constant, the order in which it is asked for, and its sizes then.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WeightKey {
    constant: String,
    order: Vec<usize>,
    sizes: Vec<usize>,
}

impl Weight {
    /// The name of the constant, without what says that it was turned.
    pub(super) fn constant(&self) -> String {
        self.key.constant.split('@').next().unwrap_or_default().to_owned()
    }
}

/// Where weights come from.
pub(super) enum Weights<'a, 'r> {
    /// They are taken down, and stand as inputs meanwhile.
    Wanted(&'a mut Vec<Weight>),
    /// They were declared before.
    Given(&'a BTreeMap<WeightKey, (Var<'r>, ParamId)>),
}

/// The recording of a graph.
pub(super) struct Scope<'a, 'r> {
    pub(super) recorder: &'r Recorder,
    pub(super) weights: Weights<'a, 'r>,
    /// The number of rows in the file, where it is fixed, and here: a shape that names the one means the other.
    pub(super) rows: Option<[usize; 2]>,
}

impl<'r> Value<'r> {
    pub(super) fn new(var: Var<'r>) -> Value<'r> {
        Value::Recorded(Recorded::new(var))
    }

    /// A recorded value whose axes lie in this order.
    pub(super) fn lying(var: Var<'r>, order: Vec<usize>) -> Value<'r> {
        Value::Recorded(Recorded::lying(var, order))
    }

    /// The sizes of ONNX' axes.
    pub(super) fn sizes(&self) -> Vec<usize> {
        match self {
            Value::Known(_, constant) => constant.tensor.sizes.clone(),
            Value::Recorded(recorded) => recorded.sizes(),
        }
    }

    /// The numbers, where they are known.
    pub(super) fn known(&self) -> Result<&Tensor, String> {
        match self {
            Value::Known(_, constant) => Ok(&constant.tensor),
            Value::Recorded(_) => Err("an input is computed where a constant is expected".into()),
        }
    }

    /// The same as whole numbers.
    pub(super) fn whole(self) -> Value<'r> {
        self.marked(true)
    }

    /// The same as floats.
    pub(super) fn floats(self) -> Value<'r> {
        self.marked(false)
    }

    fn marked(self, whole: bool) -> Value<'r> {
        match self {
            Value::Recorded(recorded) => Value::Recorded(Recorded { whole, ..recorded }),
            known => known,
        }
    }

    /// Whether it is whole numbers in ONNX.
    pub(super) fn is_whole(&self) -> bool {
        match self {
            Value::Known(_, constant) => matches!(constant.tensor.values, Values::Integers(_)),
            Value::Recorded(recorded) => recorded.whole,
        }
    }

    /// Known numbers that were computed from others.
    pub(super) fn folded(name: &str, tensor: Tensor, learned: bool) -> Value<'r> {
        Value::Known(name.into(), Constant { tensor: Arc::new(tensor), learned })
    }
}

impl<'r> Recorded<'r> {
    /// A value whose axes lie in ONNX' order.
    pub(super) fn new(var: Var<'r>) -> Recorded<'r> {
        Recorded::lying(var, (0..var.shape().rank()).collect())
    }

    /// A value of floats whose axes lie in this order.
    pub(super) fn lying(var: Var<'r>, order: Vec<usize>) -> Recorded<'r> {
        Recorded { var, order, whole: false }
    }

    /// The value itself, if it is one of floats.
    pub(super) fn floats(&self) -> Result<&Recorded<'r>, String> {
        let told = "of whole numbers that are computed it is not supported";
        if self.whole { Err(told.into()) } else { Ok(self) }
    }

    pub(super) fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.order.len()];
        self.order.iter().enumerate().for_each(|(place, axis)| sizes[*axis] = self.var.shape().axis(place));
        sizes
    }

    /// The same operation on every element, wherever it lies.
    pub(super) fn map(&self, operation: impl FnOnce(Var<'r>) -> Var<'r>) -> Value<'r> {
        Value::lying(operation(self.var), self.order.clone())
    }
}

impl<'r> Scope<'_, 'r> {
    /// A value as one on the tape.
    pub(super) fn recorded(&mut self, value: &Value<'r>) -> Result<Recorded<'r>, String> {
        match value {
            Value::Recorded(recorded) => recorded.floats().cloned(),
            Value::Known(..) => {
                let order: Vec<usize> = (0..value.sizes().len()).collect();
                Ok(Recorded::lying(self.arranged(value, &order)?, order))
            }
        }
    }

    /// A value with its axes in ONNX' order.
    pub(super) fn plain(&mut self, value: &Value<'r>) -> Result<Var<'r>, String> {
        let order: Vec<usize> = (0..value.sizes().len()).collect();
        self.arranged(value, &order)
    }

    /// A value with its axes in this order; a constant becomes a weight that lies so.
    pub(super) fn arranged(&mut self, value: &Value<'r>, order: &[usize]) -> Result<Var<'r>, String> {
        match value {
            Value::Recorded(recorded) => arrange(recorded.floats()?, order),
            Value::Known(name, constant) => {
                let learned = constant.learned;
                Ok(self.weight(name, &constant.tensor.transposed(order), order, learned)?.0)
            }
        }
    }

    /// The same of floats or whole numbers.
    pub(super) fn numbers(&mut self, value: &Value<'r>, order: &[usize]) -> Result<Var<'r>, String> {
        match value {
            Value::Recorded(recorded) => arrange(recorded, order),
            Value::Known(name, constant) if value.is_whole() => {
                let tensor = Tensor::floats(constant.tensor.sizes.clone(), constant.tensor.to_floats());
                Ok(self.weight(name, &tensor.transposed(order), order, false)?.0)
            }
            Value::Known(..) => self.arranged(value, order),
        }
    }

    /// A weight; `learned` says whether training changes it. The id is there once weights are declared.
    pub(super) fn weight(
        &mut self,
        name: &str,
        lying: &Tensor,
        order: &[usize],
        learned: bool,
    ) -> Result<(Var<'r>, Option<ParamId>), String> {
        let shape = Shape::new(&lying.sizes).map_err(|error| error.to_string())?;
        let values = lying.as_floats()?;
        if values.is_empty() {
            return Err(format!("constant \"{name}\" has no elements"));
        }
        let key = WeightKey { constant: name.to_owned(), order: order.to_vec(), sizes: lying.sizes.clone() };
        match &mut self.weights {
            Weights::Wanted(wanted) => {
                if !wanted.iter().any(|weight| weight.key == key) {
                    let taken = wanted.iter().any(|weight| weight.name == name);
                    let name = if taken { format!("{name}{}", order::name(order)) } else { name.to_owned() };
                    wanted.push(Weight { key, name, shape, values: values.to_vec(), trainable: learned });
                }
                Ok((self.recorder.input(shape), None))
            }
            Weights::Given(given) => {
                let given = given.get(&key).ok_or_else(|| format!("weight \"{name}\" was not declared"))?;
                Ok((given.0, Some(given.1)))
            }
        }
    }
}

/// Moves the axes of a recorded value to where they are wanted; nothing moves where only axes of size 1 change places.
pub(super) fn arrange<'r>(recorded: &Recorded<'r>, order: &[usize]) -> Result<Var<'r>, String> {
    if recorded.order.len() != order.len() {
        return Err(format!("an input has {} axes, expected {}", recorded.order.len(), order.len()));
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
