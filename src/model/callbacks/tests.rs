//! Tests of every callback in the list: interrupted training ends with the bits of uninterrupted training.

use super::{BatchEnd, Callback, EpochBegin, EpochEnd, Flow, Stop, TrainBegin, TrainEnd, samples};
use crate::data::Arrays;
use crate::error::Result;
use crate::layers::Dense;
use crate::losses::CategoricalCrossentropy;
use crate::optimizers::Adam;
use crate::save::CallbackState;
use crate::{Checkpoints, Compile, Fit, Model, Progress, Sequential};
use ndarray::Array2;
use std::path::Path;

const EPOCHS: usize = 6;

/// Wraps a callback and checks its state after each hook. Training pauses after a number of steps.
struct Checked {
    class: &'static str,
    callback: Box<dyn Callback>,
    pause: u64,
    has_state: Option<bool>,
}

impl Checked {
    fn check(&mut self) {
        let name = self.callback.state().map(|state| state.name().to_owned());
        assert!(name.as_ref().is_none_or(|name| name == self.class), "the state of {} is of {name:?}", self.class);
        let has_state = *self.has_state.get_or_insert(name.is_some());
        assert_eq!(has_state, name.is_some(), "{} must either always have a state or never", self.class);
    }
}

impl Callback for Checked {
    fn train_begin(&mut self, model: &mut Model, begin: &TrainBegin<'_>) -> Result<()> {
        self.callback.train_begin(model, begin)?;
        self.check();
        Ok(())
    }

    fn epoch_begin(&mut self, model: &mut Model, begin: &EpochBegin<'_>) -> Result<()> {
        self.callback.epoch_begin(model, begin)?;
        self.check();
        Ok(())
    }

    fn batch_end(&mut self, model: &mut Model, end: &BatchEnd<'_>) -> Result<Flow> {
        let flow = self.callback.batch_end(model, end)?;
        self.check();
        Ok(if model.step() == self.pause { Flow::Break(Stop::Paused) } else { flow })
    }

    fn epoch_end(&mut self, model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
        let flow = self.callback.epoch_end(model, end)?;
        self.check();
        Ok(flow)
    }

    fn train_end(&mut self, model: &mut Model, end: &TrainEnd<'_>) -> Result<()> {
        self.callback.train_end(model, end)
    }

    fn state(&self) -> Option<CallbackState> {
        self.callback.state()
    }

    fn restore(&mut self, state: &CallbackState) -> Result<()> {
        self.callback.restore(state)
    }
}

/// Rows with classes that do not depend on the inputs, so that the loss of other rows soon rises.
fn rows(salt: usize) -> Arrays {
    let x = Array2::from_shape_fn((12, 4), |(i, j)| ((3 * i + 5 * j + salt) % 7) as f32 - 3.0);
    let t = Array2::from_shape_fn((12, 3), |(i, j)| f32::from(u8::from((i * i + salt) % 3 == j)));
    Arrays::new(&x, &t).unwrap()
}

/// Trains with a callback, from the newest checkpoint in the folder. Returns the digest of the weights and the reports
/// of the epochs.
fn train(class: &'static str, sample: usize, folder: &Path, pause: u64) -> (String, String) {
    let (_, mut callbacks) = samples().into_iter().find(|(name, _)| *name == class).unwrap();
    let mut checked = Checked { class, callback: callbacks.swap_remove(sample), pause, has_state: None };
    let loss = CategoricalCrossentropy::new().from_logits(true);
    let network = Sequential::new([4]).add(Dense::new(6)).add(Dense::new(3));
    let mut model = network.compile(Compile::new(Adam::new(0.1), loss).seed(3)).unwrap();
    let validation = rows(1);
    let fit = Fit::new().epochs(EPOCHS).batch_size(5).validation(&validation).progress(Progress::Quiet);
    let fit = fit.checkpoints(Checkpoints::new(folder)).resume(folder).callback(&mut checked);
    let history = model.fit(&rows(0), fit).unwrap();
    let told = history.epochs.iter().map(|epoch| (epoch.scores.loss, epoch.learning_rate));
    (model.params().sha256(), format!("{:?}", told.collect::<Vec<_>>()))
}

#[test]
fn interrupted_training_ends_with_the_bits_of_uninterrupted_training() {
    for (class, all) in samples() {
        assert!(!all.is_empty(), "{class} has no samples");
        for sample in 0..all.len() {
            let folder = tempfile::tempdir().unwrap();
            let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
            let expected = train(class, sample, &whole, u64::MAX);
            // Within the first epoch of three steps, at the end of the second, and within the fourth.
            for pause in [1, 6, 11] {
                train(class, sample, &parts, pause);
            }
            assert_eq!(train(class, sample, &parts, u64::MAX), expected, "{class}, sample {sample}");
        }
    }
}
