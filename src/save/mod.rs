//! Models and weights in files: written whole or not at all, read only when nothing is wrong with them.
//!
//! [`Model::save`](crate::Model::save) writes a safetensors file, which the ordinary safetensors libraries open: the
//! weights and running statistics under their names (`dense_1/kernel`), and what the optimizer remembers about them as
//! `optimizer/0/dense_1/kernel`. A [checkpoint](crate::Checkpoint) is such a file too, and has the arrays of its first
//! callback as `callback/0/dense_1/kernel`. The metadata hold
//!
//! | key | value |
//! |---|---|
//! | `gradus.version` | the version of this format: 1, or 2 for a model without an optimizer |
//! | `gradus.model` | layers, and in a model that was compiled optimizer, loss and metrics with their settings, the key of the run, epochs and steps trained, the learning rate where it was set, as JSON |
//! | `gradus.training` | in a checkpoint: where a training loop stands, what its epochs reported, and what its callbacks remember, as JSON |
//! | `gradus.state` | the names of the arrays that the optimizer does not change, as JSON |
//! | `gradus.sha256` | the checksum of all the above and of every array's name, shape and elements |
//!
//! In `gradus.model`, a `Sequential` says the shape of its `input`, and each of its `layers` takes what the one before
//! gives. A `Graph` has lists instead: `inputs` with names and shapes, `calls` of layers on values, `outputs` with names and
//! values. Values are numbered, the inputs first and then what each call gives. Inputs and outputs of a model from a file
//! with another [order of axes](crate::AxisOrder) have that as `axes`, those of a `Sequential` as `input_axes` and
//! `output_axes`. `heads` says the loss, its weight and the
//! metrics of each output that is trained; without it there are `loss` and `metrics` of the only one. `preprocessing` has the
//! part that turns strings into numbers for each input that has one, by the input's name.
//!
//! **Promise:** a file of an older version of the format can be read by every later version of the library. One of a newer
//! version is refused, and so is a file whose checksum does not match.
//!
//! [`Params::save`](crate::tape::Params::save) writes arrays alone. A safetensors file of another program has none of
//! these metadata; [`Params::load`](crate::tape::Params::load) reads its arrays, and
//! [`Model::load_weights`](crate::Model::load_weights) puts them into a model built in code.

mod architecture;
mod connections;
mod container;
mod describe;
mod element;
mod file;
mod params;
mod record;
mod registry;
mod state;

pub use registry::Registry;
pub use state::CallbackState;

pub(crate) use architecture::NO_MODEL;
pub use container::{NamedArray, SafeTensors};
pub use describe::number_to_json;
pub(crate) use describe::{Description, TrainedOutputSpec, TrainingSpec};
pub(crate) use file::{Store, Stored, read};
pub(crate) use record::Record;
