//! Ctrl-C as a wish to end soon, not at once.

use crate::error::{Error, Result};
use crate::model::{BatchEnd, Callback, Flow, Model, Stop};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether Ctrl-C was pressed since the handler was installed.
static PRESSED: AtomicBool = AtomicBool::new(false);

/// A callback that ends training after the current batch once Ctrl-C is pressed, so that what was trained so far can be
/// evaluated and written.
#[derive(Debug)]
pub struct Interrupt(());

impl Interrupt {
    /// Catches Ctrl-C from now on.
    ///
    /// # Errors
    /// The process has a handler already, or the system refuses one.
    pub fn new() -> Result<Interrupt> {
        ctrlc::set_handler(|| PRESSED.store(true, Ordering::Relaxed)).map_err(Error::other)?;
        Ok(Interrupt(()))
    }

    /// Whether Ctrl-C was pressed.
    pub fn pressed(&self) -> bool {
        pressed()
    }
}

/// Whether Ctrl-C was pressed since it is caught.
pub(super) fn pressed() -> bool {
    PRESSED.load(Ordering::Relaxed)
}

impl Callback for Interrupt {
    fn batch_end(&mut self, _model: &mut Model, _end: &BatchEnd<'_>) -> Result<Flow> {
        Ok(if self.pressed() { Flow::Break(Stop::Paused) } else { Flow::Continue(()) })
    }
}
