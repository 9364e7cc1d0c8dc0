//! Probing of networks whose inputs have open axes: the sizes for which weights are declared, and the open axes of values.

use super::{Architecture, ValueInfo};
use crate::error::{Error, Result};
use crate::layers::DeclaredWeight;
use crate::sample_shape::SampleShape;
use crate::shape::Shape;

/// The sizes that are tried along all open axes until the layers accept one: close to each other at first, since a network may
/// accept only multiples of its strides; then powers of 2, since a network may crop thousands of steps. A size of 1 is last, as it hides differences.
fn sizes() -> impl Iterator<Item = usize> {
    let near = (2..64).chain((64..256).step_by(4));
    let far = (11..=LARGEST.ilog2()).map(|power| 1 << power);
    near.chain((256..=1024).step_by(32)).chain(far).chain([1])
}

/// The largest size that is tried, a power of 2.
const LARGEST: usize = 1 << 15;

/// The largest number of elements of the inputs that are tried, as operations allocate memory for their inputs.
const MOST_ELEMENTS: usize = 1 << 22;

/// The further sizes, for a network that accepts `size`. Multiples fit strides; distant ones show the axes that vary even
/// behind large strides. The most distant one depends on the number of elements of the inputs.
fn further(inputs: &[ValueInfo], size: usize) -> Vec<usize> {
    let farthest = (7..=12).rev().map(|power| size << power).find(|size| elements(inputs, *size) <= MOST_ELEMENTS / 4);
    let sizes = [size + 1, size + 2, 3 * size, 8 * size, 64 * size].into_iter().chain(farthest);
    sizes.filter(|other| *other <= size + 2 || elements(inputs, *other) <= MOST_ELEMENTS).collect()
}

/// The number of elements of the inputs whose open axes have this size.
fn elements(inputs: &[ValueInfo], size: usize) -> usize {
    inputs.iter().fold(0, |sum, input| sum.saturating_add(input.shape.with_open_axes(size).len()))
}

/// The shapes of inputs whose open axes have this size.
fn inputs_of(inputs: &[ValueInfo], size: usize) -> Vec<Shape> {
    inputs.iter().map(|input| input.shape.with_open_axes(size)).collect()
}

/// Returns shapes of the inputs that the layers accept, and the shape of each value with its open axes. `build` builds the
/// network without values of weights for inputs of these shapes.
///
/// # Errors
/// The layers accept no size that is tried, or need weights of another shape for another size.
pub(super) fn probe(
    inputs: &[ValueInfo],
    build: impl Fn(&[Shape]) -> Result<Architecture>,
) -> Result<(Vec<Shape>, Vec<SampleShape>)> {
    let mut failed: Vec<(usize, Error)> = Vec::new();
    let mut found = None;
    for size in sizes().filter(|size| *size <= 64 || elements(inputs, *size) <= MOST_ELEMENTS) {
        match build(&inputs_of(inputs, size)) {
            Ok(built) => {
                found = Some((size, built));
                break;
            }
            // The first error and that for the largest size remain.
            Err(error) if size > 1 => {
                failed.truncate(1);
                failed.push((size, error));
            }
            Err(_) => {}
        }
    }
    let Some((size, first)) = found else { return Err(no_size(failed)) };
    let mut samples: Vec<SampleShape> = inputs.iter().map(|input| input.shape).collect();
    samples.extend(first.probe.all()[inputs.len()..].iter().map(|shape| SampleShape::from(*shape)));
    let mut fits = false;
    let mut rejected = None;
    for other in further(inputs, size) {
        let built = match build(&inputs_of(inputs, other)) {
            Ok(built) => built,
            Err(error) => {
                rejected.get_or_insert((other, error));
                continue;
            }
        };
        fits = true;
        check_weights([size, other], [&first, &built])?;
        for (value, sample) in samples.iter_mut().enumerate().skip(inputs.len()) {
            let shape = built.probe.of(value);
            *sample = sample.joined(shape).ok_or_else(|| {
                let (call, _) = built.call_of(value).unwrap_or_default();
                let expected =
                    format!("outputs with as many axes for each size of the open axes: {sample} and {shape}");
                Error::expected(expected).at(|| built.place_of(built.calls()[call].layer()), &[])
            })?;
        }
    }
    match rejected {
        Some((other, error)) if !fits => {
            let problem = format!(
                "the layers accept open axes of size {size} and none of the larger sizes that were tried; make the axes fixed in \
                 the input shape, or replace the layer that needs a fixed size; with size {other}: {error}"
            );
            Err(Error::Graph { place: "inputs".into(), problem: problem.into() })
        }
        _ => Ok((inputs_of(inputs, size), samples)),
    }
}

/// The error about a network that accepts no size.
fn no_size(mut failed: Vec<(usize, Error)>) -> Error {
    let Some((size, last)) = failed.pop() else { return Error::expected("inputs that the layers accept") };
    match failed.pop() {
        Some((_, Error::Shape { place, found, expected })) if is_same_problem(&place, &expected, &last) => {
            let expected = format!("{expected}; sizes of the open axes from 1 to {LARGEST} were tried");
            Error::Shape { place, found, expected: expected.into() }
        }
        Some((_, first)) if first.to_string() == last.to_string() => first,
        Some((_, first)) if !matches!(first, Error::Shape { .. }) => first,
        _ => {
            let problem = format!(
                "no size of the open axes from 1 to {LARGEST} fits its layers, if all have the same size; with size {size}: {last}"
            );
            Error::Graph { place: "inputs".into(), problem: problem.into() }
        }
    }
}

/// Whether an error expects the same at the same place, so that the size of the open axes may not be the cause.
fn is_same_problem(place: &str, expected: &str, error: &Error) -> bool {
    matches!(error, Error::Shape { place: other, expected: known, .. } if other == place && *known == expected)
}

/// Checks that the weights have the same shapes for two sizes of open axes.
fn check_weights(sizes: [usize; 2], [first, other]: [&Architecture; 2]) -> Result<()> {
    let declared = [first, other].map(|built| DeclaredWeight::all(built.params()));
    let Some((weight, differs)) = declared[0].iter().zip(&declared[1]).find(|(a, b)| a != b) else { return Ok(()) };
    let layer =
        first.layers.iter().position(|built| built.weights.iter().any(|id| first.params.name(*id) == weight.name()));
    let problem = format!(
        "its weight {} would have shape {} for open axes of size {} and {} for size {}, but a model has the same weights for \
         all sizes; make the axes fixed in the input shape, or put a layer before it that removes them, such as \
         a global pooling",
        weight.name(),
        weight.shape(),
        sizes[0],
        differs.shape(),
        sizes[1]
    );
    let place = layer.map_or_else(|| weight.name().into(), |layer| first.place_of(layer));
    Err(Error::Graph { place, problem: problem.into() })
}
