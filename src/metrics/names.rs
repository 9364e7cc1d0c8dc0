//! Metrics by name.

use super::all;
use super::metric::Metric;
use crate::error::Result;
use crate::lookup;

/// Alternative names of metrics in Keras.
const ALIASES: &[(&str, &str)] = &[("acc", "Accuracy"), ("mae", "MeanAbsoluteError"), ("mse", "MeanSquaredError")];

/// Returns a metric by name: its class name, its name or abbreviation in Keras, optionally followed by settings in parentheses.
///
/// ```
/// use gradus::metrics;
/// assert_eq!(metrics::get("acc")?.name(), "accuracy");
/// assert_eq!(metrics::get("precision(threshold=0.75)")?.spec().to_string(), "Precision(threshold=0.75)");
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) for an unknown name, with the available classes;
/// [`Error::Spec`](crate::Error::Spec) for a setting that is unknown or of another type;
/// [`Error::Setting`](crate::Error::Setting) for one out of range.
pub fn get(name: &str) -> Result<Box<dyn Metric>> {
    let metric: Box<dyn Metric> = lookup::find(name, all().iter().map(|metric| metric.spec()).collect(), ALIASES)?;
    metric.check()?;
    Ok(metric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{F1Score, Recall};

    #[test]
    fn metrics_have_the_names_of_their_classes_and_those_of_keras() {
        for metric in all() {
            let spec = metric.spec();
            for name in [spec.class(), metric.name(), &spec.to_string()] {
                assert_eq!(get(name).unwrap().spec(), spec, "{name}");
            }
        }
        let spec = |text: &str| get(text).map(|metric| metric.spec().to_string()).map_err(|error| error.to_string());
        assert_eq!(spec("recall(class=2)").unwrap(), Recall::new().class(2).spec().to_string());
        assert_eq!(spec("f1_score(threshold=1)").unwrap(), F1Score::new().threshold(1.0).spec().to_string());
        assert!(spec("mse_loss").unwrap_err().starts_with("unknown metric \"mse_loss\"; available: Accuracy, "));
    }
}
