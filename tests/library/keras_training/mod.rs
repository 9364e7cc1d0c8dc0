//! The parts of training compared with Keras (`tests/golden/training.py` and other scripts in that folder).

mod callbacks;
mod counted;
mod fitting;
mod losses;
mod metrics;
mod optimizers;
mod schedules;
mod spectral;

/// Tolerance relative to the largest value of an array or 1.
const NEAR: f32 = 1e-5;
