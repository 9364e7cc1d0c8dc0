//! Mistakes in the use of training programs: each is reported in one line with a remedy before any work, and by the
//! exit code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::{TempDir, tempdir};

fn run(example: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--example", example, "--"]).args(arguments).arg("--quiet");
    command.envs(variables.iter().copied()).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

/// The only line on standard error, without the name of the program.
fn error_message(example: &str, code: i32, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = run(example, arguments, variables);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{example} {arguments:?} {variables:?}: {text}");
    let line = text.strip_prefix(&format!("{example}: ")).and_then(|text| text.strip_suffix('\n'));
    let line = line.unwrap_or_else(|| panic!("{example} {arguments:?}: {text}"));
    assert!(!line.contains('\n') && !line.contains("panicked"), "{text}");
    line.to_owned()
}

/// A temporary folder.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }
}

/// The only checkpoint in an output folder.
fn checkpoint(out: &str) -> PathBuf {
    let mut files = fs::read_dir(Path::new(out).join("checkpoints")).unwrap();
    let (file, none) = (files.next().unwrap().unwrap().path(), files.next());
    assert!(none.is_none());
    file
}

const LENET5: [&str; 4] = ["--epochs", "1", "--limit", "128"];
const BASIC_NN: [&str; 4] = ["--steps", "1", "--limit", "1000"];

#[test]
fn option_errors_name_the_option_and_the_expected_value() {
    let end = "; --help lists the options";
    for (arguments, expected) in [
        (&["--epoch", "2"][..], "invalid option '--epoch'"),
        (&["--steps", "2"], "invalid option '--steps'"),
        (&["5"], "unexpected argument \"5\""),
        (&["--resume=yes"], "unexpected argument for option '--resume': \"yes\""),
        (&["--epochs", "many"], "--epochs must be an integer from 1 to 18446744073709551615, got \"many\""),
        (&["--epochs", "0"], "--epochs must be an integer from 1 to 18446744073709551615, got \"0\""),
        (&["--threads", "0"], "--threads must be an integer from 1 to 1024, got \"0\""),
        (&["--limit=-5"], "--limit must be an integer from 1 to 18446744073709551615, got \"-5\""),
        // The option at the end of every run here.
        (&["--out"], "--out needs a value, got the option --quiet"),
        (&["--seed"], "--seed needs a value, got the option --quiet"),
    ] {
        assert_eq!(error_message("lenet5", 2, arguments, &[]), format!("{expected}{end}"), "{arguments:?}");
    }
    let missing = error_message("lenet5", 1, &["--data", "nowhere"], &[]);
    assert!(missing.starts_with("train-images-idx3-ubyte was not found; tried nowhere"), "{missing}");
}

#[test]
fn errors_name_the_environment_variable() {
    let folder = Folder::new();
    for (example, arguments) in [("lenet5", LENET5), ("basic_nn", BASIC_NN)] {
        let out = folder.path(example);
        let arguments = [&arguments[..], &["--out", &out]].concat();
        for level in ["avx3", "AVX2", "none"] {
            let line = error_message(example, 1, &arguments, &[("GRADUS_SIMD", level)]);
            let expected = format!("unknown GRADUS_SIMD level on this processor \"{level}\"; available: portable");
            assert!(line.starts_with(&expected), "{line}");
        }
        let empty = run(example, &arguments, &[("GRADUS_SIMD", "")]);
        assert!(empty.status.success(), "an empty variable is none");
    }
    let line = error_message("lenet5", 1, &LENET5, &[("GRADUS_THREADS", "0")]);
    assert_eq!(line, "threads: must be at least 1, got 0");
}

#[test]
fn read_only_folders_are_errors_before_any_work() {
    let folder = Folder::new();
    fs::write(folder.path("file"), "no folder").unwrap();
    for (example, arguments) in [("lenet5", LENET5), ("basic_nn", BASIC_NN)] {
        for out in [folder.path("file"), folder.path("file/below")] {
            let line = error_message(example, 1, &[&arguments[..], &["--out", &out]].concat(), &[]);
            let checkpoints = Path::new(&out).join("checkpoints");
            assert!(line.starts_with(&format!("{}: checkpoints cannot be written ", checkpoints.display())), "{line}");
            assert!(line.ends_with("; choose another one"), "{line}");
        }
    }
}

#[test]
fn checkpoints_that_cannot_be_resumed_are_errors() {
    let folder = Folder::new();
    let [out, tape] = [folder.path("lenet5"), folder.path("basic_nn")];
    assert!(run("lenet5", &[&LENET5[..], &["--out", &out]].concat(), &[]).status.success());
    assert!(run("basic_nn", &[&BASIC_NN[..], &["--out", &tape]].concat(), &[]).status.success());
    // The message after the file name.
    let resumed = |example: &str, out: &str, arguments: &[&str]| {
        let line = error_message(example, 1, &[arguments, &["--resume", "--out", out]].concat(), &[]);
        let start = format!("{}: ", checkpoint(out).display());
        line.strip_prefix(&start).unwrap_or_else(|| panic!("{line}")).to_owned()
    };
    let settings = "; resume with the settings it was written with, or load only its weights";
    for (example, out, arguments, expected) in [
        ("dense_linear", &out, &LENET5[..], "it has different layers"),
        ("lenet5", &out, &["--limit", "128", "--seed", "3"], "it was trained with a different seed"),
        ("lenet5", &out, &["--limit", "127"], "it was trained with rows 128, expected 127"),
        ("lenet5", &tape, &LENET5, "a training loop on the tape wrote it, not Model::fit"),
        ("basic_nn", &out, &BASIC_NN, "Model::fit wrote it, not a training loop on the tape"),
        ("basic_nn", &tape, &["--limit", "1000", "--seed", "3"], "it was trained with seed 1, expected 3"),
    ] {
        assert_eq!(resumed(example, out, arguments), format!("{expected}{settings}"));
    }

    let (file, end) =
        (checkpoint(&out), "; no checkpoint in the folder is readable; start without resuming, or use another folder");
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for damaged in [&whole[..whole.len() - 1], &whole[..100], &[], &flipped, b"no checkpoint"] {
        fs::write(&file, damaged).unwrap();
        let line = resumed("lenet5", &out, &LENET5);
        assert!(line.ends_with(end), "{line}");
    }
    fs::write(&file, whole).unwrap();
    assert!(run("lenet5", &[&LENET5[..], &["--resume", "--out", &out]].concat(), &[]).status.success());
}
