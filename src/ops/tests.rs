//! Tests of all operations.

mod large_sizes;

use super::samples;
use crate::error::Error;
use crate::kernels::simd;
use crate::shape::Shape;
use crate::testing::{self, Sample};

#[test]
fn gradients_match_finite_differences() {
    for (name, samples) in samples() {
        assert!(!samples.is_empty(), "{name} has no samples");
        for (number, sample) in samples.iter().enumerate() {
            sample.check_gradients().unwrap_or_else(|error| panic!("{name}, sample {number}: {error}"));
        }
    }
}

/// The shapes of a sample with all axes of size `from` changed to size `to`, so that they still fit together.
fn resized(sample: &Sample, from: usize, to: usize) -> Vec<Shape> {
    let resize = |shape: Shape| {
        let sizes: Vec<usize> = shape.sizes().iter().map(|&size| if size == from { to } else { size }).collect();
        Shape::new(&sizes).unwrap()
    };
    sample.shapes().into_iter().map(resize).collect()
}

/// The distinct sizes > 1 of a sample's axes, in order.
fn sizes(sample: &Sample) -> Vec<usize> {
    let mut found = Vec::new();
    for size in sample.shapes().iter().flat_map(|shape| shape.sizes().to_vec()) {
        if size != 1 && !found.contains(&size) {
            found.push(size);
        }
    }
    found
}

/// The sample with each size in turn changed to 1, if it accepts that. Samples whose loss is not finite, as with labels out
/// of range, are omitted.
fn narrowed(sample: &Sample) -> Vec<Sample> {
    let narrow = sizes(sample).into_iter().map(|size| resized(sample, size, 1));
    let taken = narrow.filter(|shapes| sample.run_on(shapes).is_ok()).map(|shapes| sample.on(&shapes));
    taken.filter(Sample::is_finite).collect()
}

