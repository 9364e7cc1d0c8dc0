//! Tests of all initializers, and comparisons of their distributions with Keras.

use super::draw::TRUNCATED;
use super::*;
use crate::layers::{BatchNorm, Dense};
use crate::losses::CategoricalCrossentropy;
use crate::optimizers::Adam;
use crate::registry::BUILT_IN;
use crate::save::Registry;
use crate::settings::check_options::check_options;
use crate::{Compile, Model, Sequential};

#[test]
fn specs_round_trip_and_every_element_has_a_value() {
    for (file, samples) in samples() {
        assert!(!samples.is_empty(), "{file} has no samples");
        for initializer in samples {
            let made = BUILT_IN.make::<dyn Initializer>(&initializer.spec()).unwrap();
            assert_eq!(format!("{made:?}"), format!("{initializer:?}"));
            let shapes = [Shape::from([2, 3]), Shape::SCALAR, Shape::from(3), Shape::from([2, 2, 1, 3])];
            let only_matrices = initializer.spec().class() == "Identity";
            for shape in shapes.into_iter().take(if only_matrices { 1 } else { 4 }) {
                let values = initializer.values(shape, Key::from_seed(1)).unwrap();
                assert!(values.len() == shape.len() && values.iter().all(|value| value.is_finite()), "{initializer:?}");
                assert_eq!(made.values(shape, Key::from_seed(1)).unwrap(), values);
            }
        }
    }
    let message = BUILT_IN.make::<dyn Initializer>(&Spec::new("Other")).unwrap_err().to_string();
    assert!(message.starts_with("Other: unknown initializer; available: Constant, "), "{message}");
    assert!(message.ends_with("; add custom ones with Registry::initializer"), "{message}");
}

/// Mean, standard deviation, minimum and maximum of many values.
fn statistics(init: &dyn Initializer, shape: impl Into<Shape>) -> [f64; 4] {
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
    let scaling = |mode, distribution| VarianceScaling::new(3.0).mode(mode).distribution(distribution);
    let cases: [(&dyn Initializer, Shape, f64); 10] = [
        (&scaling(FanMode::FanOut, Distribution::Uniform), dense, 3.0 / 512.0),
        (&scaling(FanMode::FanAvg, Distribution::TruncatedNormal), dense, 6.0 / 1296.0),
        (&GlorotUniform, dense, 2.0 / 1296.0),
        (&GlorotNormal, dense, 2.0 / 1296.0),
        (&HeUniform, dense, 2.0 / 784.0),
        (&HeNormal, dense, 2.0 / 784.0),
        (&LecunUniform, dense, 1.0 / 784.0),
        (&LecunNormal, dense, 1.0 / 784.0),
        (&GlorotUniform, Shape::from([5, 5, 60, 160]), 2.0 / (25.0 * 220.0)),
        (&HeNormal, Shape::from([5, 5, 60, 160]), 2.0 / (25.0 * 60.0)),
    ];
    for (init, shape, variance) in cases {
        let [mean, deviation, least, greatest] = statistics(init, shape);
        let expected = f64::sqrt(variance);
        assert!(mean.abs() < 0.01 * expected, "{init:?}: mean {mean}");
        approx::assert_relative_eq!(deviation, expected, max_relative = 0.01);
        let uniform = init.spec().to_string().to_lowercase().contains("uniform");
        let limit = if uniform { 3f64.sqrt() } else { 2.0 / TRUNCATED } * expected;
        approx::assert_relative_eq!(greatest, limit, max_relative = 1e-3);
        approx::assert_relative_eq!(least, -limit, max_relative = 1e-3);
    }
}

#[test]
fn untruncated_scaling_has_the_deviation_of_its_mode() {
    let scaling = VarianceScaling::new(3.0).distribution(Distribution::UntruncatedNormal);
    let [mean, deviation, least, greatest] = statistics(&scaling, [784, 512]);
    let expected = f64::sqrt(3.0 / 784.0);
    assert!(mean.abs() < 0.01 * expected && least < -3.0 * expected && greatest > 3.0 * expected);
    approx::assert_relative_eq!(deviation, expected, max_relative = 0.01);
}

