//! The elapsed proportion of a decay.

/// `steps` / `decay_steps`, rounded down for a staircase.
pub(super) fn passed(steps: u64, decay_steps: usize, staircase: bool) -> f64 {
    if staircase { (steps / decay_steps as u64) as f64 } else { steps as f64 / decay_steps as f64 }
}
