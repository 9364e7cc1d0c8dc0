//! A trained model with another loss or other metrics.

use super::heads::Losses;
use super::{Compile, Model};
use crate::error::Result;
use crate::losses::Loss;
use crate::metrics::Metric;
use crate::optimizers::Sgd;
use std::sync::Arc;

impl Model {
    /// A model with these layers and weights, evaluated with another loss or other metrics of the first output; what is not given
    /// stays.
    pub(crate) fn rescored(self, loss: Option<Box<dyn Loss>>, metrics: Option<Vec<Box<dyn Metric>>>) -> Result<Model> {
        let Model { network, params, heads, .. } = self;
        let (mut own, mut kept) = (None, Vec::new());
        for head in heads.into_iter().take(1) {
            (own, kept) = (Some(head.loss), head.metrics);
        }
        let losses = loss.map(Arc::from).or(own).map_or_else(Losses::new, Losses::every);
        let settings = Compile::new(Sgd::new(0.0), losses);
        let metrics = metrics.map_or(kept, |metrics| metrics.into_iter().map(Arc::from).collect());
        metrics.into_iter().fold(settings, Compile::metric).model_of(network, params)
    }
}
