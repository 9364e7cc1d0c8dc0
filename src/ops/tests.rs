//! What every operation must hold, walked over the list.

use super::samples;
use crate::shape::Shape;
use crate::testing::{self, Sample};

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

/// Shapes of every number of axes, odd ones, and ones that are empty along an axis.
const SHAPES: [&[usize]; 17] = [
    &[],
    &[1],
    &[2],
    &[7],
    &[1, 1],
    &[3, 5],
    &[7, 3],
    &[1, 3, 5],
    &[2, 3, 4],
    &[1, 4, 4, 2],
    &[2, 5, 3, 3],
    &[1, 2, 1, 2, 1],
    &[2, 1, 3, 1, 2, 1],
    &[0],
    &[3, 0],
    &[0, 5],
    &[2, 0, 3, 3],
];

/// The shapes of a sample's inputs with one of them, or all, replaced by each of [`SHAPES`].
fn other_shapes(sample: &Sample) -> Vec<Vec<Shape>> {
    let own = sample.shapes();
    let mut all = Vec::new();
    for shape in SHAPES.map(|sizes| Shape::new(sizes).unwrap()) {
        all.push(vec![shape; own.len()]);
        for input in 0..own.len() {
            let mut shapes = own.clone();
            shapes[input] = shape;
            all.push(shapes);
        }
    }
    all
}

/// Operations that take inputs of any shape that is not empty.
const TAKE_ANY_SHAPE: [&str; 23] = [
    "absolute",
    "activation",
    "clip",
    "dropout",
    "elu",
    "erf",
    "exp",
    "gelu",
    "hard_sigmoid",
    "leaky_relu",
    "ln",
    "mean",
    "penalty",
    "power",
    "scale",
    "selu",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "sqrt",
    "sum",
    "truncate",
];

/// Nothing panics; what is refused names the layer and the operation.
#[test]
fn shapes_that_do_not_fit_are_refused_by_name() {
    let mut never = Vec::new();
    for (name, samples) in samples() {
        let mut refused = 0;
        for sample in samples {
            for shapes in other_shapes(&sample) {
                let empty = shapes.iter().any(|shape| shape.is_empty());
                match sample.run_on(&shapes) {
                    Ok(()) => assert!(!empty, "{name} takes {shapes:?}"),
                    Err(error) => {
                        let text = error.to_string();
                        assert!(text.starts_with("somewhere: "), "{name} on {shapes:?}: {text}");
                        refused += usize::from(!text.starts_with("somewhere: input: "));
                    }
                }
            }
        }
        if refused == 0 {
            never.push(name);
        }
    }
    assert_eq!(never, TAKE_ANY_SHAPE);
}
