//! Tests of the text format: equal networks after a round trip, and all problems of a file in one error.

use downstream::blend::Blend;
use downstream::text_format::{self, Problem, TextError};
use downstream::{network, table};
use gradus::data::NamedArrays;
use gradus::layers::{Activation, BatchNorm, Cursor, Dense, Flatten, Layer, Weights};
use gradus::metrics::R2Score;
use gradus::optimizers::Adam;
use gradus::preprocessing::StringLookup;
use gradus::save::Registry;
use gradus::tape::Var;
use gradus::{
    Architecture, AxisOrder, Compile, Error, Fit, FromSpec, Graph, Model, Progress, Result, Sequential, Settings,
    Shape, Spec, SpecValue, ValueInfo,
};
use ndarray::{Array, Array2, Array4};

/// Splits the features of a sample in two halves. Its settings have every type, with values that are difficult to
/// write.
#[derive(Debug, PartialEq)]
struct Halves {
    spec: Spec,
}

impl Halves {
    fn new() -> Halves {
        let part = Spec::new("a (quoted) class").with("no, = identifier", -0.0);
        let texts = ["", "a\n\\n \"b\"", "ü,]"].map(String::from).to_vec();
        let spec =
            Spec::new(Halves::CLASS).with("flag", true).with("size", usize::MAX).with("axis", SpecValue::axis(-1));
        let spec = spec.with("sizes", &[][..] as &[usize]).with("number", 1.0).with("small", f32::from_bits(1));
        let spec = spec.with("numbers", &[f32::INFINITY, f32::MAX, 3.0][..]).with("none", &[][..] as &[f32]);
        Halves { spec: spec.with("word", "true").with("words", SpecValue::Strs(texts)).with("part", part) }
    }
}

impl Layer for Halves {
    fn build(&self, inputs: &[Shape], _: &mut Weights<'_>) -> Result<Vec<Shape>> {
        Ok(vec![Shape::from(inputs[0].len() / 2); 2])
    }

    fn record<'r>(&self, _: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [rows, columns] = [0, 1].map(|axis| inputs[0].shape().axis(axis));
        [0, columns / 2].map(|start| inputs[0].slice(&[0, start], [rows, columns / 2])).to_vec()
    }

    fn spec(&self) -> Spec {
        self.spec.clone()
    }
}

impl FromSpec for Halves {
    const CLASS: &'static str = "Halves";

    /// Reads the settings, which must be those of `new`.
    fn from_spec(settings: &mut Settings<'_>) -> Result<Halves> {
        let spec = Spec::new(Halves::CLASS).with("flag", settings.bool("flag")?).with("size", settings.uint("size")?);
        let spec = spec.with("axis", SpecValue::axis(settings.axis("axis")?)).with("sizes", settings.uints("sizes")?);
        let spec = spec.with("number", settings.float("number")?).with("small", settings.float("small")?);
        let spec = spec.with("numbers", settings.floats("numbers")?).with("none", settings.floats("none")?);
        let spec = spec.with("word", settings.str("word")?).with("words", SpecValue::Strs(settings.strs("words")?));
        let halves = Halves { spec: spec.with("part", settings.nested("part")?.clone()) };
        if halves == Halves::new() { Ok(halves) } else { Err(Error::other(halves.spec.to_string())) }
    }
}

/// A branched network: two inputs, one with another axis order; a layer with two outputs; shared, frozen and custom
/// layers; two outputs.
fn branched() -> Graph {
    let mut graph = Graph::new();
    let features = graph.input("the \"features\"", [8]);
    let image = ValueInfo::new("image", [2, 2, 2]).with_axis_order(AxisOrder::channels_first(3));
    let image = graph.input_value(image);
    let flat = graph.apply(Flatten, image);
    let shared = graph.layer("shared", Dense::new(6).activation(Activation::Tanh));
    let [a, b] = [features, flat].map(|x| graph.apply(shared, x));
    let x = graph.apply(Blend::new(0.5), [a, b]);
    let x = graph.apply(BatchNorm::new(), x);
    let [first, second] = graph.apply_multi(Halves::new(), x);
    let first = graph.apply(Dense::new(1).frozen(), first);
    let second = graph.apply(Dense::new(1), second);
    graph.output("value", first);
    graph.output_in_order("other", second, AxisOrder::CHANNELS_LAST);
    graph
}

fn registry() -> Registry {
    network::registry().layer::<Halves>()
}

fn settings() -> Compile {
    Compile::new(Adam::new(0.01), downstream::loss::RobustError).metric_of("value", R2Score).seed(5)
}

