//! The source files, and their text without tests and comments.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file under `folder`, with its text.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.insert(path, text);
        }
    }
    found
}

/// The text without tests: test files, and items under `#[cfg(test)]` up to their last line.
pub(crate) fn without_tests(path: &Path, text: &str) -> String {
    if ["tests.rs", "samples.rs", "scratch.rs"].iter().any(|name| path.ends_with(name)) {
        return String::new();
    }
    let (mut kept, mut lines) = (Vec::new(), text.lines());
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push(line);
            continue;
        }
        // An item ends on its first line, or with a brace below its beginning.
        let end = line.replace("#[cfg(test)]", "}");
        let one_line = lines.next().is_none_or(|line| line.ends_with(';'));
        let _ = one_line || lines.any(|line| line == end);
    }
    kept.join("\n")
}

pub(crate) fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}
