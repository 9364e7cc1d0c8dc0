//! The check that a graph computes each row of its outputs from one row of its inputs. It compares the facts of the graph for
//! two numbers of rows: an axis whose size differs consists of rows.
//!
//! A node is accepted only if it is known to keep rows apart. An unknown node keeps only the first axis apart.

use super::check::{Checked, Fact};
use super::graph::Nodes;
use super::node::Node;
use super::operators::recurrent_weights::is_recurrent;
use super::operators::{is_pairwise, keeps_elements};
use super::order;
use super::tensor::{Tensor, Values};

/// Describes a node that computes an element from several rows, such as a recurrence whose steps are the first axis.
pub(super) fn joined_rows(nodes: &Nodes, checked: [&Checked; 2], rows: [usize; 2]) -> Option<String> {
    let node = nodes.nodes.iter().find(|node| Rows { node, checked, rows }.are_joined())?;
    Some(match is_recurrent(node) {
        true => format!("the rows of its inputs are the steps of {node}, which are not independent"),
        false => format!("its rows are not independent, as {node} combines them"),
    })
}

/// A node, the facts for two numbers of rows, and these numbers.
struct Rows<'a> {
    node: &'a Node,
    checked: [&'a Checked; 2],
    rows: [usize; 2],
}

impl Rows<'_> {
    fn are_joined(&self) -> bool {
        let outputs: Vec<[Vec<usize>; 2]> =
            self.node.outputs.iter().filter_map(|name| self.computed_sizes(name)).collect();
        if outputs.is_empty() {
            return false;
        }
        // A table of rows × rows.
        outputs.iter().any(|sizes| varying(sizes).len() > 1)
            || (0..self.node.inputs.len()).any(|input| self.joins(input))
            || self.reads_numbered_rows()
            || self.reshapes_across_rows(&outputs)
            || self.appends_rows(&outputs)
    }

    /// The sizes of a computed value in the axis order of ONNX.
    fn computed_sizes(&self, name: &String) -> Option<[Vec<usize>; 2]> {
        let sizes = |checked: &Checked| checked.facts.get(name).filter(|fact| fact.is_computed())?.sizes();
        Some([sizes(self.checked[0])?, sizes(self.checked[1])?])
    }

    fn constants(&self, input: usize) -> Option<[&Tensor; 2]> {
        let name = self.node.inputs.get(input)?;
        let [a, b] = self.checked.map(|checked| match checked.facts.get(name) {
            Some(Fact::Constant(_, constant)) => Some(&constant.tensor),
            _ => None,
        });
        Some([a?, b?])
    }

    fn integers(&self, input: usize) -> Option<Vec<i64>> {
        self.constants(input)?[0].as_integers().ok().map(<[i64]>::to_vec)
    }

    fn axis(&self, default: i64, rank: usize) -> Option<usize> {
        order::axis(self.node.integer("axis", default).unwrap_or(default), rank).ok()
    }

    /// Whether the node computes elements from several rows of an input.
    fn joins(&self, input: usize) -> bool {
        let Some(sizes) = self.computed_sizes(&self.node.inputs[input]) else { return false };
        let joined = self.joined_axes(input, &sizes);
        varying(&sizes).iter().any(|axis| joined.contains(axis))
    }

    /// The axes of an input along which the node computes an element from several.
    fn joined_axes(&self, input: usize, sizes: &[Vec<usize>; 2]) -> Vec<usize> {
        let (node, rank) = (self.node, sizes[0].len());
        let from = |axis: Option<usize>| axis.map_or_else(Vec::new, |axis| (axis..rank).collect());
        let resolved = |axes: &[i64]| axes.iter().filter_map(|axis| order::axis(*axis, rank).ok()).collect::<Vec<_>>();
        match node.operator.as_str() {
            _ if is_recurrent(node) && input == 0 => vec![usize::from(node.integer("layout", 0) == Ok(1))],
            // The states and lengths of sequences have no steps.
            _ if is_recurrent(node) => Vec::new(),
            "Softmax" | "LogSoftmax" if node.version < 13 => from(self.axis(1, rank)),
            "Softmax" | "LogSoftmax" => self.axis(-1, rank).into_iter().collect(),
            "LayerNormalization" => from(self.axis(-1, rank)),
            "CumSum" => resolved(&self.integers(1).unwrap_or_default()),
            "ArgMax" | "ArgMin" | "Concat" | "Split" => self.axis(0, rank).into_iter().collect(),
            "Gather" if input == 0 => self.axis(0, rank).into_iter().collect(),
            "MatMul" => {
                let back = if input == 0 || rank == 1 { 1 } else { 2 };
                rank.checked_sub(back).into_iter().collect()
            }
            "Gemm" => {
                let transposed =
                    node.integer(if input == 0 { "transA" } else { "transB" }, 0).is_ok_and(|flag| flag != 0);
                let contracted = usize::from((input == 0) != transposed);
                if input < 2 { vec![contracted] } else { Vec::new() }
            }
            "Slice" => self.sliced_axes(sizes),
            // Pads of opposite signs keep the size.
            "Pad" => self.padded_axes(rank),
            "Tile" | "Resize" | "Upsample" => self.resized_axes(sizes),
            "Trilu" => (rank.saturating_sub(2)..rank).collect(),
            operator if operator.starts_with("Reduce") => self.reduced_axes(rank),
            operator if keeps_elements_apart(operator) => Vec::new(),
            _ => (1..rank).collect(),
        }
    }

    fn reduced_axes(&self, rank: usize) -> Vec<usize> {
        let axes = self.node.integers("axes").ok().flatten().map(<[i64]>::to_vec).or_else(|| self.integers(1));
        let is_empty = self.node.integer("noop_with_empty_axes", 0).is_ok_and(|flag| flag != 0);
        match axes.filter(|axes| !axes.is_empty()) {
            Some(axes) => axes.iter().filter_map(|axis| order::axis(*axis, rank).ok()).collect(),
            None if is_empty => Vec::new(),
            None => (0..rank).collect(),
        }
    }

    /// The axes of which not all elements are kept in their order.
    fn sliced_axes(&self, sizes: &[Vec<usize>; 2]) -> Vec<usize> {
        let rank = sizes[0].len();
        let steps = self.integers(4).unwrap_or_default();
        let axes = self.integers(3).unwrap_or_else(|| (0..).take(steps.len()).collect());
        let reordered = axes.iter().zip(&steps).filter(|(_, step)| **step != 1);
        let reordered = reordered.filter_map(|(axis, _)| order::axis(*axis, rank).ok());
        reordered.chain(self.resized_axes(sizes)).collect()
    }

    /// The axes to which a `Pad` adds or from which it removes elements.
    fn padded_axes(&self, rank: usize) -> Vec<usize> {
        let pads = self.node.integers("pads").ok().flatten().map(<[i64]>::to_vec).or_else(|| self.integers(1));
        let Some(pads) = pads else { return (0..rank).collect() };
        let axes = self.integers(3).unwrap_or_else(|| (0..rank as i64).collect());
        let moved = |number: &usize| [*number, number + axes.len()].iter().any(|at| pads.get(*at) != Some(&0));
        (0..axes.len()).filter(moved).filter_map(|number| order::axis(axes[number], rank).ok()).collect()
    }

    /// The axes whose size the node changes.
    fn resized_axes(&self, sizes: &[Vec<usize>; 2]) -> Vec<usize> {
        let Some(output) = self.node.outputs.first().and_then(|name| self.computed_sizes(name)) else {
            return Vec::new();
        };
        let changes = |axis: &usize| [0, 1].iter().any(|check| output[*check].get(*axis) != sizes[*check].get(*axis));
        (0..sizes[0].len()).filter(changes).collect()
    }

    /// Whether the elements of a constant that the node combines with rows depend on the number or the place of a row.
    fn reads_numbered_rows(&self) -> bool {
        let reads_elements = |input: usize| match self.node.operator.as_str() {
            operator if combines_inputs(operator) => true,
            operator => input == 0 && keeps_elements_apart(operator),
        };
        let numbered = |input: usize| {
            let gathered = if input == 0 && self.node.operator == "Gather" { self.gathered() } else { None };
            match gathered {
                Some([a, b]) => a != b,
                None => self.constants(input).is_some_and(|constants| !has_equal_rows(constants)),
            }
        };
        (0..self.node.inputs.len()).any(|input| reads_elements(input) && numbered(input))
    }

    /// The elements that a `Gather` takes from a list, such as one of the sizes of a value, if they are known.
    fn gathered(&self) -> Option<[Vec<u32>; 2]> {
        let (lists, places) = (self.constants(0)?, self.integers(1)?);
        let taken = lists.map(|list| {
            let values = list.as_floats().ok().filter(|_| list.sizes.len() == 1)?;
            let at = |place: &i64| order::axis(*place, values.len()).ok().map(|at| values[at].to_bits());
            places.iter().map(at).collect::<Option<Vec<u32>>>()
        });
        let [a, b] = taken;
        Some([a?, b?])
    }

    /// Whether a node that keeps the order of the elements does not keep each row in one piece.
    fn reshapes_across_rows(&self, outputs: &[[Vec<usize>; 2]]) -> bool {
        let reshapes = ["Flatten", "Reshape", "Squeeze", "Unsqueeze"].contains(&self.node.operator.as_str());
        let (true, Some(input), [output]) = (reshapes, self.computed_sizes(&self.node.inputs[0]), outputs) else {
            return false;
        };
        let ([from], [to]) = (&varying(&input)[..], &varying(output)[..]) else { return !varying(&input).is_empty() };
        let before = |sizes: &[usize], axis: usize| sizes[..axis].iter().product::<usize>();
        // Each row has as many elements of the axis for every number of rows.
        let whole = |sizes: &[Vec<usize>; 2], axis: usize| {
            let [a, b] =
                [0, 1].map(|check| (sizes[check][axis] / self.rows[check], sizes[check][axis] % self.rows[check]));
            a == b && a.1 == 0
        };
        before(&input[0], *from) != before(&output[0], *to) || !whole(&input, *from) || !whole(output, *to)
    }

    /// Whether an output has an axis of rows although no input has one, and its rows may differ.
    fn appends_rows(&self, outputs: &[[Vec<usize>; 2]]) -> bool {
        let has_rows = |name: &String| self.computed_sizes(name).is_some_and(|sizes| !varying(&sizes).is_empty());
        if self.node.inputs.iter().any(has_rows) || outputs.iter().all(|sizes| varying(sizes).is_empty()) {
            return false;
        }
        let operator = self.node.operator.as_str();
        let repeats = combines_inputs(operator) || ["Expand", "Tile"].contains(&operator);
        // A constant of equal rows, such as the first states of a recurrence.
        let constant = |[a, b]: [&Tensor; 2]| a.sizes != b.sizes && has_equal_rows([a, b]);
        !repeats && !self.constants(0).is_some_and(constant)
    }
}

