//! The sizes of a convolution, and the room it works in.

use crate::kernels::tile::LANES;

/// Images in a shard of a sum over the batch.
pub const IMAGES_PER_SHARD: usize = 32;

/// The fewest output pixels that a group of images should have, unless a shard has fewer.
const PIXELS_PER_GROUP: usize = 32;

/// The sizes of a convolution, checked by the operation that records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Images in the batch.
    pub batch: usize,
    /// Rows of an input image.
    pub height: usize,
    /// Columns of an input image.
    pub width: usize,
    /// Channels of an input image, innermost.
    pub channels: usize,
    /// Rows and columns of a kernel.
    pub kernel: [usize; 2],
    /// Channels of an output image.
    pub filters: usize,
    /// Rows and columns between windows.
    pub strides: [usize; 2],
    /// Zeros before the first row and column.
    pub padding: [usize; 2],
    /// Rows and columns of an output image.
    pub output: [usize; 2],
}

impl Geometry {
    /// Rows and columns of a padded image: as many as windows reach over, and at least the image's own.
    pub(super) fn padded_size(&self) -> [usize; 2] {
        let reach = |axis: usize| (self.output[axis] - 1) * self.strides[axis] + self.kernel[axis];
        [reach(0).max(self.height + self.padding[0]), reach(1).max(self.width + self.padding[1])]
    }

    /// Elements of a row of a padded image.
    pub(super) fn padded_row(&self) -> usize {
        self.padded_size()[1] * self.channels
    }

    /// Elements of a padded image.
    pub(super) fn padded_image(&self) -> usize {
        self.padded_size()[0] * self.padded_row()
    }

    pub(super) fn input_image(&self) -> usize {
        self.height * self.width * self.channels
    }

    pub(super) fn pixels(&self) -> usize {
        self.output[0] * self.output[1]
    }

    pub(super) fn output_image(&self) -> usize {
        self.pixels() * self.filters
    }

    /// Taps that lie side by side in an image: those of one row of a window.
    pub(super) fn run(&self) -> usize {
        self.kernel[1] * self.channels
    }

    /// Taps of a window.
    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.run()
    }

    /// Whether the windows of pixels in a row begin side by side.
    pub(super) fn side_by_side(&self) -> bool {
        self.channels * self.strides[1] == 1
    }

    /// Multiply-adds for one image.
    pub(super) fn work(&self) -> usize {
        self.pixels() * self.taps() * self.filters.next_multiple_of(LANES)
    }

    /// Images that are worked on together.
    pub(super) fn group(&self) -> usize {
        PIXELS_PER_GROUP.div_ceil(self.pixels()).next_power_of_two().min(IMAGES_PER_SHARD)
    }

    pub(super) fn check(&self, x: &[f32], w: &[f32], y: &[f32]) {
        assert_eq!(x.len(), self.batch * self.input_image(), "the images' elements");
        assert_eq!(w.len(), self.taps() * self.filters, "the kernels' elements");
        assert_eq!(y.len(), self.batch * self.output_image(), "the outputs' elements");
    }
}

/// Room for a convolution's work, made once.
#[derive(Clone, Debug)]
pub struct Scratch {
    geometry: Geometry,
    /// Images in a group.
    pub(super) group: usize,
    /// Where in a group the window of each of its output pixels begins.
    pub(super) bases: Vec<usize>,
    /// How far each tap is from where its window begins.
    pub(super) offsets: Vec<usize>,
    pub(super) padded: Padded,
    /// Filters, sixteen at a time, tap by tap: for the forward pass.
    pub(super) filters: Vec<[f32; LANES]>,
    /// Taps, sixteen of a run at a time, filter by filter: for the input's gradient.
    pub(super) taps: Vec<[f32; LANES]>,
    /// One for each shard of the batch: the kernels' gradient from it.
    pub(super) shards: Vec<Shard>,
}

/// What one shard of the batch works in.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    /// The kernels' gradient.
    pub(super) dw: Vec<f32>,
    /// A group's gradients of sixteen filters, pixel by pixel.
    pub(super) panel: Vec<[f32; LANES]>,
}

impl Scratch {
    /// Room for convolutions of this geometry; for the gradients as well where it is for training.
    pub fn new(geometry: &Geometry, training: bool) -> Scratch {
        let group = geometry.group();
        let panels = geometry.filters.div_ceil(LANES);
        let shards = if training { geometry.batch.div_ceil(IMAGES_PER_SHARD) } else { 0 };
        let backward_panels = if training { geometry.run().div_ceil(LANES) * geometry.kernel[0] } else { 0 };
        let shard = Shard {
            dw: vec![0.0; geometry.taps() * geometry.filters],
            panel: vec![[0.0; LANES]; group * geometry.pixels()],
        };
        Scratch {
            geometry: *geometry,
            group,
            bases: bases(geometry, group),
            offsets: (0..geometry.taps()).map(|tap| offset(geometry, tap)).collect(),
            padded: Padded::new(geometry),
            filters: vec![[0.0; LANES]; panels * geometry.taps()],
            taps: vec![[0.0; LANES]; backward_panels * geometry.filters],
            shards: vec![shard; shards],
        }
    }

