//! A trait that pointers implement forwards every method, also those that it provides: a method that is left out would answer
//! for the pointer by default.

use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The names of the functions from `start` to the first line that is `end`, without those that take `self` by value: they
/// are for types of a known size alone.
fn functions<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let from = text.find(start).unwrap_or_else(|| panic!("there is no {start}"));
    let lines = text[from..].lines().take_while(|line| *line != end);
    let names = lines.filter(|line| !line.contains("(self)")).filter_map(|line| line.strip_prefix("    fn "));
    let mut names: Vec<&str> = names.map(|line| line.split(['(', '<']).next().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn pointers_forward_every_method() {
    let mut paths = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut paths);
    let mut traits = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        for (at, start) in text.match_indices("\nforward!(") {
            let name = text[at + start.len()..].split(' ').next().unwrap();
            let declared = functions(&text, &format!("pub trait {name}:"), "}");
            assert_eq!(functions(&text, &format!("forward!({name} for"), "});"), declared, "{}", path.display());
            traits.push(name.to_owned());
        }
    }
    traits.sort_unstable();
    let parts = ["Callback", "Columns", "Dataset", "Initializer", "Layer", "Loss", "Metric", "Optimizer"];
    assert_eq!(traits, [&parts[..], &["Preprocessing", "Regularizer", "Schedule"]].concat());
}
