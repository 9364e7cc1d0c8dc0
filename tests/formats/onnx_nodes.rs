//! ONNX' tests of single nodes: a model of one node, inputs, and the expected outputs.
//!
//! The small tests are in the repository, packed by `tests/onnx/pack.py`. `GRADUS_ONNX_NODES=folder cargo test --test formats
//! onnx_nodes -- --nocapture` runs all tests, which the Python package
//! `onnx` contains in `backend/test/data/node`.

use crate::packed::{Tests, packed};
use gradus::Error;
use gradus::formats::onnx::{Graph, Tensor};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Tests whose expected outputs have four digits.
const ROUNDED: [&str; 1] = ["test_averagepool_2d_ceil_last_window_starts_on_pad"];

#[derive(Debug, PartialEq)]
enum Outcome {
    Passed,
    Failed(String),
    Unsupported(String),
}

fn tests() -> Tests {
    match std::env::var_os("GRADUS_ONNX_NODES") {
        Some(folder) => folders(Path::new(&folder)),
        None => packed("nodes.bin"),
    }
}

fn folders(root: &Path) -> Tests {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let paths = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let test = |folder: &Path| {
        let data = paths(&folder.join("test_data_set_0"));
        let files = data.into_iter().chain([folder.join("model.onnx")]);
        files.map(|path| (name(&path), fs::read(path).unwrap())).collect()
    };
    paths(root).iter().map(|folder| (name(folder), test(folder))).collect()
}

pub(crate) fn tensors(files: &BTreeMap<String, Vec<u8>>, kind: &str) -> Option<Vec<Tensor>> {
    let bytes = (0..).map_while(|number| files.get(&format!("{kind}_{number}.pb")));
    bytes.map(|bytes| Tensor::from_bytes(bytes).ok()).collect()
}

