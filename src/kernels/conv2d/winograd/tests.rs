//! Transformed convolutions compared with plain loops in double precision.

use super::*;
use crate::kernels::activation::Elementwise;
use crate::kernels::conv2d::tests::{for_each_term, geometry};
use crate::kernels::samples;
use crate::kernels::simd::{self, SimdLevel};

/// Sizes that are odd, larger than a block, and with overlapping vectors, and each kind of padding.
fn cases() -> Vec<Geometry> {
    vec![
        Geometry { padding: [1, 1], output: [7, 9], ..geometry(3, [7, 9, 16], [3, 3], 16) },
        Geometry { padding: [1, 1], output: [8, 8], ..geometry(2, [8, 8, 17], [3, 3], 33) },
        Geometry { padding: [2, 2], output: [6, 7], ..geometry(5, [4, 5, 32], [3, 3], 24) },
        Geometry { padding: [0, 1], output: [5, 8], ..geometry(35, [7, 8, 20], [3, 3], 40) },
        geometry(3, [16, 15, 33], [3, 3], 56),
        Geometry { padding: [1, 1], output: [20, 20], ..geometry(2, [20, 20, 64], [3, 3], 70) },
    ]
}

struct Case {
    geometry: Geometry,
    x: Vec<f32>,
    w: Vec<f32>,
    dy: Vec<f32>,
    bias: Vec<f32>,
}

/// y, dx, dw and db.
type Passes<T> = [Vec<T>; 4];

impl Case {
    fn new(geometry: Geometry) -> Case {
        assert!(applies(&geometry), "{geometry:?}");
        let g = &geometry;
        let x = samples::values(1, g.batch * g.input_image());
        let (w, dy) = (samples::values(2, g.taps() * g.filters), samples::values(3, g.batch * g.output_image()));
        Case { geometry, x, w, dy, bias: samples::values(4, geometry.filters) }
    }

    /// Runs all passes twice, because the second run must not depend on the buffers of the first.
    fn run(&self, level: SimdLevel) -> Passes<f32> {
        let g = &self.geometry;
        let (mut forward, mut backward) = (Correlation::forward(g).unwrap(), Correlation::backward(g).unwrap());
        let mut weight = WeightGradient::new(g).unwrap();
        let [mut y, mut dx, mut dw, mut db] =
            [&self.dy, &self.x, &self.w, &self.bias].map(|like| samples::unset(like.len()));
        for _ in 0..2 {
            forward.pack(level, &self.w);
            forward.run_forward(level, &self.x, &self.w, Some(&self.bias), Elementwise::Linear, &mut y);
            backward.run_backward(level, &self.dy, &self.w, &mut dx);
            weight.run(level, &self.x, &self.dy, Some(&mut dw), Some(&mut db));
        }
        [y, dx, dw, db]
    }

    /// Plain loops in double precision.
    fn expected(&self) -> Passes<f64> {
        let (g, value) = (&self.geometry, |value: f32| f64::from(value));
        let mut y: Vec<f64> = (0..self.dy.len()).map(|i| value(self.bias[i % g.filters])).collect();
        let (mut dx, mut dw) = (vec![0.0; self.x.len()], vec![0.0; self.w.len()]);
        for_each_term(g, |o, i, k| {
            for f in 0..g.filters {
                y[o + f] += value(self.x[i]) * value(self.w[k + f]);
                dx[i] += value(self.dy[o + f]) * value(self.w[k + f]);
                dw[k + f] += value(self.x[i]) * value(self.dy[o + f]);
            }
        });
        let mut db = vec![0.0; g.filters];
        self.dy.iter().enumerate().for_each(|(i, dy)| db[i % g.filters] += value(*dy));
        [y, dx, dw, db]
    }
}

/// Fails if an element differs by more than `bound` of the root mean square, or only one of two is finite.
fn assert_close(found: &[f32], expected: &[f64], bound: f64, what: &str) {
    let finite = || expected.iter().filter(|value| value.is_finite());
    let scale = (finite().map(|value| value * value).sum::<f64>() / finite().count() as f64).sqrt();
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let close =
            (f64::from(*found) - expected).abs() <= bound * scale || !(found.is_finite() || expected.is_finite());
        assert!(close, "{what}: element {at} is {found:e}, not {expected:e}");
    }
}

fn assert_all_close(found: &Passes<f32>, expected: &Passes<f64>, what: &str) {
    for (pass, (name, bound)) in [("y", 3e-6), ("dx", 3e-6), ("dw", 1e-5), ("db", 1e-5)].into_iter().enumerate() {
        assert_close(&found[pass], &expected[pass], bound, &format!("{name}, {what}"));
    }
}

#[test]
fn all_passes_are_close_to_the_plain_loop() {
    for case in cases().into_iter().map(Case::new) {
        assert_all_close(&case.run(simd::current()), &case.expected(), &format!("{:?}", case.geometry));
    }
}

#[test]
fn bits_do_not_depend_on_instruction_set_and_threads() {
    for case in cases().into_iter().map(Case::new) {
        let expected = case.run(simd::current()).concat();
        let compare = |level| {
            let what = format!("{level:?}, {:?}", case.geometry);
            samples::assert_same_bits(&case.run(level).concat(), &expected, &what);
        };
        // The portable level is many times slower.
        let small = case.geometry.input_image() < 2000;
        samples::levels().filter(|level| small || *level != SimdLevel::Portable).for_each(compare);
        samples::in_pools(|| compare(simd::current()));
    }
}

/// Large and infinite values, and NaN, reach the elements that depend on them, and no others.
#[test]
fn values_that_are_not_finite_spread_no_further_than_in_the_plain_loop() {
    for value in [f32::INFINITY, f32::NAN, 1e38] {
        for array in 0..3 {
            let mut case = Case::new(cases()[array]);
            let values = match array {
                0 => &mut case.x,
                1 => &mut case.dy,
                _ => &mut case.w,
            };
            let middle = values.len() / 2;
            values[middle] = value;
            let (found, expected) = (case.run(simd::current()), case.expected());
            for (found, expected) in found.iter().zip(&expected) {
                let rounded = |value: f64| value as f32;
                for (found, expected) in found.iter().zip(expected) {
                    assert_eq!(found.is_finite(), rounded(*expected).is_finite(), "array {array}, {value}");
                }
            }
        }
    }
}

/// The outputs of an image do not depend on the other images of the batch.
#[test]
fn images_are_independent() {
    let mut case = Case::new(cases()[0]);
    let g = case.geometry;
    let alone: Vec<f32> = case.run(simd::current())[0][2 * g.output_image()..].to_vec();
    case.x[5] = f32::INFINITY;
    samples::assert_same_bits(&case.run(simd::current())[0][2 * g.output_image()..], &alone, "a batch with infinity");
    case.geometry.batch = 1;
    case.x.drain(..2 * g.input_image());
    case.dy.drain(..2 * g.output_image());
    samples::assert_same_bits(&case.run(simd::current())[0], &alone, "one image");
}
