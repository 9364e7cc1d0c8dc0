//! Fused operations on values with and without masks: a masked value is fused only if the fused operation ignores padding.

use super::trained_outputs::TrainedOutput;
use crate::Key;
use crate::architecture::Architecture;
use crate::layers::{Activation, BatchNorm, Dense, Softmax};
use crate::losses::{CategoricalCrossentropy, Loss, SparseCategoricalCrossentropy};
use crate::tape::{Mode, Origin, Recorder, Var};
use crate::{Sequential, Shape};
use ndarray::{Array2, Array3};
use std::sync::Arc;

const ROWS: usize = 3;
const STEPS: usize = 4;

/// A network, a loss, and the fused operation that both record without a mask.
struct Pair {
    network: Architecture,
    loss: Arc<dyn Loss>,
    labels: bool,
    /// The shape of the inputs and of their mask.
    shape: Shape,
    mask: Shape,
    operation: &'static str,
    /// Whether the operation is recorded with a mask too, since it ignores padding by weights.
    with_mask: bool,
}

/// The fused operation that reads the inputs of the operation of this origin. A new origin needs a pair below.
fn fused_operation(origin: Origin<Var<'_>>) -> Option<&'static str> {
    match origin {
        Origin::Softmax { .. } => Some("softmax_crossentropy"),
        Origin::BatchNorm { .. } => Some("normalized_affine"),
        // They mark a value and store no inputs.
        Origin::Activation { .. } | Origin::SampleWeights => None,
    }
}

fn pairs() -> Vec<Pair> {
    let steps = || Sequential::new([STEPS, 3]);
    let softmax = |network: Sequential, loss: Arc<dyn Loss>, labels| Pair {
        network: network.architecture(1).unwrap(),
        loss,
        labels,
        shape: Shape::from([ROWS, STEPS, 3]),
        mask: Shape::from([ROWS, STEPS]),
        operation: "softmax_crossentropy",
        with_mask: true,
    };
    let categorical = || Arc::new(CategoricalCrossentropy::new());
    let norm = Sequential::new([3]).add(BatchNorm::new()).add(Dense::new(3).activation(Activation::Tanh));
    vec![
        softmax(steps().add(Activation::Softmax), categorical(), false),
        softmax(steps().add(Dense::new(3).activation(Activation::Softmax)), categorical(), false),
        softmax(steps().add(Activation::Softmax), Arc::new(SparseCategoricalCrossentropy::new()), true),
        softmax(steps().add(Activation::Softmax), Arc::new(SparseCategoricalCrossentropy::new().ignore_class(1)), true),
        Pair {
            network: norm.architecture(1).unwrap(),
            loss: Arc::new(CategoricalCrossentropy::new().from_logits(true)),
            labels: false,
            shape: Shape::from([ROWS * STEPS, 3]),
            mask: Shape::from([ROWS * STEPS]),
            operation: "normalized_affine",
            with_mask: false,
        },
    ]
}

/// The loss and the text of the tape. Padding has the value `padding`.
fn run(pair: &Pair, masked: bool, padding: f32) -> (u32, String) {
    let recorder = Recorder::new(Mode::Training);
    let (x, mask) = (recorder.input(pair.shape), recorder.input(pair.mask));
    let y = pair.network.record(&recorder, &[if masked { x.with_mask(mask) } else { x }])[0];
    assert_eq!(y.mask().is_some(), masked);
    let target = recorder.input(if pair.labels { pair.mask } else { pair.shape });
    let loss = TrainedOutput::new(0, pair.loss.clone(), 1.0).record(&[y], target, None);
    let (x, mask, target, loss) = (x.id(), mask.id(), target.id(), loss.id());
    let mut tape = recorder.finish().unwrap();
    let valid = |at: usize| at % 5 < 3;
    let values = Array3::from_shape_fn((ROWS, STEPS, 3), |(i, j, k)| match valid(STEPS * i + j) {
        true => ((5 * i + 3 * j + 7 * k) % 11) as f32 / 4.0,
        false => padding * k as f32,
    });
    let classes = Array2::from_shape_fn((ROWS, STEPS), |(i, j)| ((i + j) % 3) as f32);
    tape.input_slices([x])[0].copy_from_slice(values.as_slice().unwrap());
    tape.input_slices([mask])[0].iter_mut().enumerate().for_each(|(at, m)| *m = f32::from(u8::from(valid(at))));
    let [targets] = tape.input_slices([target]);
    for (at, class) in classes.iter().enumerate() {
        if pair.labels { targets[at] = *class } else { targets[3 * at + *class as usize] = 1.0 }
    }
    tape.run(pair.network.params(), Key::from_seed(0)).unwrap();
    (tape.value(loss).sum().to_bits(), format!("{tape:?}"))
}

#[test]
fn masked_values_are_fused_only_if_padding_has_no_effect() {
    for pair in pairs() {
        let (_, plain) = run(&pair, false, 0.5);
        assert!(plain.contains(pair.operation), "{plain}");
        let ((loss, text), (other, _)) = (run(&pair, true, 0.5), run(&pair, true, -3.0));
        assert_eq!(text.contains(pair.operation), pair.with_mask, "{text}");
        assert_eq!(loss, other, "padding has an effect: {text}");
        assert_ne!(run(&pair, false, 0.5).0, run(&pair, false, -3.0).0);
    }
}

#[test]
fn every_fused_origin_has_a_pair() {
    let recorder = Recorder::new(Mode::Training);
    let x = recorder.input([4, 3]);
    let (gamma, beta) = (recorder.input([3]), recorder.input([3]));
    let values = [x.softmax(), x.batch_norm(gamma, beta, 0.9, 1e-3, None)];
    let operations = values.map(|value| value.origin().and_then(fused_operation).unwrap());
    assert_eq!(operations, ["softmax_crossentropy", "normalized_affine"]);
    let tested: Vec<&str> = pairs().iter().map(|pair| pair.operation).collect();
    assert!(operations.iter().all(|operation| tested.contains(operation)));
}

/// The logits of a masked softmax are not those of its value, which is 0 for padding.
#[test]
fn a_masked_softmax_has_no_logits() {
    let network = Sequential::new([3]).add(Softmax::new()).architecture(0).unwrap();
    let recorder = Recorder::new(Mode::Training);
    let (x, mask) = (recorder.input([4, 3]), recorder.input([4, 3]));
    assert!(network.record(&recorder, &[x])[0].logits().is_some());
    assert!(network.record(&recorder, &[x.with_mask(mask)])[0].logits().is_none());
}
