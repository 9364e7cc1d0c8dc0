//! Writing a network as text.

use super::{TextError, VERSION};
use gradus::{Model, Spec, SpecValue};

/// The network of a model as text.
///
/// # Errors
/// [`TextError::Unsupported`] with all parts that the format does not have: the preprocessing of inputs, and settings of types
/// that are newer than the format.
pub fn to_text(model: &Model) -> Result<String, TextError> {
    let (lines, mut unsupported) = (lines(model), Vec::new());
    let inputs = model.inputs().into_iter().filter(|input| model.preprocessing(input.name()).is_some());
    unsupported.extend(inputs.map(|input| format!("preprocessing of input \"{}\"", input.name())));
    let text = lines.iter().map(|line| spec_text(line, &mut unsupported) + "\n").collect();
    if unsupported.is_empty() { Ok(text) } else { Err(TextError::Unsupported(unsupported)) }
}

/// The lines that describe a network.
fn lines(model: &Model) -> Vec<Spec> {
    let architecture = model.architecture();
    let mut lines = vec![Spec::new("Network").with("version", VERSION)];
    for (value, input) in architecture.inputs().iter().enumerate() {
        let line = Spec::new("Input").with("name", input.name()).with("value", value);
        // An open axis has size 0 in the file.
        let sizes: Vec<usize> = input.shape().sizes().iter().map(|size| size.unwrap_or(0)).collect();
        lines.push(line.with("shape", &*sizes).with("axes", input.axis_order().axes()));
    }
    for layer in architecture.layers() {
        lines.push(Spec::new("Layer").with("name", layer.name()).with("part", layer.spec()));
        for array in layer.arrays() {
            let line = Spec::new("Array").with("name", array.name()).with("shape", array.shape().sizes());
            lines.push(line.with("elements", array.values()));
        }
    }
    for (number, call) in architecture.calls().iter().enumerate() {
        let first = architecture.first_value(number);
        let outputs: Vec<usize> = (first..first + call.values()).collect();
        let line = Spec::new("Call").with("layer", architecture.layer(call.layer()).name());
        lines.push(line.with("inputs", call.inputs()).with("outputs", &*outputs));
    }
    for (number, output) in architecture.outputs().iter().enumerate() {
        let line = Spec::new("Output").with("name", output.name()).with("value", architecture.output_value(number));
        lines.push(line.with("axes", output.axis_order().axes()));
    }
    lines
}

fn spec_text(spec: &Spec, unsupported: &mut Vec<String>) -> String {
    let settings = spec.settings().iter();
    let settings = settings.map(|(name, value)| format!("{}={}", word(name), value_text(value, name, unsupported)));
    let settings: Vec<String> = settings.collect();
    format!("{}({})", word(spec.class()), settings.join(", "))
}

/// The text of a setting. `Debug` writes a number with a point or an exponent, to distinguish it from an integer.
fn value_text(value: &SpecValue, name: &str, unsupported: &mut Vec<String>) -> String {
    match value {
        SpecValue::Bool(flag) => flag.to_string(),
        SpecValue::UInt(size) => size.to_string(),
        SpecValue::Int(number) => number.to_string(),
        SpecValue::UInts(sizes) => format!("sizes{sizes:?}"),
        SpecValue::Float(number) => format!("{number:?}"),
        SpecValue::Floats(numbers) => format!("numbers{numbers:?}"),
        SpecValue::Str(text) => quoted(text),
        SpecValue::Strs(texts) => {
            format!("words[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
        }
        SpecValue::Nested(spec) => spec_text(spec, unsupported),
        other => {
            unsupported.push(format!("setting {name}={other}"));
            String::new()
        }
    }
}

/// A class or the name of a setting, in quotation marks unless it consists of letters, digits and underscores.
fn word(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if plain { text.into() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n"))
}
