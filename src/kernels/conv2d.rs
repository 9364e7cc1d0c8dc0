//! temporary
#![allow(missing_docs)]
use super::activation::{self, Elementwise};
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    pub batch: usize,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub kernel: [usize; 2],
    pub filters: usize,
    pub strides: [usize; 2],
    pub padding: [usize; 2],
    pub output: [usize; 2],
}
pub struct Scratch;
impl Scratch {
    pub fn new(_g: &Geometry, _t: bool) -> Scratch {
        Scratch
    }
}
fn each(g: &Geometry, mut f: impl FnMut(usize, usize, usize)) {
    for n in 0..g.batch {
        for i in 0..g.output[0] {
            for j in 0..g.output[1] {
                for u in 0..g.kernel[0] {
                    for v in 0..g.kernel[1] {
                        for c in 0..g.channels {
                            let (r, q) = (i * g.strides[0] + u, j * g.strides[1] + v);
                            if r < g.padding[0]
                                || q < g.padding[1]
                                || r - g.padding[0] >= g.height
                                || q - g.padding[1] >= g.width
                            {
                                continue;
                            }
                            f(
                                ((n * g.output[0] + i) * g.output[1] + j) * g.filters,
                                ((n * g.height + r - g.padding[0]) * g.width + q - g.padding[1]) * g.channels + c,
                                ((u * g.kernel[1] + v) * g.channels + c) * g.filters,
                            );
                        }
                    }
                }
            }
        }
    }
}
pub fn forward(g: &Geometry, x: &[f32], w: &[f32], b: Option<&[f32]>, a: Elementwise, y: &mut [f32], _s: &mut Scratch) {
    y.fill(0.0);
    each(g, |o, i, k| {
        for f in 0..g.filters {
            y[o + f] += x[i] * w[k + f];
        }
    });
    if let Some(b) = b {
        for row in y.chunks_mut(b.len()) {
            row.iter_mut().zip(b).for_each(|(c, b)| *c += b);
        }
    }
    activation::forward(a, y);
}
pub fn backward_weight(g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32], _s: &mut Scratch) {
    dw.fill(0.0);
    each(g, |o, i, k| {
        for f in 0..g.filters {
            dw[k + f] += x[i] * dy[o + f];
        }
    });
}
pub fn backward_input(g: &Geometry, dy: &[f32], w: &[f32], dx: &mut [f32], _s: &mut Scratch) {
    dx.fill(0.0);
    each(g, |o, i, k| {
        for f in 0..g.filters {
            dx[i] += w[k + f] * dy[o + f];
        }
    });
}
pub fn backward_bias(g: &Geometry, dy: &[f32], db: &mut [f32]) {
    super::matmul::sum_rows(dy, g.filters, db)
}