fn check(name: &str, files: &BTreeMap<String, Vec<u8>>) -> Outcome {
    let graph = match Graph::from_bytes(&files["model.onnx"]) {
        Ok(graph) => graph,
        Err(error) => return Outcome::Unsupported(error.to_string()),
    };
    let (Some(inputs), Some(expected)) = (tensors(files, "input"), tensors(files, "output")) else {
        return Outcome::Unsupported("an element type".into());
    };
    let found = match graph.run(&inputs) {
        Ok(found) => found,
        Err(Error::Unsupported { parts, .. }) => return Outcome::Unsupported(parts.join("; ")),
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    if found.len() != expected.len() {
        return Outcome::Failed(format!("{} outputs, expected {}", found.len(), expected.len()));
    }
    let near = match name {
        // Floats of 16 bits are computed with 32.
        name if name.contains("BFLOAT16") => 4e-3,
        name if name.contains("FLOAT16") || name.contains("fp16") => 1e-3,
        name if ROUNDED.contains(&name) => 1e-4,
        _ => 1e-5,
    };
    let differ = found.iter().zip(&expected).find_map(|(found, expected)| differ(found, expected, near));
    differ.map_or(Outcome::Passed, Outcome::Failed)
}

pub(crate) fn differ(found: &Tensor, expected: &Tensor, near: f32) -> Option<String> {
    // Booleans and integers may be computed as floats.
    let floats = |tensor: &Tensor| {
        let whole = || tensor.integer_array().map(|array| array.mapv(|value| value as f32));
        tensor.array().or_else(whole).expect("floats or integers")
    };
    let (found, expected) = (floats(found), floats(expected));
    if found.shape() != expected.shape() {
        return Some(format!("shape {:?}, expected {:?}", found.shape(), expected.shape()));
    }
    let fits = |a: f32, b: f32| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= near * b.abs().max(1.0);
    let wrong = found.iter().zip(&expected).find(|(a, b)| !fits(**a, **b));
    wrong.map(|(a, b)| format!("{a}, expected {b}"))
}

/// Every test whose operators are all supported must pass.
#[test]
fn every_node_gives_the_expected_output_or_is_unsupported() {
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut failed = Vec::new();
    for (name, files) in tests() {
        let operators = Graph::from_bytes(&files["model.onnx"]).map(|graph| graph.node_operators()).unwrap_or_default();
        let count = counts.entry(operators.first().cloned().unwrap_or_else(|| "?".into())).or_default();
        match check(&name, &files) {
            Outcome::Passed => count[0] += 1,
            Outcome::Failed(problem) => {
                count[1] += 1;
                failed.push(format!("{name}: {problem}"));
            }
            Outcome::Unsupported(problem) => {
                count[2] += 1;
                if std::env::var_os("GRADUS_ONNX_VERBOSE").is_some() {
                    println!("{name}: {problem}");
                }
            }
        }
    }
    println!("{:<32}{:>8}{:>8}{:>13}", "operator", "passed", "failed", "unsupported");
    let mut total = [0; 3];
    for (operator, count) in counts {
        if count[..2] != [0, 0] {
            println!("{operator:<32}{:>8}{:>8}{:>13}", count[0], count[1], count[2]);
        }
        (0..3).for_each(|kind| total[kind] += count[kind]);
    }
    println!("{:<32}{:>8}{:>8}{:>13}", "all", total[0], total[1], total[2]);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(total[0] >= 300, "{} tests passed", total[0]);
}

/// Attributes without effect on predictions. `docs/onnx.md` lists the reasons.
const WITHOUT_EFFECT: [&str; 14] = [
    "Cast.round_mode",
    "Cast.saturate",
    "CastLike.round_mode",
    "CastLike.saturate",
    "Conv.kernel_shape",
    "ConvTranspose.kernel_shape",
    "Dropout.ratio",
    "Dropout.seed",
    "BatchNormalization.momentum",
    "Gemm.broadcast",
    "MaxPool.storage_order",
    "Range.stash_type",
    "Resize.extrapolation_value",
    "consumed_inputs",
];

/// Compares the output of a node with an attribute with those of onnxruntime with and without the attribute. Returns `false` if
/// the attribute is rejected.
fn check_attribute(name: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<bool, String> {
    let parts: Vec<&str> = name.split('-').collect();
    let [operator, _, attribute, _] = parts[..] else { panic!("{name}") };
    let inputs = tensors(files, "input").unwrap();
    let found = match Graph::from_bytes(&files["model.onnx"]).and_then(|graph| graph.run(&inputs)) {
        Ok(found) => found,
        Err(error) if error.to_string().contains(attribute) => return Ok(false),
        Err(error) => return Err(format!("rejected without its name: {error}")),
    };
    let [expected, base] = ["output", "base"].map(|kind| tensors(files, kind).unwrap());
    let same = |other: &[Tensor]| {
        found.len() == other.len() && found.iter().zip(other).all(|(a, b)| differ(a, b, 1e-5).is_none())
    };
    let without_effect =
        WITHOUT_EFFECT.contains(&attribute) || WITHOUT_EFFECT.contains(&&*format!("{operator}.{attribute}"));
    match without_effect {
        true if same(&base) => Ok(true),
        true => Err("it affects the output".into()),
        // In the first operator sets the default is training, which other tests cover.
        false if same(&base) && attribute != "is_test" => Err("it does not affect the output".into()),
        false if same(&expected) => Ok(true),
        false => Err(format!("{found:?}, expected {expected:?}")),
    }
}

#[test]
fn every_attribute_is_effective_or_rejected_by_name() {
    let (mut counts, mut failed) = ([0; 2], Vec::new());
    for (name, files) in packed("attributes.bin") {
        match check_attribute(&name, &files) {
            Ok(effective) => counts[usize::from(effective)] += 1,
            Err(problem) => failed.push(format!("{name}: {problem}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(counts[0] > 20 && counts[1] > 300, "{counts:?}");
}
