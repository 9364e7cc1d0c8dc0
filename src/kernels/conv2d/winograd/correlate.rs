//! The forward pass and the gradient of the images, which is the forward pass of the padded gradients with rotated kernels.

use super::planes::{Planes, block};
use super::tiling::Tiling;
use super::{PLANES, bounded, plain, transforms};
use crate::error::Result;
use crate::kernels::activation::{self, Elementwise};
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::kernels::conv2d::geometry::{Geometry, Strip};
use crate::kernels::conv2d::tile::LANES;
use crate::kernels::parallel;
use crate::kernels::simd::{Fma, SimdLevel, Square, copy_lanes, vectorized};
use crate::kernels::tile::{self, Panel, for_tiles};
use crate::kernels::workspace::Workspace;
use crate::sizes;
use std::ops::Range;

/// Minimum work of a part in nanoseconds. Each part reads all kernels.
const MIN_NANOSECONDS: usize = 200_000;

/// Elements of the transformed inputs and outputs of a block, which are read and written several times and stay in the
/// second cache.
const BLOCK_ELEMENTS: usize = 1 << 17;

/// A convolution of images with transformed kernels.
#[derive(Clone, Debug)]
pub(in super::super) struct Correlation {
    tiling: Tiling,
    /// Channels of the input images.
    channels: usize,
    /// Channels of the output images.
    filters: usize,
    /// For each plane and strip of filters: the lanes of each channel.
    panels: AlignedBuffer,
    /// Whether the kernels could be transformed.
    transformed: bool,
    /// Zeros for absent biases.
    zeros: AlignedBuffer,
    workspace: Workspace,
}

/// The data of a pass.
#[derive(Clone, Copy)]
struct Images<'a> {
    x: &'a [f32],
    bias: Option<&'a [f32]>,
    activation: Elementwise,
}

/// Adjacent elements of the output images, starting at offset `start`.
struct OutputRows<'a> {
    y: &'a mut [f32],
    start: usize,
}

impl Correlation {
    /// Prepares the forward pass.
    pub(in super::super) fn forward(geometry: &Geometry) -> Result<Correlation> {
        let &Geometry { height, width, padding, output, channels, filters, .. } = geometry;
        Correlation::new(Tiling { input: [height, width], padding, output }, channels, filters)
    }

    /// Prepares the gradient of the images.
    pub(in super::super) fn backward(geometry: &Geometry) -> Result<Correlation> {
        let &Geometry { height, width, padding, output, channels, filters, .. } = geometry;
        let padding = padding.map(|padding| 2 - padding);
        Correlation::new(Tiling { input: output, padding, output: [height, width] }, filters, channels)
    }

    fn new(tiling: Tiling, channels: usize, filters: usize) -> Result<Correlation> {
        let (input, output) = block(channels, filters, tiles_per_block(channels, filters));
        Ok(Correlation {
            tiling,
            channels,
            filters,
            panels: AlignedBuffer::zeros(sizes::check_fits_memory::<f32>(&[
                PLANES,
                channels,
                filters.next_multiple_of(LANES),
            ])?),
            transformed: false,
            zeros: AlignedBuffer::zeros(filters),
            workspace: Workspace::new(sizes::sum(&[input.len(), output.len(), input.patch()])?)?,
        })
    }

    /// Transforms kernels of [3, 3, channels, filters] for [`run_forward`](Correlation::run_forward).
    pub(in super::super) fn pack(&mut self, level: SimdLevel, w: &[f32]) {
        self.transformed = bounded(level, w);
        if self.transformed {
            pack(level, w, self.channels, self.filters, &mut self.panels);
        }
    }

    /// y = activation(x ∗ w + bias), with the kernels `w` that were packed last.
    pub(in super::super) fn run_forward(
        &self,
        level: SimdLevel,
        x: &[f32],
        w: &[f32],
        bias: Option<&[f32]>,
        activation: Elementwise,
        y: &mut [f32],
    ) {
        let kernel = plain::Kernel { w, channels: self.channels, filters: self.filters, rotated: false };
        self.run(level, Images { x, bias, activation }, kernel, y);
    }