/// Rows for both inputs and outputs of the branched network.
fn data() -> NamedArrays {
    let features = Array2::from_shape_fn((40, 8), |(i, j)| ((i * 7 + j * 5) % 11) as f32 / 11.0);
    let images = Array4::from_shape_fn((40, 2, 2, 2), |(i, j, k, l)| ((i * 3 + j + 2 * k + 4 * l) % 5) as f32 / 5.0);
    let targets = Array2::from_shape_fn((40, 1), |(i, _)| (i % 3) as f32);
    let data =
        NamedArrays::new().with_input("the \"features\"", &features).unwrap().with_input("image", &images).unwrap();
    data.with_target("value", &targets).unwrap().with_target("other", &targets).unwrap()
}

fn fitted(architecture: Architecture) -> (Model, Vec<f64>) {
    let mut model = architecture.compile(settings()).unwrap();
    let history = model.fit(&data(), Fit::new().epochs(4).progress(Progress::Quiet)).unwrap();
    (model, history.get("loss").unwrap())
}

#[test]
fn a_branched_network_is_equal_after_a_round_trip() {
    let (model, _) = fitted(branched().architecture(3).unwrap());
    let folder = std::env::temp_dir().join(format!("downstream-text-{}", std::process::id()));
    let path = folder.join("network.txt");
    text_format::save(&model, &path).unwrap();
    text_format::save(&model, &path).unwrap(); // in place of an existing file
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "a temporary file remains");
    let imported = text_format::load(&path, &registry()).unwrap();
    std::fs::remove_dir_all(folder).unwrap();

    assert_eq!(imported.params().sha256(), model.params().sha256());
    assert_eq!((imported.inputs(), imported.outputs()), (&*model.inputs(), &*model.outputs()));
    assert_eq!(imported.summary(), model.summary());
    let imported = imported.into_model().unwrap(); // without a `Compile`
    let bits = |model: &Model| {
        let outputs = model.predict_dataset(&data()).unwrap();
        outputs.into_iter().map(|(name, y)| (name, y.mapv(f32::to_bits))).collect::<Vec<_>>()
    };
    let predictions = bits(&imported);
    assert_eq!(predictions, bits(&model));
    assert!(predictions.iter().all(|(_, y)| y.iter().any(|bits| *bits != y[[0, 0]])), "predictions are constant");
    assert_eq!(text_format::to_text(&imported).unwrap(), text_format::to_text(&model).unwrap());
}

#[test]
fn an_imported_network_trains_as_the_original_does() {
    let original = branched().architecture(3).unwrap();
    let text = text_format::to_text(&original.clone().into_model().unwrap()).unwrap();
    let (original, losses) = fitted(original);
    let (imported, imported_losses) = fitted(text_format::from_text(&text, &registry()).unwrap());
    assert!(losses[3] < losses[0], "{losses:?}");
    assert_eq!(losses, imported_losses);
    assert_eq!(original.params().sha256(), imported.params().sha256());
    assert_ne!(text_format::to_text(&imported).unwrap(), text);
}

#[test]
fn a_sequential_is_read_as_a_graph_with_equal_predictions() {
    let network = Sequential::new([8]).add(Dense::new(3).activation(Activation::Relu)).add(Dense::new(1));
    let model = network.architecture(1).unwrap().into_model().unwrap();
    let text = text_format::to_text(&model).unwrap();
    // Spaces around punctuation and empty lines do not change the result.
    let text = text.replace('=', " = ").replace('(', " ( ").replace(')', " ) ").replace('\n', "\n\n");
    let imported = text_format::from_text(&text, &Registry::new()).unwrap().into_model().unwrap();
    let rows = table::rows(9, 5).unwrap().rows(..).unwrap().inputs().unwrap();
    assert_eq!(imported.predict(&rows).unwrap(), model.predict(&rows).unwrap());
}

#[test]
fn numbers_keep_their_bits() {
    let network = Sequential::new([8]).add_named("w", Dense::new(1).use_bias(false));
    let mut architecture = network.architecture(0).unwrap();
    let numbers = [-0.0, f32::MIN_POSITIVE, f32::from_bits(1), f32::MAX, f32::INFINITY, f32::NAN, 0.1, 16_777_217.0];
    architecture
        .params_mut()
        .set("w/kernel", &Array::from(numbers.to_vec()).into_shape_with_order((8, 1)).unwrap())
        .unwrap();
    let text = text_format::to_text(&architecture.into_model().unwrap()).unwrap();
    let imported = text_format::from_text(&text, &Registry::new()).unwrap();
    let bits = |numbers: &[f32]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(imported.layer(0).arrays().next().unwrap().values()), bits(&numbers));
}

const HEADER: &str = "Network(version=1)\n";

fn error(text: &str) -> TextError {
    text_format::from_text(text, &Registry::new()).unwrap_err()
}

