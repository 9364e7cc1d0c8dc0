//! A clean stop on Ctrl-C, SIGTERM and SIGHUP.

use crate::error::{Error, Result};
use crate::model::{BatchEnd, Callback, Flow, Model, Stop};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a signal arrived since the handler was installed.
static PRESSED: AtomicBool = AtomicBool::new(false);

/// The exit code of programs that end by Ctrl-C.
const EXIT_CODE: i32 = 130;

/// A callback that stops training after the current step when the user presses Ctrl-C or the process receives SIGTERM or
/// SIGHUP, so that the program can still evaluate and save the model. A second signal exits the process immediately with
/// code 130.
///
/// ```no_run
/// # fn train(model: &mut gradus::Model, data: &dyn gradus::data::Dataset) -> gradus::Result<()> {
/// let mut interrupt = gradus::run::Interrupt::new()?;
/// model.fit(data, gradus::Fit::new().epochs(50).callback(&mut interrupt))?;
/// model.save("model.safetensors")?; // even after Ctrl-C
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Interrupt(());

impl Interrupt {
    /// Installs a handler for Ctrl-C, SIGTERM and SIGHUP.
    ///
    /// # Errors
    /// Returns an error if the process already has such a handler or the system refuses to install one.
    pub fn new() -> Result<Interrupt> {
        ctrlc::set_handler(|| {
            if PRESSED.swap(true, Ordering::Relaxed) {
                process::exit(EXIT_CODE);
            }
            eprintln!("stopping after this step; interrupt again to stop immediately");
        })
        .map_err(Error::other)?;
        Ok(Interrupt(()))
    }

    /// Whether Ctrl-C was pressed or a signal arrived since the handler was installed.
    pub fn pressed(&self) -> bool {
        pressed()
    }
}

/// Whether a signal arrived since a handler was installed.
pub(super) fn pressed() -> bool {
    PRESSED.load(Ordering::Relaxed)
}

impl Callback for Interrupt {
    fn batch_end(&mut self, _model: &mut Model, _end: &BatchEnd<'_>) -> Result<Flow> {
        Ok(if self.pressed() { Flow::Break(Stop::Paused) } else { Flow::Continue(()) })
    }
}
