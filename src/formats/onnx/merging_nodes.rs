//! Export of layers with several inputs.

use super::layer_settings::{axis, axis_setting, flag};
use super::node::Attribute;
use super::tensor::Tensor;
use super::writer::Writer;
use crate::Spec;

type Written = Result<(), String>;

/// The layers with several inputs.
pub(super) const MERGING: [&str; 8] =
    ["Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"];

/// Writes a sum of inputs. `Add` takes two inputs; more programs support it than `Sum`, which takes any number.
pub(super) fn add(writer: &mut Writer<'_>, _spec: &Spec) -> Written {
    writer.align_axis_orders();
    if writer.arity() == 2 {
        writer.join("Add", &[]);
    } else {
        writer.join("Sum", &[]);
    }
    Ok(())
}

/// Writes an operator that takes any number of inputs.
pub(super) fn merge(writer: &mut Writer<'_>, operator: &str) -> Written {
    writer.align_axis_orders();
    writer.join(operator, &[]);
    Ok(())
}

/// Writes a product of inputs. `Mul` takes two inputs.
pub(super) fn multiply(writer: &mut Writer<'_>, _spec: &Spec) -> Written {
    writer.align_axis_orders();
    for number in 1..writer.arity() {
        let (factor, _) = writer.layer_input(number);
        writer.node("Mul", &[&factor], &[]);
    }
    Ok(())
}

pub(super) fn concatenate(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.align_axis_orders();
    let axis = writer.axis(axis(spec)?);
    writer.join("Concat", &[("axis", Attribute::Integer(axis))]);
    Ok(())
}

/// Writes the products of vectors along an axis of each of two inputs, by a product of matrices.
pub(super) fn dot(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    for _ in 0..2 {
        writer.channels_last();
        writer.swap_inputs();
    }
    let (mut others, mut matrices) = (Vec::new(), Vec::new());
    for (number, name) in ["axis", "other_axis"].into_iter().enumerate() {
        let sizes = writer.shape().sizes().to_vec();
        let rank = sizes.len() + 1;
        let axis = axis_setting(spec, name)?;
        let axis = if axis < 0 { axis + rank as isize } else { axis } as usize;
        if flag(spec, "normalize")? {
            normalize(writer, axis);
        }
        let rest: Vec<usize> = (1..rank).filter(|other| *other != axis).collect();
        let order = if number == 0 { [&rest[..], &[axis]].concat() } else { [&[axis], &rest[..]].concat() };
        let order: Vec<i64> = [0].into_iter().chain(order).map(|axis| axis as i64).collect();
        writer.node("Transpose", &[], &[("perm", Attribute::Integers(order))]);
        let length = sizes[axis - 1].ok_or("an axis of vectors is open")? as i64;
        let matrix = if number == 0 { vec![0, -1, length] } else { vec![0, length, -1] };
        let target = writer.constant(&format!("matrix_{number}"), &Tensor::list(matrix));
        writer.node("Reshape", &[&target], &[]);
        for other in rest {
            others.push(sizes[other - 1].ok_or("an axis is open")? as i64);
        }
        matrices.push(writer.value());
        writer.swap_inputs();
    }
    writer.node_of("MatMul", &[&matrices[0], &matrices[1]], &[]);
    let others = if others.is_empty() { vec![1] } else { others };
    let target = writer.constant("shape", &Tensor::list([vec![0], others].concat()));
    writer.node("Reshape", &[&target], &[]);
    Ok(())
}

/// Divides the vectors along an axis by their norms.
fn normalize(writer: &mut Writer<'_>, axis: usize) {
    let x = writer.value();
    let axis = writer.constant(&format!("axis_{axis}"), &Tensor::list(vec![axis as i64]));
    let least = writer.constant("least", &Tensor::floats(Vec::new(), vec![1e-6]));
    writer.node("ReduceL2", &[&axis], &[]);
    writer.node("Max", &[&least], &[]);
    let norm = writer.value();
    writer.node_of("Div", &[&x, &norm], &[]);
}
