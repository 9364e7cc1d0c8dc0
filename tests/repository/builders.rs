//! The order of the calls of a builder's methods does not matter: each sets a separate field and reads no other.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the builders are.
const FOLDERS: [&str; 7] = ["initializers", "layers", "losses", "metrics", "model", "optimizers", "regularizers"];

/// Methods that name two values of one setting, of which the last is taken.
const ONE_SETTING: [[&str; 2]; 1] = [["lower", "higher"]];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// A method that takes `self` by value and returns it: its name and its body on one line.
fn setters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for part in text.split("pub fn ").skip(1) {
        let Some((signature, rest)) = part.split_once(" {\n") else { continue };
        let name = signature.split(['(', '<']).next().unwrap_or_default();
        if !signature.contains("(mut self") || signature.contains("-> Result") {
            continue;
        }
        // The body ends with the first line that is indented like the signature.
        let body: Vec<&str> =
            rest.lines().take_while(|line| !matches!(line.trim_end(), "    }" | "            }")).collect();
        found.push((name.to_owned(), body.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    found
}

/// The field that a body sets or extends, if it does only that.
fn field(body: &str) -> Option<&str> {
    let body = body.strip_prefix("self.")?.strip_suffix("; self")?;
    let assigned = body.split_once(" = ");
    let extended = || [".push(", ".insert(", ".clone_from("].into_iter().find_map(|method| body.split_once(method));
    let (field, value) = assigned.or_else(extended)?;
    (!value.contains("self") && !value.contains(';')).then_some(field)
}

#[test]
fn each_method_of_a_builder_sets_a_separate_field() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut count = 0;
    for path in FOLDERS.iter().flat_map(|folder| files(&source.join(folder))) {
        let text = fs::read_to_string(&path).unwrap();
        for of_type in text.split("\nimpl") {
            let mut fields: BTreeMap<String, String> = BTreeMap::new();
            for (name, body) in setters(of_type) {
                let place = format!("{}: {name}", path.display());
                let field = field(&body).unwrap_or_else(|| panic!("{place} does more than set a field: {body}"));
                count += 1;
                if let Some(other) = fields.insert(field.to_owned(), name.clone()) {
                    let both = ONE_SETTING.iter().any(|pair| pair.contains(&&*name) && pair.contains(&&*other));
                    assert!(both, "{place} sets the same field as {other}");
                }
            }
        }
    }
    assert!(count > 100, "only {count} methods of builders were found");
}

#[test]
fn methods_that_depend_on_their_order_are_seen() {
    let text = "
impl MaxPool2d {
    pub fn pool_size(mut self, pool_size: [usize; 2]) -> MaxPool2d {
        (self.pool_size, self.strides) = (pool_size, pool_size);
        self
    }
    pub fn strides(mut self, strides: [usize; 2]) -> MaxPool2d {
        self.strides = Some(strides);
        self
    }
    pub fn twice(mut self) -> MaxPool2d {
        self.strides = self.strides.map(|stride| 2 * stride);
        self
    }
}";
    let found: Vec<(String, String)> = setters(text);
    let fields: Vec<Option<&str>> = found.iter().map(|(_, body)| field(body)).collect();
    assert_eq!(fields, [None, Some("strides"), None]);
}