#[test]
fn the_first_convolution_of_lenet_has_the_limit_of_keras() {
    let [_, _, _, greatest] = statistics(&GlorotUniform, [2, 2, 1, 6]);
    assert!(greatest < 0.4630 && greatest > 0.3, "{greatest}");
}

#[test]
fn plain_distributions() {
    let [mean, deviation, ..] = statistics(&RandomNormal::new(0.5, 0.7), [784, 200]);
    approx::assert_relative_eq!(mean, 0.5, max_relative = 0.01);
    approx::assert_relative_eq!(deviation, 0.7, max_relative = 0.01);
    let [_, _, least, greatest] = statistics(&TruncatedNormal::new(1.0, 0.05), [10_000]);
    assert!(least >= 0.9 && greatest <= 1.1, "{least} {greatest}");
    let [_, _, least, greatest] = statistics(&RandomUniform::new(-1.0, 3.0), [10_000]);
    assert!((-1.0..-0.99).contains(&least) && (2.99..=3.0).contains(&greatest));
    assert_eq!(Ones.values([2].into(), Key::from_seed(0)).unwrap(), [1.0, 1.0]);
    assert_eq!(Constant::new(4.0).values([2].into(), Key::from_seed(0)).unwrap(), [4.0, 4.0]);
    assert_eq!(Zeros.values([2].into(), Key::from_seed(0)).unwrap(), [0.0, 0.0]);
}

#[test]
fn invalid_settings_are_rejected() {
    let message = |init: &dyn Initializer| init.values([2].into(), Key::from_seed(0)).unwrap_err().to_string();
    let uniform = message(&RandomUniform::new(1.0, 0.0));
    assert_eq!(uniform, "RandomUniform from 1: high must be finite and ≥ low, got 0");
    let normal = message(&RandomNormal::new(0.0, -1.0));
    assert_eq!(normal, "RandomNormal: deviation must be finite and ≥ 0, got -1");
}

/// A custom initializer: alternating ones and minus ones.
#[derive(Debug)]
struct Alternating;

impl Initializer for Alternating {
    fn values(&self, shape: Shape, _: Key) -> Result<Vec<f32>> {
        Ok((0..shape.len()).map(|at| if at % 2 == 0 { 1.0 } else { -1.0 }).collect())
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for Alternating {
    const CLASS: &'static str = "Alternating";

    fn from_spec(_: &mut Settings<'_>) -> Result<Alternating> {
        Ok(Alternating)
    }
}

/// Returns fewer values than the shape has.
#[derive(Debug)]
struct TooFew;

impl Initializer for TooFew {
    fn values(&self, shape: Shape, _: Key) -> Result<Vec<f32>> {
        Ok(vec![0.0; shape.len() - 1])
    }

    fn spec(&self) -> Spec {
        Spec::new("TooFew")
    }
}

fn compile(first: Dense) -> Result<Model> {
    let network = Sequential::new([2]).add(first).add(BatchNorm::new());
    network.compile(Compile::new(Adam::default(), CategoricalCrossentropy::new()))
}

#[test]
fn custom_initializers_fill_weights_and_load_from_files() {
    let model = compile(Dense::new(2).kernel_initializer(Alternating)).unwrap();
    assert_eq!(model.params().values(model.params().id("dense/kernel").unwrap()), [1.0, -1.0, 1.0, -1.0]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    let message = Model::load(&path).unwrap_err().to_string();
    assert!(message.contains("Alternating: unknown initializer"), "{message}");
    let loaded = Model::load_with(&path, &Registry::new().initializer::<Alternating>()).unwrap();
    assert_eq!(loaded.params().sha256(), model.params().sha256());
}

#[test]
fn values_for_a_different_shape_are_rejected() {
    let message = compile(Dense::new(2).kernel_initializer(TooFew)).unwrap_err().to_string();
    assert!(message.contains("dense/kernel") && message.contains("TooFew"), "{message}");
}

#[test]
fn options_are_kept_missing_ones_have_their_default_and_unknown_ones_are_errors() {
    let specs: Vec<Spec> =
        samples().iter().flat_map(|(_, samples)| samples).map(|initializer| initializer.spec()).collect();
    check_options::<dyn Initializer>(&specs, |initializer| initializer.spec());
}
