//! Depthwise convolutions compared with plain loops, bit by bit.

use super::*;
use crate::kernels::grouped_conv2d::plain_loops;
use crate::kernels::samples;

/// A convolution of random sizes.
fn random(seed: u64) -> Option<GroupedGeometry> {
    let words = samples::bits(seed, 20);
    let draw = |number: usize, most: usize| 1 + words[number] as usize % most;
    let both = |number: usize, most: usize| [draw(number, most), draw(number + 1, most)];
    let (size, kernel, strides, dilation) = (both(0, 13), both(2, 5), both(4, 3), both(6, 2));
    let reach = [0, 1].map(|axis| (kernel[axis] - 1) * dilation[axis] + 1);
    let padding = [0, 1].map(|axis| (draw(8 + axis, 2) - 1) * (draw(10 + axis, reach[axis]) - 1));
    let padded = [0, 1].map(|axis| size[axis] + padding[axis] + (draw(12 + axis, 2) - 1) * (reach[axis] - 1));
    let batch = if seed.is_multiple_of(16) { 35 } else { draw(14, 3) };
    let (groups, filters) = (draw(15, 40), if words[16].is_multiple_of(2) { 1 } else { draw(17, 3) });
    let fits = (0..2).all(|axis| padded[axis] >= reach[axis]);
    let output = || [0, 1].map(|axis| (padded[axis] - reach[axis]) / strides[axis] + 1);
    fits.then(|| GroupedGeometry {
        batch,
        size,
        channels: 1,
        filters,
        groups,
        kernel,
        strides,
        dilation,
        padding,
        output: output(),
    })
}

/// Images, kernels, the gradient of the output, and biases.
fn arrays(g: &GroupedGeometry) -> [Vec<f32>; 4] {
    let lengths = [g.batch * g.image(), g.weights(), g.batch * g.output_image(), g.groups * g.filters];
    [0, 1, 2, 3].map(|at| samples::values(at as u64, lengths[at]))
}

/// y, dx and dw.
fn run(level: SimdLevel, g: &GroupedGeometry, [x, w, dy, bias]: &[Vec<f32>; 4]) -> [Vec<f32>; 3] {
    let mut scratch = Scratch::new(g).unwrap();
    let [mut y, mut dx, mut dw] = [dy, x, w].map(|like| samples::unset(like.len()));
    forward(level, g, x, w, (Some(bias), Elementwise::Relu), &mut y, &mut scratch);
    backward_input(level, g, dy, w, &mut dx, &mut scratch);
    backward_weight(level, g, x, dy, &mut dw, &mut scratch);
    // Run again with the buffers that the other passes have used.
    let again = samples::unset(dy.len());
    let before = std::mem::replace(&mut y, again);
    forward(level, g, x, w, (Some(bias), Elementwise::Relu), &mut y, &mut scratch);
    samples::assert_same_bits(&y, &before, "again");
    [y, dx, dw]
}

/// y, dx and dw, by plain loops.
fn by_definition(g: &GroupedGeometry, [x, w, dy, bias]: &[Vec<f32>; 4]) -> [Vec<f32>; 3] {
    let level = samples::levels().last().unwrap();
    let [mut y, mut dx, mut dw] = [dy, x, w].map(|like| samples::unset(like.len()));
    for (x, y) in x.chunks_exact(g.image()).zip(y.chunks_exact_mut(g.output_image())) {
        plain_loops::forward_image(level, g, x, w, y);
        y.iter_mut().zip(bias.iter().cycle()).for_each(|(y, bias)| *y = if *y + bias < 0.0 { 0.0 } else { *y + bias });
    }
    for (dy, dx) in dy.chunks_exact(g.output_image()).zip(dx.chunks_exact_mut(g.image())) {
        plain_loops::input_of_image(level, g, dy, w, dx);
    }
    dw.fill(0.0);
    let shards = x.chunks(IMAGES_PER_SHARD * g.image()).zip(dy.chunks(IMAGES_PER_SHARD * g.output_image()));
    for (x, dy) in shards {
        let mut part = samples::unset(w.len());
        plain_loops::weight_of_shard(level, g, x, dy, &mut part);
        dw.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    [y, dx, dw]
}

fn assert_equal(g: &GroupedGeometry, found: &[Vec<f32>; 3], expected: &[Vec<f32>; 3]) {
    for ((found, expected), what) in found.iter().zip(expected).zip(["forward", "images", "kernels"]) {
        samples::assert_same_bits(found, expected, &format!("{what} of {g:?}"));
    }
}

#[test]
fn bits_are_those_of_plain_loops_for_any_sizes() {
    let mut cases = 0;
    for g in (0..400).filter_map(random) {
        let arrays = arrays(&g);
        let expected = by_definition(&g, &arrays);
        for level in samples::levels().filter(|level| *level != SimdLevel::Portable || cases % 8 == 0) {
            assert_equal(&g, &run(level, &g, &arrays), &expected);
        }
        cases += 1;
    }
    assert!(cases > 200, "{cases} cases");
}

#[test]
fn infinities_and_nan_stay_in_their_windows() {
    for g in (0..100).filter_map(random) {
        let mut arrays = arrays(&g);
        for (seed, values) in (0..).zip(&mut arrays) {
            let words = samples::bits(10 + seed, values.len());
            for (value, word) in values.iter_mut().zip(words) {
                match word % 64 {
                    0 => *value = f32::INFINITY,
                    1 => *value = f32::NAN,
                    2 => *value = -0.0,
                    3 => *value *= 1e-38,
                    _ => {}
                }
            }
        }
        assert_equal(&g, &run(samples::levels().last().unwrap(), &g, &arrays), &by_definition(&g, &arrays));
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    let level = samples::levels().last().unwrap();
    for (batch, groups, filters) in [(1, 64, 1), (40, 40, 1), (35, 20, 2), (9, 5, 1)] {
        let (kernel, strides, dilation, padding) = ([3, 3], [1, 1], [1, 1], [1, 1]);
        let (size, output) = ([40, 40], [40, 40]);
        let g =
            GroupedGeometry { batch, size, channels: 1, filters, groups, kernel, strides, dilation, padding, output };
        let arrays = arrays(&g);
        let expected = by_definition(&g, &arrays);
        samples::in_pools(|| assert_equal(&g, &run(level, &g, &arrays), &expected));
    }
}
