//! How a weight array gets its first values: Keras' initialisers, with Keras' definitions.

use crate::error::{Result, check_setting};
use crate::kernels::math::normal_quantile;
use crate::known::BUILT_IN;
use crate::random::Key;
use crate::settings::{Settings, unfit};
use crate::shape::Shape;
use crate::spec::Spec;
use ndarray::Array1;
use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::Uniform;

/// A recipe for the first values of a weight array.
///
/// Fans are Keras': for a kernel height × width × in × out, fan-in is height · width · in and fan-out is
/// height · width · out; for a matrix they are its rows and columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
    /// All this number.
    Constant(f32),
    /// Uniform between two limits.
    Uniform {
        /// The lower limit.
        low: f32,
        /// The upper limit.
        high: f32,
    },
    /// Normal.
    Normal {
        /// The mean.
        mean: f32,
        /// The standard deviation.
        deviation: f32,
    },
    /// Normal, but never further than two standard deviations from the mean.
    TruncatedNormal {
        /// The mean.
        mean: f32,
        /// The standard deviation before truncation.
        deviation: f32,
    },
    /// Uniform within ±√(6 / (fan-in + fan-out)): Glorot and Bengio 2010. Keras' default for kernels.
    GlorotUniform,
    /// Truncated normal of variance 2 / (fan-in + fan-out).
    GlorotNormal,
    /// Uniform within ±√(6 / fan-in): He et al. 2015.
    HeUniform,
    /// Truncated normal of variance 2 / fan-in.
    HeNormal,
    /// Uniform within ±√(3 / fan-in): LeCun et al. 1998.
    LecunUniform,
    /// Truncated normal of variance 1 / fan-in.
    LecunNormal,
}

/// The recipes without settings, by Keras' class names.
const PLAIN: [(&str, Init); 8] = [
    ("Zeros", Init::Zeros),
    ("Ones", Init::Ones),
    ("GlorotUniform", Init::GlorotUniform),
    ("GlorotNormal", Init::GlorotNormal),
    ("HeUniform", Init::HeUniform),
    ("HeNormal", Init::HeNormal),
    ("LecunUniform", Init::LecunUniform),
    ("LecunNormal", Init::LecunNormal),
];

/// The standard deviation of a standard normal number truncated at ±2.
const TRUNCATED: f64 = 0.879_625_661_034_239_8;

/// The probability that a standard normal number lies below −2.
const BELOW_MINUS_TWO: f64 = 0.022_750_131_948_179_21;

