//! Callbacks, which are called during training, with the names and defaults of Keras. They observe training, change the model,
//! or stop training. [`Fit::callback`](crate::Fit::callback) adds one; a custom one implements [`Callback`].
//!
//! [`Fit::checkpoints`](crate::Fit::checkpoints) replaces `ModelCheckpoint` and `BackupAndRestore` of Keras.

mod all;
mod callback;
mod flow;
mod moments;
mod monitor;
mod progress;

pub use super::reported_score::ReportedScore;
pub use callback::Callback;
pub use flow::{Flow, Stop};
pub use moments::{BatchEnd, EpochBegin, EpochEnd, TrainBegin, TrainEnd};
pub use monitor::Monitor;
pub use progress::Progress;

pub(super) use all::Callbacks;

/// Declares the callbacks: each is a file and a line in the list below.
macro_rules! callbacks {
    ($($file:ident::$Callback:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Callback;)*

        /// New samples for the test of all callbacks, by the name of the callback.
        #[cfg(test)]
        fn samples() -> Vec<(&'static str, Vec<Box<dyn Callback>>)> {
            vec![$((stringify!($Callback), $file::tests::samples())),*]
        }
    };
}

callbacks! {
    csv_logger::CsvLogger,
    divergence::Divergence,
    early_stopping::EarlyStopping,
    lambda_callback::LambdaCallback,
    learning_rate_scheduler::LearningRateScheduler,
    reduce_lr_on_plateau::ReduceLrOnPlateau,
    swap_ema_weights::SwapEmaWeights,
    terminate_on_nan::TerminateOnNan,
}

#[cfg(test)]
mod tests;
