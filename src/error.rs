//! Every way a call can fail, with the values that show why and a remedy.
//!
//! Messages read: place – found – expected – remedy.

use crate::shape::Shape;
use crate::target::Target;
use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// The result of a call that can fail with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed.
///
/// New variants may be added, so a `match` needs a wildcard arm. The message (`Display`) is meant for people.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An operation or a layer was given shapes it cannot take.
    Shape {
        /// Where: the layer and the operation, as in `dense_2: affine`. Filled in by the recorder.
        place: String,
        /// The shapes that were given.
        found: Vec<Shape>,
        /// What would have been right, and what to do about it.
        expected: Cow<'static, str>,
    },
    /// Parts of a model that are not put together as a model can be.
    Graph {
        /// The input, layer or output.
        place: String,
        /// What is wrong with its place in the model, and what to do about it.
        problem: Cow<'static, str>,
    },
    /// A setting lies outside its range.
    Setting {
        /// The thing that has the setting, as in `Dropout`.
        owner: Cow<'static, str>,
        /// The setting's name.
        name: &'static str,
        /// The value that was given.
        value: f64,
        /// The range, as in `0 ≤ rate < 1`.
        expected: &'static str,
    },
    /// An array would have more elements than the library addresses.
    TooLarge {
        /// What was to be allocated.
        place: String,
        /// Its shape.
        shape: Shape,
    },
    /// A trainable parameter does not take part in the loss, so it would never learn.
    Unreached {
        /// The parameter's name.
        parameter: String,
    },
    /// There is no row to work on.
    Empty {
        /// What is empty.
        what: Cow<'static, str>,
    },
    /// Two arrays that belong together have different numbers of rows.
    Rows {
        /// What the first array holds, and its rows.
        first: (&'static str, usize),
        /// What the second array holds, and its rows.
        second: (&'static str, usize),
    },
    /// Targets of a kind or shape that a loss or a metric does not take.
    Target {
        /// What the targets are for, as in `targets for R2Score`.
        place: String,
        /// The target of a row of the dataset.
        found: Target,
        /// What is taken, and what to do about it.
        expected: Cow<'static, str>,
    },
    /// A number in the targets that a loss or a metric does not take.
    TargetValue {
        /// What the targets are for, as in `targets for BinaryCrossentropy`.
        place: String,
        /// The row that holds the number, from 0.
        row: usize,
        /// The number.
        value: f64,
        /// Which numbers are taken, as in `numbers from 0 to 1`.
        expected: &'static str,
    },
    /// A score that is to be compared between epochs, and nothing says whether lower or higher is better.
    Undirected {
        /// The score's name.
        score: String,
    },
    /// A class label that is not one of the classes.
    Label {
        /// The row it stands in.
        row: usize,
        /// The label.
        label: f64,
        /// How many classes there are: labels are 0, 1, … `classes` − 1.
        classes: usize,
    },
    /// An operation met a value in a batch with which it cannot compute. It ends the step before weights, running
    /// statistics or the optimizer's state change.
    Fault {
        /// The layer and the operation, as in `embedding_1: embedding`.
        place: String,
        /// The row that holds the value, from 0.
        row: usize,
        /// What the row is counted in: `batch` where a tape runs, otherwise what the model was given, as in `dataset`.
        rows: &'static str,
        /// What is wrong with the value.
        problem: Box<Error>,
    },
    /// A value that is used as an index lies outside its range or is not a number.
    Index {
        /// What the value is, as in `index` or `label`.
        name: &'static str,
        /// The value.
        value: f64,
        /// The number of positions to choose from: valid values are at least 0 and below it.
        count: usize,
    },
    /// A file that is in none of the places where it may be.
    Missing {
        /// The file's name.
        name: String,
        /// Every place that was tried, in order.
        tried: Vec<PathBuf>,
    },
    /// The operating system refused to read or write a file.
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that does not hold what it should.
    Format {
        /// The file.
        path: PathBuf,
        /// What was found, what was expected, and what to do about it.
        problem: String,
    },
    /// A model of another program that has parts which there are not here, or a model with parts that another program
    /// does not have.
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Every such part, and what is not supported of it.
        parts: Vec<String>,
    },
    /// A name that stands for nothing here, such as an unknown parameter.
    Unknown {
        /// What kind of thing was looked for, as in `parameter`.
        kind: &'static str,
        /// The name that was given.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// The description of a part does not describe it: another class, a setting too few, too many or of another kind.
    Spec {
        /// The class that the description names.
        class: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Training came to a loss, or to weights, that are NaN or infinite.
    Diverged {
        /// The epoch's number, from 1.
        epoch: u64,
        /// The step's number, from 1 at the model's first.
        step: u64,
        /// The batch's loss.
        loss: f64,
        /// Where the first value that is not finite came from, as in `the output of dense_1: affine`.
        place: String,
    },
    /// The thread pool could not be made.
    Threads(String),
    /// An error of a user's own operation, layer or dataset.
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A shape error that says only what was expected; the recorder adds the place and the shapes.
    pub fn expected(expected: impl Into<Cow<'static, str>>) -> Error {
        Error::Shape { place: String::new(), found: Vec::new(), expected: expected.into() }
    }

    /// Wraps an error of a user's own part.
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Other(error.into())
    }

    /// Changes what the row of a fault is counted in: `row_of` gives the row of `rows` that a row of the batch is.
    pub(crate) fn in_rows(self, rows: &'static str, row_of: impl FnOnce(usize) -> Option<usize>) -> Error {
        match self {
            Error::Fault { place, row, rows: counted, problem } => {
                let (row, rows) = row_of(row).map_or((row, counted), |row| (row, rows));
                Error::Fault { place, row, rows, problem }
            }
            other => other,
        }
    }

    /// Adds the place to an error of shapes or sizes that has none yet, and to the former the shapes.
    pub(crate) fn at(self, at: impl FnOnce() -> String, inputs: &[Shape]) -> Error {
        match self {
            Error::Shape { place, found, expected } if place.is_empty() => {
                let found = if found.is_empty() { inputs.to_vec() } else { found };
                Error::Shape { place: at(), found, expected }
            }
            Error::TooLarge { place, shape } if place.is_empty() => Error::TooLarge { place: at(), shape },
            other => other,
        }
    }
}

/// Checks a setting, and says what its range is where it lies outside.
pub(crate) fn check_setting(
    fits: bool,
    owner: impl Into<Cow<'static, str>>,
    name: &'static str,
    value: f64,
    expected: &'static str,
) -> Result<()> {
    if fits { Ok(()) } else { Err(Error::Setting { owner: owner.into(), name, value, expected }) }
}

/// `a, b and c`, for lists inside messages.
fn join<T: fmt::Display>(items: &[T]) -> String {
    let texts: Vec<String> = items.iter().map(T::to_string).collect();
    match texts.split_last() {
        None => "nothing".into(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// A number that may have been given as `f32`, which is then shown as such: 1.2, not 1.2000000476837158.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.0 as f32;
        if f64::from(short) == self.0 { write!(f, "{short}") } else { write!(f, "{}", self.0) }
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
            Error::Setting { owner, name, value, expected } => {
                write!(f, "{owner}: {name} {} is not in {expected}", Short(*value))
            }
            Error::TooLarge { place, shape } => {
                write!(
                    f,
                    "{place}: an array of {shape} has more elements than fit in memory; use a smaller batch or layer"
                )
            }
            Error::Unreached { parameter } => write!(
                f,
                "{parameter}: trainable, but the loss does not depend on it, so it would never learn; use it or do not declare it trainable"
            ),
            Error::Empty { what } => write!(f, "{what} is empty; at least one row is needed"),
            Error::Rows { first: (a, rows_a), second: (b, rows_b) } => {
                write!(
                    f,
                    "{a} have {rows_a} rows and {b} have {rows_b}; each row of the one needs its row of the other"
                )
            }
            Error::Target { place, found, expected } => write!(f, "{place}: found {found}, expected {expected}"),
            Error::TargetValue { place, row, value, expected } => {
                write!(f, "{place}: row {row} holds {}, expected {expected}", Short(*value))
            }
            Error::Undirected { score } => write!(
                f,
                "score \"{score}\": nothing says whether lower or higher is better; monitor Monitor::new(\"{score}\").lower() or .higher()"
            ),
            Error::Label { row, label, classes } => write!(
                f,
                "row {row}: label {label} is not a whole number in 0 ≤ label < {classes}, as there are {classes} classes"
            ),
            Error::Fault { place, row, rows, problem } => write!(f, "{place}: row {row} of the {rows}: {problem}"),
            Error::Index { name, value, count } => {
                write!(f, "{name} must be a whole number ≥ 0 and < {count}, got {value}; correct the data")
            }
            Error::Missing { name, tried } => {
                let places: Vec<String> = tried.iter().map(|path| path.display().to_string()).collect();
                write!(f, "{name} was not found; tried {}", join(&places))
            }
            Error::Io { path, source } => write!(f, "{}: {source}", path.display()),
            Error::Format { path, problem } => write!(f, "{}: {problem}", path.display()),
            Error::Unsupported { path, parts } => write!(f, "{}: not supported: {}", path.display(), join(parts)),
            Error::Unknown { kind, name, known } => {
                write!(f, "there is no {kind} \"{name}\"; there is {}", join(known))
            }
            Error::Spec { class, problem } => write!(f, "{class} {problem}"),
            Error::Diverged { epoch, step, loss, place } => write!(
                f,
                "epoch {epoch}, step {step}: the loss is {loss}, and the first value that is not finite is {place}; lower \
                 the learning rate, clip gradients, or look at the data"
            ),
            Error::Threads(problem) => write!(f, "threads: {problem}"),
            Error::Other(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            Error::Other(error) => error.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_place_found_and_expected() {
        let error = Error::expected("images height × width × channels; Reshape adds a missing axis")
            .at(|| "conv2d_1: conv2d".into(), &[Shape::from([8, 28, 28])]);
        let text = "conv2d_1: conv2d: found shape 8 × 28 × 28, expected images height × width × channels; Reshape adds a missing \
                    axis";
        assert_eq!(error.to_string(), text);
        let error = check_setting(false, "Dropout", "rate", 1.2, "0 ≤ rate < 1").unwrap_err();
        assert_eq!(error.to_string(), "Dropout: rate 1.2 is not in 0 ≤ rate < 1");
    }

    #[test]
    fn a_place_once_given_stays() {
        let error = Error::expected("two axes").at(|| "inner".into(), &[]).at(|| "outer".into(), &[]);
        assert!(error.to_string().starts_with("inner: "));
    }

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(join::<u8>(&[]), "nothing");
        assert_eq!(join(&[1]), "1");
        assert_eq!(join(&[1, 2, 3]), "1, 2 and 3");
    }
}
