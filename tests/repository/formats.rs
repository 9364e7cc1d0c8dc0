//! Formats of other programs use only the public interface, and no lower level uses them, so that another crate can add
//! a format in the same way.

use crate::layering::module;
use crate::source::{files, source, without_comments, without_tests};
use std::collections::BTreeSet;
use std::fs;

/// The code of the format modules, each with its path, without tests and comments.
fn formats() -> Vec<(String, String)> {
    let of_formats = files(&source().join("formats")).into_iter();
    let code = of_formats.map(|(path, text)| {
        let code = without_comments(&without_tests(&path, &text));
        (path.display().to_string(), code)
    });
    code.filter(|(_, code)| !code.is_empty()).collect()
}

/// The paths after `crate::` in a text, with expanded lists: `layers::{self, Dense}` is `layers` and `layers::Dense`.
fn paths(code: &str) -> Vec<Vec<String>> {
    let after = code.match_indices("crate::").map(|(at, found)| &code[at + found.len()..]);
    after.flat_map(|rest| expand(rest).0).collect()
}

/// The paths at the beginning of a text, and their length.
fn expand(text: &str) -> (Vec<Vec<String>>, usize) {
    if let Some(list) = text.strip_prefix('{') {
        let (mut all, mut at) = (Vec::new(), 0);
        loop {
            at += list[at..].len() - list[at..].trim_start_matches([' ', '\n', ',']).len();
            if at >= list.len() || list[at..].starts_with('}') {
                return (all, at + 2);
            }
            let (paths, length) = expand(&list[at..]);
            all.extend(paths);
            // The text between a path and the next one, such as `as Name`.
            let rest = list[at + length..].find([',', '}']).unwrap_or(list.len() - at - length);
            at += length + rest;
        }
    }
    let word: String = text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    match text[word.len()..].strip_prefix("::") {
        Some(rest) if !rest.starts_with('<') => {
            let (paths, length) = expand(rest);
            let under = |path: Vec<String>| match path[0].as_str() {
                "self" => vec![word.clone()],
                _ => [vec![word.clone()], path].concat(),
            };
            (paths.into_iter().map(under).collect(), word.len() + 2 + length)
        }
        _ => (vec![vec![word.clone()]], word.len()),
    }
}

/// The public names of a module: its items and re-exports, including those of macros that list parts.
fn public_names(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in without_comments(text).lines().map(str::trim) {
        let words: Vec<&str> =
            line.split([' ', '(', '<', ';', ':', '{', '=']).filter(|word| !word.is_empty()).collect();
        let keywords = ["fn", "struct", "enum", "trait", "mod", "const", "type", "static"];
        match words[..] {
            ["pub", "const", "fn", name, ..] | ["pub", _, name, ..] if keywords.contains(&words[1]) => {
                names.insert(name.to_owned());
            }
            _ => {}
        }
        // A line of a list of parts, as in `dense::Dense,`.
        if let Some((file, part)) = line.trim_end_matches(',').split_once("::")
            && [file, part].iter().all(|word| word.chars().all(|letter| letter.is_alphanumeric() || letter == '_'))
        {
            names.insert(part.to_owned());
        }
    }
    let code = without_comments(text);
    for (at, found) in code.match_indices("pub use ") {
        let exported = expand(code[at + found.len()..].trim_start_matches("crate::")).0;
        names.extend(exported.into_iter().filter_map(|path| path.last().cloned()));
    }
    names
}

/// Whether a path from the root of the crate is public.
fn is_public(path: &[String]) -> bool {
    let (mut folder, mut text) = (source(), fs::read_to_string(source().join("lib.rs")).unwrap());
    for name in path {
        if !public_names(&text).contains(name) {
            return false;
        }
        let (file, inner) = (folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs"));
        match fs::read_to_string(&inner).or_else(|_| fs::read_to_string(&file)) {
            Ok(module) => (folder, text) = (folder.join(name), module),
            // An item. The following names belong to it and are checked by the compiler.
            Err(_) => return true,
        }
    }
    true
}

#[test]
fn formats_name_only_public_items() {
    for (file, code) in formats() {
        for path in paths(&code).into_iter().filter(|path| path[0] != "formats") {
            assert!(is_public(&path), "{file} uses crate::{}, which is not public", path.join("::"));
        }
    }
}

/// The functions declared in a text after these words.
fn functions(code: &str, before: &str) -> BTreeSet<String> {
    let after = code.match_indices(before).map(|(at, found)| &code[at + found.len()..]);
    after.map(|rest| rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()).collect()
}

/// Methods need no import, so crate-private ones are detected by their names, unless another function has the same
/// name.
#[test]
fn formats_call_no_crate_private_functions() {
    let lower = files(&source()).into_iter().filter(|(path, _)| !["formats", "cli"].contains(&module(path).as_str()));
    let lower: String = lower.map(|(path, text)| without_comments(&without_tests(&path, &text))).collect();
    let within: BTreeSet<String> = ["pub(crate) fn ", "pub(crate) const fn ", "pub(super) fn "]
        .iter()
        .flat_map(|before| functions(&lower, before))
        .collect();
    let formats = formats();
    let own: BTreeSet<String> = formats.iter().flat_map(|(_, code)| functions(code, "fn ")).collect();
    let public: BTreeSet<String> =
        ["pub fn ", "pub const fn ", "    fn "].iter().flat_map(|before| functions(&lower, before)).collect();
    // Names of one word are also names of methods of the standard library.
    let private = within.into_iter().filter(|name| name.contains('_') && !own.contains(name) && !public.contains(name));
    for name in private {
        for (file, code) in &formats {
            let call = |before: &str| code.contains(&format!("{before}{name}("));
            assert!(!call(".") && !call("::"), "{file} calls {name}, which is not public");
        }
    }
}

/// The features of the formats and of the program.
const FEATURES: [&str; 4] = ["keras", "onnx", "npz", "cli"];

#[test]
fn lower_levels_use_no_format() {
    for (path, text) in files(&source()) {
        if ["formats", "cli", "lib", "bin", "guide"].contains(&module(&path).as_str()) {
            continue;
        }
        let code = without_comments(&without_tests(&path, &text));
        for feature in FEATURES {
            let found = code.contains(&format!("feature = \"{feature}\""));
            assert!(!found, "{} depends on the feature {feature}", path.display());
        }
    }
}

#[test]
fn every_form_of_path_is_detected() {
    let found = |code: &str| paths(code).into_iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(
        found("use crate::{Error, layers::{self, Dense as D}, Key};"),
        ["Error", "layers", "layers::Dense", "Key"]
    );
    assert_eq!(found("let x = crate::Shape::SCALAR;"), ["Shape::SCALAR"]);
    let public = |path: &str| is_public(&path.split("::").map(str::to_owned).collect::<Vec<_>>());
    for path in
        ["Error", "Shape::SCALAR", "layers::Dense", "layers::Declared", "save::Registry", "optimizers::schedules"]
    {
        assert!(public(path), "{path}");
    }
    for path in ["error::Error", "save::Description", "layers::Source", "registry::Part", "model::plan"] {
        assert!(!public(path), "{path}");
    }
}
