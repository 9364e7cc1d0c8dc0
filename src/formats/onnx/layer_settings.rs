//! The settings of exported layers.

use crate::{Spec, SpecValue};

pub(super) fn setting<'a>(spec: &'a Spec, name: &str) -> Option<&'a SpecValue> {
    spec.settings().iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// The spec of a nested part, if there is one.
pub(super) fn nested<'a>(spec: &'a Spec, name: &str) -> Option<&'a Spec> {
    match setting(spec, name) {
        Some(SpecValue::Nested(nested)) => Some(nested),
        _ => None,
    }
}

pub(super) fn missing(spec: &Spec, name: &str) -> String {
    format!("{spec}: setting {name} is missing or has another type")
}

pub(super) fn word<'a>(spec: &'a Spec, name: &str) -> Result<&'a str, String> {
    match setting(spec, name) {
        Some(SpecValue::Str(word)) => Ok(word),
        _ => Err(missing(spec, name)),
    }
}

pub(super) fn flag(spec: &Spec, name: &str) -> Result<bool, String> {
    match setting(spec, name) {
        Some(SpecValue::Bool(flag)) => Ok(*flag),
        _ => Err(missing(spec, name)),
    }
}

pub(super) fn number(spec: &Spec, name: &str) -> Result<f32, String> {
    match setting(spec, name) {
        Some(SpecValue::Float(number)) => Ok(*number),
        _ => Err(missing(spec, name)),
    }
}

pub(super) fn size(spec: &Spec, name: &str) -> Result<usize, String> {
    match setting(spec, name) {
        Some(SpecValue::UInt(size)) => Ok(*size),
        _ => Err(missing(spec, name)),
    }
}

/// The setting `axis`, which may be negative.
pub(super) fn axis(spec: &Spec) -> Result<isize, String> {
    axis_setting(spec, "axis")
}

/// A setting that is an axis, which may be negative.
pub(super) fn axis_setting(spec: &Spec, name: &str) -> Result<isize, String> {
    match setting(spec, name) {
        Some(SpecValue::UInt(axis)) => Ok(*axis as isize),
        Some(SpecValue::Int(axis)) => Ok(*axis),
        Some(SpecValue::Ints(axes)) => match axes[..] {
            [axis] => Ok(axis),
            _ => Err(format!("{} over several axes cannot be exported", spec.class())),
        },
        _ => Err(missing(spec, name)),
    }
}

pub(super) fn sizes<'a>(spec: &'a Spec, name: &str) -> Result<&'a [usize], String> {
    match setting(spec, name) {
        Some(SpecValue::UInts(sizes)) => Ok(sizes),
        _ => Err(missing(spec, name)),
    }
}

/// Sizes along spatial axes, which a layer of one axis stores as a number.
pub(super) fn extents(spec: &Spec, name: &str) -> Result<Vec<usize>, String> {
    match setting(spec, name) {
        Some(SpecValue::UInt(size)) => Ok(vec![*size]),
        _ => sizes(spec, name).map(<[usize]>::to_vec),
    }
}
