//! Convolutions compared with plain loops, bit by bit where the orders of summation are equal.

use super::*;
use crate::kernels::{matmul, samples};

pub(super) fn geometry(batch: usize, size: [usize; 3], kernel: [usize; 2], filters: usize) -> Geometry {
    let [height, width, channels] = size;
    let output = [height - kernel[0] + 1, width - kernel[1] + 1];
    let (groups, strides, dilation, padding) = (1, [1, 1], [1, 1], [0, 0]);
    Geometry { batch, height, width, channels, kernel, filters, groups, strides, dilation, padding, output }
}

fn cases() -> Vec<Geometry> {
    vec![
        geometry(3, [28, 28, 1], [2, 2], 6),
        geometry(3, [13, 13, 6], [5, 5], 16),
        geometry(67, [4, 4, 16], [4, 4], 120),
        geometry(33, [3, 5, 2], [2, 3], 17),
        geometry(1, [1, 1, 1], [1, 1], 1),
        Geometry { strides: [2, 3], output: [4, 3], ..geometry(2, [9, 8, 3], [3, 2], 5) },
        Geometry { padding: [1, 1], output: [6, 7], ..geometry(2, [6, 7, 3], [3, 3], 7) },
        Geometry { strides: [2, 1], output: [5, 12], ..geometry(3, [11, 14, 1], [3, 3], 20) },
        geometry(3, [4, 19, 1], [2, 9], 6),
        geometry(2, [15, 4, 9], [2, 2], 40),
        geometry(2, [5, 2, 1], [3, 2], 3),
        // Tiles that overlap previous ones, of pixels and of taps.
        geometry(2, [25, 6, 11], [3, 1], 20),
        geometry(1, [9, 7, 13], [3, 1], 9),
        geometry(2, [9, 8, 1], [7, 1], 5),
        Geometry { padding: [1, 0], strides: [2, 2], output: [3, 4], ..geometry(35, [5, 7, 2], [3, 2], 33) },
        // Kernels with one tap.
        geometry(33, [5, 7, 20], [1, 1], 40),
        geometry(2, [3, 3, 3], [1, 1], 5),
        Geometry { strides: [2, 2], output: [3, 4], ..geometry(2, [5, 7, 4], [1, 1], 33) },
        // Dilation and groups.
        Geometry { dilation: [2, 3], padding: [2, 3], output: [9, 8], ..geometry(2, [9, 8, 5], [3, 3], 20) },
        Geometry { dilation: [3, 1], strides: [1, 2], output: [4, 4], ..geometry(2, [10, 9, 18], [3, 3], 8) },
        Geometry { groups: 3, padding: [1, 1], output: [6, 7], ..geometry(34, [6, 7, 3], [3, 3], 17) },
        Geometry {
            groups: 2,
            dilation: [1, 2],
            strides: [2, 2],
            output: [3, 4],
            ..geometry(3, [6, 11, 9], [2, 3], 40)
        },
    ]
}

/// Calls `term(output element, input element, kernel element)` in the order of images, pixels, groups, taps. The output and
/// kernel elements are the first of a group's filters.
pub(super) fn for_each_term(g: &Geometry, mut term: impl FnMut(usize, usize, usize)) {
    let (pixels, channels) = (g.output[0] * g.output[1], g.channels);
    for (pixel, group) in (0..g.batch * pixels).flat_map(|pixel| (0..g.groups).map(move |group| (pixel, group))) {
        let (image, row, column) = (pixel / pixels, pixel / g.output[1] % g.output[0], pixel % g.output[1]);
        for tap in 0..g.kernel[0] * g.kernel[1] * channels {
            let (u, v, c) = (tap / channels / g.kernel[1], tap / channels % g.kernel[1], tap % channels);
            let (i, j) = (row * g.strides[0] + u * g.dilation[0], column * g.strides[1] + v * g.dilation[1]);
            let inside = i >= g.padding[0] && j >= g.padding[1];
            if inside && i - g.padding[0] < g.height && j - g.padding[1] < g.width {
                let x = ((image * g.height + i - g.padding[0]) * g.width + j - g.padding[1]) * channels * g.groups;
                let filters = group * g.filters;
                term(pixel * g.all_filters() + filters, x + group * channels + c, tap * g.all_filters() + filters);
            }
        }
    }
}

struct Case {
    geometry: Geometry,
    x: Vec<f32>,
    w: Vec<f32>,
    dy: Vec<f32>,
    bias: Vec<f32>,
}

