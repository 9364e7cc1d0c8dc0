//! Callbacks, which observe training, may change the model, and may stop training.

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

/// The list of all callbacks. To add one, add a file and a line here.
macro_rules! callbacks {
    ($($file:ident::$Callback:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Callback;)*

        /// New instances of each callback, by its name, for tests that iterate over all callbacks.
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
    terminate_on_nan::TerminateOnNan,
}

#[cfg(test)]
mod tests;
