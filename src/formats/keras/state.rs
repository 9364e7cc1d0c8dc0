//! The state of an optimizer in Keras' order of variables: the step, the learning rate, then one or more arrays per weight.

use super::description::ModelDescription;
use super::optimizers::{OptimizerKind, optimizer};
use super::result::Result;
use crate::formats::hdf5::{Array, Values};
use crate::{Shape, Spec, SpecValue};

/// A state array of an optimizer: its number among the arrays of the weight (`None` for the moving average of the weight), the
/// name of the weight, and the values.
pub(super) struct StateArray {
    pub(super) number: Option<usize>,
    pub(super) weight: String,
    pub(super) values: Vec<f32>,
}

/// The number of a state array, and the name and the shape of its weight.
type Place<'a> = (Option<usize>, &'a str, Shape);

/// The variables of an optimizer in a file, in their order.
#[derive(Default)]
pub(super) struct Variables {
    pub(super) arrays: Vec<Array>,
    /// Whether the first array of every weight precedes the second one of any, as in Keras 2.10 and earlier.
    pub(super) one_group_per_array: bool,
}

/// Lists the number of each array with the name and the shape of its weight, in Keras' order.
fn order<'a>(description: &'a ModelDescription, optimizer: &Spec, groups: &[usize], count: usize) -> Vec<Place<'a>> {
    let (mut all, mut first) = (Vec::new(), 0);
    if optimizer.settings().iter().any(|(name, value)| name == "use_ema" && *value == SpecValue::Bool(true)) {
        let trainable = description.weights().filter(|weight| weight.is_trainable());
        all.extend(trainable.map(|weight| (None, weight.name(), weight.shape())));
    }
    for group in groups {
        let numbers = first..(first + group).min(count);
        for weight in description.weights().filter(|weight| weight.is_trainable()) {
            all.extend(numbers.clone().map(|number| (Some(number), weight.name(), weight.shape())));
        }
        first += group;
    }
    all
}

/// Lists the number and the weight of each state array of an optimizer with `count` arrays per weight, in Keras' order.
pub(super) fn in_order<'a>(description: &'a ModelDescription, optimizer: &Spec, count: usize) -> Vec<Place<'a>> {
    order(description, optimizer, groups(optimizer), count)
}

/// The state of an optimizer in a file.
pub(super) struct State {
    pub(super) step: u64,
    pub(super) rate: Option<f32>,
    pub(super) arrays: Vec<StateArray>,
}

/// Reads the variables of an optimizer. `first` holds the initial value of each of its arrays.
pub(super) fn read(
    description: &ModelDescription,
    optimizer: &Spec,
    first: &[f32],
    variables: Variables,
) -> Result<State> {
    let Variables { arrays, one_group_per_array } = variables;
    let single = vec![1; first.len()];
    let groups = if one_group_per_array { &single } else { groups(optimizer) };
    let order = order(description, optimizer, groups, first.len());
    let mut variables = arrays.into_iter().peekable();
    let step = match variables.next() {
        None => 0,
        Some(Array { values: Values::Integers(values), .. }) => values.first().map_or(0, |step| (*step).max(0) as u64),
        // Keras before 2.1 stores the number of steps as a float.
        Some(array) if number(&array).is_some_and(|step| step >= 0.0 && step.fract() == 0.0) => {
            number(&array).map_or(0, |step| step as u64)
        }
        Some(_) => return Err("the first variable of its optimizer must be an integer, the number of steps".into()),
    };
    // Keras 2.11 to 2.15 stores no learning rate, which is in the configuration.
    let has_rate = variables.peek().is_some_and(|array| array.shape == Shape::SCALAR);
    let rate = if has_rate && constant_rate(optimizer).is_some() { variables.next() } else { None };
    let rate = rate.map(|array| number(&array).ok_or_else(|| mismatch(optimizer))).transpose()?;
    let mut arrays = Vec::new();
    // An optimizer that was not built yet has no arrays.
    let fresh = step == 0 && variables.peek().is_none();
    for (number, name, shape) in order {
        let values = match variables.next() {
            Some(Array { shape: found, values: Values::Floats(values) }) if found == shape => values,
            None if fresh => match number {
                Some(number) => vec![first[number]; shape.len()],
                // The average before the first step has no effect.
                None => continue,
            },
            _ => return Err(mismatch(optimizer)),
        };
        arrays.push(StateArray { number, weight: name.into(), values });
    }
    let last = last(optimizer, step).zip(variables.next());
    if let Some((expected, found)) = last {
        let found = number(&found).ok_or_else(|| mismatch(optimizer))?;
        if (found - expected).abs() > 1e-3 * expected {
            let class = optimizer.class();
            return Err(format!("its {class} has u_product {found} at step {step}, expected {expected}"));
        }
    }
    // Keras 2 stores a momentum for SGD without one, and earlier versions a single number for each unused array of Adam.
    for weight in description.weights().filter(|weight| weight.is_trainable()) {
        variables.next_if(|array| match optimizer.class() {
            "SGD" => first.is_empty() && array.shape == weight.shape(),
            "Adam" => one_group_per_array && array.shape.len() == 1,
            _ => false,
        });
    }
    match variables.next() {
        None => Ok(State { step, rate, arrays }),
        Some(_) => Err(mismatch(optimizer)),
    }
}