impl Case {
    fn new(geometry: Geometry) -> Case {
        let g = &geometry;
        let x = samples::values(1, g.batch * g.input_image());
        let (w, dy) = (samples::values(2, g.taps() * g.all_filters()), samples::values(3, g.batch * g.output_image()));
        Case { geometry, x, w, dy, bias: samples::values(4, geometry.all_filters()) }
    }

    /// y, dw, dx and db, one after the other.
    fn run(&self) -> Vec<f32> {
        let (g, mut scratch) = (&self.geometry, Scratch::new(&self.geometry, true).unwrap());
        let [mut y, mut dw, mut dx, mut db] =
            [&self.dy, &self.w, &self.x, &self.bias].map(|like| samples::unset(like.len()));
        // Run twice, because the second run must not depend on the buffers of the first.
        for _ in 0..2 {
            forward(g, &self.x, &self.w, Some(&self.bias), Elementwise::Relu, &mut y, &mut scratch);
            let requested = RequestedGradients { dx: Some(&mut dx), dw: Some(&mut dw), db: Some(&mut db) };
            backward(g, &self.x, &self.w, &self.dy, requested, &mut scratch);
        }
        [y, dw, dx, db].concat()
    }

    fn naive_forward(&self) -> Vec<f32> {
        let g = &self.geometry;
        let mut y = vec![0f32; self.dy.len()];
        for_each_term(g, |o, i, k| (0..g.filters).for_each(|f| y[o + f] = self.x[i].mul_add(self.w[k + f], y[o + f])));
        y.iter_mut().enumerate().for_each(|(at, y)| *y = (*y + 0.0 + self.bias[at % g.all_filters()]).max(0.0));
        y
    }

    fn naive_weight(&self) -> Vec<f32> {
        let g = &self.geometry;
        let images_per_shard = if g.covers_image() { matmul::ROWS_PER_CHUNK } else { IMAGES_PER_SHARD };
        let mut shards = vec![vec![0f32; self.w.len()]; g.batch.div_ceil(images_per_shard)];
        for_each_term(g, |o, i, k| {
            let dw = &mut shards[o / g.output_image() / images_per_shard];
            (0..g.filters).for_each(|f| dw[k + f] = self.x[i].mul_add(self.dy[o + f], dw[k + f]));
        });
        let add = |sum: Vec<f32>, part: Vec<f32>| sum.iter().zip(part).map(|(sum, part)| sum + part).collect();
        shards.into_iter().fold(vec![0.0; self.w.len()], add)
    }

    /// Windows from the last row of pixels to the first, and in a row from the first column to the last, or from the last to
    /// the first if columns are dilated.
    fn naive_input(&self) -> Vec<f32> {
        let (g, mut terms) = (&self.geometry, Vec::new());
        for_each_term(g, |o, i, k| terms.push((o, i, k)));
        terms.sort_by_key(|(o, ..)| {
            let (row, column) = (o / g.all_filters() / g.output[1], o / g.all_filters() % g.output[1]);
            std::cmp::Reverse((row, if g.dilation[1] == 1 { 0 } else { column }))
        });
        let mut dx = vec![0f32; self.x.len()];
        for (o, i, k) in terms {
            dx[i] += (0..g.filters).fold(0.0, |sum, f| self.dy[o + f].mul_add(self.w[k + f], sum));
        }
        dx
    }

    fn naive_bias(&self) -> Vec<f32> {
        let g = &self.geometry;
        let images_per_shard = if g.covers_image() { matmul::ROWS_PER_CHUNK } else { IMAGES_PER_SHARD };
        let mut total = vec![0f32; g.all_filters()];
        for shard in self.dy.chunks(images_per_shard * g.output_image()) {
            let mut sums = vec![0f32; g.all_filters()];
            for dy in shard.chunks(g.all_filters()) {
                sums.iter_mut().zip(dy).for_each(|(sum, dy)| *sum += dy);
            }
            total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
        }
        total
    }
}

#[test]
fn all_passes_have_the_bits_of_the_plain_loop() {
    for case in cases().into_iter().map(Case::new) {
        let found = case.run();
        let expected = [
            ("forward", case.naive_forward()),
            ("kernels", case.naive_weight()),
            ("images", case.naive_input()),
            ("biases", case.naive_bias()),
        ];
        let mut rest = &found[..];
        for (pass, expected) in expected {
            let (found, others) = rest.split_at(expected.len());
            samples::assert_same_bits(found, &expected, &format!("{pass}, {:?}", case.geometry));
            rest = others;
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    for case in cases().into_iter().map(Case::new) {
        let expected = case.run();
        samples::in_pools(|| samples::assert_same_bits(&case.run(), &expected, &format!("{:?}", case.geometry)));
    }
}
