//! Models of networks: with initial or given weights, for inference or for training.

use super::plan::Plans;
use super::preprocessing_parts::Parts;
use super::threads::Threads;
use super::{Compile, Model};
use crate::architecture::{Architecture, Graph, LayerInstance, Sequential};
use crate::error::Result;
use crate::kernels::simd;

impl Sequential {
    /// Makes a model with initial weights, to be trained as the settings say.
    ///
    /// # Errors
    /// Layers that do not fit together, settings out of range, losses and metrics that do not fit the output, a thread pool
    /// that cannot be made.
    pub fn compile(&self, settings: Compile) -> Result<Model> {
        simd::level()?;
        self.architecture(settings.seed_of_weights())?.compile(settings)
    }
}

impl Graph {
    /// Makes a model with initial weights, to be trained as the settings say.
    ///
    /// # Errors
    /// Layers that do not fit what they are applied to, nodes of other graphs, names that are taken, an input or a layer
    /// that is not used, settings out of range, losses and metrics of outputs that are not there, a thread pool that
    /// cannot be made.
    pub fn compile(&self, settings: Compile) -> Result<Model> {
        simd::level()?;
        self.architecture(settings.seed_of_weights())?.compile(settings)
    }
}

impl Architecture {
    /// Makes a model for inference, without optimizer and loss. [`Model::compile`] gives it both later. It works on as many
    /// threads as the environment variable `GRADUS_THREADS` says, or on the ambient ones.
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
    /// `GRADUS_SIMD` asks for instructions that the processor does not have; a thread pool that cannot be made.
    pub fn into_model(self) -> Result<Model> {
        simd::level()?;
        let threads = Threads::new(None)?;
        Ok(Model { architecture: self, training: None, threads, plans: Plans::default(), preprocessing: Parts::new() })
    }

    /// Makes a model that is to be trained as the settings say, from the weights as they are.
    ///
    /// # Errors
    /// Settings out of range, losses and metrics that do not fit the outputs or are of outputs that are not there, a weight
    /// that no loss reaches, a thread pool that cannot be made.
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
    /// The layers with their weights, the calls that connect them, and inputs and outputs. A clone of it costs no copy of
    /// the weights.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The layers with their names and arrays.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = LayerInstance<'_>> {
        self.architecture.layers()
    }
}
