//! Callbacks: what is told about training while it runs, may change the model, and may stop it.

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

/// Every callback: one line here and one new file add one.
macro_rules! callbacks {
    ($($file:ident::$Callback:ident),* $(,)?) => {
        $(mod $file; pub use $file::$Callback;)*

        /// What the test that walks all callbacks trains with, by the callback's name; new ones each time.
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