#[test]
fn all_malformed_lines_are_reported() {
    let deep = format!("Layer(name=\"a\", part={}{})", "A(b=".repeat(100_000), ")".repeat(100_000));
    let cases = [
        ("Network(version=2)", "version is 2, expected 1"),
        ("Input(name=\"x\", value=0, shape=sizes[2])", "Input: missing setting \"axes\""),
        ("Input(name=\"x\", value=0, shape=sizes[2], axes=sizes[1])", "axis order [1]: expected each"),
        ("Output(name=7, value=0, axes=sizes[])", "Output: name is 7, expected a string"),
        ("Layer(name=\"a\", part=Dense(units=2), size=3)", "Layer: unknown setting \"size\""),
        ("Loss()", "unknown line \"Loss\"; available: Network, Input, Layer, Array, Call, Output"),
        ("Network(version=", "column 17: expected a value"),
        ("Network(version=1", "column 18: expected \",\" or \")\""),
        ("Network(version=1) x", "column 20: expected the end of the line"),
        ("Array(elements=numbers[0.5, ü])", "column 29: expected a number that fits the list"),
        ("Array(elements=floats[0.5])", "expected a list of sizes, numbers or words"),
        ("Array(name=\"ü", "column 14: expected a closing quotation mark"),
        (&*deep, "expected fewer nested parts"),
    ];
    let text: String = cases.iter().map(|(line, _)| format!("{line}\n")).collect();
    let TextError::Lines(problems) = error(&text) else { panic!("not an error of lines") };
    assert_eq!(problems.len(), cases.len());
    for (at, ((number, problem), (_, expected))) in problems.iter().zip(cases).enumerate() {
        assert_eq!(*number, at + 1);
        assert!(problem.to_string().contains(expected), "line {number}: {problem}, expected {expected}");
    }
    assert!(error("").to_string().starts_with("line 1: the version is not defined"));
}

#[test]
fn all_undefined_and_repeated_names_are_reported() {
    let text = format!(
        "{HEADER}Input(name=\"x\", value=0, shape=sizes[2], axes=sizes[])
Layer(name=\"blend\", part=Blend(gate=0.5))
Layer(name=\"dense\", part=Dense(units=2.0))
Array(name=\"dense/kernel\", shape=sizes[2, 2], elements=numbers[1.0])
Call(layer=\"dence\", inputs=sizes[0], outputs=sizes[1])
Call(layer=\"dense\", inputs=sizes[3], outputs=sizes[1])
Call(layer=\"dense\", inputs=sizes[1], outputs=sizes[2])
Output(name=\"y\", value=9, axes=sizes[])
"
    );
    let TextError::Lines(problems) = error(&text) else { panic!("not an error of lines") };
    let kinds: Vec<String> = problems
        .iter()
        .map(|(line, problem)| match problem {
            Problem::Undefined { found } => format!("{line}: no {found}"),
            Problem::Repeated { found } => format!("{line}: again {found}"),
            Problem::Part(_) => format!("{line}: part"),
            other => panic!("{other}"),
        })
        .collect();
    let expected = [
        "3: part",
        "4: part",
        "5: part",
        "6: no layer \"dence\"",
        "7: no value 3",
        "7: again value 1",
        "9: no value 9",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn all_wrong_arrays_are_reported() {
    let network = Sequential::new([8]).add(Dense::new(3)).add(Dense::new(1));
    let text = text_format::to_text(&network.architecture(1).unwrap().into_model().unwrap()).unwrap();
    let text = text.replace("\"dense/kernel\", shape=sizes[8, 3]", "\"dense/kernel\", shape=sizes[3, 8]");
    let text = text.replace("\"dense_1/bias\"", "\"dense_1/offset\"");
    let TextError::Network(Error::Arrays { missing, unused, shapes }) = error(&text) else { panic!("other error") };
    assert_eq!((&*missing, &*unused), (&["dense_1/bias".to_owned()][..], &["dense_1/offset".to_owned()][..]));
    assert_eq!(shapes, [("dense/kernel".into(), Shape::from([3, 8]), Shape::from([8, 3]))]);
}

#[test]
fn a_model_with_preprocessing_is_rejected() {
    let mut model = Sequential::new([1]).add(Dense::new(1)).architecture(0).unwrap().into_model().unwrap();
    assert!(text_format::to_text(&model).is_ok());
    model.set_preprocessing("input", StringLookup::new().vocabulary(["a"]).unwrap()).unwrap();
    let TextError::Unsupported(parts) = text_format::to_text(&model).unwrap_err() else { panic!("other error") };
    assert_eq!(parts, ["preprocessing of input \"input\""]);
}
