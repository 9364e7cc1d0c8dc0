//! A property that every callback must have: an interrupted and resumed run ends like an uninterrupted one.

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
use std::sync::{Arc, Mutex};

const EPOCHS: usize = 6;

/// A callback whose state is checked after each hook. Training pauses after a step.
struct Watched {
    class: &'static str,
    callback: Box<dyn Callback>,
    pause: u64,
    remembers: Option<bool>,
}

impl Watched {
    fn look(&mut self) {
        let name = self.callback.state().map(|state| state.name().to_owned());
        assert!(
            name.as_ref().is_none_or(|name| name == self.class),
            "the state of {} has the name {name:?}",
            self.class
        );
        let remembers = *self.remembers.get_or_insert(name.is_some());
        assert_eq!(remembers, name.is_some(), "{} has a state only after some hooks", self.class);
    }
}

impl Callback for Watched {
    fn train_begin(&mut self, model: &mut Model, begin: &TrainBegin<'_>) -> Result<()> {
        self.callback.train_begin(model, begin)?;
        self.look();
        Ok(())
    }

    fn epoch_begin(&mut self, model: &mut Model, begin: &EpochBegin<'_>) -> Result<()> {
        self.callback.epoch_begin(model, begin)?;
        self.look();
        Ok(())
    }

    fn batch_end(&mut self, model: &mut Model, end: &BatchEnd<'_>) -> Result<Flow> {
        let flow = self.callback.batch_end(model, end)?;
        self.look();
        Ok(if model.step() == self.pause { Flow::Break(Stop::Paused) } else { flow })
    }

    fn validation_begin(&mut self, model: &mut Model) -> Result<()> {
        self.callback.validation_begin(model)
    }

    fn validation_end(&mut self, model: &mut Model) -> Result<()> {
        self.callback.validation_end(model)
    }

    fn epoch_end(&mut self, model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
        let flow = self.callback.epoch_end(model, end)?;
        self.look();
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

/// Rows with unrelated classes, so that the validation loss soon increases.
fn rows(salt: usize) -> Arrays {
    let x = Array2::from_shape_fn((12, 4), |(i, j)| ((3 * i + 5 * j + salt) % 7) as f32 - 3.0);
    let t = Array2::from_shape_fn((12, 3), |(i, j)| f32::from(u8::from((i * i + salt) % 3 == j)));
    Arrays::new(&x, &t).unwrap()
}

/// Trains with a callback from the last checkpoint in the folder. Returns the digest of the weights and the scores by epoch.
fn train(class: &'static str, sample: usize, folder: &Path, pause: u64) -> (String, String) {
    let (_, mut callbacks) = samples().into_iter().find(|(name, _)| *name == class).unwrap();
    let watched = Watched { class, callback: callbacks.swap_remove(sample), pause, remembers: None };
    let loss = CategoricalCrossentropy::new().from_logits(true);
    let network = Sequential::new([4]).add(Dense::new(6)).add(Dense::new(3));
    let mut model =
        network.compile(Compile::new(Adam::new(0.1).use_ema(true).ema_momentum(0.6), loss).seed(3)).unwrap();
    let validation = rows(1);
    let fit = Fit::new().epochs(EPOCHS).batch_size(5).validation(&validation).progress(Progress::Quiet);
    // Interrupted runs share the callback behind a lock, which must forward every hook to it.
    let mut watched: Box<dyn Callback> =
        if pause == u64::MAX { Box::new(watched) } else { Box::new(Arc::new(Mutex::new(watched))) };
    let fit = fit.checkpoints(Checkpoints::new(folder)).resume(folder).callback(&mut watched);
    let history = model.fit(&rows(0), fit).unwrap();
    let scores = history.epochs.iter().map(|epoch| (epoch.scores.loss, epoch.learning_rate));
    (model.params().sha256(), format!("{:?}", scores.collect::<Vec<_>>()))
}

#[test]
fn an_interrupted_run_ends_like_an_uninterrupted_one() {
    for (class, all) in samples() {
        assert!(!all.is_empty(), "{class} has no samples");
        for sample in 0..all.len() {
            let folder = tempfile::tempdir().unwrap();
            let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
            let expected = train(class, sample, &whole, u64::MAX);
            // Within the first epoch of three steps, at the end of the second, within the fourth.
            for pause in [1, 6, 11] {
                train(class, sample, &parts, pause);
            }
            assert_eq!(train(class, sample, &parts, u64::MAX), expected, "{class}, sample {sample}");
        }
    }
}
