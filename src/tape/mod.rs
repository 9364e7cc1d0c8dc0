//! The tape: a list of operations with their buffers, recorded once and run repeatedly.
//!
//! Recording checks shapes and allocates; running fills the buffers and does not allocate. Reverse-mode differentiation
//! runs through the list backwards (Griewank and Walther 2008, *Evaluating Derivatives*). The inputs of an operation are
//! recorded before it, so splitting the list of gradients at its output gives disjoint borrows of the output's gradient and
//! those of the inputs.

mod addition;
mod assign;
mod assignments;
mod commit;
mod constant;
mod context;
mod faults;
mod finite;
mod fusion;
mod gradients;
mod inputs;
mod known_finite;
mod mask;
mod mode;
mod needed_steps;
mod op;
mod origin;
mod param_gradients;
mod params;
mod plan;
mod recorder;
mod recording;
mod shared_values;
mod slots;
mod source;
mod stamp;
mod state_updates;
mod states;
mod step;
#[allow(clippy::module_inception)] // the file of the type `Tape`
mod tape;
mod value_id;
mod values;
mod var;

pub use context::Context;
pub use gradients::Gradients;
pub use inputs::Inputs;
pub use mode::Mode;
pub use op::{Op, arity};
pub use param_gradients::ParamGradients;
pub use params::{ParamId, Params};
pub use recorder::{Recorder, Var};
pub use states::States;
pub use tape::Tape;
pub use value_id::ValueId;

pub(crate) use op::InPlace;
pub(crate) use origin::Origin;
pub(crate) use stamp::Stamp;
