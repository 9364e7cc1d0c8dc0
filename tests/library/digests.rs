//! Twenty steps of each notebook's model end with the bits in `golden/digests.txt`: on any number of threads and
//! on every instruction set. `GRADUS_GOLDEN=write cargo test --test library digests` rewrites the file.

use crate::child;
use crate::notebooks::{Size, digests};
use gradus::data::mnist::{self, Mnist};
use std::path::PathBuf;
use std::sync::OnceLock;

fn digits() -> &'static Mnist {
    static DIGITS: OnceLock<Mnist> = OnceLock::new();
    DIGITS.get_or_init(|| mnist::load(None).unwrap())
}

/// The digests that this process computes on one thread.
fn here(size: Size) -> &'static str {
    static HERE: [OnceLock<String>; 2] = [OnceLock::new(), OnceLock::new()];
    HERE[usize::from(size == Size::Small)].get_or_init(|| digests(digits(), size, 1))
}

#[test]
fn bits_equal_those_in_the_repository() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/digests.txt");
    let found = [here(Size::Own), here(Size::Small)].concat();
    if std::env::var("GRADUS_GOLDEN").is_ok_and(|word| word == "write") {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    // Git may have converted line endings.
    let (found, expected): (Vec<&str>, Vec<&str>) = (found.lines().collect(), expected.lines().collect());
    let first = (0..found.len().max(expected.len())).find(|line| found.get(*line) != expected.get(*line));
    if let Some(line) = first {
        let [found, expected] = [found, expected].map(|lines| lines.get(line).copied().unwrap_or("nothing").to_owned());
        panic!(
            "line {}: found\n{found}\nexpected\n{expected}\nIf the numerics were meant to change, say so in CHANGELOG.md \
             under Numerics, and write the file with GRADUS_GOLDEN=write cargo test --test library digests",
            line + 1
        );
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for threads in [2, 3, 4, 7] {
        assert_eq!(digests(digits(), Size::Own, threads), here(Size::Own), "{threads} threads");
    }
}

/// In a child process: reports the digests of its instruction set.
fn report_digests(size: Size) {
    digests(digits(), size, 2).lines().for_each(child::report);
}

/// The digests that a child process reports for an instruction set, because the environment is read once.
fn under(level: &str, test: &str, size: &str) -> String {
    let output = child::command(&format!("digests::{test}"), size).env("GRADUS_SIMD", level).output().unwrap();
    child::reported(&output).join("\n") + "\n"
}

/// The size given to this child process.
fn child_size() -> Option<Size> {
    match child::argument()?.to_str() {
        Some("own") => Some(Size::Own),
        Some("small") => Some(Size::Small),
        other => panic!("unknown size {other:?}"),
    }
}

#[test]
fn the_portable_instructions_do_not_change_a_bit() {
    if let Some(size) = child_size() {
        return report_digests(size);
    }
    assert_eq!(under("portable", "the_portable_instructions_do_not_change_a_bit", "small"), here(Size::Small));
}

/// The instruction sets of this processor; others would be errors.
#[cfg(target_arch = "x86_64")]
#[test]
fn wider_instructions_do_not_change_a_bit() {
    if let Some(size) = child_size() {
        return report_digests(size);
    }
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let parts = [is_x86_feature_detected!("avx512vl"), is_x86_feature_detected!("avx512bw")];
    let avx512 =
        avx2 && parts == [true; 2] && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq");
    for (level, there) in [("avx2", avx2), ("avx512", avx512)] {
        if there {
            let test = "wider_instructions_do_not_change_a_bit";
            assert_eq!(under(level, test, "own"), here(Size::Own), "{level}");
            assert_eq!(under(level, test, "small"), here(Size::Small), "{level}");
        }
    }
}
