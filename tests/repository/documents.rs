//! Tests of the documents: `docs/keras.md` lists every part and existing tests, and the files and checks that documents
//! name exist.

use std::fs;
use std::path::{Path, PathBuf};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The entries in the list of a macro such as `layers!`.
fn listed(file: &str, list: &str) -> Vec<String> {
    let text = read(file);
    let start = format!("\n{list}! {{");
    let body = text.split(&start).nth(1).unwrap_or_else(|| panic!("{file} has no list {list}"));
    // The name of a group is followed by a brace.
    let body = body.split("\n}").next().unwrap();
    let entries = body.split([',', '}']).map(|entry| entry.rsplit('{').next().unwrap().trim());
    entries.filter(|entry| !entry.is_empty()).map(|entry| entry.rsplit("::").next().unwrap().to_owned()).collect()
}

/// `soft_sign` as `SoftSign`.
fn camel_case(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').map(word).collect()
}

/// The text between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Whether a line of a table quotes the name as a whole word.
fn has_line(document: &str, name: &str) -> bool {
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let is_word = |text: &str| {
        text.match_indices(name)
            .any(|(at, _)| !letter(text[..at].chars().next_back()) && !letter(text[at + name.len()..].chars().next()))
    };
    document.lines().filter(|line| line.starts_with('|')).flat_map(quoted).any(is_word)
}

/// Operations whose syntax is not a method of the same name.
const WRITTEN: [(&str, &str); 9] = [
    ("activation", "x.relu()"),
    ("add", "a + b"),
    ("subtract", "a - b"),
    ("multiply", "a * b"),
    ("divide", "a / b"),
    ("batch_matmul", "a.matmul(b)"),
    ("grouped_conv2d", "groups"),
    ("sigmoid_crossentropy", "BinaryCrossentropy"),
    ("penalty", "L1::new(0.01)"),
];

#[test]
fn every_operation_has_a_line() {
    let document = read("docs/keras.md");
    for name in listed("src/ops/mod.rs", "operations") {
        let written = WRITTEN.iter().find(|(operation, _)| *operation == name);
        let found = match written {
            Some((_, text)) => document.contains(&format!("`{text}")),
            None => has_line(&document, &name) || has_line(&document, &camel_case(&name)),
        };
        assert!(found, "docs/keras.md has no line for the operation {name}");
    }
}

#[test]
fn every_part_has_a_line() {
    let document = read("docs/keras.md");
    let lists = [
        ("src/constraints/mod.rs", "constraints"),
        ("src/initializers/mod.rs", "initializers"),
        ("src/layers/mod.rs", "layers"),
        ("src/model/callbacks/mod.rs", "callbacks"),
        ("src/losses/mod.rs", "losses"),
        ("src/metrics/mod.rs", "metrics"),
        ("src/optimizers/mod.rs", "optimizers"),
        ("src/optimizers/schedules/mod.rs", "schedules"),
        ("src/preprocessing/mod.rs", "preprocessing"),
        ("src/regularizers/mod.rs", "regularizers"),
    ];
    let parts = lists.into_iter().flat_map(|(file, list)| listed(file, list));
    for name in parts.collect::<Vec<_>>() {
        assert!(has_line(&document, &name), "docs/keras.md has no line for {name}");
    }
    assert!(!has_line(&document, "Dens") && !has_line(&document, "Scaling"));
}

/// The path of the tests of a target or a module of the library.
fn sources(target: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = target.replace("::", "/");
    let places = ["tests/library/", "tests/", "src/"].map(|folder| format!("{folder}{path}"));
    let places = places.iter().flat_map(|place| [format!("{place}.rs"), place.clone()]).collect::<Vec<_>>();
    places.iter().map(|place| root.join(place)).find(|place| place.exists())
}

/// The targets and modules whose tests the document names.
const TARGETS: [&str; 13] = [
    "formats::keras",
    "interop",
    "keras",
    "keras_ops",
    "keras_training",
    "graph",
    "layers::keras",
    "layers::tests::masks",
    "losses::tests",
    "metrics::tests",
    "model::carried_states::tests",
    "model::plan::tests",
    "preprocessing",
];

/// Every "`target`, `module::test`" names an existing test, and each section has at least one.
#[test]
fn named_tests_exist() {
    let document = read("docs/keras.md");
    for section in document.split("\n## ").skip(1) {
        let quotes = quoted(section);
        let named = quotes.windows(2).filter(|pair| TARGETS.contains(&pair[0]));
        let mut count = 0;
        for pair in named {
            let place = sources(pair[0])
                .unwrap_or_else(|| panic!("docs/keras.md names the tests {}, which do not exist", pair[0]));
            let word = pair[1].chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':');
            assert!(!word || is_test(&place, pair[1]), "{} is no test in {}", pair[1], place.display());
            count += usize::from(word);
        }
        assert!(count > 0, "the section {} names no test", section.lines().next().unwrap());
    }
}

