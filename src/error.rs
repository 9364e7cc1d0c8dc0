//! The error type of the crate. Messages name the place, what was found, what was expected and a remedy, in this order.

use crate::shape::Shape;
use crate::target::Target;
use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// The result of a call that can fail with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why a call failed, with the values that caused it.
///
/// New variants may be added, so a `match` needs a wildcard arm. `Display` writes a message for people, whose wording may
/// change.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Shapes that an operation or a layer does not accept.
    Shape {
        /// The layer and the operation, as in `dense_2: affine`. The recorder fills it in.
        place: String,
        /// The given shapes.
        found: Vec<Shape>,
        /// The expected shapes and a remedy.
        expected: Cow<'static, str>,
    },
    /// Inputs, layers and outputs whose connections do not form a model.
    Graph {
        /// The input, layer or output.
        place: String,
        /// The problem with its connections and a remedy.
        problem: Cow<'static, str>,
    },
    /// Arrays that are not those that the layers of a network declare.
    Arrays {
        /// The names of arrays that layers declare and that are not given.
        missing: Vec<String>,
        /// The names of arrays that are given and that no layer declares.
        unused: Vec<String>,
        /// The name of each array of another shape, with the shapes that are given and declared.
        shapes: Vec<(String, Shape, Shape)>,
    },
    /// A setting outside its range.
    Setting {
        /// The class or function that has the setting, as in `Dropout`.
        owner: Cow<'static, str>,
        /// The setting's name.
        name: &'static str,
        /// The given value.
        value: SettingValue,
        /// The valid values, as they follow "must be": `≥ 0 and < 1`.
        expected: &'static str,
    },
    /// An array with more elements than fit in memory.
    TooLarge {
        /// The array, or the layer and the operation that need it.
        place: String,
        /// The array's shape.
        shape: Shape,
    },
    /// A trainable parameter that the loss does not depend on.
    Unreached {
        /// The parameter's name.
        parameter: String,
    },
    /// A dataset or an array without rows.
    Empty {
        /// The name of the dataset or array.
        what: Cow<'static, str>,
    },
    /// Two arrays that belong together have different numbers of rows.
    Rows {
        /// The contents of the first array, as in `inputs`, and its number of rows.
        first: (&'static str, usize),
        /// The contents of the second array and its number of rows.
        second: (&'static str, usize),
    },
    /// Targets of a kind or shape that a loss or a metric does not accept.
    Target {
        /// The targets and the loss or metric, as in `targets for R2Score`.
        place: String,
        /// The target of one row of the dataset.
        found: Target,
        /// The accepted targets and a remedy.
        expected: Cow<'static, str>,
    },
    /// A number in the targets that a loss or a metric does not accept.
    TargetValue {
        /// The targets and the loss or metric, as in `targets for BinaryCrossentropy`.
        place: String,
        /// The row that holds the number, from 0.
        row: usize,
        /// The number.
        value: f64,
        /// The accepted numbers, as in `numbers from 0 to 1`.
        expected: &'static str,
    },
    /// A monitored score of which it is unknown whether lower or higher values are better.
    Undirected {
        /// The score's name.
        score: String,
    },
    /// A class label that is not one of the classes.
    Label {
        /// The row of the label, from 0.
        row: usize,
        /// The label.
        label: f64,
        /// The number of classes. Labels are 0, 1, … `classes` − 1.
        classes: usize,
    },
    /// A value in a batch with which an operation cannot compute. It ends the step before weights, running statistics or
    /// the optimizer's state change.
    Fault {
        /// The layer and the operation, as in `embedding_1: embedding`.
        place: String,
        /// The row that holds the value, from 0.
        row: usize,
        /// The array whose rows `row` counts: `batch` from a tape, `dataset` or `samples` from a model.
        rows: &'static str,
        /// The error about the value.
        problem: Box<Error>,
    },
    /// A value used as an index that is outside its range or not an integer.
    Index {
        /// The role of the value, as in `index` or `label`.
        name: &'static str,
        /// The value.
        value: f64,
        /// The number of positions. Valid indices are 0, 1, … `count` − 1.
        count: usize,
    },
    /// A file that was not found.
    Missing {
        /// The file's name.
        name: String,
        /// Every path that was tried, in order.
        tried: Vec<PathBuf>,
    },
    /// An error of the operating system while reading or writing a file.
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A file with invalid or unexpected contents.
    Format {
        /// The file.
        path: PathBuf,
        /// The contents found, the contents expected, and a remedy.
        problem: String,
    },
    /// Parts of a model that this library cannot import from, or export to, the format of another program.
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Every such part, with the options that are not supported.
        parts: Vec<String>,
    },
    /// A name that does not exist, such as that of an unknown parameter.
    Unknown {
        /// The kind of the name, as in `parameter`.
        kind: &'static str,
        /// The given name.
        name: String,
        /// The available names.
        known: Vec<String>,
    },
    /// A [`Spec`](crate::Spec) from which no part can be made: its class is another one, or a setting is missing, unknown
    /// or of another type.
    Spec {
        /// The class of the spec.
        class: String,
        /// The problem.
        problem: String,
    },
    /// A loss or weights that became NaN or infinite during training.
    Diverged {
        /// The number of the epoch, from 1.
        epoch: u64,
        /// The number of the step since the model's first step, from 1.
        step: u64,
        /// The loss of the batch.
        loss: f64,
        /// The first value that is not finite, as in `the output of dense_1: affine`.
        place: String,
    },
    /// A call that trains or evaluates, on a model that has neither an optimizer nor a loss.
    NotCompiled {
        /// The call, as in `fit`.
        place: &'static str,
    },
    /// The thread pool could not be created.
    Threads(String),
    /// An error of a custom operation, layer, dataset or other part.
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Creates a shape error from the expected shapes. The recorder adds the place and the found shapes.
    ///
    /// ```
    /// let error = gradus::Error::expected("two axes; put Flatten before it");
    /// assert_eq!(error.to_string(), "expected two axes; put Flatten before it");
    /// ```
    pub fn expected(expected: impl Into<Cow<'static, str>>) -> Error {
        Error::Shape { place: String::new(), found: Vec::new(), expected: expected.into() }
    }

    /// Wraps an error of a custom part.
    ///
    /// ```
    /// assert_eq!(gradus::Error::other("the sensor is offline").to_string(), "the sensor is offline");
    /// ```
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Other(error.into())
    }

    /// Converts the row of a fault: `row_of` maps a row of the batch to a row of `rows`.
    pub(crate) fn in_rows(self, rows: &'static str, row_of: impl FnOnce(usize) -> Option<usize>) -> Error {
        match self {
            Error::Fault { place, row, rows: counted, problem } => {
                let (row, rows) = row_of(row).map_or((row, counted), |row| (row, rows));
                Error::Fault { place, row, rows, problem }
            }
            other => other,
        }
    }

    /// Adds the place to an error of shapes or sizes that has none yet, and to an error of shapes also the shapes found.
    /// For callers of [`Layer::build`](crate::layers::Layer::build), whose errors say only what was expected.
    pub fn at(self, at: impl FnOnce() -> String, inputs: &[Shape]) -> Error {
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

/// The value of a setting in [`Error::Setting`]. Displays integers exactly, and `f32` values in their shortest form.
///
/// ```
/// use gradus::SettingValue;
/// assert_eq!(SettingValue::from(usize::MAX).to_string(), usize::MAX.to_string());
/// assert_eq!(SettingValue::from(1.2_f32).to_string(), "1.2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum SettingValue {
    /// An integer.
    Integer(i128),
    /// A floating-point number.
    Number(f64),
}