/// The element of a float array without axes.
fn number(array: &Array) -> Option<f32> {
    match &array.values {
        Values::Floats(values) if array.shape == Shape::SCALAR => values.first().copied(),
        _ => None,
    }
}

/// The learning rate, unless it follows a schedule.
pub(super) fn constant_rate(optimizer: &Spec) -> Option<f32> {
    optimizer.settings().iter().find_map(|(name, value)| match value {
        SpecValue::Float(rate) if name == "learning_rate" => Some(*rate),
        _ => None,
    })
}

/// The scalar after the arrays, if the optimizer has one.
pub(super) fn last(spec: &Spec, step: u64) -> Option<f32> {
    optimizer(spec.class())?.last?(spec, step)
}

fn groups(spec: &Spec) -> &'static [usize] {
    optimizer(spec.class()).map_or(&[], |kind: &OptimizerKind| kind.groups)
}

fn mismatch(optimizer: &Spec) -> String {
    format!(
        "the state of its optimizer is not that of {} in Keras 3; to replace the optimizer, pass a Compile to keras::load_with",
        optimizer.class()
    )
}

/// Returns the optimizer with its current learning rate, unless the rate follows a schedule.
pub(super) fn with_rate(optimizer: &Spec, rate: Option<f32>) -> Spec {
    let mut spec = Spec::new(optimizer.class());
    for (name, value) in optimizer.settings() {
        let value = match (name.as_ref(), value, rate) {
            ("learning_rate", SpecValue::Float(_), Some(rate)) => SpecValue::Float(rate),
            _ => value.clone(),
        };
        spec = spec.with(name.clone(), value);
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::super::contents::describe;
    use super::*;
    use crate::optimizers::{Adam, Optimizer, Sgd};
    use crate::save::Registry;
    use serde_json::{Value, json};

    fn array(shape: impl Into<Shape>, value: f32) -> Array {
        let shape = shape.into();
        Array { shape, values: Values::Floats(vec![value; shape.len()]) }
    }

    /// Reads the state of a model with a kernel of 3 × 2 and a bias of 2 elements, after 4 steps.
    fn read_state(
        optimizer: &dyn Optimizer,
        arrays: Vec<Array>,
        one_group_per_array: bool,
    ) -> Result<Vec<(String, usize, f32)>> {
        let input = json!({"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [null, 3]}});
        let dense = json!({"class_name": "Dense", "config": {"name": "d", "units": 2}});
        let model = json!({"class_name": "Sequential", "config": {"name": "s", "layers": [input, dense]}});
        let (description, _) = describe(&model, &Value::Null, None, None, &Registry::new(), false)?;
        let steps = Array { shape: Shape::SCALAR, values: Values::Integers(vec![4]) };
        let arrays = std::iter::once(steps).chain(arrays).collect();
        let variables = Variables { arrays, one_group_per_array };
        let state = read(&description, &optimizer.spec(), optimizer.initial_state(), variables)?;
        assert_eq!(state.step, 4);
        let numbered = |array: StateArray| Some((array.weight, array.number?, array.values[0]));
        Ok(state.arrays.into_iter().filter_map(numbered).collect())
    }

    #[test]
    fn states_of_keras_2_are_read() {
        let [kernel, bias] = ["d/kernel", "d/bias"].map(str::to_owned);
        let momenta = || vec![array([3, 2], 1.0), array([2], 2.0)];
        assert_eq!(read_state(&Sgd::new(0.1), momenta(), false), Ok(Vec::new()));
        assert_eq!(read_state(&Sgd::new(0.1), momenta(), true), Ok(Vec::new()));
        let moments = || [momenta(), vec![array([3, 2], 3.0), array([2], 4.0)]].concat();
        let expected = vec![(kernel.clone(), 0, 1.0), (bias.clone(), 0, 2.0), (kernel, 1, 3.0), (bias, 1, 4.0)];
        assert_eq!(read_state(&Adam::default(), moments(), true), Ok(expected.clone()));
        let unused = [moments(), vec![array([1], 0.0), array([1], 0.0)]].concat();
        assert_eq!(read_state(&Adam::default(), unused, true), Ok(expected));
        assert!(read_state(&Adam::default(), moments(), false).is_err());
        assert!(read_state(&Sgd::new(0.1).momentum(0.9), moments(), true).is_err());
    }
}