    /// The gradient of the images, for kernels of [3, 3, channels, filters] and the gradient `dy` of the outputs.
    pub(in super::super) fn run_backward(&mut self, level: SimdLevel, dy: &[f32], w: &[f32], dx: &mut [f32]) {
        self.transformed = bounded(level, w);
        if self.transformed {
            pack_rotated(level, w, self.filters, self.channels, &mut self.panels);
        }
        let kernel = plain::Kernel { w, channels: self.channels, filters: self.filters, rotated: true };
        self.run(level, Images { x: dy, bias: None, activation: Elementwise::Linear }, kernel, dx);
    }

    fn run(&self, level: SimdLevel, images: Images<'_>, kernel: plain::Kernel<'_>, y: &mut [f32]) {
        let rows = images.x.len() / self.tiling.input_image(self.channels) * self.tiling.rows();
        self.split(level, images, kernel, 0..rows, y);
    }

    /// Computes some rows of tiles, on several threads if that is worthwhile. `y` starts at the first one.
    fn split(
        &self,
        level: SimdLevel,
        images: Images<'_>,
        kernel: plain::Kernel<'_>,
        rows: Range<usize>,
        y: &mut [f32],
    ) {
        let multiply_adds = [rows.len(), self.tiling.columns(), PLANES, self.channels, self.filters];
        let nanoseconds = sizes::work(&multiply_adds) / parallel::MULTIPLY_ADDS_PER_NANOSECOND;
        if rows.len() < 2 || nanoseconds < MIN_NANOSECONDS || !parallel::worth_a_fork(nanoseconds) {
            return self.rows(level, images, kernel, rows, y);
        }
        let middle = self.tiling.middle(&rows);
        let start = self.tiling.row_offset(self.filters, rows.start);
        let (first, last) = y.split_at_mut(self.tiling.row_offset(self.filters, middle) - start);
        parallel::join(
            nanoseconds,
            || self.split(level, images, kernel, rows.start..middle, first),
            || self.split(level, images, kernel, middle..rows.end, last),
        );
    }

    /// Computes some rows of tiles. Each is computed by plain loops if its inputs are large. `y` starts at the first one.
    fn rows(&self, level: SimdLevel, images: Images<'_>, kernel: plain::Kernel<'_>, rows: Range<usize>, y: &mut [f32]) {
        let offset = |row| self.tiling.row_offset(self.filters, row) - self.tiling.row_offset(self.filters, rows.start);
        let regular = |rows| self.transformed && bounded(level, self.tiling.inputs(images.x, self.channels, rows));
        let all = regular(rows.clone());
        let mut done = rows.start;
        for row in rows.start..=rows.end {
            let inside = row < rows.end;
            if inside && (all || regular(row..row + 1)) {
                continue;
            }
            self.transformed(level, images, done..row, &mut y[offset(done)..offset(row)]);
            if inside {
                let y = &mut y[offset(row)..offset(row + 1)];
                plain::correlate(level, &self.tiling, row, images.x, kernel, images.bias, y);
            }
            done = row + 1;
        }
        if images.activation != Elementwise::Linear {
            activation::finish_row(level, images.activation, &[], y);
        }
    }

    /// Computes some rows of tiles by transformed values. `y` starts at the first one.
    fn transformed(&self, level: SimdLevel, images: Images<'_>, rows: Range<usize>, y: &mut [f32]) {
        let (columns, most) = (self.tiling.columns(), tiles_per_block(self.channels, self.filters));
        let bias = images.bias.unwrap_or(&self.zeros[..self.filters]);
        let start = self.tiling.row_offset(self.filters, rows.start);
        let (mut first, end) = (rows.start * columns, rows.end * columns);
        while first < end {
            let tiles = first..end.min(first + most);
            first = tiles.end;
            let (input, output) = block(self.channels, self.filters, tiles.len());
            self.workspace.lend(input.len() + output.len() + input.patch(), |values| {
                let (v, values) = values.split_at_mut(input.len());
                let (m, patch) = values.split_at_mut(output.len());
                transform_inputs(level, &self.tiling, images.x, input, tiles.clone(), v, patch);
                multiply(level, v, input, &self.panels, m, output, tiles.len());
                transform_outputs(level, &self.tiling, m, output, tiles, bias, OutputRows { y, start });
            });
        }
    }
}

