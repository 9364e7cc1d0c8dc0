//! Callbacks on sequences of scores: when training stops, when the rate is reduced, and whose weights are restored.

use crate::golden::{Cases, load};
use gradus::callbacks::{EarlyStopping, LambdaCallback, LearningRateScheduler, ReduceLrOnPlateau};
use gradus::data::Arrays;
use gradus::layers::Dense;
use gradus::losses::MeanSquaredError;
use gradus::metrics::{Direction, Metric, ScoredBatch};
use gradus::optimizers::Sgd;
use gradus::{Accepts, Callback, Compile, Fit, Flow, Monitor, Progress, Sequential, Shape, Spec, TargetKind};
use ndarray::Array2;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A metric that returns given values. It is computed twice per epoch, in training and in validation.
#[derive(Debug)]
struct GivenScores {
    scores: Vec<f32>,
    calls: AtomicUsize,
}

impl Metric for GivenScores {
    fn name(&self) -> &str {
        "given"
    }

    fn direction(&self) -> Option<Direction> {
        None
    }

    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Any])
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        let epoch = self.calls.fetch_add(1, Ordering::Relaxed) / 2;
        totals[0] += f64::from(self.scores[epoch]) * batch.rows() as f64;
    }

    fn spec(&self) -> Spec {
        Spec::new("GivenScores")
    }
}

fn callback(name: &str) -> Box<dyn Callback> {
    let lower = || Monitor::new("val_given").lower();
    let stopping = || EarlyStopping::new(lower()).restore_best_weights(true);
    match name {
        "stop" => Box::new(stopping()),
        "stop_patience" => Box::new(stopping().patience(3)),
        "stop_delta" => Box::new(stopping().min_delta(0.03).patience(2)),
        "stop_baseline" => Box::new(stopping().patience(4).baseline(0.68)),
        "stop_late" => Box::new(stopping().patience(2).start_from_epoch(4)),
        "stop_higher" => {
            Box::new(EarlyStopping::new(Monitor::new("val_given").higher()).restore_best_weights(true).patience(2))
        }
        "reduce" => Box::new(ReduceLrOnPlateau::new(lower()).factor(0.5).patience(2)),
        "reduce_cooldown" => {
            let reducing = ReduceLrOnPlateau::new(lower()).factor(0.5).patience(1);
            Box::new(reducing.cooldown(2).min_learning_rate(0.03))
        }
        "reduce_delta" => Box::new(ReduceLrOnPlateau::new(lower()).factor(0.1).patience(2).min_delta(0.04)),
        "schedule" => Box::new(LearningRateScheduler::new(|epoch, rate| if epoch < 3 { rate } else { 0.5 * rate })),
        other => panic!("a callback that is not compared: {other}"),
    }
}

fn check(cases: &Cases, case: &str) {
    let (_, scores) = cases.parts(&format!("{case}/scores"));
    let epochs = scores.len();
    let metric = GivenScores { scores, calls: AtomicUsize::new(0) };
    let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new()).metric(metric).seed(1);
    let mut model = Sequential::new([1]).add(Dense::new(1)).compile(settings).unwrap();
    let rows = Array2::from_shape_fn((8, 1), |(row, _)| row as f32 / 8.0);
    let data = Arrays::new(rows.clone(), rows.mapv(|x| 1.0 - x)).unwrap();
    let mut digests = Vec::new();
    let mut noting = LambdaCallback::new().on_epoch_end(|model, _| {
        digests.push(model.params().sha256());
        Ok(Flow::Continue(()))
    });
    let mut callback = callback(case.split('.').next().unwrap());
    let fit = Fit::new().epochs(epochs).batch_size(8).validation(&data).progress(Progress::Quiet);
    let history = model.fit(&data, fit.callback(&mut noting).callback(callback.as_mut())).unwrap();
    drop(noting);
    assert_eq!(history.epochs.len(), cases.integers(&format!("{case}/epochs"))[0], "{case}: epochs");
    for (epoch, expected) in history.epochs.iter().zip(cases.array(&format!("{case}/rates"))) {
        let near = (epoch.learning_rate - expected).abs() <= 1e-6 * expected;
        assert!(near, "{case}: rate {} in epoch {}, not {expected}", epoch.learning_rate, epoch.number);
    }
    let best = cases.integers(&format!("{case}/weights_of"))[0];
    assert_eq!(model.params().sha256(), digests[best - 1], "{case}: the weights' bits are those of epoch {best}");
}

#[test]
fn callbacks_stop_reduce_and_restore_when_keras_does() {
    let cases = load("callbacks.txt");
    cases.cases().into_iter().for_each(|case| check(&cases, case));
}
