//! Convolutions on a grid of shapes: each pass as a share of the rate of a product of 512 × 512 × 512, and of the bandwidth
//! of a copy in memory. A pass that is far below both is a weak shape. `RAYON_NUM_THREADS` sets the number of threads, and an
//! argument selects the rows that contain it.

use gradus::bench_kernels::activation::Elementwise;
use gradus::bench_kernels::conv2d::{self, Geometry, RequestedGradients};
use gradus::bench_kernels::grouped_conv2d::{self, GroupedGeometry};
use gradus::bench_kernels::matmul::{Epilogue, Matrix, matmul};
use std::time::{Duration, Instant};

const CHANNELS: [usize; 5] = [1, 3, 16, 64, 256];
const SIZES: [usize; 5] = [4, 8, 16, 32, 64];
const BATCHES: [usize; 3] = [1, 16, 256];
const KERNELS: [usize; 4] = [1, 3, 5, 7];

/// Maximum elements of an array of images, and maximum multiply-adds of a pass.
const MAX_ELEMENTS: usize = 1 << 23;
const MAX_MULTIPLY_ADDS: usize = 1 << 31;

/// Minimum time for which a pass is repeated, and the product and the copy that it is compared with.
const REPEATED: Duration = Duration::from_millis(10);
const REFERENCE: Duration = Duration::from_secs(1);

/// A convolution with padding that keeps the size for stride 1.
#[derive(Clone, Copy)]
struct Shape {
    batch: usize,
    size: usize,
    /// Channels and filters of a group.
    channels: usize,
    filters: usize,
    groups: usize,
    kernel: usize,
    stride: usize,
}

impl Shape {
    fn output(self) -> usize {
        self.size.div_ceil(self.stride)
    }

    /// Elements of the images, the outputs and the kernels.
    fn elements(self) -> [usize; 3] {
        let pixels = [self.size, self.output()].map(|size| self.batch * size * size * self.groups);
        let weights = self.kernel * self.kernel * self.channels * self.filters * self.groups;
        [pixels[0] * self.channels, pixels[1] * self.filters, weights]
    }

    fn multiply_adds(self) -> usize {
        self.elements()[1] * self.kernel * self.kernel * self.channels
    }

    fn name(self) -> String {
        let Shape { batch, size, channels, filters, groups, kernel, stride } = self;
        let kind = match (groups, channels) {
            (1, _) => format!("{channels} → {filters}"),
            (_, 1) => format!("{groups} depthwise"),
            _ => format!("{groups} × {channels} → {filters}"),
        };
        format!("{batch} × {size} × {size}, {kind}, {kernel} × {kernel}, stride {stride}")
    }

    /// Seconds of the forward pass and of the gradients of the images and of the kernels.
    fn seconds(self) -> [f64; 3] {
        let Shape { batch, size, channels, filters, groups, kernel, stride } = self;
        let [x, y, w] = self.elements().map(numbers);
        let [mut dx, dy, mut dw] = [x.clone(), y.clone(), w.clone()];
        let mut y = y;
        let (strides, dilation, padding) = ([stride; 2], [1, 1], [(kernel - 1) / 2; 2]);
        let (kernel, output, linear) = ([kernel; 2], [self.output(); 2], Elementwise::Linear);
        if groups == 1 {
            let (height, width) = (size, size);
            let g = Geometry {
                batch,
                height,
                width,
                channels,
                kernel,
                filters,
                groups,
                strides,
                dilation,
                padding,
                output,
            };
            let mut scratch = conv2d::Scratch::new(&g, true).expect("small images");
            let forward = best(|| conv2d::forward(&g, &x, &w, None, linear, &mut y, &mut scratch));
            let input = best(|| {
                let requested = RequestedGradients { dx: Some(&mut dx), ..RequestedGradients::default() };
                conv2d::backward(&g, &x, &w, &dy, requested, &mut scratch);
            });
            let weight = best(|| {
                let requested = RequestedGradients { dw: Some(&mut dw), ..RequestedGradients::default() };
                conv2d::backward(&g, &x, &w, &dy, requested, &mut scratch);
            });
            return [forward, input, weight];
        }
        let size = [size; 2];
        let g = GroupedGeometry { batch, size, channels, filters, groups, kernel, strides, dilation, padding, output };
        let mut scratch = grouped_conv2d::Scratch::new(&g).expect("small images");
        let forward = best(|| grouped_conv2d::forward(&g, &x, &w, None, linear, &mut y, &mut scratch));
        let input = best(|| grouped_conv2d::backward(&g, &x, &w, &dy, [Some(&mut dx), None], &mut scratch));
        let weight = best(|| grouped_conv2d::backward(&g, &x, &w, &dy, [None, Some(&mut dw)], &mut scratch));
        [forward, input, weight]
    }
}