/// An edge case: its name, the condition for the shape of the first input, and the operations that do not support it.
type EdgeCase = (&'static str, fn(&[usize]) -> bool, &'static [&'static str]);

const EDGE_CASES: [EdgeCase; 4] = [
    ("an odd size", |sizes| sizes.iter().any(|size| *size > 1 && size % 2 == 1), &[]),
    ("an axis of one", |sizes| sizes.contains(&1), &[]),
    // Statistics require two rows.
    ("one row", |sizes| sizes.first() == Some(&1), &["normalized_affine"]),
    ("a last axis of one", |sizes| sizes.last() == Some(&1), &[]),
];

#[test]
fn gradients_of_edge_cases_match_finite_differences() {
    for (name, samples) in samples() {
        let mut checked: Vec<Shape> = samples.iter().map(|sample| sample.shapes()[0]).collect();
        for sample in samples.iter().flat_map(narrowed) {
            sample.check_gradients().unwrap_or_else(|error| panic!("{name} on {:?}: {error}", sample.shapes()));
            checked.push(sample.shapes()[0]);
        }
        for (edge, has, without) in EDGE_CASES {
            let found = checked.iter().any(|shape| has(shape.sizes()));
            assert_eq!(found, !without.contains(&name), "{name}: {edge}; add a sample that has it");
        }
    }
}

/// A number of elements that all parallel operations distribute among threads.
const PARALLEL_LENGTH: usize = 60_000;

/// The sample with one of its sizes increased until an array has [`PARALLEL_LENGTH`] elements, if it accepts that. The size
/// occurs at most `most` times in each array, to limit the work.
fn enlarged(sample: &Sample, most: usize) -> Option<Sample> {
    let count = |size: usize, shape: &Shape| shape.sizes().iter().filter(|other| **other == size).count();
    let few = |size: &usize| sample.shapes().iter().all(|shape| count(*size, shape) <= most);
    sizes(sample).into_iter().filter(few).find_map(|size| {
        let larger = (1..).map(|power| resized(sample, size, (size << power) + 1));
        let mut taken = larger.map_while(|shapes| Some((sample.longest_on(&shapes)?, shapes)));
        let (_, shapes) = taken.find(|(longest, _)| *longest >= PARALLEL_LENGTH)?;
        Some(sample.on(&shapes))
    })
}

/// All operations with their samples and enlarged samples. Each operation must have an enlarged one.
fn small_and_large() -> Vec<(&'static str, Vec<Sample>)> {
    let with_large = |(name, mut samples): (&'static str, Vec<Sample>)| {
        let large = |most: usize| samples.iter().filter_map(|sample| enlarged(sample, most)).collect::<Vec<Sample>>();
        let large = [1, 2].into_iter().map(large).find(|large| !large.is_empty());
        samples.extend(large.unwrap_or_else(|| panic!("{name} has no sample that can be enlarged")));
        (name, samples)
    };
    samples().into_iter().map(with_large).collect()
}

#[test]
fn bits_do_not_depend_on_threads() {
    for (name, samples) in small_and_large() {
        for sample in samples {
            let expected = sample.bits();
            for threads in 1..=4 {
                let found = testing::with_threads(threads, || sample.bits());
                assert!(found == expected, "{name} on {:?} on {threads} threads", sample.shapes());
            }
        }
    }
}

/// Prints the bits of all samples, in a child process of [`bits_do_not_depend_on_instructions`].
#[test]
fn child() {
    if std::env::var_os(CHILD).is_some() {
        bits().iter().for_each(|line| println!("{CHILD} {line}"));
    }
}

const CHILD: &str = "GRADUS_TEST_OPERATIONS";

/// A line per sample, with a hash of the bits.
fn bits() -> Vec<String> {
    let hash = |bits: Vec<u32>| {
        bits.iter().fold(0u64, |all, bits| (all.rotate_left(5) ^ u64::from(*bits)).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    };
    let lines = small_and_large().into_iter().flat_map(|(name, samples)| {
        samples.into_iter().map(move |sample| format!("{name} {:?} {:016x}", sample.shapes(), hash(sample.bits())))
    });
    lines.collect()
}

/// Runs a process for each level, since the environment is read once.
#[test]
fn bits_do_not_depend_on_instructions() {
    let expected = bits();
    for level in simd::available_levels().map(simd::SimdLevel::name) {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "ops::tests::child", "--nocapture"]).env(CHILD, "1").env("GRADUS_SIMD", level);
        let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let start = format!("{CHILD} ");
        // The first line may start with output of the test harness.
        let found: Vec<&str> = output.lines().filter_map(|line| Some(line.split_once(&start)?.1)).collect();
        assert_eq!(found, expected, "{level}");
    }
}

#[test]
fn a_second_run_has_equal_bits() {
    for (name, samples) in samples() {
        for sample in samples {
            assert_eq!(sample.bits(), sample.bits_of_second_run(), "{name}");
        }
    }
}

#[test]
fn states_are_updated_by_each_run() {
    for (name, samples) in samples() {
        for sample in samples {
            sample.check_states().unwrap_or_else(|error| panic!("{name}: {error}"));
            let (tape, before, after) = sample.with_fault();
            assert!(tape.commits().next().is_none() && before == after, "{name} updates states after a fault");
        }
    }
}

/// Shapes of all ranks, with odd sizes and empty axes.
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

/// The shapes of a sample's inputs with one or all of them replaced by each of [`SHAPES`].
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

/// Operations that accept all shapes that are not empty.
const SHAPE_INDEPENDENT: [&str; 30] = [
    "absolute",
    "activation",
    "clip",
    "dropout",
    "elu",
    "erf",
    "exp",
    "gaussian_noise",
    "gelu",
    "hard_sigmoid",
    "leaky_relu",
    "ln",
    "mean",
    "mish",
    "penalty",
    "power",
    "rectify",
    "scale",
    "selu",
    "shrink",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sqrt",
    "squareplus",
    "sum",
    "threshold",
    "truncate",
];

/// Operations whose names in errors differ from the names of their files.
const NAMES_IN_ERRORS: [(&str, &[&str]); 5] = [
    ("batch_matmul", &["matmul"]),
    ("grouped_conv2d", &["conv2d"]),
    ("reshape", &["reshape", "flatten"]),
    ("softmax_axis", &["softmax"]),
    ("normalized_affine", &["affine"]),
];

/// No operation panics. Errors name the layer and the operation, and contain the shapes.
#[test]
fn wrong_shapes_are_errors_with_the_name_of_the_operation() {
    let mut never = Vec::new();
    for (name, samples) in samples() {
        let own =
            NAMES_IN_ERRORS.iter().find(|(file, _)| *file == name).map_or(vec![name], |(_, names)| names.to_vec());
        let mut errors = 0;
        for sample in samples {
            let recorded = sample.operations();
            for shapes in other_shapes(&sample) {
                let empty = shapes.iter().any(|shape| shape.is_empty());
                let Err(error) = sample.run_on(&shapes) else {
                    assert!(!empty, "{name} accepts {shapes:?}");
                    continue;
                };
                let text = format!("{name} on {shapes:?}: {error}");
                let Error::Shape { place, found, .. } = &error else { panic!("{text}") };
                let operation = place.strip_prefix("somewhere: ").unwrap_or_else(|| panic!("{text}"));
                let known = own.contains(&operation) || recorded.iter().any(|name| name == operation);
                assert!(known || (empty && operation == "input"), "no operation of this name was recorded: {text}");
                let shown = |shape: &Shape| error.to_string().contains(&shape.to_string());
                assert!(!found.is_empty() && found.iter().all(shown), "the shapes are not shown: {text}");
                errors += usize::from(own.contains(&operation));
            }
        }
        if errors == 0 {
            never.push(name);
        }
    }
    never.sort_unstable();
    assert_eq!(never, SHAPE_INDEPENDENT);
}
