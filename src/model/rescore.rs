//! A trained model with another loss or other metrics.

use super::trained_outputs::Losses;
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
        let (mut own, mut kept) = (None, Vec::new());
        let Model { network, params, training, threads, .. } = self;
        for trained in training.map_or(Vec::new(), |training| training.trained_outputs).into_iter().take(1) {
            (own, kept) = (Some(trained.loss), trained.metrics);
        }
        let losses = loss.map(Arc::from).or(own).map_or_else(Losses::new, Losses::every);
        let settings = Compile::new(Sgd::new(0.0), losses);
        let settings = metrics.unwrap_or(kept).into_iter().fold(settings, Compile::metric);
        settings.model_of(network, params, Some(threads))
    }
}
