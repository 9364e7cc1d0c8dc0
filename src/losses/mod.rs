//! Losses: what training makes small, one file each. A loss records operations; like a layer it is plain configuration.

use crate::error::{Error, Result, check_setting};
use crate::known::{Make, Part};
use crate::lookup;
use crate::ops::values_fit;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;
use std::fmt::Debug;

/// A mean over the rows of a batch of how far predictions are from targets.
pub trait Loss: Debug + Send + Sync {
    /// Checks that targets of this shape go with predictions of that shape, both of one row.
    ///
    /// # Errors
    /// Shapes that do not fit; [`Error::expected`] says only what was expected.
    fn check(&self, prediction: Shape, target: Shape) -> Result<()>;

    /// Records the loss of a batch, a scalar.
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

    /// The number of classes that labels may name where a model gives such predictions of a row; `None` where whole
    /// numbers are no labels but values.
    fn classes(&self, prediction: Shape) -> Option<usize> {
        Some(prediction.last())
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

/// Keras' other names of losses.
const ALIASES: &[(&str, &str)] = &[
    ("bce", "BinaryCrossentropy"),
    ("huber_loss", "Huber"),
    ("kld", "KLDivergence"),
    ("kullback_leibler_divergence", "KLDivergence"),
    ("mae", "MeanAbsoluteError"),
    ("mse", "MeanSquaredError"),
];

/// Returns the loss of a name: its class, Keras' name of it, or an abbreviation of Keras, with settings other than the
/// defaults in parentheses.
///
/// ```
/// use gradus::losses;
/// assert_eq!(losses::get("mse")?.spec().class(), "MeanSquaredError");
/// let loss = losses::get("sparse_categorical_crossentropy(from_logits=true)")?;
/// assert_eq!(loss.spec().to_string(), "SparseCategoricalCrossentropy(from_logits=true)");
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unknown`] for a name that no loss has, with the classes there are; [`Error::Spec`] for a setting that the loss
/// does not have or that is of another kind; settings out of range.
pub fn get(name: &str) -> Result<Box<dyn Loss>> {
    let loss: Box<dyn Loss> = lookup::find(name, all().iter().map(|loss| loss.spec()).collect(), ALIASES)?;
    loss.check_settings()?;
    Ok(loss)
}

/// Cross-entropy of logits, or of probabilities: exact where they are a softmax, whose logits are then taken.
fn crossentropy<'r>(prediction: Var<'r>, target: Var<'r>, weights: Option<Var<'r>>, from_logits: bool) -> Var<'r> {
    match prediction.logits() {
        _ if from_logits => prediction.softmax_crossentropy_of(target, weights),
        Some(logits) => logits.softmax_crossentropy_of(target, weights),
        None => prediction.categorical_crossentropy_of(target, weights),
    }
}

/// Targets like the predictions; a last axis of 1 may be missing in them.
fn check_values(prediction: Shape, target: Shape) -> Result<()> {
    if values_fit(prediction, target) {
        return Ok(());
    }
    Err(Error::expected(format!(
        "targets of {prediction}, one for each prediction; the last layer's units are as many"
    )))
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

    #[test]
    fn every_loss_is_a_scalar_and_names_itself() {
        for loss in all() {
            let recorder = Recorder::new(Mode::Inference);
            let labels = loss.check(Shape::from(3), Shape::SCALAR).is_ok();
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
    fn losses_have_the_names_of_their_classes_and_those_of_keras() {
        for loss in all() {
            let spec = loss.spec();
            for name in [spec.class().to_owned(), spec.snake_case(), spec.to_string()] {
                assert_eq!(get(&name).unwrap().spec(), spec, "{name}");
            }
        }
        for (alias, class) in ALIASES.iter().chain(&[("kl_divergence", "KLDivergence"), ("logcosh", "LogCosh")]) {
            assert_eq!(get(alias).unwrap().spec().class(), *class);
        }
        let spec = |text: &str| get(text).map(|loss| loss.spec().to_string()).map_err(|error| error.to_string());
        assert_eq!(spec("huber(delta=2)").unwrap(), Huber::new().delta(2.0).spec().to_string());
        let smooth = CategoricalCrossentropy::new().from_logits(true).label_smoothing(1.0).spec().to_string();
        assert_eq!(spec(" CategoricalCrossentropy( from_logits = true, label_smoothing=1 ) ").unwrap(), smooth);
        assert_eq!(spec("mse(delta=2)").unwrap_err(), "MeanSquaredError has a setting \"delta\" that is not known");
        assert!(
            spec("accuracy").unwrap_err().starts_with("there is no loss \"accuracy\"; there is BinaryCrossentropy, ")
        );
        assert!(spec("huber(delta=0)").unwrap_err().starts_with("Huber: delta 0 is not in"));
        assert_eq!(spec("huber(2)").unwrap_err(), "Huber has a setting \"2\", expected name=value");
        assert_eq!(spec("huber(delta=2").unwrap_err(), "huber(delta=2 has no closing parenthesis");
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
            fn check(&self, _: Shape, _: Shape) -> Result<()> {
                Ok(())
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

    #[test]
    fn targets_of_the_other_kind_are_refused_with_the_remedy() {
        let classes = Shape::from(10);
        let error = CategoricalCrossentropy::new().check(classes, Shape::SCALAR).unwrap_err().to_string();
        assert!(error.contains("SparseCategoricalCrossentropy"), "{error}");
        let error = SparseCategoricalCrossentropy::new().check(classes, classes).unwrap_err().to_string();
        assert!(error.contains("CategoricalCrossentropy"), "{error}");
        let error = MeanSquaredError::new().check(classes, Shape::SCALAR).unwrap_err().to_string();
        assert!(error.contains("targets of 10, one for each prediction"), "{error}");
        assert!(MeanSquaredError::new().check(Shape::from(1), Shape::SCALAR).is_ok());
    }
}
