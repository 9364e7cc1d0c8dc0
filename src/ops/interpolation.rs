//! Interpolation between the pixels of an image when it is resized.

use crate::error::Result;
use crate::kernels::double::cos_pi;
use crate::settings::Settings;

/// The interpolation of a resized image. The pixel at position i of n has its center at (i + ½) / n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interpolation {
    /// The nearest pixel.
    #[default]
    Nearest,
    /// The two nearest pixels along each axis, with weights that decrease linearly with the distance.
    Bilinear,
    /// The four nearest pixels along each axis, with the weights of a cubic convolution (Keys 1981).
    Bicubic,
    /// The six nearest pixels along each axis, with the weights of Lanczos' kernel of radius 3.
    Lanczos3,
    /// The ten nearest pixels along each axis, with the weights of Lanczos' kernel of radius 5.
    Lanczos5,
}

/// All interpolations, with their names in Keras.
const ALL: [(&str, Interpolation); 5] = [
    ("nearest", Interpolation::Nearest),
    ("bilinear", Interpolation::Bilinear),
    ("bicubic", Interpolation::Bicubic),
    ("lanczos3", Interpolation::Lanczos3),
    ("lanczos5", Interpolation::Lanczos5),
];

/// The number of distances between two pixels for which TensorFlow knows the weights of a cubic convolution.
const CUBIC_STEPS: f64 = 1024.0;

impl Interpolation {
    /// Returns the interpolation with this name in Keras.
    ///
    /// ```
    /// use gradus::ops::Interpolation;
    /// assert_eq!(Interpolation::from_name("bilinear"), Some(Interpolation::Bilinear));
    /// ```
    pub fn from_name(name: &str) -> Option<Interpolation> {
        ALL.iter().find(|(known, _)| *known == name).map(|(_, interpolation)| *interpolation)
    }

    /// The name in Keras.
    pub(crate) fn name(self) -> &'static str {
        ALL.iter().find(|(_, interpolation)| *interpolation == self).map_or("", |(name, _)| name)
    }

    /// Reads the setting `name` of a layer.
    pub(crate) fn read(settings: &mut Settings<'_>, name: &str) -> Result<Interpolation> {
        settings.one_of(name, &ALL)
    }

    /// Returns the pixels and the weights from which each of `to` pixels along an axis of `from` pixels is computed, for
    /// [`Var::resample`](crate::tape::Var::resample). Equal to `tf.image.resize`. With `antialias`, a smaller image is made
    /// from all pixels that a new pixel covers. Weights have the sum 1; pixels outside the image are excluded.
    ///
    /// ```
    /// use gradus::ops::Interpolation;
    /// assert_eq!(Interpolation::Nearest.terms(2, 4, false), [[(0, 1.0)], [(0, 1.0)], [(1, 1.0)], [(1, 1.0)]]);
    /// assert_eq!(Interpolation::Bilinear.terms(2, 4, false)[1], [(0, 0.75), (1, 0.25)]);
    /// ```
    pub fn terms(self, from: usize, to: usize, antialias: bool) -> Vec<Vec<(usize, f32)>> {
        let step = from as f64 / to as f64;
        // TensorFlow computes the centers in single precision.
        let single = from as f32 / to as f32;
        let (radius, widen) = (self.radius(), if antialias { step.max(1.0) } else { 1.0 });
        let mut all = Vec::with_capacity(to);
        for at in 0..to {
            if self == Interpolation::Nearest {
                let nearest = ((at as f32 + 0.5) * single).floor() as usize;
                all.push(vec![(nearest.min(from - 1), 1.0)]);
                continue;
            }
            let mut center = f64::from((at as f32 + 0.5) * single);
            if self == Interpolation::Bicubic && !antialias {
                let place = center - 0.5;
                center = place.floor() + ((place - place.floor()) * CUBIC_STEPS + 0.5).floor() / CUBIC_STEPS + 0.5;
            }
            let first = (center - radius * widen - 0.5).ceil().max(0.0) as usize;
            let last = ((center + radius * widen - 0.5).floor() as usize).min(from - 1);
            let weight = |pixel: usize| self.weight((pixel as f64 + 0.5 - center) / widen);
            let sum: f64 = (first..=last).map(weight).sum();
            let terms = (first..=last).map(|pixel| (pixel, (weight(pixel) / sum) as f32));
            all.push(terms.filter(|(_, weight)| *weight != 0.0).collect());
        }
        all
    }

    /// The largest distance of a pixel with a weight.
    fn radius(self) -> f64 {
        match self {
            Interpolation::Nearest => 0.5,
            Interpolation::Bilinear => 1.0,
            Interpolation::Bicubic => 2.0,
            Interpolation::Lanczos3 => 3.0,
            Interpolation::Lanczos5 => 5.0,
        }
    }

    /// The weight of a pixel at this distance, before division by the sum of all weights.
    fn weight(self, distance: f64) -> f64 {
        let (x, radius) = (distance.abs(), self.radius());
        match self {
            _ if x >= radius => 0.0,
            Interpolation::Nearest => 1.0,
            Interpolation::Bilinear => 1.0 - x,
            // Keys' kernel with a = −½.
            Interpolation::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Interpolation::Bicubic => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
            Interpolation::Lanczos3 | Interpolation::Lanczos5 if x == 0.0 => 1.0,
            Interpolation::Lanczos3 | Interpolation::Lanczos5 => {
                // sin(πx) = cos(π(x − ½))
                let angle = std::f64::consts::PI * x;
                radius * cos_pi(x - 0.5) * cos_pi(x / radius - 0.5) / (angle * angle)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_the_sum_1_and_stay_inside_the_image() {
        for (name, interpolation) in ALL {
            for (from, to) in [(1, 1), (1, 5), (5, 1), (4, 8), (8, 3), (7, 13)] {
                for antialias in [false, true] {
                    let terms = interpolation.terms(from, to, antialias);
                    assert_eq!(terms.len(), to, "{name}");
                    for sum in &terms {
                        let total: f32 = sum.iter().map(|term| term.1).sum();
                        assert!((total - 1.0).abs() < 1e-6, "{name} from {from} to {to}: {sum:?}");
                        assert!(sum.iter().all(|term| term.0 < from), "{name} from {from} to {to}: {sum:?}");
                    }
                }
            }
            assert_eq!(interpolation.terms(3, 3, false), [[(0, 1.0)], [(1, 1.0)], [(2, 1.0)]], "{name}");
        }
    }

    /// Values of `tf.image.resize`.
    #[test]
    fn weights_are_those_of_tensorflow() {
        let close = |interpolation: Interpolation, from, to, antialias, at: usize, expected: &[f32]| {
            let found: Vec<f32> = interpolation.terms(from, to, antialias)[at].iter().map(|term| term.1).collect();
            approx::assert_abs_diff_eq!(&found[..], expected, epsilon = 1e-6);
        };
        close(Interpolation::Bicubic, 4, 8, false, 3, &[-0.0703125, 0.8671875, 0.2265625, -0.0234375]);
        close(Interpolation::Bilinear, 4, 2, true, 0, &[0.428_571_43, 0.428_571_43, 0.142_857_14]);
    }
}