impl Init {
    /// Values for an array of this shape, row-major. They depend on nothing but the recipe, the shape and the key.
    ///
    /// # Errors
    /// Limits that are not finite or not in order, a deviation that is negative or not finite.
    pub fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        self.check()?;
        let (fan_in, fan_out) = fans(shape);
        let fan_average = (fan_in + fan_out) / 2.0;
        Ok(match *self {
            Init::Zeros => vec![0.0; shape.len()],
            Init::Ones => vec![1.0; shape.len()],
            Init::Constant(value) => vec![value; shape.len()],
            Init::Uniform { low, high } => uniform(shape, low, high, key),
            Init::Normal { mean, deviation } => normal(shape, mean, f64::from(deviation), 0.0, key),
            Init::TruncatedNormal { mean, deviation } => {
                normal(shape, mean, f64::from(deviation), BELOW_MINUS_TWO, key)
            }
            Init::GlorotUniform => scaled_uniform(shape, 1.0 / fan_average, key),
            Init::HeUniform => scaled_uniform(shape, 2.0 / fan_in, key),
            Init::LecunUniform => scaled_uniform(shape, 1.0 / fan_in, key),
            Init::GlorotNormal => scaled_normal(shape, 1.0 / fan_average, key),
            Init::HeNormal => scaled_normal(shape, 2.0 / fan_in, key),
            Init::LecunNormal => scaled_normal(shape, 1.0 / fan_in, key),
        })
    }

    /// Keras' class name and settings.
    pub fn spec(&self) -> Spec {
        match *self {
            Init::Constant(value) => Spec::new("Constant").with("value", value),
            Init::Uniform { low, high } => Spec::new("RandomUniform").with("minval", low).with("maxval", high),
            Init::Normal { mean, deviation } => Spec::new("RandomNormal").with("mean", mean).with("stddev", deviation),
            Init::TruncatedNormal { mean, deviation } => {
                Spec::new("TruncatedNormal").with("mean", mean).with("stddev", deviation)
            }
            plain => Spec::new(PLAIN.iter().find(|(_, init)| *init == plain).map_or("", |(class, _)| class)),
        }
    }

    /// The initialiser that [`spec`](Init::spec) describes.
    pub(crate) fn from_spec(spec: &Spec) -> Result<Init> {
        spec.read(&BUILT_IN, |settings| match spec.class() {
            "Constant" => Ok(Init::Constant(settings.number("value")?)),
            "RandomUniform" => Ok(Init::Uniform { low: settings.number("minval")?, high: settings.number("maxval")? }),
            "RandomNormal" => {
                Ok(Init::Normal { mean: settings.number("mean")?, deviation: settings.number("stddev")? })
            }
            "TruncatedNormal" => {
                Ok(Init::TruncatedNormal { mean: settings.number("mean")?, deviation: settings.number("stddev")? })
            }
            class => {
                let plain = PLAIN.iter().find(|(name, _)| *name == class).map(|(_, init)| *init);
                plain.ok_or_else(|| unfit(spec, "is not an initialiser that is known".into()))
            }
        })
    }

    /// The setting `name` of a layer that has an initialiser.
    pub(crate) fn read(settings: &mut Settings<'_>, name: &str) -> Result<Init> {
        Init::from_spec(settings.part(name)?)
    }

    fn check(&self) -> Result<()> {
        match *self {
            Init::Uniform { low, high } => {
                let (low, high) = (f64::from(low), f64::from(high));
                let fits = low.is_finite() && high.is_finite() && low <= high;
                check_setting(fits, format!("Uniform from {low}"), "high", high, "low ≤ high, both finite")
            }
            Init::Normal { deviation, .. } | Init::TruncatedNormal { deviation, .. } => {
                let fits = deviation.is_finite() && deviation >= 0.0;
                check_setting(fits, "Normal", "deviation", f64::from(deviation), "0 ≤ deviation, finite")
            }
            _ => Ok(()),
        }
    }
}

/// How many inputs and outputs a weight array connects: Keras' `compute_fans`, at least 1.
fn fans(shape: Shape) -> (f64, f64) {
    let (fan_in, fan_out) = match *shape.sizes() {
        [] => (1, 1),
        [size] => (size, size),
        [ref field @ .., input, output] => {
            let field: usize = field.iter().product();
            (field * input, field * output)
        }
    };
    (fan_in.max(1) as f64, fan_out.max(1) as f64)
}

/// Uniform numbers of this variance around 0: √3 deviations to each side.
fn scaled_uniform(shape: Shape, variance: f64, key: Key) -> Vec<f32> {
    let limit = (3.0 * variance).sqrt() as f32;
    uniform(shape, -limit, limit, key)
}

fn scaled_normal(shape: Shape, variance: f64, key: Key) -> Vec<f32> {
    normal(shape, 0.0, variance.sqrt() / TRUNCATED, BELOW_MINUS_TWO, key)
}

fn uniform(shape: Shape, low: f32, high: f32, key: Key) -> Vec<f32> {
    match Uniform::new_inclusive(low, high) {
        Ok(between) => Array1::random_using(shape.len(), between, key.draws(0).generator()).into_raw_vec_and_offset().0,
        Err(_) => vec![low; shape.len()], // limits were checked, so only their distance can be out of range
    }
}

