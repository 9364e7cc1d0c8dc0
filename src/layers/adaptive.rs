//! Pooling to a given number of windows: window i of n along an axis of s elements contains those from ⌊i·s/n⌋ to ⌈(i + 1)·s/n⌉.

use crate::error::{Error, Result, check_setting};
use crate::shape::Shape;
use crate::tape::Var;

/// The first element of each window, and the end.
fn windows(size: usize, count: usize) -> impl Iterator<Item = [usize; 2]> {
    (0..count).map(move |window| [window * size / count, ((window + 1) * size).div_ceil(count)])
}

/// The largest size of an axis and number of windows.
const MAX_SIZE: usize = 1 << 16;

/// The shape of a pooled sample, whose axes but the last are pooled to `counts` windows.
pub(super) fn pooled(inputs: &[Shape], owner: &'static str, counts: &[usize], expected: &str) -> Result<Shape> {
    for count in counts {
        check_setting((1..MAX_SIZE).contains(count), owner, "output_size", *count, "at least 1 and less than 2¹⁶")?;
    }
    match inputs {
        [x] if x.rank() == counts.len() + 1 && !x.is_empty() => {
            if x.sizes()[..counts.len()].iter().any(|size| *size >= MAX_SIZE) {
                return Err(Error::expected("sizes less than 2¹⁶ along the pooled axes"));
            }
            Shape::new(&[counts, &[x.last()]].concat())
        }
        _ => Err(Error::expected(format!("{expected}; Reshape adds a missing axis"))),
    }
}

/// The means of the windows along each axis after the rows.
pub(super) fn average<'r>(x: Var<'r>, counts: &[usize]) -> Var<'r> {
    let along = |x: Var<'r>, (at, count): (usize, &usize)| {
        let size = x.shape().axis(at + 1);
        let mean = |[start, end]: [usize; 2]| (start..end).map(|from| (from, 1.0 / (end - start) as f32)).collect();
        if size == *count { x } else { x.resample(at as isize + 1, windows(size, *count).map(mean).collect()) }
    };
    counts.iter().enumerate().fold(x, along)
}

/// Implements [`Layer`](super::Layer) for a layer with an option `output_size`, by the function `$pool` of this module. `$sizes`
/// returns the number of windows along each axis, and `$expected` describes a sample of the input.
macro_rules! layer {
    ($layer:ident, $pool:ident, $sizes:expr, $expected:literal) => {
        impl $crate::layers::Layer for $layer {
            fn build(
                &self,
                inputs: &[$crate::shape::Shape],
                _weights: &mut $crate::layers::Weights<'_>,
            ) -> $crate::error::Result<Vec<$crate::shape::Shape>> {
                let counts = $sizes(self.output_size);
                Ok(vec![$crate::layers::adaptive::pooled(inputs, stringify!($layer), &counts, $expected)?])
            }

            fn record<'r>(
                &self,
                _weights: &mut $crate::layers::Cursor<'_, 'r>,
                inputs: &[$crate::tape::Var<'r>],
            ) -> Vec<$crate::tape::Var<'r>> {
                vec![$crate::layers::adaptive::$pool(inputs[0], &$sizes(self.output_size)).without_mask()]
            }

            fn supports_masking(&self) -> bool {
                true
            }

            fn spec(&self) -> $crate::spec::Spec {
                self.write_options($crate::spec::Spec::new(Self::CLASS))
            }
        }
    };
}
pub(super) use layer;

/// The maxima of the windows along each axis after the rows.
pub(super) fn max<'r>(x: Var<'r>, counts: &[usize]) -> Var<'r> {
    counts.iter().enumerate().fold(x, |x, (at, count)| max_along(x, at + 1, *count))
}

/// The maxima of the windows along one axis. Windows of different sizes are filled with their last elements.
fn max_along(x: Var<'_>, axis: usize, count: usize) -> Var<'_> {
    let size = x.shape().axis(axis);
    if size == count {
        return x;
    }
    let widest = windows(size, count).map(|[start, end]| end - start).max().unwrap_or(1);
    let filled = match size % count {
        0 => x,
        _ => {
            let elements =
                |[start, end]: [usize; 2]| (start..start + widest).map(move |at| vec![(at.min(end - 1), 1.0)]);
            x.resample(axis as isize, windows(size, count).flat_map(elements).collect())
        }
    };
    let mut sizes = x.shape().sizes().to_vec();
    let product = |sizes: &[usize]| sizes.iter().fold(1, |product: usize, size| product.saturating_mul(*size));
    let (outer, inner) = (product(&sizes[..axis]), product(&sizes[axis + 1..]));
    sizes[axis] = count;
    let image = filled.reshape([outer, count * widest, 1, inner]);
    let y = image.max_pool2d([widest, 1], [widest, 1], crate::ops::Padding::Valid);
    match Shape::new(&sizes) {
        Ok(shape) => y.reshape(shape),
        Err(error) => x.recorder().alias(x, "adaptive_max", Err(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_all_elements() {
        assert_eq!(windows(5, 3).collect::<Vec<_>>(), [[0, 2], [1, 4], [3, 5]]);
        assert_eq!(windows(2, 3).collect::<Vec<_>>(), [[0, 1], [0, 2], [1, 2]]);
        assert_eq!(windows(6, 2).collect::<Vec<_>>(), [[0, 3], [3, 6]]);
    }
}