impl From<i32> for SettingValue {
    fn from(integer: i32) -> SettingValue {
        SettingValue::Integer(integer.into())
    }
}

impl From<usize> for SettingValue {
    fn from(integer: usize) -> SettingValue {
        SettingValue::Integer(integer as i128)
    }
}

impl From<u64> for SettingValue {
    fn from(integer: u64) -> SettingValue {
        SettingValue::Integer(integer.into())
    }
}

impl From<f32> for SettingValue {
    fn from(number: f32) -> SettingValue {
        SettingValue::Number(number.into())
    }
}

impl From<f64> for SettingValue {
    fn from(number: f64) -> SettingValue {
        SettingValue::Number(number)
    }
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettingValue::Integer(integer) => write!(f, "{integer}"),
            SettingValue::Number(number) => Short(*number).fmt(f),
        }
    }
}

/// Returns an error that says "`name` must be `expected`" unless the setting fits.
pub(crate) fn check_setting(
    fits: bool,
    owner: impl Into<Cow<'static, str>>,
    name: &'static str,
    value: impl Into<SettingValue>,
    expected: &'static str,
) -> Result<()> {
    if fits { Ok(()) } else { Err(Error::Setting { owner: owner.into(), name, value: value.into(), expected }) }
}

/// A list within a sentence, such as `a, b and c`.
fn join<T: fmt::Display>(items: &[T]) -> String {
    let texts: Vec<String> = items.iter().map(T::to_string).collect();
    match texts.split_last() {
        None => "none".into(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// A number that is shown as `f32` where that is exact: 1.2, not 1.2000000476837158.
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
            Error::Undirected { score } => write!(
                f,
                "score \"{score}\": unknown whether lower or higher is better; use Monitor::new(\"{score}\").lower() or \
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
                "{place}: the model has no optimizer and no loss, expected a compiled model; Model::compile gives it both"
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
