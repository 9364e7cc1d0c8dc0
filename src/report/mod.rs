//! Tables for people: arrays as text, predictions as CSV.

mod matrix;
mod predictions;

pub use matrix::matrix;
pub use predictions::write_predictions;
