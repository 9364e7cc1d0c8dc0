//! The operators `Resize` and `Upsample`, which interpolate along axes.

use super::attributes::{Operator, ignored, operator, read};
use super::inputs::{axes, input, optional};
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Scope, Value};

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator(
        "Resize",
        10,
        &[
            read("antialias").since(18),
            read("axes").since(18),
            read("coordinate_transformation_mode").since(11),
            read("cubic_coeff_a").since(11),
            read("exclude_outside").since(11),
            ignored("extrapolation_value", "it affects only tf_crop_and_resize, which is not supported").since(11),
            read("keep_aspect_ratio_policy").since(18),
            read("mode"),
            read("nearest_mode").since(11),
        ],
    ),
    operator("Upsample", 7, &[read("mode"), read("scales").until(8)]),
];

/// The first operator set whose `Resize` has attributes for its coordinates, and other inputs.
pub(in crate::formats::onnx) const HAS_COORDINATES: i64 = 11;

/// The settings of interpolations, with their defaults. Before they were attributes, positions were not shifted.
pub(in crate::formats::onnx) fn setting<'a>(node: &'a Node, name: &str) -> Result<&'a str, String> {
    let earlier = node.version < HAS_COORDINATES || node.operator == "Upsample";
    node.text(
        name,
        match (name, earlier) {
            ("coordinate_transformation_mode", true) => "asymmetric",
            ("coordinate_transformation_mode", false) => "half_pixel",
            ("nearest_mode", true) => "floor",
            ("nearest_mode", false) => "round_prefer_floor",
            _ => "nearest",
        },
    )
}

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let x = scope.recorded(input(inputs, 0)?)?;
    let (sizes, rank) = (x.sizes(), x.order.len());
    let axes = axes(node, &[], 0)?.unwrap_or_else(|| (0..rank as i64).collect());
    let axes = axes.into_iter().map(|axis| order::axis(axis, rank)).collect::<Result<Vec<_>, _>>()?;
    let lengths: Vec<usize> = axes.iter().map(|axis| sizes[*axis]).collect();
    let resized = resized(node, inputs, &lengths)?;
    let interpolation = Interpolation::read(node)?;
    let mut y = x.var;
    for (axis, (length, scale)) in axes.into_iter().zip(resized) {
        let size = sizes[axis];
        if (length, scale) == (size, 1.0) {
            continue;
        }
        let place = x.order.iter().position(|stored| *stored == axis).unwrap_or(0);
        scope.limits.check((y.shape().len() / size).saturating_mul(length))?;
        scope.limits.spend_terms(length, interpolation.most_terms(size, scale))?;
        y = y.resample(place as isize, (0..length).map(|at| interpolation.terms(at, size, length, scale)).collect());
    }
    Ok(vec![Value::with_order(y, x.order)])
}

