//! Tests of all regularizers.

use super::{L1, L1L2, L2, Regularizer, samples};
use crate::data::Arrays;
use crate::error::Result;
use crate::layers::{BatchNorm, Dense};
use crate::losses::CategoricalCrossentropy;
use crate::optimizers::Adam;
use crate::registry::BUILT_IN;
use crate::save::Registry;
use crate::settings::check_options::check_options;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, Recorder, Var};
use crate::testing::Sample;
use crate::{Compile, Fit, Model, Progress, Sequential};
use ndarray::Array2;

fn for_each_sample(check: impl Fn(Box<dyn Regularizer>)) {
    for (file, samples) in samples() {
        assert!(!samples.is_empty(), "{file} has no samples");
        samples.into_iter().for_each(&check);
    }
}

#[test]
fn specs_round_trip_and_settings_are_valid() {
    for_each_sample(|regularizer| {
        regularizer.check().unwrap();
        let made = BUILT_IN.make::<dyn Regularizer>(&regularizer.spec()).unwrap();
        assert_eq!(format!("{made:?}"), format!("{regularizer:?}"));
    });
}

#[test]
fn every_penalty_is_a_scalar() {
    for_each_sample(|regularizer| {
        let recorder = Recorder::new(Mode::Training);
        let only_matrices = regularizer.spec().class() == "OrthogonalRegularizer";
        let shapes = [Shape::from([3, 4]), Shape::from(4), Shape::from([2, 2, 3, 4])];
        for shape in &shapes[..if only_matrices { 1 } else { 3 }] {
            assert_eq!(regularizer.record(recorder.variable(*shape)).shape(), Shape::SCALAR);
        }
        recorder.finish().unwrap();
    });
}

#[test]
fn invalid_factors_are_rejected() {
    let message = |regularizer: &dyn Regularizer| regularizer.check().unwrap_err().to_string();
    assert_eq!(message(&L1::new(-1.0)), "L1: l1 must be finite and ≥ 0, got -1");
    assert_eq!(message(&L1L2::new(0.1, f32::NAN)), "L1L2: l2 must be finite and ≥ 0, got NaN");
    assert_eq!(message(&L2::new(f32::INFINITY)), "L2: l2 must be finite and ≥ 0, got inf");
    assert!(L2::new(0.0).check().is_ok());
}

#[test]
fn unknown_regularizers_are_errors_with_a_remedy() {
    let message = BUILT_IN.make::<dyn Regularizer>(&Spec::new("L3")).unwrap_err().to_string();
    let expected = "L3: unknown regularizer; available: L1, L1L2, L2, OrthogonalRegularizer; \
                    add custom ones with Registry::regularizer";
    assert_eq!(message, expected);
}

/// A custom regularizer: factor · ‖wᵀ · w − 1‖².
#[derive(Debug)]
struct Orthonormal {
    factor: f32,
}

impl Regularizer for Orthonormal {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        let products = weights.transpose(&[1, 0]).matmul(weights);
        let columns = weights.shape().last() as f32;
        ((products * products).sum() - (weights * weights).sum() * 2.0 + columns) * self.factor
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("factor", self.factor)
    }
}

impl FromSpec for Orthonormal {
    const CLASS: &'static str = "Orthonormal";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Orthonormal> {
        Ok(Orthonormal { factor: settings.float("factor")? })
    }
}

fn model(first: Dense) -> Model {
    let loss = CategoricalCrossentropy::new().from_logits(true);
    let network = Sequential::new([4]).add(first);
    network.compile(Compile::new(Adam::new(0.05), loss).seed(3)).unwrap()
}

fn orthonormal() -> Model {
    model(Dense::new(3).kernel_regularizer(Orthonormal { factor: 0.5 }))
}

fn data() -> Arrays {
    let x = Array2::from_shape_fn((12, 4), |(i, j)| ((3 * i + 5 * j) % 7) as f32 - 3.0);
    let t = Array2::from_shape_fn((12, 3), |(i, j)| f32::from(u8::from(i % 3 == j)));
    Arrays::new(&x, &t).unwrap()
}

/// The penalty of the kernel, computed by ndarray.
fn cost(model: &Model) -> f64 {
    let kernel = model.params().get(model.params().id("dense/kernel").unwrap()).to_shape((4, 3)).unwrap().to_owned();
    let distance = kernel.t().dot(&kernel) - Array2::<f32>::eye(3);
    0.5 * f64::from((&distance * &distance).sum())
}

#[test]
fn custom_regularizers_have_correct_gradients() {
    Sample::new(|x| Orthonormal { factor: 0.5 }.record(x[0])).variable([4, 3]).check_gradients().unwrap();
}

#[test]
fn custom_regularizers_are_trained_and_reported() {
    let (mut model, plain) = (orthonormal(), model(Dense::new(3)));
    let losses = [&model, &plain].map(|model| model.evaluate(&data()).unwrap().loss);
    approx::assert_relative_eq!(losses[0] - losses[1], cost(&model), max_relative = 1e-5);
    let before = cost(&model);
    let history = model.fit(&data(), Fit::new().epochs(40).progress(Progress::Quiet)).unwrap();
    assert!(cost(&model) < 0.5 * before, "{} after {before}", cost(&model));
    let losses = history.get("loss").unwrap();
    assert!(losses[39] < losses[0] - 0.4 * before, "{losses:?}");
}

#[test]
fn custom_regularizers_load_from_files_through_a_registry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let fit = |model: &mut Model| {
        model.fit(&data(), Fit::new().epochs(2).progress(Progress::Quiet)).unwrap();
        model.params().sha256()
    };
    let mut model = orthonormal();
    fit(&mut model);
    model.save(&path).unwrap();
    let message = Model::load(&path).unwrap_err().to_string();
    let known = "Orthonormal: unknown regularizer; available: L1, L1L2, L2, OrthogonalRegularizer; \
                 add custom ones with Registry::regularizer";
    assert!(message.ends_with(known), "{message}");
    let mut loaded = Model::load_with(&path, &Registry::new().regularizer::<Orthonormal>()).unwrap();
    assert_eq!(fit(&mut loaded), fit(&mut model));
}

/// A regularizer that does not return a scalar.
#[derive(Debug)]
struct NoSum;

impl Regularizer for NoSum {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        weights.absolute()
    }

    fn spec(&self) -> Spec {
        Spec::new("NoSum")
    }
}

#[test]
fn invalid_regularizers_are_errors_of_compile() {
    let message_of = |network: Sequential| {
        let compile = Compile::new(Adam::default(), CategoricalCrossentropy::new());
        network.compile(compile).unwrap_err().to_string()
    };
    let message = message_of(Sequential::new([4]).add(Dense::new(3).bias_regularizer(NoSum)));
    assert_eq!(message, "dense/bias: NoSum: found shape 3, expected a scalar to add to the loss; apply sum to it");
    let message = message_of(Sequential::new([4]).add(BatchNorm::new().gamma_regularizer(Orthonormal { factor: 1.0 })));
    assert!(message.starts_with("batch_normalization: transpose: found shape 4"), "{message}");
    let message = message_of(Sequential::new([4]).add(Dense::new(3).kernel_regularizer(L1::new(-0.5))));
    assert!(message.ends_with("L1: l1 must be finite and ≥ 0, got -0.5"), "{message}");
}

#[test]
fn options_are_kept_missing_ones_have_their_default_and_unknown_ones_are_errors() {
    let specs: Vec<Spec> =
        samples().iter().flat_map(|(_, samples)| samples).map(|regularizer| regularizer.spec()).collect();
    check_options::<dyn Regularizer>(&specs, |regularizer| regularizer.spec());
}
