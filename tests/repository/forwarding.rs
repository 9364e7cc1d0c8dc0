//! A trait that pointers implement forwards every method, including provided ones. Otherwise the default of the omitted
//! method would apply to pointers.

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

/// The names of the functions from `start` to the first line that equals `end`.
fn functions<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let from = text.find(start).unwrap_or_else(|| panic!("{start} was not found"));
    let lines = text[from..].lines().take_while(|line| *line != end);
    // A method that takes the part by value is not available on trait objects.
    let names = lines.filter_map(|line| line.strip_prefix("    fn ")).filter(|line| !line.contains("(self"));
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
    assert!(["Columns", "Dataset", "Loss", "Metric"].iter().all(|name| traits.iter().any(|found| found == name)));
}