/// Number of tiles that are processed together: a multiple of the rows of a tile of products.
fn tiles_per_block(channels: usize, filters: usize) -> usize {
    let most = BLOCK_ELEMENTS / (PLANES * channels.saturating_add(filters));
    (most / 12 * 12).clamp(24, 96)
}

/// The first lanes of vectors that cover `channels`. The last one may overlap the one before.
#[inline(always)]
pub(super) fn vectors(channels: usize) -> impl Iterator<Item = usize> {
    (0..channels).step_by(LANES).map(move |at| at.min(channels - LANES))
}

vectorized! {
    /// Transforms the input patches of tiles.
    pub(super) fn transform_inputs<F: Fma>(
        tiling: &Tiling,
        images: &[f32],
        planes: Planes,
        tiles: Range<usize>,
        to: &mut [f32],
        buffer: &mut [f32],
    ) {
        for (row, place) in tiling.places(&tiles).enumerate() {
            let patch = tiling.patch(images, planes.channels, place, buffer);
            for first in vectors(planes.channels) {
                let mut x = [[0.0; LANES]; PLANES];
                for p in 0..PLANES {
                    let at = p % 4 * planes.channels + first;
                    x[p] = *patch[p / 4][at..].first_chunk().expect("lanes of a vector");
                }
                let v = transforms::inputs::<F>(x);
                for p in 0..PLANES {
                    copy_lanes(&v[p], to[planes.at(p, row, first)..].first_chunk_mut::<LANES>().expect("a row"));
                }
            }
        }
    }
}

vectorized! {
    /// Transforms products to the outputs of tiles, and adds the biases.
    fn transform_outputs<F: Fma>(
        tiling: &Tiling,
        from: &[f32],
        planes: Planes,
        tiles: Range<usize>,
        bias: &[f32],
        to: OutputRows<'_>,
    ) {
        let OutputRows { y, start } = to;
        for (row, place) in tiling.places(&tiles).enumerate() {
            let offsets = tiling.outputs(planes.channels, place);
            for first in vectors(planes.channels) {
                let mut m = [[0.0; LANES]; PLANES];
                for p in 0..PLANES {
                    m[p] = *from[planes.at(p, row, first)..].first_chunk().expect("a row");
                }
                let tile = transforms::outputs::<F>(m);
                let bias: &[f32; LANES] = bias[first..].first_chunk().expect("a bias for each filter");
                for p in 0..4 {
                    if let Some(offset) = offsets[p] {
                        // Adding 0 turns −0 into 0, as in every product.
                        let mut pixel = tile[p];
                        F::add(&[0.0; LANES], &mut pixel);
                        F::add(bias, &mut pixel);
                        copy_lanes(&pixel, y[offset - start + first..].first_chunk_mut::<LANES>().expect("a pixel"));
                    }
                }
            }
        }
    }
}

vectorized! {
    /// Multiplies the transformed inputs of `tiles` tiles by the transformed kernels, plane by plane.
    fn multiply<F: Fma>(
        v: &[f32],
        input: Planes,
        panels: &[f32],
        m: &mut [f32],
        output: Planes,
        tiles: usize,
    ) {
        let (channels, filters) = (input.channels, output.channels);
        let panels = panels.chunks_exact(channels * filters.next_multiple_of(LANES));
        for (plane, panels) in panels.enumerate() {
            let (v, m) = (&v[plane * input.stride..], &mut m[plane * output.stride..]);
            let mut at = 0;
            while at < filters {
                let strip = Strip::new(filters, at, F::COLUMNS > LANES);
                let rows = &panels[at * channels..][..strip.lanes * channels];
                if F::COLUMNS > LANES && strip.lanes > LANES {
                    multiply_strip::<F, { 2 * LANES }>(v, channels, rows, &mut m[strip.first..], filters, tiles);
                } else {
                    multiply_strip::<F, LANES>(v, channels, rows, &mut m[strip.first..], filters, tiles);
                }
                at += strip.lanes;
            }
        }
    }
}

