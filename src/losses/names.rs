//! Losses by name.

use super::all;
use super::loss::Loss;
use crate::error::Result;
use crate::lookup;

/// Alternative names of losses in Keras.
const ALIASES: &[(&str, &str)] = &[
    ("bce", "BinaryCrossentropy"),
    ("huber_loss", "Huber"),
    ("kld", "KLDivergence"),
    ("kullback_leibler_divergence", "KLDivergence"),
    ("mae", "MeanAbsoluteError"),
    ("mse", "MeanSquaredError"),
];

/// Returns a loss by name: its class name, its name or abbreviation in Keras, optionally followed by settings in parentheses.
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
/// [`Error::Unknown`](crate::Error::Unknown) for an unknown name, with the available classes;
/// [`Error::Spec`](crate::Error::Spec) for a setting that is unknown or of another type;
/// [`Error::Setting`](crate::Error::Setting) for one out of range.
pub fn get(name: &str) -> Result<Box<dyn Loss>> {
    let loss: Box<dyn Loss> = lookup::find(name, all().iter().map(|loss| loss.spec()).collect(), ALIASES)?;
    loss.check_settings()?;
    Ok(loss)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::losses::{CategoricalCrossentropy, Huber};

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
        assert_eq!(spec("mse(delta=2)").unwrap_err(), "MeanSquaredError: unknown setting \"delta\"");
        assert!(
            spec("accuracy").unwrap_err().starts_with("unknown loss \"accuracy\"; available: BinaryCrossentropy, ")
        );
        assert!(spec("huber(delta=0)").unwrap_err().starts_with("Huber: delta must be finite and > 0, got 0"));
        assert_eq!(spec("huber(2)").unwrap_err(), "Huber: found \"2\", expected name=value");
        assert_eq!(spec("huber(delta=2").unwrap_err(), "huber(delta=2: the closing parenthesis is missing");
    }
}