/// The axes whose size depends on the number of rows.
fn varying([a, b]: &[Vec<usize>; 2]) -> Vec<usize> {
    (0..a.len()).filter(|axis| a.get(*axis) != b.get(*axis)).collect()
}

/// Whether an operator computes each element from one element of each input, or only moves elements.
fn keeps_elements_apart(operator: &str) -> bool {
    keeps_elements(operator) || is_pairwise(operator) || ["BatchNormalization", "Expand", "Gather"].contains(&operator)
}

/// Whether an operator combines the elements of several inputs.
fn combines_inputs(operator: &str) -> bool {
    is_pairwise(operator) || ["Concat", "Gather", "Gemm", "MatMul"].contains(&operator)
}

/// Whether two constants are equal, or consist of equal rows along one axis.
fn has_equal_rows([a, b]: [&Tensor; 2]) -> bool {
    let sizes = [a.sizes.clone(), b.sizes.clone()];
    let [from, other] = [rows_of(a, &sizes), rows_of(b, &sizes)];
    match (&a.values, &b.values) {
        // Weights do not depend on the number of rows.
        (Values::Weight, Values::Weight) => a.sizes == b.sizes,
        _ => from.is_some() && from == other,
    }
}

/// The bits of a constant without the axis whose size differs, along which all elements must be equal.
fn rows_of(tensor: &Tensor, sizes: &[Vec<usize>; 2]) -> Option<Vec<u64>> {
    let bits: Vec<u64> = match &tensor.values {
        Values::Floats(values) => values.iter().map(|value| u64::from(value.to_bits())).collect(),
        Values::Integers(values) => values.iter().map(|value| value.cast_unsigned()).collect(),
        Values::Weight => return None,
    };
    let axis = match &varying(sizes)[..] {
        _ if sizes[0].len() != sizes[1].len() => return None,
        [] => return Some(bits),
        [axis] => *axis,
        _ => return None,
    };
    let inner = tensor.sizes[axis + 1..].iter().product::<usize>().max(1);
    let count = tensor.sizes[axis].max(1);
    let mut rows = Vec::new();
    for block in bits.chunks(count * inner) {
        let (first, rest) = block.split_at(inner.min(block.len()));
        if rest.chunks(inner).any(|row| row != first) {
            return None;
        }
        rows.extend_from_slice(first);
    }
    Some(rows)
}
