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

#[test]
fn replaying_overwrites_whatever_was_there() {
    for (name, samples) in samples() {
        for sample in samples {
            assert_eq!(sample.bits(), sample.bits_of_second_run(), "{name}");
        }
    }
}
