//! The optimizer's state in the order in which Keras keeps it: the step, the learning rate, then an array for each weight,
//! or several side by side.

use super::draft::Draft;
use super::optimizers::{Known, optimizer};
use super::result::Result;
use crate::formats::hdf5::{Array, Values};
use crate::{Shape, Spec, SpecValue};

/// One of the optimizer's arrays: its number among those of a weight, and the weight's name.
pub(super) struct StateArray {
    pub(super) number: usize,
    pub(super) weight: String,
    pub(super) values: Vec<f32>,
}

/// The number of each array, and the name and the shape of the weight that it belongs to, in Keras' order.
fn order<'a>(draft: &'a Draft, groups: &[usize], count: usize) -> Vec<(usize, &'a str, Shape)> {
    let (mut all, mut first) = (Vec::new(), 0);
    for group in groups {
        let numbers = first..(first + group).min(count);
        for weight in draft.weights().filter(|weight| weight.is_trainable()) {
            all.extend(numbers.clone().map(|number| (number, weight.name(), weight.shape())));
        }
        first += group;
    }
    all
}

/// The number and the weight of each array of a model's optimizer, which keeps `count` of them for a weight, in Keras' order.
pub(super) fn in_order<'a>(draft: &'a Draft, optimizer: &Spec, count: usize) -> Vec<(usize, &'a str, Shape)> {
    order(draft, groups(optimizer), count)
}

/// What a file says of an optimizer, as Keras keeps it.
pub(super) struct State {
    pub(super) step: u64,
    pub(super) rate: Option<f32>,
    pub(super) arrays: Vec<StateArray>,
}

/// Reads the variables of an optimizer whose arrays for each weight begin with the values `first`.
pub(super) fn read(draft: &Draft, optimizer: &Spec, first: &[f32], variables: Vec<Array>) -> Result<State> {
    let order = order(draft, groups(optimizer), first.len());
    let mut variables = variables.into_iter().peekable();
    let step = match variables.next() {
        None => 0,
        Some(Array { values: Values::Integers(values), .. }) => values.first().map_or(0, |step| (*step).max(0) as u64),
        Some(_) => return Err("its optimizer does not begin with the number of steps".into()),
    };
    let rate = if constant_rate(optimizer).is_some() { variables.next() } else { None };
    let rate = rate.map(|array| number(&array).ok_or_else(|| unfit(optimizer))).transpose()?;
    let mut arrays = Vec::new();
    // An optimizer that has not seen its model yet has no arrays.
    let fresh = step == 0 && variables.peek().is_none();
    for (number, name, shape) in order {
        let values = match variables.next() {
            Some(Array { shape: found, values: Values::Floats(values) }) if found == shape => values,
            None if fresh => vec![first[number]; shape.len()],
            _ => return Err(unfit(optimizer)),
        };
        arrays.push(StateArray { number, weight: name.into(), values });
    }
    let last = last(optimizer, step).zip(variables.next());
    if let Some((expected, found)) = last {
        let found = number(&found).ok_or_else(|| unfit(optimizer))?;
        if (found - expected).abs() > 1e-3 * expected {
            let class = optimizer.class();
            return Err(format!("its {class} has a u_product of {found}, where {step} steps make {expected}"));
        }
    }
    match variables.next() {
        None => Ok(State { step, rate, arrays }),
        Some(_) => Err(unfit(optimizer)),
    }
}

/// The only number of an array without axes.
fn number(array: &Array) -> Option<f32> {
    match &array.values {
        Values::Floats(values) if array.shape == Shape::SCALAR => values.first().copied(),
        _ => None,
    }
}

/// The learning rate, unless it follows a schedule.
pub(super) fn constant_rate(optimizer: &Spec) -> Option<f32> {
    optimizer.settings().iter().find_map(|(name, value)| match value {
        SpecValue::Number(rate) if name == "learning_rate" => Some(*rate),
        _ => None,
    })
}

/// The number that stands behind the arrays, if there is one.
pub(super) fn last(spec: &Spec, step: u64) -> Option<f32> {
    optimizer(spec.class())?.last?(spec, step)
}

fn groups(spec: &Spec) -> &'static [usize] {
    optimizer(spec.class()).map_or(&[], |known: &Known| known.groups)
}

fn unfit(optimizer: &Spec) -> String {
    format!(
        "its optimizer's arrays are not those of {} in Keras 3; load_with leaves them and takes an optimizer of yours",
        optimizer.class()
    )
}

/// The optimizer with the learning rate where training stands, unless the rate follows a plan.
pub(super) fn with_rate(optimizer: &Spec, rate: Option<f32>) -> Spec {
    let mut spec = Spec::new(optimizer.class());
    for (name, value) in optimizer.settings() {
        let value = match (name.as_ref(), value, rate) {
            ("learning_rate", SpecValue::Number(_), Some(rate)) => SpecValue::Number(rate),
            _ => value.clone(),
        };
        spec = spec.with(name.clone(), value);
    }
    spec
}