/// The new size and the scale of each axis of these sizes.
fn resized(node: &Node, inputs: &[Option<Value<'_>>], from: &[usize]) -> Result<Vec<(usize, f32)>, String> {
    let fitting = |found: usize| match found == from.len() {
        true => Ok(()),
        false => Err(format!("scales or sizes have {found} elements, expected one for each of {} axes", from.len())),
    };
    let number = if node.version < HAS_COORDINATES { 1 } else { 2 };
    let scales = match optional(inputs, number).map(Value::as_constant).transpose()?.filter(|scales| scales.len() > 0) {
        Some(scales) => Some(scales.as_floats()?),
        None => Some(node.numbers("scales")?).filter(|scales| !scales.is_empty()),
    };
    if let Some(scales) = scales {
        fitting(scales.len())?;
        if let Some(scale) = scales.iter().find(|scale| !(**scale > 0.0 && scale.is_finite())) {
            return Err(format!("scales must be positive, got {scale}"));
        }
        let size = |(from, scale): (&usize, &f32)| (((*from as f32 * scale).floor() as usize).max(1), *scale);
        return Ok(from.iter().zip(scales).map(size).collect());
    }
    let sizes = optional(inputs, 3).ok_or("scales and sizes are missing")?.as_constant()?.as_integers()?;
    fitting(sizes.len())?;
    if let Some(size) = sizes.iter().find(|size| !(1..1 << 24).contains(*size)) {
        return Err(format!("sizes must be from 1 to 2²⁴ − 1, got {size}"));
    }
    let scale = |(size, from): (&i64, &usize)| *size as f32 / *from as f32;
    let scales: Vec<f32> = sizes.iter().zip(from).map(scale).collect();
    let common = match node.text("keep_aspect_ratio_policy", "stretch")? {
        "stretch" => return Ok(sizes.iter().map(|size| *size as usize).zip(scales).collect()),
        "not_larger" => scales.iter().copied().fold(f32::INFINITY, f32::min),
        "not_smaller" => scales.iter().copied().fold(0.0, f32::max),
        other => return Err(format!("attribute keep_aspect_ratio_policy is \"{other}\", which is not supported")),
    };
    Ok(from.iter().map(|from| (((*from as f32 * common + 0.5).floor() as usize).max(1), common)).collect())
}

/// How the elements of a resized axis follow from the others.
struct Interpolation {
    coordinates: Coordinates,
    mode: Mode,
    antialias: bool,
    exclude_outside: bool,
}

/// Positions in the original axis: of element `at` of `length` elements, for `size` original ones.
type Coordinates = fn(at: f32, size: f32, length: f32, scale: f32) -> f32;

enum Mode {
    Nearest(fn(f32) -> f32),
    Linear,
    /// With the coefficient a of the cubic convolution.
    Cubic(f32),
}

impl Interpolation {
    fn read(node: &Node) -> Result<Interpolation, String> {
        let coordinates: Coordinates = match setting(node, "coordinate_transformation_mode")? {
            "half_pixel" => |at, _, _, scale| (at + 0.5) / scale - 0.5,
            "half_pixel_symmetric" => |at, size, length, scale| {
                let offset = size / 2.0 * (1.0 - length / (scale * size));
                offset + (at + 0.5) / scale - 0.5
            },
            "pytorch_half_pixel" => |at, _, length, scale| if length > 1.0 { (at + 0.5) / scale - 0.5 } else { 0.0 },
            "tf_half_pixel_for_nn" => |at, _, _, scale| (at + 0.5) / scale,
            "align_corners" => {
                |at, size, length, _| if length > 1.0 { at * (size - 1.0) / (length - 1.0) } else { 0.0 }
            }
            "asymmetric" => |at, _, _, scale| at / scale,
            other => {
                return Err(format!("attribute coordinate_transformation_mode is \"{other}\", which is not supported"));
            }
        };
        let mode = match setting(node, "mode")? {
            "nearest" => Mode::Nearest(match setting(node, "nearest_mode")? {
                "round_prefer_floor" => |place| (place - 0.5).ceil(),
                "round_prefer_ceil" => |place| (place + 0.5).floor(),
                "floor" => f32::floor,
                "ceil" => f32::ceil,
                other => return Err(format!("attribute nearest_mode is \"{other}\", which is not supported")),
            }),
            "linear" => Mode::Linear,
            "cubic" => Mode::Cubic(node.number("cubic_coeff_a", -0.75)?),
            other => return Err(format!("attribute mode is \"{other}\", which is not supported")),
        };
        let (antialias, exclude) = (node.integer("antialias", 0)? != 0, node.integer("exclude_outside", 0)? != 0);
        Ok(Interpolation { coordinates, mode, antialias, exclude_outside: exclude })
    }

    /// The factor by which the distances of elements are divided.
    fn widening(&self, scale: f32) -> f32 {
        if self.antialias { (1.0 / scale).max(1.0) } else { 1.0 }
    }

    /// The largest distance of an element with a weight.
    fn radius(&self) -> f32 {
        if let Mode::Cubic(_) = self.mode { 2.0 } else { 1.0 }
    }

    /// The largest number of terms of an element, for `size` original ones.
    fn most_terms(&self, size: usize, scale: f32) -> usize {
        ((2.0 * self.radius() * self.widening(scale)) as usize).saturating_add(2).min(size.max(4))
    }

    /// The weight of an element at this distance.
    fn weight(&self, distance: f32) -> f32 {
        let x = distance.abs();
        match self.mode {
            Mode::Cubic(a) if x < 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
            Mode::Cubic(a) if x < 2.0 => ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a,
            Mode::Linear if x < 1.0 => 1.0 - x,
            _ => 0.0,
        }
    }

    /// The elements and the weights of element `at`.
    fn terms(&self, at: usize, size: usize, length: usize, scale: f32) -> Vec<(usize, f32)> {
        let place = (self.coordinates)(at as f32, size as f32, length as f32, scale);
        let last = size as i64 - 1;
        if let Mode::Nearest(round) = self.mode {
            return vec![((round(place) as i64).clamp(0, last) as usize, 1.0)];
        }
        let (widening, excluded) = (self.widening(scale), self.exclude_outside);
        let place = match self.mode {
            Mode::Linear if !self.antialias => place.clamp(0.0, last as f32),
            _ => place,
        };
        let reach = self.radius() * widening;
        let mut terms: Vec<(usize, f32)> = Vec::new();
        let [first, end] = [(place - reach).ceil() as i64, (place + reach).floor() as i64];
        for element in if excluded { first.max(0)..=end.min(last) } else { first..=end } {
            let (weight, inside) = (self.weight((element as f32 - place) / widening), element.clamp(0, last) as usize);
            // The elements at the borders are repeated beyond them.
            match terms.last_mut().filter(|(other, _)| *other == inside) {
                Some((_, sum)) => *sum += weight,
                None => terms.push((inside, weight)),
            }
        }
        if excluded || self.antialias {
            let sum: f32 = terms.iter().map(|term| term.1).sum();
            terms.iter_mut().for_each(|term| term.1 /= sum);
        }
        terms.retain(|term| term.1 != 0.0);
        terms
    }
}
