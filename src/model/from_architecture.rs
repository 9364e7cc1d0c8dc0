//! Construction of models from `Sequential`, `Graph` and `Architecture`.

use super::kept_plans::Plans;
use super::preprocessing_parts::Parts;
use super::threads::Threads;
use super::{Compile, Model};
use crate::architecture::{Architecture, Graph, LayerInstance, Sequential};
use crate::error::Result;
use crate::kernels::simd;

impl Sequential {
    /// Creates a model with initial weights for training.
    ///
    /// # Errors
    /// Layers do not fit together, settings are out of range, losses or metrics do not fit the output, or the thread
    /// pool cannot be created.
    pub fn compile(&self, settings: Compile) -> Result<Model> {
        simd::level()?;
        self.architecture(settings.seed_of_weights())?.compile(settings)
    }
}

impl Graph {
    /// Creates a model with initial weights for training.
    ///
    /// # Errors
    /// Layers do not fit their inputs, nodes belong to another graph, names are not unique, inputs or layers are
    /// unused, settings are out of range, losses or metrics name unknown outputs, or the thread pool cannot be created.
    pub fn compile(&self, settings: Compile) -> Result<Model> {
        simd::level()?;
        self.architecture(settings.seed_of_weights())?.compile(settings)
    }
}

impl Architecture {
    /// Creates a model for inference, without an optimizer and a loss. [`Model::compile`] adds both. The environment
    /// variable `GRADUS_THREADS` sets the number of threads; without it, the current rayon pool is used.
    ///
    /// ```
    /// use gradus::{Sequential, data::Arrays, layers::Dense};
    /// let network = Sequential::new([2]).add(Dense::new(1));
    /// let model = network.architecture(0)?.into_model()?;
    /// let x = ndarray::arr2(&[[1.0f32, 2.0]]);
    /// assert_eq!(model.predict(&x)?.shape(), [1, 1]);
    /// let message = model.evaluate(&Arrays::new(&x, ndarray::arr2(&[[1.0f32]]))?).unwrap_err().to_string();
    /// assert!(message.starts_with("evaluate: the model has no optimizer and no loss"));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// The environment variable `GRADUS_SIMD` names instructions that the processor does not have, or the thread pool
    /// cannot be created.
    pub fn into_model(self) -> Result<Model> {
        simd::level()?;
        let threads = Threads::new(None)?;
        Ok(Model {
            architecture: self,
            training: None,
            threads,
            plans: Plans::default(),
            preprocessing: Parts::new(),
            changed: false,
        })
    }

    /// Creates a model for training with the weights of this architecture.
    ///
    /// # Errors
    /// Settings are out of range, losses or metrics do not fit the outputs or name unknown outputs, a trainable weight
    /// does not affect any loss, or the thread pool cannot be created.
    pub fn compile(self, settings: Compile) -> Result<Model> {
        simd::level()?;
        settings.model(self, None)
    }
}

impl AsRef<Architecture> for Architecture {
    fn as_ref(&self) -> &Architecture {
        self
    }
}

impl AsRef<Architecture> for Model {
    fn as_ref(&self) -> &Architecture {
        &self.architecture
    }
}

impl Model {
    /// The layers with their weights, their connections, and the inputs and outputs. Cloning it does not copy the
    /// weights.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The layers with their names and arrays.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = LayerInstance<'_>> {
        self.architecture.layers()
    }
}