    /// Copies the kernels into panels of sixteen filters; filters beyond the last stay 0.
    pub(super) fn pack_filters(&mut self, w: &[f32]) {
        let (filters, taps) = (self.geometry.filters, self.geometry.taps());
        for (number, panel) in self.filters.chunks_exact_mut(taps).enumerate() {
            let width = LANES.min(filters - number * LANES);
            for (panel, w) in panel.iter_mut().zip(w.chunks_exact(filters)) {
                panel[..width].copy_from_slice(&w[number * LANES..][..width]);
            }
        }
    }

    /// Copies the kernels into panels of sixteen taps of a run, with the filters as rows; taps beyond the last stay 0.
    pub(super) fn pack_taps(&mut self, w: &[f32]) {
        let (filters, run) = (self.geometry.filters, self.geometry.run());
        let mut panels = self.taps.chunks_exact_mut(filters);
        for w in w.chunks_exact(run * filters) {
            for w in w.chunks(LANES * filters) {
                let Some(panel) = panels.next() else { return };
                for (lane, w) in w.chunks_exact(filters).enumerate() {
                    panel.iter_mut().zip(w).for_each(|(panel, w)| panel[lane] = *w);
                }
            }
        }
    }
}

fn offset(geometry: &Geometry, tap: usize) -> usize {
    tap / geometry.run() * geometry.padded_row() + tap % geometry.run()
}

/// Where the windows of a group's output pixels begin.
fn bases(geometry: &Geometry, group: usize) -> Vec<usize> {
    let [rows, columns] = geometry.output;
    let base = |pixel: usize| {
        let (image, row, column) = (pixel / (rows * columns), pixel / columns % rows, pixel % columns);
        let across = column * geometry.strides[1] * geometry.channels;
        image * geometry.padded_image() + row * geometry.strides[0] * geometry.padded_row() + across
    };
    (0..group * rows * columns).map(base).collect()
}

/// Images with zeros around them, where a geometry needs any.
#[derive(Clone, Debug)]
pub(super) struct Padded {
    geometry: Geometry,
    images: Vec<f32>,
}

impl Padded {
    fn new(geometry: &Geometry) -> Padded {
        let needed = geometry.padded_size() != [geometry.height, geometry.width];
        let length = if needed { geometry.batch * geometry.padded_image() } else { 0 };
        Padded { geometry: *geometry, images: vec![0.0; length] }
    }

    /// The padded images; `x` itself where there is nothing to pad.
    pub(super) fn fill<'a>(&'a mut self, x: &'a [f32]) -> &'a [f32] {
        if self.images.is_empty() {
            return x;
        }
        for_each_row(&self.geometry, |image, padded| {
            self.images[padded.clone()].copy_from_slice(&x[image..][..padded.len()]);
        });
        &self.images
    }

    /// The images that the last [`fill`](Padded::fill) left; `x` itself where there is nothing to pad.
    pub(super) fn filled<'a>(&'a self, x: &'a [f32]) -> &'a [f32] {
        if self.images.is_empty() { x } else { &self.images }
    }

    /// Lets `work` write padded images, and copies what lies inside the border to `x`. Zeros come around again.
    pub(super) fn unpad(&mut self, x: &mut [f32], work: impl FnOnce(&mut [f32])) {
        if self.images.is_empty() {
            return work(x);
        }
        work(&mut self.images);
        for_each_row(&self.geometry, |image, padded| {
            x[image..][..padded.len()].copy_from_slice(&self.images[padded]);
        });
        self.images.fill(0.0);
    }
}

/// Calls `row(where it begins, where it lies in the padded images)` for each row of each image.
fn for_each_row(geometry: &Geometry, mut row: impl FnMut(usize, std::ops::Range<usize>)) {
    let length = geometry.width * geometry.channels;
    for image in 0..geometry.batch {
        for number in 0..geometry.height {
            let from = image * geometry.input_image() + number * length;
            let top = (geometry.padding[0] + number) * geometry.padded_row();
            let to = image * geometry.padded_image() + top + geometry.padding[1] * geometry.channels;
            row(from, to..to + length);
        }
    }
}
