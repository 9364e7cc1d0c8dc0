//! The parts of training compared with Keras (`tests/golden/training.py`, `tests/golden/fitting.py`).

mod callbacks;
mod counted;
mod fitting;
mod losses;
mod metrics;
mod optimizers;
mod schedules;

/// How far values may be from Keras', beside the largest of their array or 1.
const NEAR: f32 = 1e-5;
