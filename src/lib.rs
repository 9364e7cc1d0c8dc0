//! gradus trains small and medium neural networks on a CPU. For a given seed, results are identical bit for bit on any number
//! of threads.
//!
//! A [`Sequential`] describes a network as a list of [`layers`]. [`compile`](Sequential::compile) adds weights, an optimizer
//! and a loss and returns a [`Model`], with the methods [`fit`](Model::fit), [`evaluate`](Model::evaluate) and
//! [`predict`](Model::predict). A [`Graph`] describes a network with several inputs and outputs, skip connections and shared
//! layers.
//!
//! ```
//! use gradus::{Compile, Fit, Progress, Sequential};
//! use gradus::{data::Arrays, layers::*, losses::CategoricalCrossentropy, optimizers::Sgd};
//! use ndarray::arr2;
//!
//! // Exclusive or: four rows with one-hot targets.
//! let inputs = arr2(&[[0.0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
//! let targets = arr2(&[[1.0f32, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]);
//! let data = Arrays::new(&inputs, &targets)?;
//!
//! let network = Sequential::new([2])
//!     .add(Dense::new(8).activation(Activation::Tanh))
//!     .add(Dense::new(2).activation(Activation::Softmax));
//! let settings = Compile::new(Sgd::new(0.5), CategoricalCrossentropy::new()).seed(1);
//! let mut model = network.compile(settings)?;
//! model.fit(&data, Fit::new().epochs(300).progress(Progress::Quiet))?;
//! assert_eq!(model.predict_classes(&inputs)?.to_vec(), [0, 1, 1, 0]);
//! # Ok::<(), gradus::Error>(())
//! ```
//!
//! The [`guide`] has a tutorial, pages on models, files and custom parts, tables for users of Keras and PyTorch, and the
//! modules in reading order.
//!
//! | module | contents |
//! |---|---|
//! | [`data`] | datasets |
//! | [`layers`], [`initializers`], [`regularizers`], [`constraints`], [`losses`], [`metrics`], [`optimizers`] | the parts of models |
//! | [`preprocessing`] | conversion of strings to numbers before they enter a model |
//! | [`model`], [`callbacks`] | models, training, evaluation and prediction |
//! | [`exchange`] | training by several processes |
//! | [`save`] | model files and checkpoints |
//! | [`formats`] (features `keras`, `onnx`, `npz`) | files of Keras, ONNX, PyTorch and NumPy |
//! | `report` (feature) | tables, pictures, charts and HTML pages |
//! | `run` (feature) | scaffolding for training programs |
//! | `cli` (feature) | the program `gradus` |
//! | [`tape`], [`ops`] | autograd, and the operations that it records |
//! | [`testing`] | tests for custom parts |

#![cfg_attr(not(test), warn(clippy::unwrap_used))]
// docs.rs shows which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod accepts;
mod axes;
mod axis_order;
mod error;
mod forward;
#[cfg(test)]
#[path = "../tests/golden/mod.rs"]
mod golden;
mod lookup;
mod output_scale;
mod padding2d;
mod padding3d;
mod random;
mod registry;
mod sample_shape;
mod settings;
mod shape;
mod size2d;
mod size3d;
mod sizes;
mod spec;
mod target;

/// The layers of file formats, for the registry of classes: model files may contain them, but modules of lower levels do not
/// import formats.
const FORMAT_LAYERS: &[(&str, registry::Constructor<dyn layers::Layer>)] = &[
    #[cfg(feature = "onnx")]
    (<formats::onnx::OnnxGraph as FromSpec>::CLASS, |spec, classes| {
        Ok(Box::new(spec.make_with::<formats::onnx::OnnxGraph>(classes)?))
    }),
];

pub mod architecture;
#[cfg(feature = "cli")]
pub mod cli;
pub mod constraints;
pub mod data;
pub mod exchange;
pub mod files;
pub mod formats;
#[cfg(doc)]
pub mod guide;
pub mod initializers;
mod kernels;
pub mod layers;
pub mod losses;
pub mod metrics;
pub mod model;
pub mod ops;
pub mod optimizers;
pub mod preprocessing;
pub mod regularizers;
#[cfg(feature = "report")]
pub mod report;
#[cfg(feature = "run")]
pub mod run;
pub mod save;
pub mod tape;
pub mod testing;

pub use accepts::{Accepts, TargetKind};
pub use architecture::{Architecture, Graph, LayerInstance, Sequential, ValueInfo};
pub use axes::Axes;
pub use axis_order::AxisOrder;
pub use error::{Error, Result, SettingValue, WrongNames};
pub use model::callbacks;
pub use model::{
    Batch, BatchEnd, Callback, Checkpoint, Checkpoints, Compile, Counters, Divergence, EpochBegin, EpochEnd, Fit, Flow,
    Losses, Model, Monitor, PredictInputs, Progress, Stop, TrainBegin, TrainEnd, TrainedOutput, TrainingState,
};
/// The ndarray crate in the version that this crate's interface uses.
pub use ndarray;
pub use optimizers::OptimizerState;
pub use output_scale::OutputScale;
pub use padding2d::Padding2d;
pub use padding3d::Padding3d;
pub use random::{Draws, Key};
pub use sample_shape::SampleShape;
pub use save::CallbackState;
pub use settings::{FromSpec, Settings};
pub use shape::{MAX_RANK, Shape, View};
pub use size2d::Size2d;
pub use size3d::Size3d;
pub use spec::{Spec, SpecValue};

/// Kernels for the benchmark crate. They are not part of the public interface, and any version may change or remove them.
#[doc(hidden)]
pub mod bench_kernels {
    pub use crate::kernels::{activation, conv2d, dropout, grouped_conv2d, matmul, pool, softmax};
}

/// Runs the examples of the README as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
