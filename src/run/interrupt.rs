//! Ctrl-C, or a signal to terminate, as a wish to end soon, not at once.

use crate::error::{Error, Result};
use crate::model::{BatchEnd, Callback, Flow, Model, Stop};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether somebody asked for an end since the handler was installed.
static PRESSED: AtomicBool = AtomicBool::new(false);

/// What shells say of a program that Ctrl-C ended.
const EXIT_CODE: i32 = 130;

/// A callback that pauses training after the current step once Ctrl-C is pressed, or the process is told to terminate
/// (SIGTERM, SIGHUP), so that what was trained so far can be evaluated and written. A second time ends the process at once.
#[derive(Debug)]
pub struct Interrupt(());

impl Interrupt {
    /// Catches Ctrl-C, SIGTERM and SIGHUP from now on.
    ///
    /// # Errors
    /// The process has a handler already, or the system refuses one.
    pub fn new() -> Result<Interrupt> {
        ctrlc::set_handler(|| {
            if PRESSED.swap(true, Ordering::Relaxed) {
                process::exit(EXIT_CODE);
            }
            eprintln!("ending after this step; once more ends at once");
        })
        .map_err(Error::other)?;
        Ok(Interrupt(()))
    }

    /// Whether somebody asked for an end.
    pub fn pressed(&self) -> bool {
        pressed()
    }
}

/// Whether somebody asked for an end since it is heard.
pub(super) fn pressed() -> bool {
    PRESSED.load(Ordering::Relaxed)
}

impl Callback for Interrupt {
    fn batch_end(&mut self, _model: &mut Model, _end: &BatchEnd<'_>) -> Result<Flow> {
        Ok(if self.pressed() { Flow::Break(Stop::Paused) } else { Flow::Continue(()) })
    }
}
