//! The order in which Keras has the layers of a functional model, and so their weights: by depth, which is the number of
//! calls between a layer and the outputs, the deepest first; at the same depth as a walk back from the outputs meets them.
//! Keras' `map_graph`.

use super::draft::Draft;
use super::functional::named_outputs;
use std::cmp::Reverse;

/// The numbers of the layers in Keras' order.
pub(super) fn of(draft: &Draft) -> Vec<usize> {
    let layers = draft.layers.len();
    if draft.chain {
        return (0..layers).collect();
    }
    let (finished, met) = walk(draft, &outputs(draft));
    let (mut of_calls, mut of_layers) = (vec![0; draft.calls.len()], vec![0; layers]);
    for number in finished.into_iter().rev() {
        let call = &draft.calls[number];
        // A layer that is applied twice stands at the greater depth, and what feeds either call deeper still.
        let depth = of_layers[call.layer].max(of_calls[number]);
        (of_layers[call.layer], of_calls[number]) = (depth, depth);
        for feeding in calls_before(draft, number) {
            of_calls[feeding] = of_calls[feeding].max(depth + 1);
        }
    }
    let mut order: Vec<usize> = (0..layers).collect();
    order.sort_by_key(|layer| (Reverse(of_layers[*layer]), met[*layer]));
    order
}

/// The calls whose values a call takes.
fn calls_before(draft: &Draft, call: usize) -> impl DoubleEndedIterator<Item = usize> {
    draft.calls[call].inputs.iter().filter_map(|value| value.checked_sub(draft.inputs.len()))
}

/// Walks back from each output, depth first: the calls as they are left, and when each layer was first met.
fn walk(draft: &Draft, outputs: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let (mut finished, mut met, mut count) = (Vec::new(), vec![usize::MAX; draft.layers.len()], 0);
    let mut entered = vec![false; draft.calls.len()];
    for value in outputs {
        // A call to enter, or to leave when everything before it was.
        let mut stack: Vec<(usize, bool)> =
            value.checked_sub(draft.inputs.len()).map(|call| (call, false)).into_iter().collect();
        while let Some((call, leave)) = stack.pop() {
            if leave {
                finished.push(call);
            } else if !std::mem::replace(&mut entered[call], true) {
                let layer = draft.calls[call].layer;
                if met[layer] == usize::MAX {
                    met[layer] = count;
                    count += 1;
                }
                stack.push((call, true));
                stack.extend(calls_before(draft, call).rev().map(|before| (before, false)));
            }
        }
    }
    (finished, met)
}

/// The outputs' values as Keras walks through them: by name where it knows them by name.
fn outputs(draft: &Draft) -> Vec<usize> {
    let mut outputs: Vec<(&String, usize)> = draft.outputs.iter().map(|output| (&output.name, output.value)).collect();
    if named_outputs(draft) {
        outputs.sort();
    }
    outputs.into_iter().map(|(_, value)| value).collect()
}