/// Normal numbers as quantiles of uniform ones, so that each takes one draw. `tail` is the probability cut off at either end.
fn normal(shape: Shape, mean: f32, deviation: f64, tail: f64, key: Key) -> Vec<f32> {
    let mut draws = key.draws(0);
    let mut draw = || {
        let inside = tail + (1.0 - 2.0 * tail) * (draws.uniform() + 0.5 / (1u64 << 53) as f64);
        (f64::from(mean) + deviation * normal_quantile(inside)) as f32
    };
    (0..shape.len()).map(|_| draw()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_lead_back() {
        let (mean, deviation) = (0.5, 0.7);
        let with_settings = [
            Init::Constant(-1.5),
            Init::Uniform { low: -0.1, high: 0.3 },
            Init::Normal { mean, deviation },
            Init::TruncatedNormal { mean, deviation },
        ];
        for init in PLAIN.iter().map(|(_, init)| *init).chain(with_settings) {
            assert_eq!(Init::from_spec(&init.spec()).unwrap(), init);
        }
        let message = Init::from_spec(&Spec::new("Orthogonal")).unwrap_err().to_string();
        assert_eq!(message, "Orthogonal is not an initialiser that is known");
    }

    /// Mean, standard deviation, least and greatest of many values.
    fn statistics(init: Init, shape: impl Into<Shape>) -> [f64; 4] {
        let values = init.values(shape.into(), Key::from_seed(7)).unwrap();
        let n = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
        let extreme = |pick: fn(f64, f64) -> f64| values.iter().map(|v| f64::from(*v)).reduce(pick).unwrap();
        [mean, variance.sqrt(), extreme(f64::min), extreme(f64::max)]
    }

    #[test]
    fn variance_scaling_has_keras_deviation_and_limits() {
        let dense = Shape::from([784, 512]);
        let cases = [
            (Init::GlorotUniform, dense, 2.0 / 1296.0),
            (Init::GlorotNormal, dense, 2.0 / 1296.0),
            (Init::HeUniform, dense, 2.0 / 784.0),
            (Init::HeNormal, dense, 2.0 / 784.0),
            (Init::LecunUniform, dense, 1.0 / 784.0),
            (Init::LecunNormal, dense, 1.0 / 784.0),
            (Init::GlorotUniform, Shape::from([5, 5, 60, 160]), 2.0 / (25.0 * 220.0)),
            (Init::HeNormal, Shape::from([5, 5, 60, 160]), 2.0 / (25.0 * 60.0)),
        ];
        for (init, shape, variance) in cases {
            let [mean, deviation, least, greatest] = statistics(init, shape);
            let expected = f64::sqrt(variance);
            assert!(mean.abs() < 0.01 * expected, "{init:?}: mean {mean}");
            approx::assert_relative_eq!(deviation, expected, max_relative = 0.01);
            let uniform = matches!(init, Init::GlorotUniform | Init::HeUniform | Init::LecunUniform);
            let limit = if uniform { 3f64.sqrt() } else { 2.0 / TRUNCATED } * expected;
            approx::assert_relative_eq!(greatest, limit, max_relative = 1e-3);
            approx::assert_relative_eq!(least, -limit, max_relative = 1e-3);
        }
    }

    #[test]
    fn the_first_convolution_of_lenet_has_kerass_limit() {
        let [_, _, _, greatest] = statistics(Init::GlorotUniform, [2, 2, 1, 6]);
        assert!(greatest < 0.4630 && greatest > 0.3, "{greatest}");
    }

    #[test]
    fn plain_distributions() {
        let [mean, deviation, ..] = statistics(Init::Normal { mean: 0.5, deviation: 0.7 }, [784, 200]);
        approx::assert_relative_eq!(mean, 0.5, max_relative = 0.01);
        approx::assert_relative_eq!(deviation, 0.7, max_relative = 0.01);
        let [_, _, least, greatest] = statistics(Init::TruncatedNormal { mean: 1.0, deviation: 0.05 }, [10_000]);
        assert!(least >= 0.9 && greatest <= 1.1, "{least} {greatest}");
        let [_, _, least, greatest] = statistics(Init::Uniform { low: -1.0, high: 3.0 }, [10_000]);
        assert!((-1.0..-0.99).contains(&least) && (2.99..=3.0).contains(&greatest));
        assert_eq!(Init::Ones.values([2].into(), Key::from_seed(0)).unwrap(), [1.0, 1.0]);
        assert_eq!(Init::Constant(4.0).values([2].into(), Key::from_seed(0)).unwrap(), [4.0, 4.0]);
        assert_eq!(Init::Zeros.values([2].into(), Key::from_seed(0)).unwrap(), [0.0, 0.0]);
    }

    #[test]
    fn bad_settings_are_refused() {
        let message = |init: Init| init.values([2].into(), Key::from_seed(0)).unwrap_err().to_string();
        let uniform = message(Init::Uniform { low: 1.0, high: 0.0 });
        assert_eq!(uniform, "Uniform from 1: high 0 is not in low ≤ high, both finite");
        let normal = message(Init::Normal { mean: 0.0, deviation: -1.0 });
        assert_eq!(normal, "Normal: deviation -1 is not in 0 ≤ deviation, finite");
    }
}
