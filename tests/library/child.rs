//! Tests that need a separate process: such a test runs itself again in a child process, with an argument.
//!
//! The environment is read once per process, so a test of an environment variable sets it for a child process. Such a
//! test begins with `if let Some(argument) = child::argument()`, which runs in the child process.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output};

const VARIABLE: &str = "GRADUS_TEST_CHILD";

/// The argument of this process, if it is a child process.
pub(crate) fn argument() -> Option<OsString> {
    std::env::var_os(VARIABLE)
}

/// A command that runs only the test with this full name, as a child process.
pub(crate) fn command(test: &str, argument: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(VARIABLE, argument);
    command
}

/// Reports a line to the parent process.
pub(crate) fn report(line: &str) {
    // The test harness does not end its line before a test prints.
    println!("\n{VARIABLE} {line}");
}

/// The lines that a child process reported.
///
/// # Panics
/// If the child process failed, or reported nothing because it did not run its part of the test.
#[track_caller]
pub(crate) fn reported(output: &Output) -> Vec<String> {
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{stdout}{stderr}");
    let start = format!("{VARIABLE} ");
    let lines: Vec<String> = stdout.lines().filter_map(|line| line.strip_prefix(&start)).map(str::to_owned).collect();
    assert!(!lines.is_empty(), "the child process reported nothing: {stdout}{stderr}");
    lines
}

/// Waits until a child process with piped output reports a line.
///
/// # Panics
/// If it ends without a report.
#[track_caller]
pub(crate) fn wait_for_report(child: &mut Child) {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let reported = lines.any(|line| line.unwrap().starts_with(VARIABLE));
    assert!(reported, "the child process ended without a report");
}

#[test]
#[should_panic(expected = "the child process reported nothing")]
fn missing_tests_are_detected() {
    reported(&command("child::none", "").output().unwrap());
}
