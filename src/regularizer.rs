//! What large weights cost: Keras' regularizers, with Keras' definitions.

use crate::error::{Result, check_setting};
use crate::settings::{Settings, unfit};
use crate::spec::Spec;

/// What the weights of an array add to the loss, so that training keeps them small. An option of layers.
///
/// It counts in the loss that is trained, and in what `fit` and `evaluate` report as `loss` and `val_loss`; weights that
/// are frozen cost nothing. Keras' classes of these names, whose factors are 0.01 unless others are given.
///
/// ```
/// use gradus::{Regularizer, layers::Dense};
/// let layer = Dense::new(10).kernel_regularizer(Regularizer::L2(1e-4));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Regularizer {
    /// Factor · Σ |w|, which draws weights to 0 until they are.
    L1(f32),
    /// Factor · Σ w².
    L2(f32),
    /// Both.
    L1L2 {
        /// The factor of Σ |w|.
        l1: f32,
        /// The factor of Σ w².
        l2: f32,
    },
}

impl Regularizer {
    /// Those of Σ |w| and of Σ w².
    pub fn factors(&self) -> [f32; 2] {
        match *self {
            Regularizer::L1(l1) => [l1, 0.0],
            Regularizer::L2(l2) => [0.0, l2],
            Regularizer::L1L2 { l1, l2 } => [l1, l2],
        }
    }

    /// Keras' class name and settings.
    pub fn spec(&self) -> Spec {
        match *self {
            Regularizer::L1(l1) => Spec::new("L1").with("l1", l1),
            Regularizer::L2(l2) => Spec::new("L2").with("l2", l2),
            Regularizer::L1L2 { l1, l2 } => Spec::new("L1L2").with("l1", l1).with("l2", l2),
        }
    }

    /// The regularizer that [`spec`](Regularizer::spec) describes.
    pub(crate) fn from_spec(spec: &Spec) -> Result<Regularizer> {
        spec.read(|settings| match spec.class() {
            "L1" => Ok(Regularizer::L1(settings.number("l1")?)),
            "L2" => Ok(Regularizer::L2(settings.number("l2")?)),
            "L1L2" => Ok(Regularizer::L1L2 { l1: settings.number("l1")?, l2: settings.number("l2")? }),
            _ => Err(unfit(spec, "is not a regularizer that is known".into())),
        })
    }

    /// The setting `name` of a layer that may have a regularizer.
    pub(crate) fn read(settings: &mut Settings<'_>, name: &str) -> Result<Option<Regularizer>> {
        settings.or(name, None, |settings, name| Regularizer::from_spec(settings.part(name)?).map(Some))
    }

    /// Adds the setting `name` where there is a regularizer, so that earlier versions read files without.
    pub(crate) fn write(spec: Spec, name: &'static str, regularizer: Option<Regularizer>) -> Spec {
        regularizer.into_iter().fold(spec, |spec, regularizer| spec.with(name, regularizer.spec()))
    }

    /// Checks the factors. Keras takes negative ones, which would make weights grow without end.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = self.factors().into_iter().find(|factor| !(factor.is_finite() && *factor >= 0.0));
        wrong.map_or(Ok(()), |factor| {
            check_setting(false, "Regularizer", "factor", f64::from(factor), "0 ≤ factor, finite")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_lead_back() {
        for regularizer in [Regularizer::L1(0.5), Regularizer::L2(0.25), Regularizer::L1L2 { l1: 0.125, l2: 2.0 }] {
            assert_eq!(Regularizer::from_spec(&regularizer.spec()).unwrap(), regularizer);
        }
        let message = Regularizer::from_spec(&Spec::new("OrthogonalRegularizer")).unwrap_err().to_string();
        assert_eq!(message, "OrthogonalRegularizer is not a regularizer that is known");
    }

    #[test]
    fn bad_factors_are_refused() {
        let message = |regularizer: Regularizer| regularizer.check().unwrap_err().to_string();
        assert_eq!(message(Regularizer::L1(-1.0)), "Regularizer: factor -1 is not in 0 ≤ factor, finite");
        let both = Regularizer::L1L2 { l1: 0.1, l2: f32::NAN };
        assert_eq!(message(both), "Regularizer: factor NaN is not in 0 ≤ factor, finite");
        assert!(Regularizer::L2(0.0).check().is_ok());
    }
}
