//! Properties that every layer must have.

mod masks;
mod specs;

use super::{Cursor, Gru, Layer, Lstm, SimpleRnn, Source, Weights, samples};
use crate::error::Result;
use crate::registry::BUILT_IN;
use crate::settings::check_options::check_options;
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, ParamGradients, Params, Recorder, Var};
use crate::testing::{LayerSample, spread};
use crate::{Graph, Key};
use ndarray::ArrayD;

/// A layer with the shapes of one sample of each of its inputs.
pub(crate) struct Sample {
    pub(crate) layer: Box<dyn Layer>,
    pub(crate) inputs: Vec<Shape>,
    /// For a layer whose inputs are indices, the number of rows that they select from.
    rows: Option<usize>,
}

impl From<(Box<dyn Layer>, Shape)> for Sample {
    fn from((layer, input): (Box<dyn Layer>, Shape)) -> Sample {
        Sample { layer, inputs: vec![input], rows: None }
    }
}

impl From<(Box<dyn Layer>, Vec<Shape>)> for Sample {
    fn from((layer, inputs): (Box<dyn Layer>, Vec<Shape>)) -> Sample {
        Sample { layer, inputs, rows: None }
    }
}

impl From<(Box<dyn Layer>, Shape, usize)> for Sample {
    fn from((layer, input, rows): (Box<dyn Layer>, Shape, usize)) -> Sample {
        Sample { layer, inputs: vec![input], rows: Some(rows) }
    }
}

impl Sample {
    /// Values for a batch of three samples of this shape: indices where the layer takes them, spread ones otherwise.
    pub(crate) fn values(&self, shape: Shape) -> ArrayD<f32> {
        let mut values = spread(shape.batch(3).unwrap(), 5);
        if let Some(rows) = self.rows {
            values.iter_mut().enumerate().for_each(|(at, value)| *value = (at % rows) as f32);
        }
        values
    }

    /// The layer, created from its spec by `make`, on inputs of these shapes.
    pub(crate) fn on(&self, inputs: &[Shape], make: fn(&Spec) -> Result<Box<dyn Layer>>) -> LayerSample {
        let made = LayerSample::made_by(make(&self.layer.spec()).unwrap(), make);
        inputs.iter().fold(made, |made, shape| match self.rows {
            None => made.input(*shape),
            Some(_) => made.values(self.values(*shape)),
        })
    }
}

fn for_each_sample(check: impl Fn(&Sample)) {
    for (file, samples) in samples() {
        assert!(!samples.is_empty(), "{file} has no samples");
        samples.iter().for_each(&check);
    }
}

/// The shape and values of the output for a batch of three, and the sum of the magnitudes of all gradients.
fn run(sample: &Sample, mode: Mode) -> (Shape, Vec<f32>, f32) {
    let (layer, shapes) = (&sample.layer, &sample.inputs);
    let mut params = Params::new();
    let mut weights = Weights::new(&mut params, "layer", Source::Init(Key::from_seed(1)));
    let built = layer.build(shapes, &mut weights).unwrap();
    let ids = weights.into_ids();
    let recorder = Recorder::new(mode);
    let inputs: Vec<Var<'_>> = shapes.iter().map(|shape| recorder.variable(shape.batch(3).unwrap())).collect();
    let mut cursor = Cursor::new(&recorder, &params, &ids);
    let outputs = layer.record(&mut cursor, &inputs);
    assert!(cursor.left().is_empty(), "{layer:?} does not take every weight");
    let (found, announced) = (outputs.iter().map(Var::shape), built.iter().map(|shape| shape.batch(3).unwrap()));
    assert!(found.eq(announced), "{layer:?} announces other shapes than it records");
    recorder.minimize(outputs.iter().map(|y| (*y * *y).sum()).reduce(|sum, more| sum + more).unwrap());
    let (ids_of_inputs, y) = (inputs.iter().map(Var::id).collect::<Vec<_>>(), outputs[0].id());
    let mut tape = recorder.finish().unwrap();
    for (x, shape) in ids_of_inputs.into_iter().zip(shapes) {
        tape.input_mut(x).assign(&sample.values(*shape));
    }
    tape.run(&params, Key::from_seed(2)).unwrap();
    let mut gradients = ParamGradients::new(&params);
    tape.backward(&params, &mut gradients);
    tape.commit(&mut params);
    let total = ids.iter().filter_map(|id| gradients.get(*id)).map(|g| g.iter().map(|g| g.abs()).sum::<f32>()).sum();
    (built[0], tape.value(y).iter().copied().collect(), total)
}

