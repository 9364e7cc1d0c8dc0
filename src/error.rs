//! The error type of the crate. Messages state the place, the value found, the value expected and a remedy, in this order.

mod display;
mod setting_value;
mod wrong_names;

pub use setting_value::SettingValue;
pub use wrong_names::WrongNames;

use crate::shape::Shape;
use crate::target::Target;
use std::borrow::Cow;
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
        /// The shapes that were given.
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
    /// Names of arrays or columns that differ from the inputs or targets of the model.
    Names(Box<WrongNames>),
    /// Arrays that do not match those that the layers of a network declare.
    Arrays {
        /// The names of declared arrays that are missing.
        missing: Vec<String>,
        /// The names of given arrays that no layer declares.
        unused: Vec<String>,
        /// The name of each array whose shape differs, its given shape, and its declared shape.
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
    /// A monitored score that training does not report.
    UnknownScore {
        /// The callback or the setting that monitors the score, as in `EarlyStopping`.
        place: String,
        /// The score's name.
        score: String,
        /// The names of the reported scores.
        known: Vec<String>,
    },
    /// A monitored score without a direction: whether lower or higher values are better is unknown.
    Undirected {
        /// The callback or the setting that monitors the score, as in `EarlyStopping`.
        place: String,
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
    /// An invalid value in a batch, such as an index out of range. It ends the step before weights, running statistics or the
    /// optimizer state change.
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
    /// A data file that does not exist. Returned by the functions of [`data::idx`](crate::data::idx) and
    /// [`data::mnist`](crate::data::mnist) that read files. All other functions return [`Error::Io`] for a missing
    /// file, such as that of a model.
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
    /// Training or evaluation of a model without an optimizer and a loss.
    NotCompiled {
        /// The call, as in `fit`.
        place: &'static str,
    },
    /// The thread pool could not be created.
    Threads(String),
    /// A problem of another member of an [exchange](crate::exchange), such as other settings or an error of its dataset.
    Member {
        /// The number of the member, from 0.
        member: usize,
        /// The problem.
        problem: String,
    },
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

    /// Adds the place and the found shapes to an error of shapes or sizes that has none yet. For callers of
    /// [`Layer::build`](crate::layers::Layer::build), whose errors have only the expected shapes.
    #[must_use]
    pub fn at(self, at: impl FnOnce() -> String, inputs: &[Shape]) -> Error {
        if self.lacks_place() { self.with_place(at(), inputs) } else { self }
    }

    fn lacks_place(&self) -> bool {
        matches!(self, Error::Shape { place, .. } | Error::TooLarge { place, .. } if place.is_empty())
    }

    /// The non-generic part of [`Error::at`], which is compiled for every caller.
    fn with_place(mut self, at: String, inputs: &[Shape]) -> Error {
        match &mut self {
            Error::Shape { place, found, .. } => {
                *place = at;
                if found.is_empty() {
                    *found = inputs.to_vec();
                }
            }
            Error::TooLarge { place, .. } => *place = at,
            _ => {}
        }
        self
    }
}

impl Error {
    /// Sets the found shape, so that [`at`](Error::at) does not list those of all inputs.
    pub(crate) fn of(self, shape: Shape) -> Error {
        match self {
            Error::Shape { place, expected, .. } => Error::Shape { place, found: vec![shape], expected },
            other => other,
        }
    }
}

/// Returns an [`Error::Setting`] with the message "`name` must be `expected`" unless the setting is valid.
pub(crate) fn check_setting(
    fits: bool,
    owner: impl Into<Cow<'static, str>>,
    name: &'static str,
    value: impl Into<SettingValue>,
    expected: &'static str,
) -> Result<()> {
    if fits { Ok(()) } else { Err(Error::Setting { owner: owner.into(), name, value: value.into(), expected }) }
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
