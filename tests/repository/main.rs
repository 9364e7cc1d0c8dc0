//! Tests of the repository itself: the structure of the source and the completeness of the documents.

mod builders;
mod circles;
mod documents;
mod formats;
mod forwarding;
mod fuzzing;
mod layering;
mod source;
