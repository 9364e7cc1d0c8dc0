//! The guide: tutorials and reference pages with tested examples.
//!
//! | page | contents |
//! |---|---|
//! | [`tutorial`] | from data to a saved model, step by step |
//! | [`models`] | non-sequential models, freezing, custom training loops, the tape |
//! | [`files`] | saving, checkpoints, and the files of Keras, ONNX, PyTorch and NumPy |
//! | [`extending`] | custom operations, layers, losses, datasets and callbacks |
//! | [`shards`] | shards of a batch, and training by several processes |
//! | [`from_keras`] | equivalents of Keras classes and functions |
//! | [`from_pytorch`] | equivalents of PyTorch classes and functions |
//!
//! # The modules in reading order
//!
//! 1. [`data`](crate::data): datasets, batches, MNIST. [`preprocessing`](crate::preprocessing): conversion of
//!    strings to numbers.
//! 2. [`layers`](crate::layers), with the [`initializers`](crate::initializers) and [`regularizers`](crate::regularizers)
//!    of their weights.
//! 3. [`losses`](crate::losses), [`metrics`](crate::metrics) and [`optimizers`](crate::optimizers), with their
//!    [`schedules`](crate::optimizers::schedules).
//! 4. [`model`](crate::model): [`Sequential`](crate::Sequential), [`Graph`](crate::Graph), [`Compile`](crate::Compile),
//!    [`Model`](crate::Model), [`Fit`](crate::Fit), and [`callbacks`](crate::callbacks).
//!    [`architecture`](crate::architecture): layers with weights and connections, without training.
//! 5. [`save`](crate::save): model files and checkpoints.
//! 6. `formats` (features `keras`, `onnx` and `npz`): files of other programs.
//! 7. `report` and `run` (features): charts, HTML reports, and scaffolding for training programs.
//! 8. [`tape`](crate::tape) and [`ops`](crate::ops): autograd, and the operations that layers and losses record.
//! 9. [`testing`](crate::testing): checks for custom parts.

pub mod tutorial {
    #![doc = include_str!("../../docs/tutorial.md")]
    //!
    //! API: [`data::Arrays`](crate::data::Arrays), [`Sequential`](crate::Sequential), [`Compile`](crate::Compile),
    //! [`Fit`](crate::Fit), [`Model`](crate::Model), [`History`](crate::metrics::History),
    //! [`EarlyStopping`](crate::callbacks::EarlyStopping), [`Progress`](crate::Progress).
}

pub mod models {
    #![doc = include_str!("../../docs/models.md")]
    //!
    //! API: [`Sequential`](crate::Sequential), [`Graph`](crate::Graph), [`Compile`](crate::Compile),
    //! [`Losses`](crate::Losses), [`Fit`](crate::Fit), [`Model::record`](crate::Model::record),
    //! [`Model::set_trainable`](crate::Model::set_trainable), [`data::NamedArrays`](crate::data::NamedArrays),
    //! [`tape::Recorder`](crate::tape::Recorder).
}

pub mod files {
    #![doc = include_str!("../../docs/files.md")]
    //!
    //! API: [`Model::save`](crate::Model::save), [`Model::load`](crate::Model::load),
    //! [`save::Registry`](crate::save::Registry), [`Checkpoints`](crate::Checkpoints), [`formats`](crate::formats).
}

pub mod extending {
    #![doc = include_str!("../../docs/extending.md")]
    //!
    //! API: [`tape::Op`](crate::tape::Op), [`layers::Layer`](crate::layers::Layer), [`losses::Loss`](crate::losses::Loss),
    //! [`metrics::Metric`](crate::metrics::Metric), [`optimizers::Optimizer`](crate::optimizers::Optimizer),
    //! [`Initializer`](crate::initializers::Initializer), [`Regularizer`](crate::regularizers::Regularizer),
    //! [`data::Dataset`](crate::data::Dataset), [`Preprocessing`](crate::preprocessing::Preprocessing),
    //! [`Callback`](crate::Callback), [`FromSpec`](crate::FromSpec), [`save::Registry`](crate::save::Registry),
    //! [`testing`](crate::testing).
}

pub mod shards {
    #![doc = include_str!("../../docs/shards.md")]
    //!
    //! API: [`Compile::shards`](crate::Compile::shards), [`Fit::accumulate`](crate::Fit::accumulate),
    //! [`Fit::exchange`](crate::Fit::exchange), [`exchange`](crate::exchange).
}

pub mod from_keras {
    #![doc = include_str!("../../docs/from_keras.md")]
}

pub mod from_pytorch {
    #![doc = include_str!("../../docs/from_pytorch.md")]
}
