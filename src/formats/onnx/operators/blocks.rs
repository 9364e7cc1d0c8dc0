//! Operators that copy elements or exchange them between axes.

use super::arithmetic::float_pair;
use super::attributes::{Operator, operator, read};
use super::inputs::{input, optional};
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::scope::{Scope, Value};
use crate::formats::onnx::tensor::Tensor;
use crate::tape::Var;

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator("DepthToSpace", 1, &[read("blocksize"), read("mode").since(11)]),
    operator("SpaceToDepth", 1, &[read("blocksize")]),
    // In the first set, the axis and the number of copies are separate inputs.
    operator("Tile", 6, &[]),
    operator("Trilu", 14, &[read("upper")]),
];

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let x = input(inputs, 0)?;
    let y = match node.operator.as_str() {
        "Tile" => tile(scope, x, input(inputs, 1)?)?,
        "Trilu" => triangle(node, scope, x, optional(inputs, 1))?,
        _ => exchange(node, scope, x)?,
    };
    Ok(vec![if x.is_integer() { y.into_integers() } else { y }])
}

/// Returns a value as floats in the axis order of ONNX.
fn plain<'r>(scope: &mut Scope<'_, 'r>, x: &Value<'r>) -> Result<Var<'r>, String> {
    let order: Vec<usize> = (0..x.sizes().len()).collect();
    scope.numbers(x, &order)
}

fn reshaped<'r>(x: Var<'r>, sizes: &[usize]) -> Result<Var<'r>, String> {
    Ok(x.reshape(Shape::new(sizes).map_err(|error| error.to_string())?))
}

/// Records `Tile`: copies of the value along each axis.
fn tile<'r>(scope: &mut Scope<'_, 'r>, x: &Value<'r>, repeats: &Value<'r>) -> Result<Value<'r>, String> {
    let mut sizes = x.sizes();
    let repeats = repeats.as_constant()?.as_integers()?;
    if repeats.len() != sizes.len() {
        return Err(format!("it has {} numbers of copies, expected one for each axis of {sizes:?}", repeats.len()));
    }
    let mut y = plain(scope, x)?;
    for (axis, copies) in repeats.iter().enumerate().filter(|(_, copies)| **copies != 1) {
        let copies = usize::try_from(*copies).ok().filter(|copies| *copies > 0);
        let copies = copies.ok_or("numbers of copies must be at least 1")?;
        let (before, after) = (sizes[..axis].iter().product::<usize>(), sizes[axis..].iter().product::<usize>());
        sizes[axis] = sizes[axis].checked_mul(copies).ok_or("the number of elements overflows")?;
        let length = before.checked_mul(after).and_then(|length| length.checked_mul(copies));
        scope.limits.check(length.ok_or("the number of elements overflows")?)?;
        y = reshaped(reshaped(y, &[before, 1, after])?.repeat(1, copies), &sizes)?;
    }
    Ok(Value::new(y))
}

/// Records `Trilu`: the elements of matrices on one side of a diagonal. The others are 0.
fn triangle<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    x: &Value<'r>,
    diagonal: Option<&Value<'r>>,
) -> Result<Value<'r>, String> {
    let sizes = x.sizes();
    let [.., rows, columns] = sizes[..] else {
        return Err(format!("its input has sizes {sizes:?}, expected matrices"));
    };
    let upper = node.integer("upper", 1)? != 0;
    let diagonal = match diagonal.map(|value| value.as_constant()?.as_integers()).transpose()? {
        None => 0,
        Some([diagonal]) => *diagonal,
        Some(_) => return Err("the diagonal must be a single integer".into()),
    };
    scope.limits.check(rows.saturating_mul(columns))?;
    let mut mask = Vec::new();
    for row in 0..rows as i64 {
        for column in 0..columns as i64 {
            let distance = column - row;
            let inside = if upper { distance >= diagonal } else { distance <= diagonal };
            mask.push(if inside { 1.0 } else { 0.0 });
        }
    }
    let mask = Value::computed(Tensor::floats(vec![rows, columns], mask));
    float_pair(scope, x, &mask, |x, mask| x.where_nonzero(mask))
}

/// Records `DepthToSpace` or `SpaceToDepth`: blocks of pixels become channels, or the reverse.
fn exchange<'r>(node: &Node, scope: &mut Scope<'_, 'r>, x: &Value<'r>) -> Result<Value<'r>, String> {
    let sizes = x.sizes();
    let [rows, channels, height, width] = sizes[..] else {
        return Err(format!("its input has sizes {sizes:?}, expected n × channels × height × width"));
    };
    let block = usize::try_from(node.integer("blocksize", 0)?).ok().filter(|block| (1..1 << 16).contains(block));
    let block = block.ok_or("blocksize must be a positive integer")?;
    let to_space = node.operator == "DepthToSpace";
    let fits = match to_space {
        true => channels.is_multiple_of(block * block),
        false => height.is_multiple_of(block) && width.is_multiple_of(block),
    };
    if !fits {
        return Err(format!("sizes {sizes:?} are not multiples of the blocks of size {block}"));
    }
    let x = plain(scope, x)?;
    let y = match (to_space, node.text("mode", "DCR")?) {
        (true, mode @ ("DCR" | "CRD")) => {
            let depth = channels / (block * block);
            let (from, order) = match mode {
                "DCR" => ([rows, block, block, depth, height, width], [0, 3, 4, 1, 5, 2]),
                _ => ([rows, depth, block, block, height, width], [0, 1, 4, 2, 5, 3]),
            };
            let y = reshaped(x, &from)?.transpose(&order);
            reshaped(y, &[rows, depth, height * block, width * block])?
        }
        (true, other) => return Err(format!("attribute mode is \"{other}\", expected DCR or CRD")),
        (false, _) => {
            let (high, wide) = (height / block, width / block);
            let y = reshaped(x, &[rows, channels, high, block, wide, block])?.transpose(&[0, 3, 5, 1, 2, 4]);
            reshaped(y, &[rows, channels * block * block, high, wide])?
        }
    };
    Ok(Value::new(y))
}
