//! What reading or writing a configuration gives.

/// What is wrong with a configuration, in words.
pub(super) type Result<T> = std::result::Result<T, String>;
