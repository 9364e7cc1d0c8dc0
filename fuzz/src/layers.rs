//! Layers with changed settings, from bytes.

use gradus::{Spec, SpecValue};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use serde_json::Value;
use std::sync::OnceLock;

/// A layer as in `tests/golden/layer_specs.txt`.
#[derive(Debug)]
pub struct Sample {
    pub spec: Spec,
    /// The shape of one sample of each input.
    pub inputs: Vec<Vec<usize>>,
}

/// Samples of all layers, with each of their options.
pub fn samples() -> &'static [Sample] {
    static SAMPLES: OnceLock<Vec<Sample>> = OnceLock::new();
    SAMPLES.get_or_init(|| include_str!("../../tests/golden/layer_specs.txt").lines().map(sample).collect())
}

/// Every string that is the value of a setting.
fn strings() -> &'static [String] {
    static STRINGS: OnceLock<Vec<String>> = OnceLock::new();
    STRINGS.get_or_init(|| {
        let settings = samples().iter().flat_map(|sample| sample.spec.settings());
        let mut strings: Vec<String> = settings.filter_map(|(_, value)| string(value)).collect();
        strings.sort();
        strings.dedup();
        strings
    })
}

fn string(value: &SpecValue) -> Option<String> {
    match value {
        SpecValue::Str(value) => Some(value.clone()),
        _ => None,
    }
}

/// Every nested part, such as an initializer or a layer.
fn nested() -> &'static [Spec] {
    static NESTED: OnceLock<Vec<Spec>> = OnceLock::new();
    NESTED.get_or_init(|| {
        let settings = samples().iter().flat_map(|sample| sample.spec.settings());
        let nested = settings.filter_map(|(_, value)| match value {
            SpecValue::Nested(spec) => Some(spec.clone()),
            _ => None,
        });
        nested.collect()
    })
}

fn sample(line: &str) -> Sample {
    let value: Value = serde_json::from_str(line).expect("a line is JSON");
    let sizes = |shape: &Value| shape.as_array().into_iter().flatten().filter_map(size).collect();
    let inputs = value["inputs"].as_array().into_iter().flatten().map(sizes).collect();
    Sample { spec: spec(&value), inputs }
}

fn size(number: &Value) -> Option<usize> {
    number.as_u64().map(|number| number as usize)
}

fn spec(value: &Value) -> Spec {
    let spec = Spec::new(value["class"].as_str().expect("a part has a class"));
    let settings = value["settings"].as_object().into_iter().flatten();
    settings.fold(spec, |spec, (name, value)| spec.with(name.clone(), setting(value)))
}

fn setting(value: &Value) -> SpecValue {
    match value {
        Value::Bool(value) => SpecValue::Bool(*value),
        Value::Number(number) if number.is_f64() => SpecValue::Float(float(value)),
        Value::Number(number) => match size(value) {
            Some(size) => SpecValue::UInt(size),
            None => SpecValue::Int(number.as_i64().unwrap_or(0) as isize),
        },
        Value::Array(list) if list.iter().any(Value::is_string) => {
            SpecValue::Strs(list.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect())
        }
        Value::Array(list) if list.iter().any(Value::is_f64) => SpecValue::Floats(list.iter().map(float).collect()),
        Value::Array(list) if list.iter().all(Value::is_u64) => {
            SpecValue::UInts(list.iter().filter_map(size).collect())
        }
        Value::Array(list) => SpecValue::Ints(list.iter().map(|value| value.as_i64().unwrap_or(0) as isize).collect()),
        Value::String(value) => SpecValue::Str(value.clone()),
        Value::Object(_) => SpecValue::Nested(spec(value)),
        Value::Null => SpecValue::Float(f32::NAN), // JSON has no NaN and no infinities
    }
}

fn float(value: &Value) -> f32 {
    value.as_f64().map_or(f32::NAN, |value| value as f32)
}

/// A spec with the class of `from` and with some settings changed.
pub fn changed(from: &Spec, u: &mut Unstructured<'_>) -> Result<Spec> {
    let mut spec = Spec::new(from.class());
    for (name, value) in from.settings() {
        let value = if u.ratio(1, 4)? { changed_value(value, u)? } else { value.clone() };
        spec = spec.with(name.clone(), value);
    }
    Ok(spec)
}

fn changed_value(value: &SpecValue, u: &mut Unstructured<'_>) -> Result<SpecValue> {
    // A value of another type, or a changed one.
    if u.ratio(1, 32)? {
        return Ok(match u.int_in_range(0..=4)? {
            0 => SpecValue::Bool(u.arbitrary()?),
            1 => SpecValue::UInt(any_size(u)?),
            2 => SpecValue::Ints(vec![any_int(u)?, any_int(u)?]),
            3 => SpecValue::Float(any_float(u)?),
            _ => SpecValue::Str(u.choose(strings())?.clone()),
        });
    }
    Ok(match value {
        SpecValue::Bool(value) => SpecValue::Bool(!value),
        SpecValue::UInt(_) | SpecValue::Int(_) if u.ratio(1, 4)? => SpecValue::axis(any_int(u)?),
        SpecValue::UInt(_) | SpecValue::Int(_) => SpecValue::UInt(any_size(u)?),
        SpecValue::UInts(values) => SpecValue::UInts(list(values, u, any_size)?),
        SpecValue::Ints(values) => SpecValue::Ints(list(values, u, any_int)?),
        SpecValue::Float(_) => SpecValue::Float(any_float(u)?),
        SpecValue::Floats(values) => SpecValue::Floats(list(values, u, any_float)?),
        SpecValue::Str(_) => SpecValue::Str(u.choose(strings())?.clone()),
        SpecValue::Nested(spec) if u.arbitrary()? => SpecValue::Nested(changed(spec, u)?),
        SpecValue::Nested(_) => SpecValue::Nested(u.choose(nested())?.clone()),
        other => other.clone(),
    })
}

/// The list with one element changed, added or removed.
fn list<T: Clone>(
    values: &[T],
    u: &mut Unstructured<'_>,
    any: fn(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut values = values.to_vec();
    match u.int_in_range(0..=5)? {
        0 => values.push(any(u)?),
        1 => drop(values.pop()),
        _ if values.is_empty() => {}
        _ => {
            let at = u.choose_index(values.len())?;
            values[at] = any(u)?;
        }
    }
    Ok(values)
}

/// A size: mostly small, sometimes so large that it overflows.
pub fn any_size(u: &mut Unstructured<'_>) -> Result<usize> {
    Ok(match u.ratio(1, 24)? {
        true => *u.choose(&[usize::MAX, usize::MAX / 2, 1 << 62, 1 << 32, 1 << 31, (1 << 31) - 1])?,
        false => u.int_in_range(0..=9)?,
    })
}

fn any_int(u: &mut Unstructured<'_>) -> Result<isize> {
    Ok(match u.ratio(1, 24)? {
        true => *u.choose(&[isize::MAX, isize::MIN, -1 << 32])?,
        false => u.int_in_range(-7..=7)?,
    })
}

fn any_float(u: &mut Unstructured<'_>) -> Result<f32> {
    const FLOATS: [f32; 16] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        2.0,
        1e-7,
        -1e-7,
        1e30,
        f32::MAX,
        f32::MIN_POSITIVE,
        1e-45,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        0.99,
    ];
    if u.ratio(1, 4)? { u.arbitrary() } else { Ok(*u.choose(&FLOATS)?) }
}
