//! A model in one file, and back.

use super::Model;
use super::heads::Head;
use super::network::{Layers, Network};
use super::plan::Plans;
use super::preprocess::Parts;
use super::threads::Threads;
use crate::error::{Error, Result};
use crate::kernels::simd;
use crate::layers::Source;
use crate::metrics::Metric;
use crate::optimizers::OptimizerState;
use crate::save::{self, Description, HeadSpec, Registry, Store, Stored};
use crate::spec::Spec;
use crate::tape::{ParamGradients, Params};
use std::path::Path;
use std::sync::Arc;

impl Model {
    /// Writes the whole model to one file: architecture, weights, running statistics, optimizer with its state, loss,
    /// metrics, and where training stands. The file is written beside its place and renamed, so it is whole or what it
    /// was. [`crate::save`] describes the format.
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
    /// The file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let (optimizer, description) = (self.optimizer.arrays(&self.params), self.description());
        Store { params: &self.params, optimizer, model: Some(&description), record: None }.write(path.as_ref())
    }

    /// Reads a model that [`save`](Model::save) has written. It predicts the same bits, and training goes on where it
    /// stood. It works on as many threads as `GRADUS_THREADS` says, or on the ambient ones.
    ///
    /// # Errors
    /// The file cannot be read, is damaged, of a newer version or without a model, or names a part that is not the
    /// library's, for which there is [`load_with`](Model::load_with).
    pub fn load(path: impl AsRef<Path>) -> Result<Model> {
        Model::load_with(path, &Registry::new())
    }

    /// The same with parts of your own, which the registry names.
    ///
    /// # Errors
    /// As for [`load`](Model::load).
    pub fn load_with(path: impl AsRef<Path>, registry: &Registry) -> Result<Model> {
        let (path, level) = (path.as_ref(), simd::level());
        let mut stored = save::read(path)?;
        let wrong = |problem| Error::Format { path: path.into(), problem };
        let Some(description) = stored.model.take() else {
            let problem = "it holds arrays but no model; build the model in code, and load_weights puts them in";
            return Err(wrong(problem.into()));
        };
        let threads = level.and_then(|_| Threads::new(None))?;
        Model::restore(&stored, &description, registry, threads).map_err(|error| wrong(error.to_string()))
    }

    /// Sets every weight and running statistic from the one of the same name in a safetensors file, of this library or
    /// another program. The state of the optimizer stays. Nothing changes if it fails.
    ///
    /// # Errors
    /// Those of [`Params::load_weights`].
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.params.load_weights(path)
    }

    /// What a file says of this model beside its arrays.
    pub(crate) fn description(&self) -> Description {
        let layers = self.network.layers.iter();
        Description {
            wiring: self.network.wiring.clone(),
            layers: layers.map(|placed| (placed.name.clone(), placed.layer.spec())).collect(),
            optimizer: self.optimizer.optimizer().spec(),
            heads: self.heads.iter().map(Head::spec).collect(),
            preprocessing: self.preprocessing_specs(),
            key: self.key,
            epoch: self.epoch,
            step: self.step,
            learning_rate: self.learning_rate,
        }
    }

    /// Puts a model together. Nothing is allocated that the file does not hold, whatever its description claims.
    pub(super) fn restore(
        stored: &Stored,
        description: &Description,
        registry: &Registry,
        threads: Threads,
    ) -> Result<Model> {
        let layer = |(name, spec): &(String, Spec)| Ok((Some(name.clone()), Arc::from(registry.make_layer(spec)?)));
        let layers: Layers = description.layers.iter().map(layer).collect::<Result<_>>()?;
        let mut params = Params::new();
        let network = Network::build(description.wiring.clone(), layers, &mut params, Source::Given(&stored.params))?;
        check(params.len() == stored.params.len(), || "it holds arrays that no layer has declared".into())?;
        let outputs = network.output_names().len();
        let known = description.heads.iter().all(|head| head.output < outputs) && !description.heads.is_empty();
        check(known, || "it has a loss of an output that is not there, or no loss".into())?;
        let heads = description.heads.iter().map(|head| Head::make(head, registry)).collect::<Result<_>>()?;
        let optimizer = Arc::from(registry.make_optimizer(&description.optimizer)?);
        let model = Model {
            gradients: ParamGradients::new(&params),
            optimizer: OptimizerState::restore(optimizer, &params, &stored.optimizer)?,
            network,
            params,
            heads,
            learning_rate: description.learning_rate,
            key: description.key,
            epoch: description.epoch,
            step: description.step,
            threads,
            plans: Plans::default(),
            preprocessing: Parts::new(),
        };
        model.with_preprocessing(&description.preprocessing, registry)
    }
}

