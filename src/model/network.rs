//! Layers with names and weights: what records a model's forward pass.

use crate::error::{Error, Result, check_setting};
use crate::layers::{Cursor, Layer, Source, Weights};
use crate::shape::{MAX_RANK, Shape};
use crate::tape::{Mode, ParamId, Params, Recorder, Var};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A built chain of layers.
#[derive(Debug)]
pub(super) struct Network {
    /// The shape of one sample.
    pub(super) input: Shape,
    pub(super) layers: Vec<Placed>,
    /// About how many multiply-adds a sample takes: each weight once at every place that its layer looks at.
    pub(super) work: usize,
}

/// A layer in its place.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) layer: Arc<dyn Layer>,
    /// Keras' name: `dense`, `dense_1`, …
    pub(super) name: String,
    pub(super) weights: Vec<ParamId>,
    /// The shape of one sample of its output.
    pub(super) output: Shape,
}

impl Network {
    /// Lets each layer declare its weights, and checks that they fit together.
    pub(super) fn build(
        input: Shape,
        layers: &[Arc<dyn Layer>],
        params: &mut Params,
        source: Source<'_>,
    ) -> Result<Network> {
        check_setting(!layers.is_empty(), "Sequential", "layers", 0.0, "1 ≤ layers")?;
        if input.is_empty() {
            return Err(Error::expected("at least one element along each axis").at(|| "input".into(), &[input]));
        }
        if input.rank() == MAX_RANK {
            let expected = format!("at most {} axes per sample, as a batch has one more", MAX_RANK - 1);
            return Err(Error::expected(expected).at(|| "input".into(), &[input]));
        }
        let mut network = Network { input, layers: Vec::new(), work: 0 };
        let mut counts = BTreeMap::new();
        for (number, layer) in layers.iter().enumerate() {
            let name = name(layer.as_ref(), &mut counts);
            let inputs = [network.output()];
            let mut weights = Weights::new(params, &name, source);
            let output = layer.build(&inputs, &mut weights);
            let output = output.map_err(|error| error.at(|| format!("layer {} ({name})", number + 1), &inputs))?;
            let weights = weights.into_ids();
            let size: usize = weights.iter().map(|id| params.shape(*id).len()).sum();
            let places = output.len() / output.last().max(1);
            network.work = size.saturating_mul(places).saturating_add(output.len()).saturating_add(network.work);
            network.layers.push(Placed { layer: layer.clone(), name, weights, output });
        }
        Ok(network)
    }

    /// The shape of one sample of the prediction.
    pub(super) fn output(&self) -> Shape {
        self.layers.last().map_or(self.input, |last| last.output)
    }

    /// Records the forward pass of `x`, which has a batch axis.
    pub(super) fn record<'r>(&self, recorder: &'r Recorder, params: &Params, x: Var<'r>) -> Var<'r> {
        self.layers.iter().fold(x, |x, placed| recorder.scope(&placed.name, || placed.record(recorder, params, x)))
    }

    /// What a layer of another crate announces may not be what it records; better to hear of it now.
    pub(super) fn check_recording(&self, params: &Params) -> Result<()> {
        let recorder = Recorder::new(Mode::Inference);
        self.record(&recorder, params, recorder.input(self.input.batch(1)?));
        recorder.finish().map(|_| ())
    }
}

impl Placed {
    fn record<'r>(&self, recorder: &'r Recorder, params: &Params, x: Var<'r>) -> Var<'r> {
        let mut weights = Cursor::new(recorder, params, &self.weights);
        let y = self.layer.record(&mut weights, &[x]);
        if let [unused, ..] = weights.left() {
            recorder.fail(Error::Unreached { parameter: params.name(*unused).into() });
        }
        if self.output.batch(x.shape().axis(0)).ok() != Some(y.shape()) {
            let announced = Error::expected(format!("samples of {}, as `build` announced", self.output));
            recorder.fail(announced.at(|| self.name.clone(), &[y.shape()]));
        }
        y
    }
}

/// Keras' names: the class in snake case, and from the second of its kind on a number.
fn name(layer: &dyn Layer, counts: &mut BTreeMap<String, usize>) -> String {
    let class = layer.spec().snake_case();
    let count = counts.entry(class.clone()).or_default();
    *count += 1;
    if *count == 1 { class } else { format!("{class}_{}", *count - 1) }
}
