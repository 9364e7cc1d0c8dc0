//! Losses: what training makes small, one file each. A loss records operations; like a layer it is plain configuration.

use crate::error::{Error, Result};
use crate::settings::{FromSpec, Make, Settings};
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

    /// The class name and the settings.
    fn spec(&self) -> Spec;
}

/// Every loss: one line here and one new file add one.
macro_rules! losses {
    ($($file:ident::$Loss:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Loss;)*

        /// Every loss's class, and how it is made from its settings.
        pub(crate) fn classes() -> Vec<(&'static str, Make<dyn Loss>)> {
            vec![$(($Loss::CLASS, |spec| Ok(Box::new(spec.make::<$Loss>()?)))),*]
        }

        #[cfg(test)]
        fn all() -> Vec<Box<dyn Loss>> {
            vec![$(Box::new($Loss::new())),*]
        }
    };
}

losses! {
    categorical_crossentropy::CategoricalCrossentropy,
    sparse_categorical_crossentropy::SparseCategoricalCrossentropy,
}

/// Cross-entropy of logits, or of probabilities: exact where they are a softmax, whose logits are then taken.
fn crossentropy<'r>(prediction: Var<'r>, target: Var<'r>, from_logits: bool) -> Var<'r> {
    match prediction.logits() {
        _ if from_logits => prediction.softmax_crossentropy(target),
        Some(logits) => logits.softmax_crossentropy(target),
        None => prediction.categorical_crossentropy(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::{Mode, Recorder};

    #[test]
    fn every_loss_is_a_scalar_and_names_itself() {
        for loss in all() {
            let recorder = Recorder::new(Mode::Inference);
            let labels = loss.check(Shape::from(3), Shape::SCALAR).is_ok();
            let target = if labels { recorder.input([5]) } else { recorder.input([5, 3]) };
            assert_eq!(loss.record(recorder.input([5, 3]), target).shape(), Shape::SCALAR);
            assert!(recorder.finish().is_ok());
            let (spec, all) = (loss.spec(), classes());
            let (_, make) = all.iter().find(|(class, _)| *class == spec.class()).unwrap();
            assert_eq!(format!("{:?}", make(&spec).unwrap()), format!("{loss:?}"));
        }
    }

    #[test]
    fn targets_of_the_other_kind_are_refused_with_the_remedy() {
        let classes = Shape::from(10);
        let error = CategoricalCrossentropy::new().check(classes, Shape::SCALAR).unwrap_err().to_string();
        assert!(error.contains("SparseCategoricalCrossentropy"), "{error}");
        let error = SparseCategoricalCrossentropy::new().check(classes, classes).unwrap_err().to_string();
        assert!(error.contains("CategoricalCrossentropy"), "{error}");
    }
}
