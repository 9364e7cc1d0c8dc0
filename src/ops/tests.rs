//! What every operation must hold, walked over the list.

mod large_sizes;

use super::samples;
use crate::error::Error;
use crate::kernels::simd;
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

/// A sample's shapes with one of their sizes made another, wherever it stands: in all that has to go together.
fn resized(sample: &Sample, from: usize, to: usize) -> Vec<Shape> {
    let resize = |shape: Shape| {
        let sizes: Vec<usize> = shape.sizes().iter().map(|&size| if size == from { to } else { size }).collect();
        Shape::new(&sizes).unwrap()
    };
    sample.shapes().into_iter().map(resize).collect()
}

/// The different sizes of a sample's axes that are not 1, in their order.
fn sizes(sample: &Sample) -> Vec<usize> {
    let mut found = Vec::new();
    for size in sample.shapes().iter().flat_map(|shape| shape.sizes().to_vec()) {
        if size != 1 && !found.contains(&size) {
            found.push(size);
        }
    }
    found
}

/// The sample with each size in turn made 1, where it takes that. A class that there is not then has no loss, and no slope.
fn narrowed(sample: &Sample) -> Vec<Sample> {
    let narrow = sizes(sample).into_iter().map(|size| resized(sample, size, 1));
    let taken = narrow.filter(|shapes| sample.run_on(shapes).is_ok()).map(|shapes| sample.on(&shapes));
    taken.filter(Sample::is_finite).collect()
}

/// What is asked of the first input of some sample, and the operations that cannot take it.
type Edge = (&'static str, fn(&[usize]) -> bool, &'static [&'static str]);

const EDGES: [Edge; 4] = [
    ("an odd size", |sizes| sizes.iter().any(|size| *size > 1 && size % 2 == 1), &[]),
    ("an axis of one", |sizes| sizes.contains(&1), &[]),
    // Of one row there are no statistics.
    ("one row", |sizes| sizes.first() == Some(&1), &["normalized_affine"]),
    ("a last axis of one", |sizes| sizes.last() == Some(&1), &[]),
];

#[test]
fn gradients_are_right_at_the_edges() {
    for (name, samples) in samples() {
        let mut checked: Vec<Shape> = samples.iter().map(|sample| sample.shapes()[0]).collect();
        for sample in samples.iter().flat_map(narrowed) {
            sample.check_gradients().unwrap_or_else(|error| panic!("{name} on {:?}: {error}", sample.shapes()));
            checked.push(sample.shapes()[0]);
        }
        for (edge, has, without) in EDGES {
            let found = checked.iter().any(|shape| has(shape.sizes()));
            assert_eq!(found, !without.contains(&name), "{name}: {edge}; add a sample that has it");
        }
    }
}

/// So many elements are shared out among threads by whatever shares out at all.
const MANY: usize = 60_000;

/// The sample with one of its sizes grown until some array is that long, if it takes that. No array has the size more often
/// than `most` times, as work grows with the power.
fn grown(sample: &Sample, most: usize) -> Option<Sample> {
    let count = |size: usize, shape: &Shape| shape.sizes().iter().filter(|other| **other == size).count();
    let few = |size: &usize| sample.shapes().iter().all(|shape| count(*size, shape) <= most);
    sizes(sample).into_iter().filter(few).find_map(|size| {
        let larger = (1..).map(|power| resized(sample, size, (size << power) + 1));
        let mut taken = larger.map_while(|shapes| Some((sample.longest_on(&shapes)?, shapes)));
        let (_, shapes) = taken.find(|(longest, _)| *longest >= MANY)?;
        Some(sample.on(&shapes))
    })
}

/// Every operation with its samples as they are and grown, of which each must have one.
fn small_and_large() -> Vec<(&'static str, Vec<Sample>)> {
    let with_large = |(name, mut samples): (&'static str, Vec<Sample>)| {
        let large = |most: usize| samples.iter().filter_map(|sample| grown(sample, most)).collect::<Vec<Sample>>();
        let large = [1, 2].into_iter().map(large).find(|large| !large.is_empty());
        samples.extend(large.unwrap_or_else(|| panic!("{name} has no sample that can grow")));
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

/// Where it is run as a child process, prints the bits of every sample.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_some() {
        bits().iter().for_each(|line| println!("{CHILD} {line}"));
    }
}

const CHILD: &str = "GRADUS_TEST_OPERATIONS";

/// One line for each sample, with a number that follows from all its bits.
fn bits() -> Vec<String> {
    let mixed = |bits: Vec<u32>| {
        bits.iter().fold(0u64, |all, bits| (all.rotate_left(5) ^ u64::from(*bits)).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    };
    let lines = small_and_large().into_iter().flat_map(|(name, samples)| {
        samples.into_iter().map(move |sample| format!("{name} {:?} {:016x}", sample.shapes(), mixed(sample.bits())))
    });
    lines.collect()
}

/// Each in a process of its own, as the environment is read once.
#[test]
fn bits_do_not_depend_on_instructions() {
    let expected = bits();
    for level in simd::available_levels().map(simd::SimdLevel::name) {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "ops::tests::child", "--nocapture"]).env(CHILD, "1").env("GRADUS_SIMD", level);
        let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let start = format!("{CHILD} ");
        // The test harness may have begun the first line.
        let found: Vec<&str> = output.lines().filter_map(|line| Some(line.split_once(&start)?.1)).collect();
        assert_eq!(found, expected, "{level}");
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

/// Operations whose errors name something else than their file: what a user wrote.
const SAID: [(&str, &[&str]); 5] = [
    ("batch_matmul", &["matmul"]),
    ("grouped_conv2d", &["conv2d"]),
    ("reshape", &["reshape", "flatten"]),
    ("softmax_axis", &["softmax"]),
    ("normalized_affine", &["affine"]),
];

/// Nothing panics; what is refused names the layer and the operation, and shows the shapes that it found.
#[test]
fn shapes_that_do_not_fit_are_refused_by_name() {
    let mut never = Vec::new();
    for (name, samples) in samples() {
        let own = SAID.iter().find(|(file, _)| *file == name).map_or(vec![name], |(_, said)| said.to_vec());
        let mut refused = 0;
        for sample in samples {
            let recorded = sample.operations();
            for shapes in other_shapes(&sample) {
                let empty = shapes.iter().any(|shape| shape.is_empty());
                let Err(error) = sample.run_on(&shapes) else {
                    assert!(!empty, "{name} takes {shapes:?}");
                    continue;
                };
                let text = format!("{name} on {shapes:?}: {error}");
                let Error::Shape { place, found, .. } = &error else { panic!("{text}") };
                let operation = place.strip_prefix("somewhere: ").unwrap_or_else(|| panic!("{text}"));
                let known = own.contains(&operation) || recorded.iter().any(|name| name == operation);
                assert!(known || (empty && operation == "input"), "no operation of this name was recorded: {text}");
                let shown = |shape: &Shape| error.to_string().contains(&shape.to_string());
                assert!(!found.is_empty() && found.iter().all(shown), "the shapes are not shown: {text}");
                refused += usize::from(own.contains(&operation));
            }
        }
        if refused == 0 {
            never.push(name);
        }
    }
    never.sort_unstable();
    assert_eq!(never, TAKE_ANY_SHAPE);
}
