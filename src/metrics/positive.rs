//! Which predictions say yes: what precision and recall share.

use crate::error::{Result, check_setting};
use crate::settings::Settings;
use crate::shape::View;
use crate::spec::Spec;

/// Predictions above a threshold, of all outputs or of one alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Positive {
    pub(super) threshold: f32,
    pub(super) class: Option<usize>,
}

impl Positive {
    /// Over all outputs, with a threshold of ½, as in Keras.
    pub(super) const DEFAULT: Positive = Positive { threshold: 0.5, class: None };

    /// Adds to the totals the right ones, and all that `counts(yes, real)`: whether yes was said, and whether it is so.
    pub(super) fn add(
        &self,
        prediction: View<'_>,
        target: View<'_>,
        totals: &mut [f64],
        counts: impl Fn(bool, bool) -> bool,
    ) {
        let columns = prediction.shape().last();
        let wanted = |column: usize| self.class.is_none_or(|class| class == column % columns);
        let pairs = prediction.iter().zip(target.data()).enumerate();
        for (_, (p, t)) in pairs.filter(|(at, _)| wanted(*at)) {
            let (yes, real) = (*p > self.threshold, *t > 0.0);
            totals[0] += f64::from(u8::from(yes && real));
            totals[1] += f64::from(u8::from(counts(yes, real)));
        }
    }

    pub(super) fn check(&self, owner: &'static str) -> Result<()> {
        let fits = (0.0..=1.0).contains(&self.threshold);
        check_setting(fits, owner, "threshold", f64::from(self.threshold), "0 ≤ threshold ≤ 1")
    }

    pub(super) fn spec(&self, class: &str) -> Spec {
        let spec = Spec::new(class).with("threshold", self.threshold);
        self.class.map_or(spec.clone(), |class| spec.with("class", class))
    }

    pub(super) fn from_spec(settings: &mut Settings<'_>) -> Result<Positive> {
        let threshold = settings.number("threshold")?;
        let class = if settings.has("class") { Some(settings.size("class")?) } else { None };
        Ok(Positive { threshold, class })
    }
}
