//! The order of the layers of a functional model in Keras, which is also the order of their weights (`map_graph` in Keras).
//!
//! Layers are sorted by depth, deepest first. The depth is the number of calls between a layer and the outputs. Layers of equal
//! depth are in the order in which a depth-first traversal from the outputs visits them.

use super::description::ModelDescription;
use super::functional::named_outputs;
use std::cmp::Reverse;

/// Returns the numbers of the layers in Keras' order.
pub(super) fn keras_order(description: &ModelDescription) -> Vec<usize> {
    let layers = description.layers.len();
    if description.chain {
        return (0..layers).collect();
    }
    let (finished, visited) = traverse(description, &outputs(description));
    let (mut of_calls, mut of_layers) = (vec![0; description.calls.len()], vec![0; layers]);
    for number in finished.into_iter().rev() {
        let call = &description.calls[number];
        // A layer that is applied twice has the larger depth, which determines that of the inputs of both calls.
        let depth = of_layers[call.layer].max(of_calls[number]);
        (of_layers[call.layer], of_calls[number]) = (depth, depth);
        for previous in input_calls(description, number) {
            of_calls[previous] = of_calls[previous].max(depth + 1);
        }
    }
    let mut order: Vec<usize> = (0..layers).collect();
    order.sort_by_key(|layer| (Reverse(of_layers[*layer]), visited[*layer]));
    order
}

/// The calls whose outputs are inputs of a call.
fn input_calls(description: &ModelDescription, call: usize) -> impl DoubleEndedIterator<Item = usize> {
    description.calls[call].inputs.iter().filter_map(|value| description.call_of(*value))
}

/// Traverses the graph depth-first from each output. Returns the calls in postorder, and for each layer the index at which it
/// was first visited.
fn traverse(description: &ModelDescription, outputs: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let (mut finished, mut visited, mut count) = (Vec::new(), vec![usize::MAX; description.layers.len()], 0);
    let mut entered = vec![false; description.calls.len()];
    for value in outputs {
        // A call, and whether it is left: all its inputs were visited.
        let mut stack: Vec<(usize, bool)> = description.call_of(*value).map(|call| (call, false)).into_iter().collect();
        while let Some((call, leave)) = stack.pop() {
            if leave {
                finished.push(call);
            } else if !std::mem::replace(&mut entered[call], true) {
                let layer = description.calls[call].layer;
                if visited[layer] == usize::MAX {
                    visited[layer] = count;
                    count += 1;
                }
                stack.push((call, true));
                stack.extend(input_calls(description, call).rev().map(|before| (before, false)));
            }
        }
    }
    (finished, visited)
}

/// The values of the outputs in the order in which Keras traverses them: by name if the outputs are named.
fn outputs(description: &ModelDescription) -> Vec<usize> {
    let mut outputs: Vec<(&String, usize)> =
        description.outputs.iter().map(|output| (&output.name, output.value)).collect();
    if named_outputs(description) {
        outputs.sort();
    }
    outputs.into_iter().map(|(_, value)| value).collect()
}
