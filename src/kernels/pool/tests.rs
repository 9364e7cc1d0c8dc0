//! The maximum of windows and its gradient against plain loops.

use super::*;
use crate::kernels::samples;

fn geometry(size: [usize; 3], window: [usize; 2], strides: [usize; 2]) -> PoolGeometry {
    let [height, width, channels] = size;
    let output = [(height - window[0]) / strides[0] + 1, (width - window[1]) / strides[1] + 1];
    PoolGeometry { batch: 19, height, width, channels, window, strides, output }
}

fn naive(g: &PoolGeometry, x: &[f32], image: usize, row: usize, column: usize, channel: usize) -> (f32, usize) {
    let mut best = (f32::NEG_INFINITY, 0);
    for r in 0..g.window[0] {
        for c in 0..g.window[1] {
            let (r, c) = (row * g.strides[0] + r, column * g.strides[1] + c);
            let at = ((image * g.height + r) * g.width + c) * g.channels + channel;
            if x[at] > best.0 {
                best = (x[at], at);
            }
        }
    }
    best
}

#[test]
fn agrees_with_the_plain_loop_over_odd_sizes() {
    samples::in_pools(agrees_with_the_plain_loop);
}

fn agrees_with_the_plain_loop() {
    for (size, window, strides) in [
        ([5, 7, 3], [2, 2], [2, 2]),
        ([4, 4, 1], [3, 2], [1, 2]),
        ([3, 3, 2], [3, 3], [3, 3]),
        ([6, 5, 17], [2, 3], [1, 1]),
        ([4, 6, 16], [2, 2], [2, 2]),
        ([6, 4, 21], [2, 2], [2, 2]),
        ([7, 8, 6], [2, 2], [3, 4]),
        ([6, 9, 35], [1, 3], [2, 3]),
        ([4, 9, 17], [2, 2], [2, 3]),
        ([5, 9, 10], [3, 2], [3, 2]),
    ] {
        let g = geometry(size, window, strides);
        let x: Vec<f32> = (0..g.batch * g.image()).map(|i| ((i * 7919) % 1009) as f32).collect();
        let (mut y, mut at) = (vec![f32::NAN; g.batch * g.pooled()], vec![9; g.batch * g.pooled()]);
        max_forward(&g, &x, &mut y, &mut at);
        let dy: Vec<f32> = (0..y.len()).map(|i| i as f32 + 1.0).collect();
        let mut dx = vec![f32::NAN; x.len()];
        max_backward(&g, &at, &dy, &mut dx);
        let mut expected = vec![0.0; x.len()];
        for (i, y) in y.iter().enumerate() {
            let (pixel, channel) = (i / g.channels, i % g.channels);
            let (row, column) = (pixel / g.output[1] % g.output[0], pixel % g.output[1]);
            let (value, place) = naive(&g, &x, pixel / g.output[1] / g.output[0], row, column, channel);
            assert_eq!(*y, value);
            expected[place] += dy[i];
        }
        assert_eq!(dx, expected);
    }
}

#[test]
fn bits_do_not_depend_on_instructions() {
    for (size, window) in [([7, 6, 6], [2, 2]), ([6, 7, 24], [3, 2])] {
        let g = PoolGeometry { batch: 1, ..geometry(size, window, window) };
        let mut x = samples::values(1, g.image());
        (x[5], x[9]) = (f32::NAN, -0.0);
        let run = |level| {
            let (mut y, mut at, mut dx) = (samples::unset(g.pooled()), vec![9; g.pooled()], vec![0.0; g.image()]);
            max_image::<8, ANY>(level, &g, &x, &mut y, &mut at);
            write_windows::<8, ANY>(level, &g, &at, &y, &mut dx);
            [y, dx].concat()
        };
        let expected = run(simd::SimdLevel::Portable);
        samples::levels().for_each(|level| samples::assert_same_bits(&run(level), &expected, &format!("{level:?}")));
    }
}

#[test]
fn the_first_of_equal_maxima_receives_the_gradient_and_nan_is_propagated() {
    let g = PoolGeometry { batch: 1, ..geometry([2, 2, 1], [2, 2], [2, 2]) };
    let (mut y, mut at, mut dx) = ([0.0], [9], [f32::NAN; 4]);
    max_forward(&g, &[1.0, 3.0, 3.0, 2.0], &mut y, &mut at);
    max_backward(&g, &at, &[5.0], &mut dx);
    assert_eq!((y, dx), ([3.0], [0.0, 5.0, 0.0, 0.0]));
    max_forward(&g, &[1.0, f32::NAN, 3.0, 2.0], &mut y, &mut at);
    assert!(y[0].is_nan());
}
