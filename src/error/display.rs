//! The messages of errors.

use super::Error;
use super::setting_value::Short;
use std::fmt;

/// A list within a sentence, such as `a, b and c`.
fn join<T: fmt::Display>(items: &[T]) -> String {
    let texts: Vec<String> = items.iter().map(T::to_string).collect();
    match texts.split_last() {
        None => "none".into(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Shape { place, found, expected } => {
                let separator = if place.is_empty() { "" } else { ": " };
                match found.len() {
                    0 => write!(f, "{place}{separator}expected {expected}"),
                    1 => write!(f, "{place}{separator}found shape {}, expected {expected}", found[0]),
                    _ => write!(f, "{place}{separator}found shapes {}, expected {expected}", join(found)),
                }
            }
            Error::Graph { place, problem } => write!(f, "{place}: {problem}"),
            Error::Names(names) => names.fmt(f),
            Error::Arrays { missing, unused, shapes } => {
                let mut problems: Vec<String> = shapes
                    .iter()
                    .map(|(name, found, expected)| format!("{name} is {found}, expected {expected}"))
                    .collect();
                if !missing.is_empty() {
                    problems.push(format!("missing: {}", join(missing)));
                }
                if !unused.is_empty() {
                    problems.push(format!("declared by no layer: {}", join(unused)));
                }
                let remedy = "give every array that a layer declares, as layer/weight, and no others";
                write!(f, "arrays of the layers: {}; {remedy}", problems.join("; "))
            }
            Error::Setting { owner, name, value, expected } => {
                write!(f, "{owner}: {name} must be {expected}, got {value}")
            }
            Error::TooLarge { place, shape } => {
                let separator = if place.is_empty() { "" } else { ": " };
                write!(
                    f,
                    "{place}{separator}an array of shape {shape} has more elements than fit in memory; use a smaller \
                     batch or layer"
                )
            }
            Error::Unreached { parameter } => write!(
                f,
                "{parameter}: trainable, but the loss does not depend on it, so it would never change; use it in the \
                 loss or make it non-trainable"
            ),
            Error::Empty { what } => write!(f, "{what} is empty; it needs at least one row"),
            Error::Rows { first: (a, rows_a), second: (b, rows_b) } => {
                let rows = if *rows_a == 1 { "row" } else { "rows" };
                write!(f, "{a} have {rows_a} {rows} and {b} have {rows_b}; they need the same number")
            }
            Error::Target { place, found, expected } => write!(f, "{place}: found {found}, expected {expected}"),
            Error::TargetValue { place, row, value, expected } => {
                write!(f, "{place}: row {row} holds {}, expected {expected}", Short(*value))
            }
            Error::UnknownScore { place, score, known } => {
                write!(f, "{place}: unknown score \"{score}\"; available: {}", known.join(", "))?;
                let without_validation = !known.iter().any(|known| known.starts_with("val_"));
                match score.starts_with("val_") && without_validation {
                    true => f.write_str("; validation scores need Fit::validation or Fit::validation_split"),
                    false => Ok(()),
                }
            }
            Error::Undirected { place, score } => write!(
                f,
                "{place}: score \"{score}\": unknown whether lower or higher is better; use Monitor::new(\"{score}\").lower() or \
                 .higher()"
            ),
            Error::Label { row, label, classes } => write!(
                f,
                "row {row}: label must be an integer ≥ 0 and < {classes}, the number of classes, got {}",
                Short(*label)
            ),
            Error::Fault { place, row, rows, problem } => write!(f, "{place}: row {row} of the {rows}: {problem}"),
            Error::Index { name, value, count } => {
                write!(f, "{name} must be an integer ≥ 0 and < {count}, got {}; correct the data", Short(*value))
            }
            Error::Missing { name, tried } => {
                let places: Vec<String> = tried.iter().map(|path| path.display().to_string()).collect();
                write!(f, "{name} was not found; tried {}", join(&places))
            }
            Error::Io { path, source } => write!(f, "{}: {source}", path.display()),
            Error::Format { path, problem } => write!(f, "{}: {problem}", path.display()),
            Error::Unsupported { path, parts } => write!(f, "{}: not supported: {}", path.display(), join(parts)),
            Error::Unknown { kind, name, known } => {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                write!(f, "unknown {kind} \"{name}\"; available: {known}")
            }
            Error::Spec { class, problem } => write!(f, "{class}: {problem}"),
            Error::Diverged { epoch, step, loss, place } => write!(
                f,
                "epoch {epoch}, step {step}: the loss is {loss}, and the first value that is not finite is {place}; lower \
                 the learning rate, clip gradients, or check the data"
            ),
            Error::NotCompiled { place } => write!(
                f,
                "{place}: the model has no optimizer and no loss, expected a compiled model; call Model::compile to add both"
            ),
            Error::Member { member, problem } => write!(f, "member {member}: {problem}"),
            Error::Threads(problem) => write!(f, "threads: {problem}"),
            Error::Other(error) => error.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check_setting;
    use super::*;
    use crate::shape::Shape;

    #[test]
    fn messages_name_place_found_and_expected() {
        let error = Error::expected("images height × width × channels; Reshape adds a missing axis")
            .at(|| "conv2d_1: conv2d".into(), &[Shape::from([8, 28, 28])]);
        let text = "conv2d_1: conv2d: found shape 8 × 28 × 28, expected images height × width × channels; Reshape adds a missing \
                    axis";
        assert_eq!(error.to_string(), text);
        let error = check_setting(false, "Dropout", "rate", 1.2, "≥ 0 and < 1").unwrap_err();
        assert_eq!(error.to_string(), "Dropout: rate must be ≥ 0 and < 1, got 1.2");
    }

    #[test]
    fn integers_are_displayed_exactly() {
        let error = check_setting(false, "Dense", "units", usize::MAX, "smaller").unwrap_err();
        assert_eq!(error.to_string(), format!("Dense: units must be smaller, got {}", usize::MAX));
    }

    #[test]
    fn rows_are_counted_in_the_singular_and_the_plural() {
        let message = |a, b| Error::Rows { first: ("inputs", a), second: ("targets", b) }.to_string();
        assert_eq!(message(1, 2), "inputs have 1 row and targets have 2; they need the same number");
        assert_eq!(message(3, 1), "inputs have 3 rows and targets have 1; they need the same number");
    }

    #[test]
    fn the_first_place_of_an_error_is_kept() {
        let error = Error::expected("two axes").at(|| "inner".into(), &[]).at(|| "outer".into(), &[]);
        assert!(error.to_string().starts_with("inner: "));
    }

    #[test]
    fn lists_are_joined_with_commas_and_a_conjunction() {
        assert_eq!(join::<u8>(&[]), "none");
        assert_eq!(join(&[1]), "1");
        assert_eq!(join(&[1, 2, 3]), "1, 2 and 3");
    }
}
