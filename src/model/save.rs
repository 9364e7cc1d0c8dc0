//! Saving and loading of models.

use super::Model;
use super::compiled::{Counters, Training};
use super::kept_plans::Plans;
use super::preprocessing_parts::Parts;
use super::threads::Threads;
use super::trained_outputs::TrainedOutput;
use crate::architecture::Architecture;
use crate::error::{Error, Result};
use crate::kernels::simd;
use crate::metrics::Metric;
use crate::optimizers::OptimizerState;
use crate::save::{self, Description, Registry, Store, Stored, TrainedOutputSpec, TrainingSpec};
use crate::spec::Spec;
use crate::tape::ParamGradients;
use std::path::Path;
use std::sync::Arc;

impl Model {
    /// Writes the model to a file: architecture, weights, running statistics, the optimizer with its state, loss,
    /// metrics and counters. The file is written to a temporary file and renamed, so that an existing file is never
    /// damaged. Missing folders are created. [`crate::save`] describes the format, which is safetensors for any name;
    /// `formats::keras` and `formats::onnx` write other formats.
    ///
    /// ```
    /// use gradus::{Compile, Model, Sequential, layers::Dense, losses::CategoricalCrossentropy, optimizers::Adam};
    /// let network = Sequential::new([4]).add(Dense::new(3));
    /// let model = network.compile(Compile::new(Adam::default(), CategoricalCrossentropy::new()).seed(1))?;
    /// let path = std::env::temp_dir().join("gradus-doc-model.safetensors");
    /// model.save(&path)?;
    /// assert_eq!(Model::load(&path)?.params().sha256(), model.params().sha256());
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// The file cannot be written, or its name ends like a file of another format, as in `model.keras`.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.architecture.check_params()?;
        self.check_state("save")?;
        let optimizer = self.optimizer_state().map_or(Vec::new(), |state| state.arrays(self.params()));
        let description = self.description();
        Store { params: self.params(), optimizer, model: Some(&description), record: None }.write(path.as_ref())
    }

    /// Reads a model written by [`save`](Model::save). It predicts the same bits, and training continues as if it had
    /// not been interrupted. The environment variable `GRADUS_THREADS` sets the number of threads; without it, the
    /// current rayon pool is used.
    ///
    /// # Errors
    /// The file cannot be read, is damaged, has a newer format version, contains no model, or contains custom parts,
    /// for which [`load_with`](Model::load_with) exists.
    pub fn load(path: impl AsRef<Path>) -> Result<Model> {
        Model::load_with(path, &Registry::new())
    }

    /// Reads a model with custom parts, which `registry` contains; see [`load`](Model::load).
    ///
    /// # Errors
    /// The file cannot be read, is damaged, has a newer format version, contains no model, or contains parts that are
    /// not in the registry.
    pub fn load_with(path: impl AsRef<Path>, registry: &Registry) -> Result<Model> {
        let (path, level) = (path.as_ref(), simd::level());
        let mut stored = save::read(path)?;
        let wrong = |problem| Error::Format { path: path.into(), problem };
        let Some(description) = stored.model.take() else {
            return Err(wrong(save::NO_MODEL.into()));
        };
        let threads = level.and_then(|_| Threads::new(None))?;
        Model::restore(&stored, &description, registry, threads).map_err(|error| wrong(error.to_string()))
    }

    /// Sets every weight and running statistic to the array of the same name in a safetensors file, of this library or
    /// another program. The optimizer's state does not change. On an error, nothing changes.
    ///
    /// # Errors
    /// Those of [`Params::load_weights`](crate::tape::Params::load_weights).
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.params_mut().load_weights(path)
    }

    /// The description of this model in a file.
    pub(super) fn description(&self) -> Description {
        let training = self.training.as_ref().map(Training::spec);
        Description::of(&self.architecture, training, self.preprocessing_specs())
    }

    /// Creates a model from a file. Allocations are limited by the size of the file, even if its description is malicious.
    fn restore(stored: &Stored, description: &Description, registry: &Registry, threads: Threads) -> Result<Model> {
        let architecture = description.architecture(&stored.params, registry)?;
        let restore = |spec| Training::restore(spec, &architecture, stored, registry);
        let training = description.training.as_ref().map(restore).transpose()?;
        check(training.is_some() || stored.optimizer.is_empty(), || {
            "it has arrays of an optimizer but no optimizer".into()
        })?;
        let model = Model {
            architecture,
            training,
            threads,
            plans: Plans::default(),
            preprocessing: Parts::new(),
            changed: false,
        };
        model.with_preprocessing(&description.preprocessing, registry)
    }
}

impl Training {
    fn spec(&self) -> TrainingSpec {
        let Counters { key, epoch, step, learning_rate } = self.counters;
        let trained_outputs = self.trained_outputs.iter().map(TrainedOutput::spec).collect();
        let (optimizer, shards) = (self.optimizer.optimizer().spec(), self.shards);
        TrainingSpec { optimizer, trained_outputs, key, epoch, step, learning_rate, shards }
    }