/// Multiplies rows of transformed inputs by a strip of transformed kernels.
#[inline(always)]
fn multiply_strip<F: Fma, const L: usize>(
    v: &[f32],
    channels: usize,
    panel: &[f32],
    m: &mut [f32],
    filters: usize,
    tiles: usize,
) {
    for_tiles!(F, 0..tiles, (first, R) => {
        let mut rows = [&v[..0]; R];
        for r in 0..R {
            rows[r] = &v[(first + r) * channels..][..channels];
        }
        let sums = tile::by_rows::<F, R, L>([[0.0; L]; R], rows, Panel { rows: panel, stride: L });
        for r in 0..R {
            copy_lanes(&sums[r], m[(first + r) * filters..].first_chunk_mut::<L>().expect("a row of products"));
        }
    });
}

vectorized! {
    /// Transforms kernels of [3, 3, channels, filters], with filters in the lanes of the panels.
    fn pack<F: Fma>(w: &[f32], channels: usize, filters: usize, panels: &mut [f32]) {
        let plane = channels * filters.next_multiple_of(LANES);
        let mut at = 0;
        while at < filters {
            let strip = Strip::new(filters, at, F::COLUMNS > LANES);
            for channel in 0..channels {
                for lane in (0..strip.lanes).step_by(LANES) {
                    let u = transforms::kernel::<F>(taps(w, channels * filters, channel * filters + strip.first + lane));
                    let to = at * channels + channel * strip.lanes + lane;
                    for p in 0..PLANES {
                        copy_lanes(&u[p], panels[p * plane + to..].first_chunk_mut::<LANES>().expect("a row of a panel"));
                    }
                }
            }
            at += strip.lanes;
        }
    }
}

/// The taps of sixteen filters, starting with filter `at` of the first tap.
#[inline(always)]
fn taps(w: &[f32], stride: usize, at: usize) -> [transforms::Lanes; 9] {
    let mut taps = [[0.0; LANES]; 9];
    for t in 0..9 {
        taps[t] = *w[t * stride + at..].first_chunk().expect("sixteen filters");
    }
    taps
}

/// The plane of a kernel rotated by 180°, which swaps its first and last transformed rows and columns.
fn rotated(plane: usize) -> usize {
    const SWAPPED: [usize; 4] = [3, 1, 2, 0];
    4 * SWAPPED[plane / 4] + SWAPPED[plane % 4]
}

vectorized! {
    /// Transforms rotated kernels of [3, 3, channels, filters], with channels in the lanes of the panels.
    fn pack_rotated<F: Fma>(w: &[f32], channels: usize, filters: usize, panels: &mut [f32]) {
        let plane = filters * channels.next_multiple_of(LANES);
        let mut squares: [Square; PLANES] = [[[0.0; LANES]; LANES]; PLANES];
        let mut at = 0;
        while at < channels {
            let strip = Strip::new(channels, at, F::COLUMNS > LANES);
            for lane in (0..strip.lanes).step_by(LANES) {
                for filter in vectors(filters) {
                    for row in 0..LANES {
                        let channel = strip.first + lane + row;
                        let u = transforms::kernel::<F>(taps(w, channels * filters, channel * filters + filter));
                        squares.iter_mut().zip(&u).for_each(|(square, u)| square[row] = *u);
                    }
                    for (p, square) in squares.iter_mut().enumerate() {
                        F::transpose(square);
                        let to = rotated(p) * plane + at * filters + filter * strip.lanes + lane;
                        for (row, square) in square.iter().enumerate() {
                            let to = panels[to + row * strip.lanes..].first_chunk_mut::<LANES>();
                            copy_lanes(square, to.expect("a row of a panel"));
                        }
                    }
                }
            }
            at += strip.lanes;
        }
    }
}
