//! What a model is made of, for files of other programs, and models made of what such files hold.

use super::network::Network;
use super::threads::Threads;
use super::{Compile, Model};
use crate::error::Result;
use crate::kernels::simd;
use crate::layers::{Layer, Source};
use crate::optimizers::StateArray;
use crate::save::{Description, Registry, Stored, Wiring};
use crate::tape::Params;
use std::sync::Arc;

impl Model {
    /// Everything but the arrays.
    pub(crate) fn describe(&self) -> Description {
        self.description()
    }

    /// The state arrays of the optimizer.
    pub(crate) fn state_arrays(&self) -> Vec<StateArray<'_>> {
        self.optimizer.arrays(&self.params)
    }

    /// The model of a description. Its layers find their arrays in `stored`; nothing else is allocated.
    pub(crate) fn from_description(stored: &Stored, description: &Description, registry: &Registry) -> Result<Model> {
        simd::level()?;
        Model::restore(stored, description, registry, Threads::new(None)?)
    }

    /// A model of layers with names that find their arrays in `params`, to be trained as `settings` say.
    pub(crate) fn from_layers(
        wiring: Wiring,
        layers: impl Iterator<Item = (String, Arc<dyn Layer>)>,
        params: &Params,
        settings: Compile,
    ) -> Result<Model> {
        let layers = layers.map(|(name, layer)| (Some(name), layer)).collect();
        settings.model(|own, _| Network::build(wiring, layers, own, Source::Given(params)))
    }
}