    /// Creates the training state that a file describes.
    fn restore(
        spec: &TrainingSpec,
        architecture: &Architecture,
        stored: &Stored,
        registry: &Registry,
    ) -> Result<Training> {
        let (params, outputs) = (architecture.params(), architecture.outputs().len());
        let known = spec.trained_outputs.iter().all(|trained| trained.output < outputs);
        check(known && !spec.trained_outputs.is_empty(), || "it has no loss, or a loss of an unknown output".into())?;
        let trained = spec.trained_outputs.iter().map(|trained| TrainedOutput::make(trained, registry));
        let trained_outputs = trained.collect::<Result<_>>()?;
        let optimizer = Arc::from(registry.make_optimizer(&spec.optimizer)?);
        let &TrainingSpec { key, epoch, step, learning_rate, shards, .. } = spec;
        Ok(Training {
            gradients: ParamGradients::new(params),
            optimizer: OptimizerState::restore(optimizer, params, &stored.optimizer)?,
            trained_outputs,
            counters: Counters { key, epoch, step, learning_rate },
            shards,
        })
    }
}

impl TrainedOutput {
    fn spec(&self) -> TrainedOutputSpec {
        let specs = |metrics: &[Arc<dyn Metric>]| metrics.iter().map(|metric| metric.spec()).collect();
        TrainedOutputSpec {
            output: self.output,
            loss: self.loss.spec(),
            weight: self.weight,
            metrics: specs(&self.metrics),
            weighted_metrics: specs(&self.weighted_metrics),
        }
    }

    fn make(spec: &TrainedOutputSpec, registry: &Registry) -> Result<TrainedOutput> {
        let metric = |spec: &Spec| registry.make_metric(spec).map(Arc::from);
        let metrics = |specs: &[Spec]| specs.iter().map(metric).collect::<Result<_>>();
        let trained = TrainedOutput::new(spec.output, Arc::from(registry.make_loss(&spec.loss)?), spec.weight);
        let (metrics, weighted_metrics) = (metrics(&spec.metrics)?, metrics(&spec.weighted_metrics)?);
        Ok(TrainedOutput { metrics, weighted_metrics, ..trained })
    }
}

fn check(holds: bool, problem: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::other(problem())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Connections;
    use crate::layers::{Dense, Layer, Reshape};
    use crate::losses::CategoricalCrossentropy;
    use crate::optimizers::{Adam, Optimizer, Sgd};
    use crate::shape::Shape;
    use crate::{Compile, Sequential};

    fn training(description: &mut Description) -> &mut TrainingSpec {
        description.training.as_mut().unwrap()
    }

    /// The message of loading a file with a valid checksum whose description was changed by `change`.
    fn message(change: impl FnOnce(&mut Description)) -> String {
        let network = Sequential::new([2]).add(Dense::new(2));
        let model = network.compile(Compile::new(Sgd::new(0.1).momentum(0.5), CategoricalCrossentropy::new())).unwrap();
        let mut description = model.description();
        change(&mut description);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let optimizer = model.optimizer_state().unwrap().arrays(model.params());
        Store { params: model.params(), optimizer, model: Some(&description), record: None }.write(&path).unwrap();
        let error = Model::load(&path).unwrap_err().to_string();
        error.split_once(": ").unwrap().1.to_owned()
    }

    #[test]
    fn oversized_descriptions_are_rejected_before_allocation() {
        let dense = |units: usize| Dense::new(units).spec();
        let wide = message(|description| description.layers[0].1 = dense(usize::MAX >> 8));
        assert!(wide.contains("dense/kernel is 2 × 2, expected 2 × 72057594037927935; dense/bias is 2, "), "{wide}");
        let more = message(|description| {
            description.connections = Connections::chain(Shape::from([2]), 2);
            description.layers.push(("dense_1".into(), dense(2)));
        });
        assert!(more.contains("missing: dense_1/kernel and dense_1/bias; "), "{more}");
        let reshaped = Reshape::new([1 << 20, 1 << 20]).spec();
        let huge = message(|description| {
            description.connections = Connections::chain(Shape::from([1 << 40]), 1);
            description.layers = vec![("reshape".into(), reshaped)];
        });
        assert!(huge.contains("declared by no layer: dense/kernel and dense/bias; "), "{huge}");
    }

    #[test]
    fn inconsistent_descriptions_are_errors() {
        let unknown = message(|description| description.layers[0].1 = Spec::new("Attention"));
        assert!(unknown.starts_with("Attention: unknown layer; available: Activation, "), "{unknown}");
        let named = message(|description| description.layers[0].0 = "hidden".into());
        let both = "missing: hidden/kernel and hidden/bias; declared by no layer: dense/kernel and dense/bias; ";
        assert!(named.contains(both), "{named}");
        let without_loss = message(|description| training(description).trained_outputs.clear());
        assert_eq!(without_loss, "it has no loss, or a loss of an unknown output");
        let backwards = message(|description| {
            description.connections.chain = false;
            description.connections.calls[0].inputs = vec![1];
        });
        let text = "layer 1 (dense): it uses a node of another graph; use nodes that this graph returned";
        assert_eq!(backwards, text);
        let other = message(|description| training(description).optimizer = Sgd::new(0.1).spec());
        assert_eq!(other, "it has more optimizer arrays than the optimizer");
        let adam = message(|description| training(description).optimizer = Adam::default().spec());
        assert_eq!(adam, "its optimizer's array 1/dense/kernel is missing or has a different shape");
        let wrong = message(|description| training(description).optimizer = Sgd::new(-1.0).spec());
        assert_eq!(wrong, "Sgd: learning_rate must be finite and ≥ 0, got -1");
    }
}
