//! gradus trains small and medium neural networks on a CPU. The same seed gives the same bits on any number of threads.
//!
//! A [`Sequential`] is a recipe of [`layers`]; [`compile`](Sequential::compile) gives it weights, an optimizer and a loss and
//! makes it a [`Model`], which can [`fit`](Model::fit), [`evaluate`](Model::evaluate) and [`predict`](Model::predict). A [`Graph`] is the recipe of a
//! model with several inputs and outputs, skips and shared layers.
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
//! The modules, in reading order:
//!
//! - [`tape`] records expressions and differentiates them, [`ops`] are the operations;
//! - [`layers`], [`initializers`], [`regularizers`], [`losses`], [`metrics`] and [`optimizers`] are what models are put
//!   together from, [`model`] the models;
//! - [`data`] is what they learn from;
//! - [`save`] keeps them in files;
//! - `formats` (features) brings models to other programs and from them: Keras, ONNX, PyTorch, NumPy;
//! - `cli` (a feature) is the program `gradus` around them;
//! - `report` (a feature) shows what they do: tables, pictures, charts, pages;
//! - `run` (a feature) is what a training program has around its model;
//! - [`testing`] checks parts of your own, [`kernels`] are the loops below everything.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod accepts;
mod error;
mod files;
mod forward;
mod known;
mod output_scale;
mod random;
mod settings;
mod shape;
mod spec;
mod target;

#[cfg(feature = "cli")]
pub mod cli;
pub mod data;
pub mod formats;
pub mod initializers;
pub mod kernels;
pub mod layers;
pub mod losses;
pub mod metrics;
pub mod model;
pub mod ops;
pub mod optimizers;
pub mod regularizers;
#[cfg(feature = "report")]
pub mod report;
#[cfg(feature = "run")]
pub mod run;
pub mod save;
pub mod tape;
pub mod testing;

pub use accepts::{Accepts, TargetKind};
pub use error::{Error, Result};
pub use model::callbacks;
pub use model::{
    Batch, BatchEnd, Callback, Checkpoint, Checkpoints, Compile, Divergence, EpochBegin, EpochEnd, Fit, Flow, Graph,
    Losses, Model, Monitor, OptimizerState, Progress, Sequential, Stop, TrainBegin, TrainEnd,
};
pub use output_scale::OutputScale;
pub use random::{Draws, Key};
pub use save::CallbackState;
pub use settings::{FromSpec, Settings};
pub use shape::{MAX_RANK, Shape, View};
pub use spec::{Spec, SpecValue};

/// Runs the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