/// All shapes of the grid that are not too large.
fn shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for batch in BATCHES {
        for size in SIZES {
            for channels in CHANNELS {
                for (kernel, stride) in KERNELS.iter().flat_map(|kernel| [(*kernel, 1), (*kernel, 2)]) {
                    let filters = channels.max(16);
                    let plain = Shape { batch, size, channels, filters, groups: 1, kernel, stride };
                    shapes.push(plain);
                    if channels >= 16 && kernel > 1 {
                        shapes.push(Shape { channels: 1, filters: 1, groups: channels, ..plain });
                    }
                    if channels >= 64 && kernel <= 3 {
                        shapes.push(Shape { channels: 4, filters: 4, groups: channels / 4, ..plain });
                        shapes.push(Shape { channels: channels / 4, filters: channels / 4, groups: 4, ..plain });
                    }
                }
            }
        }
    }
    let small = |shape: &Shape| {
        shape.elements().iter().all(|elements| *elements <= MAX_ELEMENTS) && shape.multiply_adds() <= MAX_MULTIPLY_ADDS
    };
    shapes.into_iter().filter(small).collect()
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919) % 2003) as f32 / 1001.0 - 1.0).collect()
}

/// The shortest time of a pass in seconds.
fn best(work: impl FnMut()) -> f64 {
    shortest(REPEATED, work)
}

/// The shortest time of `work` in seconds, repeated for at least this duration and three times.
fn shortest(duration: Duration, mut work: impl FnMut()) -> f64 {
    work();
    let (start, mut shortest, mut count) = (Instant::now(), f64::INFINITY, 0);
    while start.elapsed() < duration || count < 3 {
        count += 1;
        let before = Instant::now();
        work();
        shortest = shortest.min(before.elapsed().as_secs_f64());
    }
    shortest
}

fn main() {
    let selected = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let [a, b] = [numbers(512 * 512), numbers(512 * 512)];
    let (size, mut c) = (512, a.clone());
    let product = shortest(REFERENCE, || {
        matmul(Matrix::new(&a, size, size), Matrix::new(&b, size, size), &mut c, Epilogue::None);
    });
    let rate = 512f64.powi(3) / product;
    let from = numbers(1 << 24);
    let mut to = from.clone();
    let bandwidth = 8.0 * from.len() as f64 / shortest(REFERENCE, || to.copy_from_slice(&from));
    println!("Product: {:.0} GFLOP/s. Copy: {:.1} GB/s.\n", 2e-9 * rate, 1e-9 * bandwidth);
    println!("| shape | forward: product, copy | gradient of images | gradient of kernels |\n|---|---:|---:|---:|");
    for shape in shapes().into_iter().filter(|shape| shape.name().contains(&selected)) {
        let bytes = 4 * shape.elements().iter().sum::<usize>();
        let share = |seconds: f64| {
            let shares =
                [shape.multiply_adds() as f64 / rate, bytes as f64 / bandwidth].map(|best| 100.0 * best / seconds);
            format!("{:.0} %, {:.0} %", shares[0], shares[1])
        };
        let [forward, input, weight] = shape.seconds().map(share);
        println!("| {} | {forward} | {input} | {weight} |", shape.name());
    }
}