impl Head {
    fn spec(&self) -> HeadSpec {
        let specs = |metrics: &[Arc<dyn Metric>]| metrics.iter().map(|metric| metric.spec()).collect();
        HeadSpec {
            output: self.output,
            loss: self.loss.spec(),
            weight: self.weight,
            metrics: specs(&self.metrics),
            weighted_metrics: specs(&self.weighted_metrics),
        }
    }

    fn make(spec: &HeadSpec, registry: &Registry) -> Result<Head> {
        let metric = |spec: &Spec| registry.make_metric(spec).map(Arc::from);
        let metrics = |specs: &[Spec]| specs.iter().map(metric).collect::<Result<_>>();
        let head = Head::new(spec.output, Arc::from(registry.make_loss(&spec.loss)?), spec.weight);
        let (metrics, weighted_metrics) = (metrics(&spec.metrics)?, metrics(&spec.weighted_metrics)?);
        Ok(Head { metrics, weighted_metrics, ..head })
    }
}

fn check(holds: bool, problem: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::other(problem())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Dense, Layer, Reshape};
    use crate::losses::CategoricalCrossentropy;
    use crate::optimizers::{Adam, Optimizer, Sgd};
    use crate::save::Wiring;
    use crate::shape::Shape;
    use crate::{Compile, Sequential};

    /// What loading says of a file with a sound checksum whose description was changed by `lie`.
    fn message(lie: impl FnOnce(&mut Description)) -> String {
        let network = Sequential::new([2]).add(Dense::new(2));
        let model = network.compile(Compile::new(Sgd::new(0.1).momentum(0.5), CategoricalCrossentropy::new())).unwrap();
        let mut description = model.description();
        lie(&mut description);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let optimizer = model.optimizer.arrays(&model.params);
        Store { params: &model.params, optimizer, model: Some(&description), record: None }.write(&path).unwrap();
        let error = Model::load(&path).unwrap_err().to_string();
        error.split_once(": ").unwrap().1.to_owned()
    }

    #[test]
    fn a_description_that_claims_too_much_is_refused_before_anything_is_allocated() {
        let dense = |units: usize| Dense::new(units).spec();
        let wide = message(|description| description.layers[0].1 = dense(usize::MAX >> 8));
        assert_eq!(wide, "dense/kernel: found shape 2 × 2, expected 2 × 72057594037927935");
        let more = message(|description| {
            description.wiring = Wiring::chain(Shape::from([2]), 2);
            description.layers.push(("dense_1".into(), dense(2)));
        });
        assert_eq!(more, "unknown parameter \"dense_1/kernel\"; available: dense/kernel, dense/bias");
        let reshaped = Reshape::new([1 << 20, 1 << 20]).spec();
        let huge = message(|description| {
            description.wiring = Wiring::chain(Shape::from([1 << 40]), 1);
            description.layers = vec![("reshape".into(), reshaped)];
        });
        assert_eq!(huge, "it holds arrays that no layer has declared");
    }

    #[test]
    fn a_description_that_does_not_fit_is_told() {
        let unknown = message(|description| description.layers[0].1 = Spec::new("Attention"));
        assert!(unknown.starts_with("Attention: unknown layer; available: Activation, "), "{unknown}");
        let named = message(|description| description.layers[0].0 = "hidden".into());
        assert_eq!(named, "unknown parameter \"hidden/kernel\"; available: dense/kernel, dense/bias");
        let headless = message(|description| description.heads.clear());
        assert_eq!(headless, "it has a loss of an output that is not there, or no loss");
        let backwards = message(|description| {
            description.wiring.chain = false;
            description.wiring.calls[0].inputs = vec![1];
        });
        let text = "layer 1 (dense): it takes a node of another graph; apply it to nodes that this graph gave";
        assert_eq!(backwards, text);
        let other = message(|description| description.optimizer = Sgd::new(0.1).spec());
        assert_eq!(other, "it holds more of the optimizer's arrays than the optimizer has");
        let adam = message(|description| description.optimizer = Adam::default().spec());
        assert_eq!(adam, "its optimizer's array 1/dense/kernel is missing or of another shape");
        let wrong = message(|description| description.optimizer = Sgd::new(-1.0).spec());
        assert_eq!(wrong, "Sgd: learning_rate must be finite and ≥ 0, got -1");
    }
}
