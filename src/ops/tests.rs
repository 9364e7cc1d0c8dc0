//! What every operation must hold, walked over the list.

use super::samples;
use crate::testing;

#[test]
fn gradients_are_those_of_central_differences() {
    for (name, samples) in samples() {
        assert!(!samples.is_empty(), "{name} has no samples");
        for (number, sample) in samples.iter().enumerate() {
            sample.check_gradients().unwrap_or_else(|error| panic!("{name}, sample {number}: {error}"));
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    for (name, samples) in samples() {
        for sample in samples {
            let expected = sample.bits();
            for threads in 1..=4 {
                let found = testing::with_threads(threads, || sample.bits());
                assert_eq!(found, expected, "{name} on {threads} threads");
            }
        }
    }
}

/// Where it is run as a child process, prints the bits of every sample.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_some() {
        bits().iter().for_each(|line| println!("{CHILD} {line}"));
    }
}

const CHILD: &str = "GRADUS_TEST_OPERATIONS";

/// One line for each sample.
fn bits() -> Vec<String> {
    let lines = samples().into_iter().flat_map(|(name, samples)| {
        samples.into_iter().enumerate().map(move |(number, sample)| format!("{name} {number} {:08x?}", sample.bits()))
    });
    lines.collect()
}

/// In a process of its own, as the environment is read once.
#[test]
fn bits_do_not_depend_on_instructions() {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "ops::tests::child", "--nocapture"]).env(CHILD, "1").env("GRADUS_SIMD", "portable");
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let start = format!("{CHILD} ");
    // The test harness may have begun the first line.
    let found: Vec<&str> = output.lines().filter_map(|line| Some(line.split_once(&start)?.1)).collect();
    assert_eq!(found, bits());
}

#[test]
fn replaying_overwrites_whatever_was_there() {
    for (name, samples) in samples() {
        for sample in samples {
            assert_eq!(sample.bits(), sample.bits_of_second_run(), "{name}");
        }
    }
}