/// The documents, apart from the changelog, which names files of earlier versions.
const DOCUMENTS: [&str; 16] = [
    "CONTRIBUTING.md",
    "README.md",
    "benches/README.md",
    "docs/adding_parts.md",
    "docs/decisions.md",
    "docs/extending.md",
    "docs/files.md",
    "docs/from_keras.md",
    "docs/from_pytorch.md",
    "docs/keras.md",
    "docs/models.md",
    "docs/onnx.md",
    "docs/reproducibility.md",
    "docs/shards.md",
    "docs/tutorial.md",
    "examples/README.md",
];

#[test]
fn named_files_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in DOCUMENTS {
        let text = read(document);
        let words = quoted(&text).into_iter().flat_map(str::split_whitespace);
        let paths = words.filter(|word| ["tests/", "src/", "benches/"].iter().any(|folder| word.starts_with(folder)));
        for path in paths.collect::<Vec<_>>() {
            assert!(root.join(path).exists(), "{document} names {path}, which does not exist");
        }
    }
}

/// The cases of a file of golden vectors, which are the prefixes of the names of its arrays.
fn cases(file: &str) -> Vec<String> {
    let vectors = read(file);
    let arrays = vectors.lines().filter(|line| !line.starts_with('#'));
    let mut cases: Vec<String> = arrays.filter_map(|line| Some(line.split_once('/')?.0.to_owned())).collect();
    cases.dedup();
    assert!(cases.len() > 20, "{file}: {cases:?}");
    cases
}

/// Each line of operations and layers names a case computed by Keras or a test, and each case has a line.
#[test]
fn operations_and_layers_name_their_reference() {
    let document = read("docs/keras.md");
    for (section, file) in [("Operations", "tests/golden/ops.txt"), ("Layers", "tests/golden/layers.txt")] {
        let text = document.split(&format!("\n## {section}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
        let compared = |line: &str| line.split(" | ").nth(2).map(quoted).unwrap_or_default().join(" ");
        let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| gradus"));
        let lines: Vec<(&str, String)> = rows.map(|line| (line, compared(line))).collect();
        let known = cases(file);
        // `average_pool2d-…` means all names with this prefix.
        let names = |word: &str, case: &str| {
            word == case || word.strip_suffix('…').is_some_and(|start| !start.is_empty() && case.starts_with(start))
        };
        for (line, words) in &lines {
            let tested = |word: &str| word.contains("::") || TARGETS.contains(&word);
            let holds = words.split(' ').any(|word| tested(word) || known.iter().any(|case| names(word, case)));
            assert!(holds, "no test compares this line with Keras: {line}");
        }
        for case in known {
            let named = lines.iter().any(|(_, words)| words.split(' ').any(|word| names(word, &case)));
            assert!(named, "no line in {section} names the case {case}");
        }
    }
}

/// Whether a file, or a module of a folder, has a function of this name.
fn is_test(place: &Path, name: &str) -> bool {
    let (place, function) = match (place.is_dir(), name.split_once("::")) {
        (true, Some((module, function))) => (place.join(module).with_extension("rs"), function),
        _ => (place.to_owned(), name),
    };
    let start = format!("fn {function}() {{");
    fs::read_to_string(place).is_ok_and(|text| text.lines().any(|line| line == start))
}

/// The first column of the table whose header begins with this word.
fn rows<'a>(document: &'a str, header: &str) -> Vec<&'a str> {
    let lines = document.lines().skip_while(|line| !line.starts_with(&format!("| {header} |"))).skip(2);
    lines.take_while(|line| line.starts_with('|')).flat_map(|line| quoted(line.split(" | ").next().unwrap())).collect()
}

/// `CONTRIBUTING.md` describes every part of `.ci/run`, and every script that it does not run.
#[test]
fn all_checks_are_described() {
    let document = read("CONTRIBUTING.md");
    // A package has no `.ci`.
    if Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci").exists() {
        let script = read(".ci/run");
        let parts = script.lines().find_map(|line| line.strip_prefix("all=(")?.strip_suffix(')')).unwrap();
        assert_eq!(rows(&document, "part"), parts.split(' ').collect::<Vec<_>>());
    }
    let described = rows(&document, "script");
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")).unwrap();
    for folder in folders.map(|entry| entry.unwrap().path()).filter(|path| path.join("run").exists()) {
        let script = format!("tests/{}/run", folder.file_name().unwrap().to_str().unwrap());
        let run = document.contains(&script) && (described.contains(&&*script) || script == "tests/builds/run");
        assert!(run, "CONTRIBUTING.md does not describe {script}");
    }
}
