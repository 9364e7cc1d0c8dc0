//! Losses: what training makes small, one file each. A loss records operations; like a layer it is plain configuration.

mod names;

pub use names::get;

use crate::accepts::{Accepts, TargetKind};
use crate::error::{Error, Result, check_setting};
use crate::known::{Make, Part};
use crate::output_scale::OutputScale;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;
use std::fmt::Debug;

/// A mean over the rows of a batch of how far predictions are from targets. Lower is better.
pub trait Loss: Debug + Send + Sync {
    /// The targets that it takes, and its requirements on the model's output, where a row's output has this shape. Checked
    /// by `compile`, and before any work by every call that takes a dataset.
    fn accepts(&self, output: Shape) -> Accepts;

    /// How the outputs that it trains are to be read. Everything that turns outputs into classes follows it: metrics and
    /// [`predict_classes`](crate::Model::predict_classes). Without it outputs are probabilities or values.
    fn output_scale(&self) -> OutputScale {
        OutputScale::Plain
    }

    /// Records the loss of a batch, a scalar. The target has the output's shape, or that of its positions where it is of
    /// integer labels.
    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r>;

    /// The same, where the loss of each of the batch's rows counts by a weight of its own, from one axis of weights. As
    /// in Keras the sum is divided by the number of rows, not by that of the weights. Fails where a loss does not provide
    /// it.
    fn record_weighted<'r>(&self, prediction: Var<'r>, _target: Var<'r>, _weights: Var<'r>) -> Var<'r> {
        let class = self.spec().class().to_owned();
        prediction.recorder().fail(Error::other(format!("{class} takes no weights for rows; leave them out")));
        prediction
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// One of them is out of range.
    fn check_settings(&self) -> Result<()> {
        Ok(())
    }

    /// The class name and the settings.
    fn spec(&self) -> Spec;
}

impl<L: Loss + 'static> From<L> for Box<dyn Loss> {
    fn from(loss: L) -> Box<dyn Loss> {
        Box::new(loss)
    }
}

/// Every loss: one line here and one new file add one.
macro_rules! losses {
    ($($file:ident::$Loss:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Loss;)*

        impl Part for dyn Loss {
            const NAME: &'static str = "loss";

            fn built_in() -> Vec<(&'static str, Make<dyn Loss>)> {
                vec![$(($Loss::CLASS, |spec, known| Ok(Box::new(spec.make_of::<$Loss>(known)?)))),*]
            }
        }

        /// Every loss with its default settings.
        fn all() -> Vec<Box<dyn Loss>> {
            vec![$(Box::new($Loss::new())),*]
        }
    };
}

losses! {
    binary_crossentropy::BinaryCrossentropy,
    categorical_crossentropy::CategoricalCrossentropy,
    hinge::Hinge,
    huber::Huber,
    kl_divergence::KlDivergence,
    log_cosh::LogCosh,
    mean_absolute_error::MeanAbsoluteError,
    mean_squared_error::MeanSquaredError,
    sparse_categorical_crossentropy::SparseCategoricalCrossentropy,
}

/// Cross-entropy of logits, or of probabilities: exact where they are a softmax, whose logits are then taken.
fn crossentropy<'r>(prediction: Var<'r>, target: Var<'r>, weights: Option<Var<'r>>, from_logits: bool) -> Var<'r> {
    match prediction.logits() {
        _ if from_logits => prediction.softmax_crossentropy_of(target, weights),
        Some(logits) => logits.softmax_crossentropy_of(target, weights),
        None => prediction.categorical_crossentropy_of(target, weights),
    }
}

/// What to do where a loss of several classes has one output.
const ONE_OUTPUT: &str = "BinaryCrossentropy takes one output";

/// What losses of numbers take.
fn values() -> Accepts {
    Accepts::new(&[TargetKind::Values]).remedy("SparseCategoricalCrossentropy takes integer labels")
}

/// Targets moved towards the mean of all classes: t · (1 − smoothing) + smoothing / classes.
fn smoothed<'r>(target: Var<'r>, smoothing: f32, classes: usize) -> Var<'r> {
    if smoothing == 0.0 { target } else { target * (1.0 - smoothing) + smoothing / classes as f32 }
}

fn check_smoothing(owner: &'static str, smoothing: f32) -> Result<()> {
    let fits = (0.0..=1.0).contains(&smoothing);
    check_setting(fits, owner, "label_smoothing", f64::from(smoothing), "0 ≤ label_smoothing ≤ 1")
}

/// The setting of that name, or 0 where there is none, as in files from before there was one.
fn read_smoothing(settings: &mut Settings<'_>) -> Result<f32> {
    if settings.has("label_smoothing") { settings.number("label_smoothing") } else { Ok(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::BUILT_IN;
    use crate::tape::{Mode, Recorder};
    use crate::target::Target;

    #[test]
    fn every_loss_is_a_scalar_and_names_itself() {
        for loss in all() {
            let recorder = Recorder::new(Mode::Inference);
            let labels = loss.accepts(Shape::from(3)).read(Shape::from(3), Target::LABEL).is_some();
            let target = if labels { recorder.input([5]) } else { recorder.input([5, 3]) };
            let prediction = recorder.input([5, 3]);
            assert_eq!(loss.record(prediction, target).shape(), Shape::SCALAR);
            assert_eq!(loss.record_weighted(prediction, target, recorder.input([5])).shape(), Shape::SCALAR);
            assert!(loss.check_settings().is_ok());
            assert!(recorder.finish().is_ok());
            let spec = loss.spec();
            assert_eq!(format!("{:?}", BUILT_IN.make::<dyn Loss>(&spec).unwrap()), format!("{loss:?}"));
        }
    }

    #[test]
    fn settings_out_of_range_are_told() {
        let message = |loss: &dyn Loss| loss.check_settings().unwrap_err().to_string();
        let smooth = BinaryCrossentropy::new().label_smoothing(1.5);
        assert_eq!(message(&smooth), "BinaryCrossentropy: label_smoothing 1.5 is not in 0 ≤ label_smoothing ≤ 1");
        let smooth = CategoricalCrossentropy::new().label_smoothing(-0.5);
        assert_eq!(message(&smooth), "CategoricalCrossentropy: label_smoothing -0.5 is not in 0 ≤ label_smoothing ≤ 1");
        assert_eq!(message(&Huber::new().delta(0.0)), "Huber: delta 0 is not in 0 < delta, finite");
    }

    #[test]
    fn a_loss_without_weights_for_rows_says_so() {
        #[derive(Debug)]
        struct Plain;
        impl Loss for Plain {
            fn accepts(&self, _: Shape) -> Accepts {
                Accepts::new(&[TargetKind::Any])
            }
            fn record<'r>(&self, prediction: Var<'r>, _: Var<'r>) -> Var<'r> {
                prediction.mean()
            }
            fn spec(&self) -> Spec {
                Spec::new("Plain")
            }
        }
        let recorder = Recorder::new(Mode::Inference);
        let [x, t, w] = [&[5, 3][..], &[5, 3], &[5]].map(|sizes| recorder.input(Shape::new(sizes).unwrap()));
        Plain.record_weighted(x, t, w);
        let message = recorder.finish().unwrap_err().to_string();
        assert_eq!(message, "Plain takes no weights for rows; leave them out");
    }
}
