//! Ctrl-C and SIGTERM end a program after its current step, with a checkpoint; `--resume` then ends with the same bits as an
//! uninterrupted run. This also holds after SIGKILL.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::tempdir;

/// An example, built by cargo and started directly, so that signals reach the example.
fn example(name: &str) -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--example", name]).current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(build.status().unwrap().success());
    let tests = std::env::current_exe().unwrap();
    tests.parent().unwrap().parent().unwrap().join("examples").join(name)
}

fn start(example: &Path, arguments: &[&str], out: &Path, more: &[&str]) -> Child {
    let mut command = Command::new(example);
    command.args(arguments).args(["--quiet", "--resume", "--out", out.to_str().unwrap()]).args(more);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The progress according to the names of the checkpoints.
fn reached(out: &Path) -> u64 {
    let names = fs::read_dir(out.join("checkpoints")).into_iter().flatten().map(|entry| entry.unwrap().file_name());
    let step = |name: &str| name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse::<u64>().ok();
    names.filter_map(|name| step(name.to_str()?)).max().unwrap_or(0)
}

/// Waits for a checkpoint that this process wrote. It is training then, and handles signals.
fn await_checkpoint(out: &Path, before: u64, child: &mut Child) {
    while reached(out) <= before {
        assert!(child.try_wait().unwrap().is_none(), "it ended without a checkpoint");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// The digest in the last line.
fn digest(output: &Output) -> String {
    let (shown, message) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{message}");
    shown.lines().last().and_then(|line| line.strip_prefix("weights: sha256 ")).unwrap().to_owned()
}

/// The history without seconds.
fn history(out: &Path) -> Vec<Vec<String>> {
    let csv = fs::read_to_string(out.join("history.csv")).unwrap();
    let seconds = csv.lines().next().unwrap().split(',').position(|name| name == "seconds").unwrap();
    let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let kept = |mut row: Vec<String>| {
        row.remove(seconds);
        row
    };
    csv.lines().map(|line| kept(cells(line))).collect()
}

/// Each signal, and the number of threads of the run that receives it.
const SIGNALS: [(&str, &str); 3] = [("-KILL", "1"), ("-TERM", "2"), ("-INT", "3")];

/// Ends a run with each signal, resumes it each time, and compares with an uninterrupted run.
fn check(name: &str, arguments: &[&str], steps: u64, signals: &[(&str, &str)]) {
    let example = example(name);
    let (out, untouched) = (tempdir().unwrap(), tempdir().unwrap());
    let (out, untouched) = (out.path(), untouched.path());
    let mut before = 0;
    for &(signaled, threads) in signals {
        // The first run starts without checkpoints.
        let mut child = start(&example, arguments, out, &["--threads", threads]);
        await_checkpoint(out, before, &mut child);
        signal(&child, signaled);
        let output = child.wait_with_output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        if signaled == "-KILL" {
            assert!(!output.status.success() && message.is_empty(), "it was killed during training: {message}");
        } else {
            digest(&output);
            let folder = out.join("checkpoints");
            let how = format!("checkpoint in {}, run the same command with --resume", folder.display());
            let handled = message.starts_with("stopping after this step; interrupt again to stop immediately\n");
            assert!(handled && message.contains(&how), "{signaled}: {message}");
        }
        assert!(before < reached(out) && reached(out) < steps, "{signaled} at step {} of {steps}", reached(out));
        before = reached(out);
    }
    let resumed = start(&example, arguments, out, &["--threads", "2"]).wait_with_output().unwrap();
    let whole = start(&example, arguments, untouched, &["--threads", "1"]).wait_with_output().unwrap();
    assert_eq!((digest(&resumed), reached(out)), (digest(&whole), steps));
    assert_eq!(history(out), history(untouched));
}

#[test]
fn models_resume_after_every_signal() {
    check("lenet5", &["--epochs", "60", "--limit", "512"], 240, &SIGNALS);
}

#[test]
fn loops_on_the_tape_resume_after_every_signal() {
    check("basic_nn", &["--steps", "500", "--limit", "2000"], 500, &SIGNALS);
}

/// The other programs, with one signal each.
#[test]
fn every_example_resumes() {
    check("dense_linear", &["--epochs", "20", "--limit", "2000"], 400, &SIGNALS[..1]);
    check("dropout_mlp", &["--epochs", "6", "--limit", "1600"], 300, &SIGNALS[1..2]);
    check("deep_sigmoid", &["--epochs", "6", "--limit", "1600"], 300, &SIGNALS[2..]);
    check("speedrun", &["--epochs", "6", "--limit", "2560"], 120, &SIGNALS[..1]);
}
