//! Networks from bytes, and the checks of a network: training, saving and loading give equal bits.

use crate::files::folder;
use crate::layers::{Sample, any_size, changed, samples};
use gradus::data::NamedArrays;
use gradus::formats::{keras, onnx};
use gradus::layers::{Declared, Layer};
use gradus::save::Registry;
use gradus::{Compile, Graph, Model, PredictInputs, Shape, Spec, losses, metrics};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use ndarray::{ArrayD, Dimension, IxDyn};
use std::collections::BTreeMap;

/// Maximum number of elements of a value of a sample, and of the weights of a layer.
const MAX_ELEMENTS: usize = 1 << 12;
const MAX_WEIGHTS: usize = 1 << 14;

const ROWS: usize = 3;

const LOSSES: [&str; 9] = [
    "mse",
    "mae",
    "binary_crossentropy",
    "binary_crossentropy(from_logits=true)",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy(from_logits=true)",
    "huber",
    "log_cosh",
    "hinge",
];

const METRICS: [&str; 6] = ["accuracy", "mse", "precision", "recall", "f1_score", "r2_score"];

const OPTIMIZERS: [&str; 8] = ["SGD", "RMSprop", "Adam", "AdamW", "Nadam", "Adagrad", "Adadelta", "Lion"];

/// A compiled network with a batch.
pub struct Trial {
    model: Model,
    inputs: Vec<(String, ArrayD<f32>)>,
    data: NamedArrays,
    /// Number of threads of the copy.
    threads: usize,
}

type Outputs = BTreeMap<String, ArrayD<f32>>;

/// A layer whose values and weights are small, with the shapes of its outputs.
fn small(spec: &Spec, inputs: &[Shape]) -> Option<(Box<dyn Layer>, Vec<Shape>)> {
    let layer = Registry::new().make_layer(spec).ok()?;
    let declared = Declared::of(&layer, "layer", inputs).ok()?;
    let weights = declared.weights().iter().fold(0usize, |sum, weight| sum.saturating_add(weight.shape().len()));
    let outputs = declared.outputs().to_vec();
    let is_small = weights <= MAX_WEIGHTS && outputs.iter().all(|shape| (1..=MAX_ELEMENTS).contains(&shape.len()));
    (is_small && !outputs.is_empty()).then_some((layer, outputs))
}

/// The values of an array: indices, or numbers around 0.
fn values(shape: Shape, indices: bool, seed: usize) -> ArrayD<f32> {
    let sizes: Vec<usize> = [&[ROWS], shape.sizes()].concat();
    let mut at = seed;
    ArrayD::from_shape_simple_fn(IxDyn(&sizes), || {
        at += 1;
        if indices { (at % 3) as f32 } else { (at * 37 % 101) as f32 / 50.0 - 1.0 }
    })
}

impl Trial {
    /// Makes a network. `None` if the bytes describe none.
    pub fn arbitrary(u: &mut Unstructured<'_>) -> Result<Option<Trial>> {
        let mut graph = Graph::new();
        let first = u.choose(samples())?;
        let mut nodes = Vec::new();
        for (number, sizes) in first.inputs.iter().enumerate() {
            let mut sizes = sizes.clone();
            if !sizes.is_empty() && u.ratio(1, 4)? {
                let at = u.choose_index(sizes.len())?;
                sizes[at] = any_size(u)?;
            }
            let Ok(shape) = Shape::new(&sizes) else { return Ok(None) };
            if !(1..=MAX_ELEMENTS).contains(&shape.len()) {
                return Ok(None);
            }
            nodes.push((graph.input(format!("x{number}"), shape), shape));
        }
        let inputs: Vec<Shape> = nodes.iter().map(|(_, shape)| *shape).collect();
        let count = u.int_in_range(1..=5)?;
        let mut layers = 0;
        for attempt in 0..24 {
            let sample: &Sample = if attempt == 0 { first } else { u.choose(samples())? };
            let mut given = Vec::new();
            for number in 0..sample.inputs.len() {
                given.push(match (attempt, u.ratio(3, 4)?) {
                    (0, _) => nodes[number],
                    (_, true) => nodes[nodes.len() - 1],
                    _ => *u.choose(&nodes)?,
                });
            }
            let shapes: Vec<Shape> = given.iter().map(|(_, shape)| *shape).collect();
            let Some((layer, outputs)) = small(&changed(&sample.spec, u)?, &shapes) else { continue };
            let given: Vec<_> = given.into_iter().map(|(node, _)| node).collect();
            let made = graph.apply_many(layer, given, outputs.len());
            // The first output is used more often.
            nodes.extend(made.into_iter().zip(outputs).rev());
            layers += 1;
            if layers == count {
                break;
            }
        }
        let Some((last, shape)) = nodes.last().copied().filter(|_| layers > 0) else { return Ok(None) };
        graph.output("y", last);
        Trial::compile(graph, &inputs, shape, u)
    }

