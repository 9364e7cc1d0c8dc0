//! Scaffolding for training programs: command-line options, exit codes, checkpoints, a report, and a clean stop on Ctrl-C.
//!
//! The examples in the repository use it.

mod interrupt;
mod options;
mod program;
mod session;

pub use interrupt::Interrupt;
pub use options::Options;
pub use program::Program;
pub use session::Session;
