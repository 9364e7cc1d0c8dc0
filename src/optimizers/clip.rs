//! Gradient clipping. Sums have a fixed order.

use crate::kernels::reduce;
use crate::tape::ParamGradients;
use std::ops::Range;

/// Gradient clipping before each step. Limits are > 0.
///
/// ```
/// use gradus::optimizers::{Clip, Optimizer, Sgd};
/// let sgd = Sgd::new(0.1).clip(Clip::GlobalNorm(1.0));
/// assert_eq!(sgd.options()?.clip, Some(Clip::GlobalNorm(1.0)));
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Clip {
    /// Limits each element to −limit … limit. `clipvalue` in Keras.
    Value(f32),
    /// Scales each array so that its Euclidean norm is at most the limit. `clipnorm` in Keras.
    Norm(f32),
    /// Scales all arrays by one factor, so that the Euclidean norm of all elements together is at most the limit (Pascanu et
    /// al. 2013). `global_clipnorm` in Keras.
    GlobalNorm(f32),
}

impl Clip {
    pub(super) const KINDS: [fn(f32) -> Clip; 3] = [Clip::Value, Clip::Norm, Clip::GlobalNorm];

    /// The name in Keras, and the limit.
    pub(super) fn setting(self) -> (&'static str, f32) {
        match self {
            Clip::Value(limit) => ("clipvalue", limit),
            Clip::Norm(limit) => ("clipnorm", limit),
            Clip::GlobalNorm(limit) => ("global_clipnorm", limit),
        }
    }
}

/// Clips the gradients. A value that is not finite makes all gradients of its norm NaN, so that it is noticed.
pub(super) fn apply(clip: Clip, gradients: &mut ParamGradients) {
    match clip {
        Clip::Value(limit) => gradients.arrays_mut().for_each(|gradient| limit_elements(gradient, limit)),
        Clip::Norm(limit) => {
            gradients
                .arrays_mut()
                .for_each(|gradient| scale(gradient, factor(limit, reduce::sum_of_squares(gradient))));
        }
        Clip::GlobalNorm(limit) => {
            let factor = factor(limit, gradients.sum_of_squares());
            gradients.arrays_mut().for_each(|gradient| scale(gradient, factor));
        }
    }
}

impl Clip {
    /// Whether clipping an element depends on other elements.
    pub(super) fn has_norm(self) -> bool {
        !matches!(self, Clip::Value(_))
    }
}

/// Clips a part of the concatenated gradients, as [`apply`] clips all of them. `lengths` are those of all arrays, and `squares`
/// the sums of squares of their chunks, both in order; `part` is in `gradient`.
pub(super) fn apply_to_part(
    clip: Clip,
    gradient: &mut [f32],
    part: Range<usize>,
    lengths: impl Iterator<Item = usize> + Clone,
    squares: &[f64],
) {
    let limit = match clip {
        Clip::Value(limit) => return limit_elements(gradient, limit),
        Clip::Norm(limit) | Clip::GlobalNorm(limit) => limit,
    };
    let mut rest = squares;
    let sums = lengths.clone().map(|length| {
        let (chunks, later) = rest.split_at(length.div_ceil(reduce::CHUNK));
        rest = later;
        reduce::sum_of_chunks(chunks, length)
    });
    if let Clip::GlobalNorm(_) = clip {
        return scale(gradient, factor(limit, sums.fold(0.0, |sum, squares| sum + squares)));
    }
    let mut start = 0;
    for (length, squares) in lengths.zip(sums) {
        let end = start + length;
        let own = start.clamp(part.start, part.end)..end.clamp(part.start, part.end);
        scale(&mut gradient[own.start - part.start..own.end - part.start], factor(limit, squares));
        start = end;
    }
}

/// Limits each element. NaN is preserved.
fn limit_elements(gradient: &mut [f32], limit: f32) {
    gradient.iter_mut().for_each(|g| *g = g.clamp(-limit, limit));
}

/// The factor that limits a norm: limit / norm if the norm exceeds the limit, otherwise 1.
fn factor(limit: f32, squares: f64) -> f32 {
    if !squares.is_finite() {
        return f32::NAN;
    }
    let (limit, norm) = (f64::from(limit), squares.sqrt());
    if norm > limit { (limit / norm) as f32 } else { 1.0 }
}

fn scale(gradient: &mut [f32], factor: f32) {
    if factor != 1.0 {
        gradient.iter_mut().for_each(|g| *g *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::Params;
    use ndarray::arr1;

    /// Two arrays, clipped.
    fn clipped(clip: Clip, first: [f32; 2], second: f32) -> [f32; 3] {
        let mut params = Params::new();
        params.add("a", &arr1(&first)).unwrap();
        params.add("b", &arr1(&[second])).unwrap();
        let mut gradients = ParamGradients::new(&params);
        let values = [&first[..], &[second]];
        gradients.arrays_mut().zip(values).for_each(|(array, values)| array.copy_from_slice(values));
        apply(clip, &mut gradients);
        let all: Vec<f32> = gradients.arrays_mut().flat_map(|array| array.to_vec()).collect();
        all.try_into().unwrap()
    }

    #[test]
    fn each_kind_limits_values_or_norms() {
        assert_eq!(clipped(Clip::Value(2.0), [3.0, -4.0], 1.0), [2.0, -2.0, 1.0]);
        assert_eq!(clipped(Clip::Norm(2.5), [3.0, -4.0], 1.0), [1.5, -2.0, 1.0]);
        assert_eq!(clipped(Clip::GlobalNorm(6.5), [3.0, -4.0], 12.0), [1.5, -2.0, 6.0]);
        assert_eq!(clipped(Clip::GlobalNorm(13.0), [3.0, -4.0], 12.0), [3.0, -4.0, 12.0]);
        assert_eq!(clipped(Clip::GlobalNorm(1.0), [0.0, 0.0], 0.0), [0.0; 3]);
    }

    #[test]
    fn gradients_that_are_not_finite_are_visible() {
        for broken in [f32::NAN, f32::INFINITY] {
            assert!(clipped(Clip::Value(1.0), [f32::NAN, 1.0], 1.0)[0].is_nan());
            assert!(clipped(Clip::Norm(1.0), [broken, 1.0], 1.0)[..2].iter().all(|g| g.is_nan()));
            assert!(clipped(Clip::GlobalNorm(1.0), [broken, 1.0], 1.0).iter().all(|g| g.is_nan()));
        }
    }
}
