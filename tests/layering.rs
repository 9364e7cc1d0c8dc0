//! The levels of the house: a module imports only from lower ones, and what is said of the source holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each level's modules, from the ground up. Modules of one level do not know each other, but for the ground.
const LEVELS: [&[&str]; 10] = [
    &["error", "files", "random", "settings", "shape", "spec"],
    &["kernels"],
    &["data", "init", "metrics", "optimizers", "tape"],
    &["ops"],
    &["layers", "losses"],
    &["save"],
    &["model"],
    &["formats"],
    &["report"],
    &["cli", "run"],
];

/// What stands beside the levels: `lib` shows everything, `testing` checks it, `bin` runs it.
const BESIDE: [&str; 3] = ["bin", "lib", "testing"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file under `folder`, with its text.
fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
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

/// The module at the top of the crate that a file belongs to.
fn module(path: &Path) -> String {
    let inside = path.strip_prefix(source()).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The text without what is for tests only: files of their own, and items under `#[cfg(test)]` up to their last line.
fn without_tests(path: &Path, text: &str) -> String {
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

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn level(module: &str) -> Option<usize> {
    LEVELS.iter().position(|level| level.contains(&module))
}

/// The modules that a text names after `crate::`, in lists within lists as well.
fn imports(text: &str) -> Vec<String> {
    let code = without_comments(text);
    code.match_indices("crate::").flat_map(|(at, found)| first_words(&code[at + found.len()..])).collect()
}

/// The first word of a path, or of each path in the list that stands there.
fn first_words(path: &str) -> Vec<String> {
    let word = |text: &str| {
        let text = text.trim_start();
        let end = text.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(text.len());
        Some(text[..end].to_owned()).filter(|word| !word.is_empty())
    };
    let Some(list) = path.strip_prefix('{') else { return word(path).into_iter().collect() };
    let (mut words, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' | ',' if depth == 0 => {
                words.extend(word(&list[start..at]));
                start = at + 1;
                if letter == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    words
}

/// How many `super::` lead from a file to the top of the crate.
fn depth(path: &Path) -> usize {
    let inside = path.strip_prefix(source()).unwrap();
    inside.components().count() - usize::from(path.ends_with("mod.rs"))
}

fn home(name: &str) -> &str {
    match name {
        "Error" | "Result" => "error",
        "Key" | "Draws" => "random",
        "Shape" | "View" => "shape",
        "Spec" => "spec",
        "Init" => "init",
        other => other,
    }
}

#[test]
fn modules_import_only_from_lower_levels() {
    for (path, text) in files(&source()) {
        let from = module(&path);
        let Some(own) = level(&from) else {
            assert!(BESIDE.contains(&from.as_str()), "{} stands on no level", path.display());
            continue;
        };
        for name in imports(&without_tests(&path, &text)) {
            let to = home(&name);
            if to == from || (own == 0 && level(to) == Some(0)) {
                continue;
            }
            let Some(other) = level(to) else { panic!("{} imports {name}, which stands on no level", path.display()) };
            assert!(other < own, "{} imports {name}: level {own} from level {other}", path.display());
        }
    }
}

#[test]
fn nothing_climbs_to_the_top_by_another_way() {
    for (path, text) in files(&source()) {
        let code = without_comments(&without_tests(&path, &text));
        let inline = code.lines().any(|line| line.trim_end().ends_with('{') && line.contains("mod "));
        let climb = "super::".repeat(depth(&path) + usize::from(inline));
        assert!(module(&path) == "lib" || !code.contains(&climb), "{} says {climb}", path.display());
    }
}

#[test]
fn every_way_to_write_an_import_is_seen() {
    assert_eq!(imports("use crate::data::Arrays;\nlet x = crate::shape::Shape::SCALAR;"), ["data", "shape"]);
    assert_eq!(imports("use crate::{data::{Arrays, Rows}, model, Key};"), ["data", "model", "Key"]);
    assert_eq!(imports("use crate::{\n    ops::{self},\n    tape::*,\n};\nuse std::fmt;"), ["ops", "tape"]);
    assert_eq!(imports("// use crate::model;\nfn f(key: &crate::Key) {}"), ["Key"]);
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    use crate::testing;\n}\nfn b() {}\n#[cfg(test)]\nmod tests;";
    assert_eq!(without_tests(Path::new("a.rs"), text), "fn a() {}\nfn b() {}");
}

#[test]
fn unsafe_stays_in_its_room() {
    let room = ["kernels/block.rs", "kernels/simd.rs"];
    for (path, text) in files(&source()) {
        let code = without_comments(&text);
        let found = code.lines().filter(|line| is_unsafe(line)).count();
        assert!(found == 0 || room.iter().any(|room| path.ends_with(room)), "{} is unsafe", path.display());
    }
}

// A hyphen belongs to the word here, for the `unsafe-inline` of a page's security policy is not Rust's.
fn is_unsafe(line: &str) -> bool {
    let of_a_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    line.contains("allow(unsafe_code)") || line.split(|letter| !of_a_word(letter)).any(|word| word == "unsafe")
}

#[test]
fn every_way_to_write_unsafe_is_seen() {
    let unsafe_lines = ["unsafe { f() }", "pub unsafe fn f() {", "let x = unsafe{f()};", "#![allow(unsafe_code)]"];
    assert!(unsafe_lines.into_iter().all(is_unsafe));
    assert!(!is_unsafe("style-src 'unsafe-inline'") && !is_unsafe("let unsafe_room = 1;"));
}

#[test]
fn nothing_depends_on_the_systems_mathematics_or_on_chance() {
    let functions = [
        "exp", "exp2", "exp_m1", "ln", "ln_1p", "log", "log2", "log10", "tanh", "sinh", "cosh", "sin", "cos", "tan",
        "sin_cos", "atan2", "powf", "powi", "cbrt", "hypot",
    ];
    let calls = |name: &str| [format!(".{name}("), format!("f32::{name}"), format!("f64::{name}")];
    let functions: Vec<String> = functions.iter().flat_map(|name| calls(name)).collect();
    let banned = ["StdRng", "thread_rng", "SystemTime", "HashMap", "HashSet", "par_bridge", "matrixmultiply", ".dot("];
    for (path, text) in files(&source()) {
        let code = without_comments(&without_tests(&path, &text));
        for word in banned.into_iter().chain(functions.iter().map(String::as_str)) {
            assert!(!code.contains(word), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut lengths = Vec::new();
    for (path, text) in files(&source()) {
        assert!(text.starts_with("//! "), "{} does not say what it is for", path.display());
        lengths.push(text.lines().count());
        assert!(lengths.last() < Some(&400), "{} is long: is it one concept?", path.display());
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    println!("the median of {} files has {median} lines", lengths.len());
    assert!(median < 150, "the median file has {median} lines");
}
