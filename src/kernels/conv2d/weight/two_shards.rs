//! Two shards of the batch at once, where one has too few sums to hide the latency of their multiply-adds from each other.

use super::super::geometry::Geometry;
use super::super::tile::{Pixels, Vector, Vectors};
use super::{Layer, load, save};
use crate::kernels::simd::vectorized;

/// Taps of such a kernel, and the most filters.
const TAPS: usize = 4;
const FILTERS: usize = 8;

/// Whether a convolution is of this kind.
pub(super) fn fit(geometry: &Geometry) -> bool {
    geometry.taps() == TAPS && geometry.filters <= FILTERS && geometry.side_by_side()
}

vectorized! {
    /// Adds a padded image's part to the sums of each shard.
    pub(super) fn add_images<F: Fma>(
        layer: &Layer<'_>,
        x: [&[f32]; 2],
        dy: [&[f32]; 2],
        one: &mut [Vector],
        two: &mut [Vector],
    ) {
        let (columns, filters) = (layer.geometry.output[1], layer.geometry.filters);
        let (mut sums_one, mut sums_two) = (load::<{ TAPS + 1 }, FILTERS>(one), load::<{ TAPS + 1 }, FILTERS>(two));
        for pixel in (0..layer.geometry.pixels()).step_by(columns) {
            let (mut taps_one, mut taps_two) = ([&x[0][..0]; TAPS], [&x[1][..0]; TAPS]);
            for tap in 0..TAPS {
                let from = layer.bases[pixel] + layer.offsets[tap];
                (taps_one[tap], taps_two[tap]) = (&x[0][from..][..columns], &x[1][from..][..columns]);
            }
            let [pixels_one, pixels_two] = dy.map(|dy| Pixels { dy: &dy[pixel * filters..], filters });
            for column in 0..columns {
                let (dy_one, dy_two): (&[f32; FILTERS], &[f32; FILTERS]) = (pixels_one.get(column), pixels_two.get(column));
                for tap in 0..TAPS {
                    F::add_scaled(taps_one[tap][column], dy_one, &mut sums_one[tap]);
                    F::add_scaled(taps_two[tap][column], dy_two, &mut sums_two[tap]);
                }
                F::add_scaled(1.0, dy_one, &mut sums_one[TAPS]);
                F::add_scaled(1.0, dy_two, &mut sums_two[TAPS]);
            }
        }
        save(&sums_one, 0, one);
        save(&sums_two, 0, two);
    }
}
