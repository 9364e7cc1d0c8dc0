//! The shell commands in the documents: each is run here or listed as not run.

use gradus::formats::{keras, npy, npz};
use gradus::layers::{Activation, Conv2d, Dense, Flatten, MaxPool2d};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::Adam;
use gradus::report::Picture;
use gradus::tape::Params;
use gradus::{Compile, Sequential};
use ndarray::{Array2, Array4};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::tempdir;

/// Commands that no test runs, with the reason.
const NOT_RUN: [(&str, &str); 19] = [
    (".ci/run", "runs this test"),
    ("benches/everything", "takes an hour"),
    ("benches/peers/inference", "needs Python and the other libraries"),
    ("benches/peers/onnx_predictions", "needs Python and the other libraries"),
    ("benches/peers/run", "needs Python and the other libraries"),
    ("benches/peers/run networks", "needs Python and the other libraries"),
    ("cargo add gradus --path ../gradus", "changes the manifest of another crate"),
    ("cargo add ndarray", "changes the manifest of another crate"),
    ("cargo bench -p gradus-benches", "takes minutes"),
    ("cargo bench -p gradus-benches --bench inference", "takes minutes"),
    ("cargo bench -p gradus-benches --bench kernels", "takes minutes"),
    ("cargo bench -p gradus-benches --bench shapes", "takes minutes"),
    ("cargo bench -p gradus-benches --bench steps", "takes minutes"),
    ("cargo install --path . --features cli,keras,onnx", "installs a program"),
    ("cargo run --manifest-path examples/downstream/Cargo.toml", ".ci/run builds and runs it"),
    ("cargo test", "runs this test"),
    ("GRADUS_GOLDEN=write cargo test --test library digests", "changes a file of the repository"),
    ("tests/builds/run", ".ci/run runs it"),
    ("tests/quick", "runs tests that cargo test runs"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The documents of the repository.
fn documents() -> Vec<PathBuf> {
    let folders = ["", "benches", "docs", "examples", "examples/downstream"].map(|folder| root().join(folder));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let mut documents: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    documents.sort();
    documents
}

/// The lines of the `sh` blocks of a document, without comments.
fn commands(document: &str) -> Vec<&str> {
    let (mut commands, mut inside) = (Vec::new(), false);
    for line in document.lines() {
        let line = line.trim();
        if let Some(language) = line.strip_prefix("```") {
            inside = !inside && language == "sh";
        } else if inside {
            commands.push(line.split(" #").next().unwrap().trim());
        }
    }
    commands.retain(|command| !command.is_empty() && !command.starts_with('#'));
    commands
}

#[test]
fn commands_are_found() {
    let document = "Text\n```sh\n# A comment\ncargo test   # all\n\ncargo run\n```\n```rust\nfn main() {}\n```\n  ```sh\n  ls\n  ```";
    assert_eq!(commands(document), ["cargo test", "cargo run", "ls"]);
}

/// The files that commands for the program `gradus` read: models, an image, arrays and the MNIST dataset.
fn fill(folder: &Path) {
    let network = Sequential::new([28, 28, 1])
        .add(Conv2d::new(2, 3).activation(Activation::Relu))
        .add(MaxPool2d::new(2))
        .add(Flatten)
        .add(Dense::new(10).activation(Activation::Softmax));
    let settings = Compile::new(Adam::default(), CategoricalCrossentropy::new()).metric(Accuracy);
    let model = network.compile(settings).unwrap();
    model.save(folder.join("model.safetensors")).unwrap();
    keras::save(&model, folder.join("model.keras")).unwrap();
    keras::save_weights(&model, folder.join("old.weights.h5")).unwrap();
    let seven = Array2::from_shape_fn((28, 28), |(y, x)| if y == 5 || x + y == 24 { 255_u8 } else { 0 });
    Picture::new(&seven).unwrap().write_png(folder.join("seven.png")).unwrap();
    let (x, y) = (Array4::from_elem((3, 28, 28, 1), 0.5), Array2::from_elem((3, 10), 0.1));
    npy::write(folder.join("x.npy"), &x).unwrap();
    let mut arrays = Params::new();
    arrays.add("x", &x).unwrap();
    arrays.add("y", &y).unwrap();
    npz::write_params(folder.join("data.npz"), &arrays).unwrap();
    fs::create_dir_all(folder.join("data/mnist")).unwrap();
    for file in fs::read_dir(root().join("data/mnist")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.join("data/mnist").join(file.file_name())).unwrap();
    }
}

/// Runs a command and returns its output, or `None` if it is not one of the tested commands.
///
/// Examples train for one epoch on a few images, and tests are only listed.
fn run(text: &str, folder: &Path) -> Option<String> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let variables = words.iter().take_while(|word| word.contains('=')).count();
    let variables: Vec<(&str, &str)> = words.drain(..variables).map(|word| word.split_once('=').unwrap()).collect();
    let mut command = match words[..] {
        ["gradus", ..] => Command::new(env!("CARGO_BIN_EXE_gradus")),
        ["cargo", "run", "--example", ..] | ["cargo", "test", "--test", _, _] => Command::new(env!("CARGO")),
        _ => return None,
    };
    let out = folder.join("runs");
    let more: &[&str] = match words[..] {
        ["cargo", "run", "--example", "basic_nn", ..] => &["--steps", "5", "--limit", "1000"],
        ["cargo", "run", ..] => &["--epochs", "1", "--limit", "128"],
        ["cargo", ..] => &["--list"],
        _ => &[],
    };
    command.args(&words[1..]).envs(variables);
    if words[0] == "cargo" {
        command.args((!words.contains(&"--")).then_some("--")).args(more).current_dir(root());
        command.args((words[1] == "run").then_some(["--out", out.to_str().unwrap()]).into_iter().flatten());
    } else {
        command.current_dir(folder);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Whether this processor has the instruction set that a command selects.
fn is_possible(command: &str) -> bool {
    #[cfg(target_arch = "x86_64")]
    let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let has_avx2 = false;
    has_avx2 || !command.contains("GRADUS_SIMD=avx2")
}

#[test]
fn the_commands_of_the_documents_work() {
    let folder = tempdir().unwrap();
    fill(folder.path());
    let mut seen: Vec<String> = Vec::new();
    for path in documents() {
        let document = fs::read_to_string(&path).unwrap();
        for command in commands(&document) {
            // A command may be in several documents; the files that it writes remain for the next ones.
            let known = seen.iter().any(|other| other == command);
            seen.push(command.to_owned());
            if known || !is_possible(command) || NOT_RUN.iter().any(|(other, _)| *other == command) {
                continue;
            }
            let shown = run(command, folder.path());
            let shown = shown.unwrap_or_else(|| {
                panic!("{}: no test runs {command}; run it in {} or list it in NOT_RUN", path.display(), file!())
            });
            let tests = shown.lines().filter(|line| line.ends_with(": test")).count();
            assert!(!command.starts_with("cargo test") || tests > 0, "{command} runs no test");
            assert!(command.starts_with("gradus convert") || !shown.is_empty(), "{command} shows nothing");
        }
    }
    for (command, _) in NOT_RUN {
        assert!(seen.iter().any(|other| other == command), "no document has the command {command}; remove it here");
        let script = command.split_whitespace().next().unwrap();
        let exists = !script.contains('/') || root().join(script).exists() || !root().join(".ci").exists();
        assert!(exists, "{script} does not exist");
    }
}
