//! A sweep over optimizers: one network, trained with each from equal initial weights.

use crate::loss::RobustError;
use gradus::data::Dataset;
use gradus::optimizers::{Adam, Optimizer, RmsProp, Sgd};
use gradus::{Compile, Divergence, Error, Fit, Graph, Progress, Result};
use std::fmt::Write;
use std::sync::Arc;

/// Number of epochs of each trial.
pub const EPOCHS: usize = 5;

/// The result of training with one optimizer.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The optimizer's class and settings.
    pub optimizer: String,
    /// The loss of the validation rows after each epoch; empty if training diverged.
    pub losses: Vec<f64>,
}

impl Trial {
    /// The loss after the last epoch; `None` if training diverged.
    pub fn loss(&self) -> Option<f64> {
        self.losses.last().copied()
    }
}

/// The optimizers of the program `sweep`. `Arc<dyn Optimizer>` is an optimizer, so the list holds several types.
pub fn optimizers() -> Vec<Arc<dyn Optimizer>> {
    vec![Arc::new(Sgd::new(0.01)), Arc::new(RmsProp::new(0.003)), Arc::new(Adam::new(0.003))]
}

/// Trains the network with each optimizer. The seed is that of all trials, so only the optimizers differ.
///
/// # Errors
/// The errors of [`Graph::compile`] and [`Model::fit`](gradus::Model::fit), except divergence, which is a result.
pub fn run(
    network: &Graph,
    optimizers: &[Arc<dyn Optimizer>],
    train: &dyn Dataset,
    validation: &dyn Dataset,
) -> Result<Vec<Trial>> {
    let trial = |optimizer: &Arc<dyn Optimizer>| {
        let mut model = network.compile(Compile::new(optimizer.clone(), RobustError).seed(7))?;
        let mut divergence = Divergence::stop();
        let settings = Fit::new().epochs(EPOCHS).validation(validation).progress(Progress::Quiet);
        let losses = match model.fit(train, settings.callback(&mut divergence)) {
            Ok(history) => history.get("val_loss").unwrap_or_default(),
            Err(Error::Diverged { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Trial { optimizer: optimizer.spec().to_string(), losses })
    };
    optimizers.iter().map(trial).collect()
}

/// The trial with the lowest final loss; `None` if all diverged.
pub fn best(trials: &[Trial]) -> Option<&Trial> {
    let finite = trials.iter().filter(|trial| trial.loss().is_some_and(f64::is_finite));
    finite.min_by(|a, b| a.losses[a.losses.len() - 1].total_cmp(&b.losses[b.losses.len() - 1]))
}

/// The losses of all trials, one row for each.
pub fn table(trials: &[Trial]) -> String {
    let width = trials.iter().map(|trial| trial.optimizer.chars().count()).max().unwrap_or(0).max(9);
    let mut table = format!("{:width$}  validation loss by epoch\n", "optimizer");
    for trial in trials {
        let losses: Vec<String> = trial.losses.iter().map(|loss| format!("{loss:.4}")).collect();
        let losses = if losses.is_empty() { "diverged".to_owned() } else { losses.join("  ") };
        // Writing to a string cannot fail.
        let _ = writeln!(table, "{:width$}  {losses}", trial.optimizer);
    }
    table
}