#[test]
fn the_shape_of_build_is_that_of_record_in_both_modes() {
    for_each_sample(|sample| {
        let (training, values, gradient) = run(sample, Mode::Training);
        let (inference, more, _) = run(sample, Mode::Inference);
        assert_eq!(training, inference);
        assert!(values.iter().chain(&more).all(|value| value.is_finite()), "{:?}", sample.layer);
        assert!(gradient.is_finite());
    });
}

#[test]
fn a_wrong_number_of_inputs_is_rejected() {
    for_each_sample(|Sample { layer, inputs: shapes, .. }| {
        // Merging layers accept any number of inputs from two, and recurrent layers accept a sequence without initial states.
        let is_recurrent = layer.recurrent().is_some() || layer.spec().class() == "Bidirectional";
        let wrong = if is_recurrent || shapes.len() == 1 { vec![shapes[0]; 2] } else { vec![shapes[0]] };
        for inputs in [&wrong[..], &[]] {
            let mut params = Params::new();
            let mut weights = Weights::new(&mut params, "layer", Source::Init(Key::from_seed(1)));
            assert!(layer.build(inputs, &mut weights).is_err(), "{layer:?} takes {} inputs", inputs.len());
        }
    });
}

#[test]
fn specs_name_class_and_settings() {
    let spec = super::Dense::new(3).spec().to_string();
    let expected =
        "Dense(units=3, activation=linear, use_bias=true, kernel_initializer=GlorotUniform, bias_initializer=Zeros)";
    assert_eq!(spec, expected);
}

#[test]
fn every_layer_passes_the_public_checks() {
    for_each_sample(|sample| {
        let make = |spec: &Spec| BUILT_IN.make::<dyn Layer>(spec);
        let made = make(&sample.layer.spec()).unwrap();
        assert_eq!(format!("{made:?}"), format!("{:?}", sample.layer));
        sample.on(&sample.inputs, make).check().unwrap();
    });
}

/// A layer in a box, for `Graph::apply`.
#[derive(Debug)]
struct Any(Box<dyn Layer>);

impl Layer for Any {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        self.0.build(inputs, weights)
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        self.0.record(weights, inputs)
    }

    fn supports_masking(&self) -> bool {
        self.0.supports_masking()
    }

    fn spec(&self) -> Spec {
        self.0.spec()
    }
}

/// The line has the name and class in Keras, the output shape, and the number of weights.
#[test]
fn every_layer_has_a_line_in_the_summary() {
    for (_, samples) in samples() {
        for Sample { layer, inputs, .. } in samples {
            let mut params = Params::new();
            let mut weights = Weights::new(&mut params, "layer", Source::Init(Key::from_seed(1)));
            let outputs = layer.build(&inputs, &mut weights).unwrap();
            let spec = layer.spec();
            let mut graph = Graph::new();
            let names = (0..inputs.len()).map(|number| format!("input_{number}"));
            let nodes: Vec<_> = names.zip(&inputs).map(|(name, shape)| graph.input(name, *shape)).collect();
            let values = graph.apply_many(Any(layer), nodes, outputs.len());
            graph.output("y", values[0]);
            let summary = graph.summary().unwrap();
            let shape = |output: &Shape| {
                let sizes: Vec<String> = output.sizes().iter().map(usize::to_string).collect();
                format!("(None, {})", sizes.join(", "))
            };
            let shapes = outputs.iter().map(shape).collect::<Vec<_>>().join(", ");
            let cells = [
                format!("{} ({})", spec.snake_case(), spec.class()),
                if outputs.len() == 1 { shapes } else { format!("[{shapes}]") },
                params.count(false).to_string(),
            ];
            let start = format!(" {}", cells[0]);
            let line = summary.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("{summary}"));
            let rest = line.strip_prefix(&start).unwrap().trim_start().strip_prefix(&cells[1]);
            let count = rest.and_then(|rest| rest.split_whitespace().next());
            assert_eq!(count, Some(cells[2].as_str()), "{spec}: {line}");
            assert!(summary.contains(&format!("Total params: {} ", cells[2])), "{summary}");
        }
    }
}

#[test]
fn options_are_kept_missing_ones_have_their_default_and_unknown_ones_are_errors() {
    let mut specs: Vec<Spec> =
        samples().iter().flat_map(|(_, samples)| samples).map(|sample| sample.layer.spec()).collect();
    // Stateful layers take batches of one size only, so they are not among the samples.
    specs.extend([
        Gru::new(1).stateful(2).spec(),
        Lstm::new(1).stateful(2).spec(),
        SimpleRnn::new(1).stateful(2).spec(),
    ]);
    check_options::<dyn Layer>(&specs, |layer| layer.spec());
}
