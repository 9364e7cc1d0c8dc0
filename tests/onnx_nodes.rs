//! ONNX' own tests of single nodes: each folder holds a model of one node, inputs, and the outputs that it must give.
//!
//! A few lie in the repository. `GRADUS_ONNX_NODES=folder cargo test --test onnx_nodes -- --nocapture` runs all of them
//! and prints a table: the Python package `onnx` has them under `backend/test/data/node`.

use gradus::Error;
use gradus::formats::onnx::{Graph, Tensor};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Tests whose outputs are written down with four digits.
const ROUNDED: [&str; 1] = ["test_averagepool_2d_ceil_last_window_starts_on_pad"];

#[derive(Debug, PartialEq)]
enum Outcome {
    Passed,
    Failed(String),
    Unsupported(String),
}

fn tensors(folder: &Path, kind: &str) -> Option<Vec<Tensor>> {
    let files = (0..).map(|number| folder.join(format!("{kind}_{number}.pb"))).take_while(|path| path.exists());
    files.map(|path| Tensor::from_bytes(&fs::read(path).unwrap()).ok()).collect()
}

fn check(folder: &Path) -> Outcome {
    let graph = match Graph::load(folder.join("model.onnx")) {
        Ok(graph) => graph,
        Err(error) => return Outcome::Unsupported(error.to_string()),
    };
    let data = folder.join("test_data_set_0");
    let (Some(inputs), Some(expected)) = (tensors(&data, "input"), tensors(&data, "output")) else {
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
    let rounded = ROUNDED.iter().any(|name| folder.ends_with(name));
    found
        .iter()
        .zip(&expected)
        .find_map(|(found, expected)| differ(found, expected, rounded))
        .map_or(Outcome::Passed, Outcome::Failed)
}

fn differ(found: &Tensor, expected: &Tensor, rounded: bool) -> Option<String> {
    let (Some(found), Some(expected)) = (found.array(), expected.array()) else {
        return (found != expected).then(|| format!("{found:?}, expected {expected:?}"));
    };
    if found.shape() != expected.shape() {
        return Some(format!("shape {:?}, expected {:?}", found.shape(), expected.shape()));
    }
    let near = if rounded { 1e-4 } else { 1e-5 };
    let fits = |a: f32, b: f32| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= near * b.abs().max(1.0);
    let wrong = found.iter().zip(&expected).find(|(a, b)| !fits(**a, **b));
    wrong.map(|(a, b)| format!("{a}, expected {b}"))
}

fn folders() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/node");
    let root = std::env::var_os("GRADUS_ONNX_NODES").map_or(own, PathBuf::from);
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

/// Every test whose operators are all supported passes.
#[test]
fn no_node_gives_what_it_should_not() {
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut failed = Vec::new();
    for folder in folders() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let operators = Graph::load(folder.join("model.onnx")).map(|graph| graph.node_operators()).unwrap_or_default();
        let count = counts.entry(operators.first().cloned().unwrap_or_else(|| "?".into())).or_default();
        match check(&folder) {
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
    assert!(total[0] > 0, "no test was found");
}
