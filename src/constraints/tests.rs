//! Tests of all constraints.

use super::{Constraint, MaxNorm, MinMaxNorm, NonNeg, samples};
use crate::data::Arrays;
use crate::error::Result;
use crate::initializers::Constant;
use crate::layers::{Dense, Layer};
use crate::losses::MeanSquaredError;
use crate::optimizers::Sgd;
use crate::registry::BUILT_IN;
use crate::save::Registry;
use crate::settings::check_options::check_options;
use crate::settings::{FromSpec, Settings};
use crate::spec::Spec;
use crate::tape::Var;
use crate::{Batch, Compile, Fit, Model, Progress, Sequential};
use ndarray::Array2;

#[test]
fn specs_round_trip_and_settings_are_valid() {
    for (file, samples) in samples() {
        assert!(!samples.is_empty(), "{file} has no samples");
        for constraint in samples {
            constraint.check().unwrap();
            let made = BUILT_IN.make::<dyn Constraint>(&constraint.spec()).unwrap();
            assert_eq!(format!("{made:?}"), format!("{constraint:?}"));
        }
    }
}

#[test]
fn options_are_kept_missing_ones_have_their_default_and_unknown_ones_are_errors() {
    let specs: Vec<Spec> =
        samples().iter().flat_map(|(_, samples)| samples).map(|constraint| constraint.spec()).collect();
    check_options::<dyn Constraint>(&specs, |constraint| constraint.spec());
}

/// A custom constraint: weights from −limit to limit.
#[derive(Debug)]
struct Within {
    limit: f32,
}

impl Constraint for Within {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        weights.clip(-self.limit, self.limit)
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("limit", self.limit)
    }
}

impl FromSpec for Within {
    const CLASS: &'static str = "Within";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Within> {
        Ok(Within { limit: settings.float("limit")? })
    }
}

fn model(first: impl Layer + 'static) -> Model {
    let network = Sequential::new([4]).add(first);
    network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()).seed(3)).unwrap()
}

fn data() -> Arrays {
    let x = Array2::from_shape_fn((12, 4), |(i, j)| ((3 * i + 5 * j) % 7) as f32 - 3.0);
    let t = Array2::from_shape_fn((12, 3), |(i, j)| 2.0 - ((i + j) % 5) as f32);
    Arrays::new(&x, &t).unwrap()
}

fn train(model: &mut Model) {
    model.fit(&data(), Fit::new().epochs(2).batch_size(5).progress(Progress::Quiet)).unwrap();
}

fn values(model: &Model, name: &str) -> Vec<f32> {
    model.params().values(model.params().id(name).unwrap()).to_vec()
}

#[test]
fn weights_satisfy_their_constraint_after_each_step() {
    let dense = Dense::new(3).kernel_constraint(MinMaxNorm::new(0.2, 0.4)).bias_constraint(NonNeg);
    let mut model = model(dense);
    for step in 0..4 {
        match step {
            0 => drop(model.train_on_batch(Batch::new(&data())).unwrap()),
            _ => train(&mut model),
        }
        let kernel = values(&model, "dense/kernel");
        for unit in 0..3 {
            let norm = kernel.iter().skip(unit).step_by(3).map(|w| w * w).sum::<f32>().sqrt();
            assert!((0.2 - 1e-5..0.4 + 1e-5).contains(&norm), "{norm}");
        }
        assert!(values(&model, "dense/bias").iter().all(|bias| *bias >= 0.0));
    }
}

#[test]
fn frozen_weights_are_not_constrained() {
    let start = || Dense::new(3).bias_initializer(Constant::new(-1.0)).bias_constraint(NonNeg);
    let of = |first: Box<dyn Layer>| {
        let network = Sequential::new([4]).add(first).add(Dense::new(3));
        network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new())).unwrap()
    };
    let (mut frozen, mut trained) = (of(Box::new(start().frozen())), of(Box::new(start())));
    [&mut frozen, &mut trained].into_iter().for_each(train);
    assert_eq!(values(&frozen, "dense/bias"), [-1.0; 3]);
    assert!(values(&trained, "dense/bias").iter().all(|bias| *bias >= 0.0));
}

#[test]
fn custom_constraints_load_from_files_through_a_registry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut model = model(Dense::new(3).kernel_constraint(Within { limit: 0.1 }));
    train(&mut model);
    assert!(values(&model, "dense/kernel").iter().all(|w| w.abs() <= 0.1));
    model.save(&path).unwrap();
    let message = Model::load(&path).unwrap_err().to_string();
    let known = "Within: unknown constraint; available: MaxNorm, MinMaxNorm, NonNeg, UnitNorm; \
                 add custom ones with Registry::constraint";
    assert!(message.ends_with(known), "{message}");
    let mut loaded = Model::load_with(&path, &Registry::new().constraint::<Within>()).unwrap();
    [&mut model, &mut loaded].into_iter().for_each(train);
    assert_eq!(loaded.params().sha256(), model.params().sha256());
}

/// A constraint that changes the shape.
#[derive(Debug)]
struct Summed;

impl Constraint for Summed {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        weights.sum()
    }

    fn spec(&self) -> Spec {
        Spec::new("Summed")
    }
}

#[test]
fn invalid_constraints_are_errors_of_compile() {
    let message_of = |dense: Dense| {
        let compile = Compile::new(Sgd::new(0.1), MeanSquaredError::new());
        Sequential::new([4]).add(dense).compile(compile).unwrap_err().to_string()
    };
    let message = message_of(Dense::new(3).kernel_constraint(Summed));
    assert!(message.starts_with("dense/kernel: Summed: found shape"), "{message}");
    assert!(message.ends_with("expected the shape of the weights, 4 × 3"), "{message}");
    let message = message_of(Dense::new(3).bias_constraint(MaxNorm::new(1.0).axis(1)));
    assert!(message.contains("expected an array with an axis 1"), "{message}");
    let message = message_of(Dense::new(3).kernel_constraint(MaxNorm::new(-1.0)));
    assert!(message.ends_with("MaxNorm: max_value must be finite and ≥ 0, got -1"), "{message}");
    let message = message_of(Dense::new(3).kernel_constraint(MinMaxNorm::new(0.5, 0.25)));
    assert!(message.ends_with("MinMaxNorm: max_value must be finite and ≥ min_value, got 0.25"), "{message}");
}
