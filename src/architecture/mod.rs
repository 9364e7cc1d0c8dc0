//! What a model is made of, without its training: inputs and outputs.

mod value_info;

pub use value_info::ValueInfo;
