//! Models of layers whose wiring a file says.

use super::network::Network;
use super::{Compile, Model};
use crate::error::Result;
use crate::layers::{Layer, Source};
use crate::save::Wiring;
use std::sync::Arc;

impl Model {
    /// A model of layers that are wired so, with first values of their own.
    pub(crate) fn from_wiring(wiring: &Wiring, layers: &[Arc<dyn Layer>], settings: Compile) -> Result<Model> {
        let layers = layers.iter().map(|layer| (None, layer.clone())).collect();
        settings.model(|own, key| {
            let network = Network::build(wiring.clone(), layers, own, Source::Init(key))?;
            network.check_recording(own)?;
            Ok(network)
        })
    }
}
