//! Grouped convolutions compared with plain loops, bit by bit where the orders of summation are equal.

use super::plain_loops::{forward_image, input_of_image, weight_of_shard};
use super::*;
use crate::kernels::grouped::IMAGES_PER_SHARD;
use crate::kernels::samples;
use crate::kernels::simd::SimdLevel;

/// A convolution of random sizes with more than one channel per group.
fn random(seed: u64) -> Option<GroupedGeometry> {
    let words = samples::bits(seed, 20);
    let draw = |number: usize, most: usize| 1 + words[number] as usize % most;
    let both = |number: usize, most: usize| [draw(number, most), draw(number + 1, most)];
    let (size, kernel, strides, dilation) = (both(0, 13), both(2, 4), both(4, 3), both(6, 3));
    let reach = [0, 1].map(|axis| (kernel[axis] - 1) * dilation[axis] + 1);
    let padding = [0, 1].map(|axis| (draw(8 + axis, 2) - 1) * (draw(10 + axis, reach[axis]) - 1));
    let padded = [0, 1].map(|axis| size[axis] + padding[axis] + (draw(12 + axis, 2) - 1) * (reach[axis] - 1));
    let fits = (0..2).all(|axis| padded[axis] >= reach[axis]);
    let batch = if seed.is_multiple_of(16) { 35 } else { draw(14, 3) };
    let groups = draw(15, 6);
    let channels = 1 + draw(16, if words[17].is_multiple_of(4) { 40 } else { 6 });
    let filters = draw(18, if words[17].is_multiple_of(2) { 15 } else { 40 });
    let output = || [0, 1].map(|axis| (padded[axis] - reach[axis]) / strides[axis] + 1);
    fits.then(|| GroupedGeometry {
        batch,
        size,
        channels,
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

/// y, dw and dx.
fn run(g: &GroupedGeometry, [x, w, dy, bias]: &[Vec<f32>; 4]) -> [Vec<f32>; 3] {
    let [mut y, mut dw, mut dx] = [dy, w, x].map(|like| samples::unset(like.len()));
    let mut scratch = Scratch::new(g).unwrap();
    // Run twice, because the second run must not depend on the buffers of the first.
    for _ in 0..2 {
        forward(g, x, w, Some(bias), Elementwise::Relu, &mut y, &mut scratch);
        backward(g, x, w, dy, [Some(&mut dx), Some(&mut dw)], &mut scratch);
    }
    [y, dw, dx]
}

/// y, dw and dx by plain loops.
fn by_definition(g: &GroupedGeometry, [x, w, dy, bias]: &[Vec<f32>; 4]) -> [Vec<f32>; 3] {
    let level = samples::levels().last().unwrap();
    let [mut y, mut dw, mut dx] = [dy, w, x].map(|like| samples::unset(like.len()));
    for (x, y) in x.chunks_exact(g.image()).zip(y.chunks_exact_mut(g.output_image())) {
        forward_image(level, g, x, w, y);
        y.iter_mut().zip(bias.iter().cycle()).for_each(|(y, bias)| *y = (*y + bias).max(0.0));
    }
    for (dy, dx) in dy.chunks_exact(g.output_image()).zip(dx.chunks_exact_mut(g.image())) {
        input_of_image(level, g, dy, w, dx);
    }
    dw.fill(0.0);
    let shards = x.chunks(IMAGES_PER_SHARD * g.image()).zip(dy.chunks(IMAGES_PER_SHARD * g.output_image()));
    for (x, dy) in shards {
        let mut part = samples::unset(w.len());
        weight_of_shard(level, g, x, dy, &mut part);
        dw.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    [y, dw, dx]
}

fn narrow(g: &GroupedGeometry) -> bool {
    g.channels > 1 && !g.wide()
}

#[test]
fn results_are_those_of_plain_loops_for_any_sizes() {
    let (mut cases, mut wide) = (0, 0);
    for g in (0..400).filter_map(random) {
        let arrays = arrays(&g);
        let (found, expected) = (run(&g, &arrays), by_definition(&g, &arrays));
        samples::assert_same_bits(&found[0], &expected[0], &format!("forward of {g:?}"));
        samples::assert_same_bits(&found[1], &expected[1], &format!("kernels of {g:?}"));
        if narrow(&g) {
            samples::assert_same_bits(&found[2], &expected[2], &format!("images of {g:?}"));
        } else {
            // Windows are added in another order.
            approx::assert_relative_eq!(&found[2][..], &expected[2][..], epsilon = 1e-4, max_relative = 1e-4);
            wide += 1;
        }
        cases += 1;
    }
    assert!(wide > 50 && cases - wide > 50, "{cases} cases, of which {wide} by conv2d");
}

#[test]
fn images_are_not_padded_for_windows_far_beyond_them() {
    for (channels, filters, groups, dilation) in [(3, 20, 1, 100), (2, 3, 4, 100), (2, 17, 2, 60), (2, 4, 1, 1 << 40)] {
        let (batch, size, output, kernel) = (2, [5, 4], [5, 4], [3, 3]);
        let (strides, dilation, padding) = ([1, 1], [dilation; 2], [dilation; 2]);
        let g = GroupedGeometry { batch, size, channels, filters, groups, kernel, strides, dilation, padding, output };
        let arrays = arrays(&g);
        let (found, expected) = (run(&g, &arrays), by_definition(&g, &arrays));
        found.iter().zip(&expected).for_each(|(found, right)| samples::assert_same_bits(found, right, "far windows"));
    }
}

/// Each group computes the convolution of its channels only.
#[test]
fn groups_are_independent() {
    for (channels, filters) in [(2, 3), (3, 17), (20, 32)] {
        let (size, kernel, dilation, output) = ([6, 7], [3, 2], [2, 3], [2, 4]);
        let (batch, groups, strides, padding) = (2, 4, [1, 1], [0, 0]);
        let g = GroupedGeometry { batch, size, channels, filters, groups, kernel, strides, dilation, padding, output };
        let arrays = arrays(&g);
        let [y, dw, dx] = run(&g, &arrays);
        let alone = GroupedGeometry { groups: 1, ..g };
        let part = |all: &[f32], width: usize, group: usize| -> Vec<f32> {
            all.chunks_exact(4 * width).flat_map(|row| &row[group * width..][..width]).copied().collect()
        };
        for group in 0..4 {
            let [x, w, dy, bias] = &arrays;
            let parts = [
                part(x, channels, group),
                part(w, filters, group),
                part(dy, filters, group),
                part(bias, filters, group),
            ];
            let own = run(&alone, &parts);
            samples::assert_same_bits(&own[0], &part(&y, filters, group), "forward");
            samples::assert_same_bits(&own[1], &part(&dw, filters, group), "kernels");
            if narrow(&g) {
                let own = by_definition(&alone, &parts);
                samples::assert_same_bits(&own[2], &part(&dx, channels, group), "images");
            } else {
                samples::assert_same_bits(&own[2], &part(&dx, channels, group), "images");
            }
        }
    }
}

#[test]
fn narrow_groups_have_equal_bits_with_every_instruction_set() {
    for (cases, g) in (0..200).filter_map(random).filter(narrow).enumerate() {
        let [x, w, dy, bias] = &arrays(&g);
        let expected = by_definition(&g, &[x.clone(), w.clone(), dy.clone(), bias.clone()]);
        for level in samples::levels().filter(|level| *level != SimdLevel::Portable || cases % 8 == 0) {
            let mut scratch = narrow_groups::Scratch::new(&g).unwrap();
            let [mut y, mut dw, mut dx] = [dy, w, x].map(|like| samples::unset(like.len()));
            narrow_groups::forward(level, &g, x, w, (Some(bias), Elementwise::Relu), &mut y, &mut scratch);
            narrow_groups::backward_weight(level, &g, x, dy, &mut dw, &mut scratch);
            narrow_groups::backward_input(level, &g, dy, w, &mut dx, &mut scratch);
            for ((found, expected), what) in [y, dw, dx].iter().zip(&expected).zip(["forward", "kernels", "images"]) {
                samples::assert_same_bits(found, expected, &format!("{what} of {g:?} with {level:?}"));
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    for (channels, filters, groups) in [(3, 9, 2), (4, 4, 8), (3, 16, 2), (20, 33, 1)] {
        let (batch, size, output, kernel) = (40, [20, 20], [20, 20], [3, 2]);
        let (strides, dilation, padding) = ([1, 1], [2, 2], [2, 1]);
        let g = GroupedGeometry { batch, size, channels, filters, groups, kernel, strides, dilation, padding, output };
        let arrays = arrays(&g);
        let expected = run(&g, &arrays);
        samples::in_pools(|| {
            let found = run(&g, &arrays);
            found.iter().zip(&expected).for_each(|(found, right)| samples::assert_same_bits(found, right, "threads"));
        });
    }
}