    fn compile(graph: Graph, inputs: &[Shape], output: Shape, u: &mut Unstructured<'_>) -> Result<Option<Trial>> {
        let loss = losses::get(u.choose(&LOSSES)?).expect("the loss exists");
        let optimizer = Spec::new(*u.choose(&OPTIMIZERS)?).with("learning_rate", 0.01f32);
        let optimizer = Registry::new().make_optimizer(&optimizer).expect("the optimizer exists");
        let mut settings = Compile::new(optimizer, loss).threads(1).seed(u.arbitrary()?);
        if u.ratio(1, 4)? {
            settings = settings.metric(metrics::get(u.choose(&METRICS)?).expect("the metric exists"));
        }
        if u.ratio(1, 8)? {
            settings = settings.shards(u.int_in_range(0..=4)?);
        }
        let (indices, labels, threads) = (u.ratio(1, 4)?, u.arbitrary()?, u.int_in_range(1..=2)?);
        let Ok(model) = graph.compile(settings) else { return Ok(None) };
        let arrays = inputs.iter().enumerate();
        let inputs = arrays.map(|(at, shape)| (format!("x{at}"), values(*shape, indices, at))).collect::<Vec<_>>();
        let targets = [&[ROWS], output.sizes()].concat();
        let data = inputs.iter().try_fold(NamedArrays::new(), |data, (name, values)| data.with_input(name, values));
        let data = data.and_then(|data| match labels {
            true => data.with_target("y", ArrayD::<i64>::zeros(IxDyn(&targets[..targets.len().max(2) - 1]))),
            false => {
                data.with_target("y", ArrayD::from_shape_fn(IxDyn(&targets), |at| f32::from(at[at.ndim() - 1] == 0)))
            }
        });
        Ok(data.ok().map(|data| Trial { model, inputs, data, threads }))
    }

    /// Trains the model and a copy of it from a file, and compares them after each step.
    pub fn check(mut self) {
        let trained = self.model.train_on_batch(&self.data).is_ok();
        let path = folder().join("a.safetensors");
        self.model.save(&path).expect("a model without closures can be saved");
        let copy = Model::load(&path);
        let mut copy = copy.unwrap_or_else(|error| panic!("{} cannot be loaded: {error}", self.layers()));
        copy.set_threads(self.threads).expect("the number of threads is positive");
        self.compare(&copy, "after loading");
        assert_eq!(self.model.train_on_batch(&self.data).is_ok(), copy.train_on_batch(&self.data).is_ok());
        self.compare(&copy, "after a step");
        if trained {
            self.check_formats();
        }
    }

    fn predict(&self, model: &Model) -> Option<Outputs> {
        let inputs = self.inputs.iter().fold(PredictInputs::new(), |inputs, (name, values)| inputs.with(name, values));
        model.predict_outputs(inputs).ok()
    }

    fn compare(&self, copy: &Model, when: &str) {
        let weights = self.model.params().iter().zip(copy.params().iter());
        for ((name, one), (_, other)) in weights {
            assert!(equal(one.iter(), other.iter()), "{name} of {} differs {when}", self.layers());
        }
        let [one, other] = [&self.model, copy].map(|model| self.predict(model));
        assert_eq!(one.is_some(), other.is_some(), "predictions differ {when}");
        for (one, other) in one.iter().flatten().zip(other.iter().flatten()) {
            assert!(equal(one.1.iter(), other.1.iter()), "predictions of {} differ {when}", self.layers());
        }
    }

    /// What was written in another format can be read.
    fn check_formats(&self) {
        let expected = self.predict(&self.model);
        let path = folder().join("a.keras");
        if keras::save(&self.model, &path).is_ok() {
            let copy = keras::load(&path);
            let copy = copy.unwrap_or_else(|error| panic!("Keras: {} cannot be read: {error}", self.layers()));
            self.compare_outputs(&copy, expected.as_ref(), "Keras");
        }
        let path = folder().join("a.onnx");
        if onnx::export(&self.model, &path).is_ok() {
            let copy = onnx::import(&path).and_then(onnx::Imported::into_model);
            let copy = copy.unwrap_or_else(|error| panic!("ONNX: {} cannot be read: {error}", self.layers()));
            self.compare_outputs(&copy, expected.as_ref(), "ONNX");
        }
    }

    /// Compares predictions approximately, if they are moderate numbers.
    fn compare_outputs(&self, copy: &Model, expected: Option<&Outputs>, format: &str) {
        // Models from ONNX files may have another order of axes.
        let last = |model: &Model| model.outputs().iter().all(|output| output.axis_order().is_channels_last());
        if copy.input_shapes() != self.model.input_shapes() || !last(copy) {
            return;
        }
        let (Some(expected), found) = (expected, self.predict(copy)) else { return };
        let found = found.unwrap_or_else(|| panic!("{format}: the copy of {} does not predict", self.layers()));
        for (one, other) in expected.values().zip(found.values()) {
            if one.iter().all(|value| value.abs() < 1e6) {
                let differs = |(a, b): &(&f32, &f32)| (*a - *b).abs() > 1e-3 * (1.0 + a.abs()) || b.is_nan();
                let first = one.iter().zip(other).position(|pair| differs(&pair));
                assert!(first.is_none(), "{format}: element {first:?} of {} differs", self.layers());
            }
        }
    }

    /// The inputs and the specs of the layers, for messages.
    pub fn layers(&self) -> String {
        let inputs = self.model.inputs().into_iter().map(|input| input.shape().to_string());
        let layers = self.model.layers().map(|layer| layer.spec().to_string());
        inputs.chain(layers).collect::<Vec<_>>().join(" → ")
    }
}

/// Whether numbers have equal bits. The bits of NaN are not promised.
fn equal<'a>(mut one: impl Iterator<Item = &'a f32>, mut other: impl Iterator<Item = &'a f32>) -> bool {
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan() => {}
            _ => return false,
        }
    }
}
