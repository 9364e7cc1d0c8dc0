//! Files of models and weights, which are written atomically and read only if they are intact.
//!
//! [`Model::save`](crate::Model::save) writes a safetensors file, which other safetensors libraries can read. It
//! contains the weights and running statistics under their names (`dense_1/kernel`), and the optimizer's state under
//! names such as `optimizer/0/dense_1/kernel`. A [checkpoint](crate::Checkpoint) has the same format. Arrays of its
//! first callback have names such as `callback/0/dense_1/kernel`. The metadata contain:
//!
//! | key | value |
//! |---|---|
//! | `gradus.version` | the version of the format: 1, or 2 for a model without an optimizer |
//! | `gradus.model` | JSON: the layers with their settings; in a compiled model also optimizer, loss and metrics with their settings, the key of random draws, the numbers of epochs and steps, and the learning rate if it was set |
//! | `gradus.training` | JSON, only in a checkpoint: counters of the training loop, the history, and the states of callbacks |
//! | `gradus.state` | JSON: the names of arrays that the optimizer does not update |
//! | `gradus.sha256` | the checksum of the other metadata and of the name, shape and elements of every array |
//!
//! In `gradus.model`, a `Sequential` has the shape of its `input`, and each of its `layers` is applied to the output of
//! the previous one. A `Graph` has lists instead: `inputs` with names and shapes, `calls` of layers on values, and
//! `outputs` with names and values. Values are numbered, inputs first, then the results of calls. If a model was
//! imported from a file with another [axis order](crate::AxisOrder), its inputs and outputs have it as `axes`, or as
//! `input_axes` and `output_axes` in a `Sequential`. `heads` has the loss, its weight and the metrics of each trained
//! output; without it, `loss` and `metrics` belong to the only output. `preprocessing` has the part that converts
//! strings to numbers for each input that has one, by the input's name.
//!
//! **Compatibility:** every version of the library can read files of older versions of the format. Files of newer
//! versions and files with a wrong checksum are rejected.
//!
//! [`Params::save`](crate::tape::Params::save) writes arrays only. Files of other programs have none of these metadata.
//! [`Params::load`](crate::tape::Params::load) reads their arrays, and
//! [`Model::load_weights`](crate::Model::load_weights) assigns them to a model built in code.

mod architecture;
mod connections;
mod container;
mod describe;
mod element;
mod file;
mod other_formats;
mod params;
mod record;
mod registry;
mod state;

pub use registry::Registry;
pub use state::CallbackState;

pub(crate) use architecture::NO_MODEL;
pub use container::{NamedArray, SafeTensors};
pub use describe::number_to_json;
pub(crate) use describe::{Description, TrainedOutputSpec, TrainingSpec, in_code};
pub use element::half;
pub(crate) use file::{Store, Stored, decode, read};
pub use other_formats::{check_ending, format_problem};
pub(crate) use record::Record;
