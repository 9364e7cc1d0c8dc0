//! The result type of reading and writing configurations.

/// A result whose error is a description of the problem with the configuration.
pub(super) type Result<T> = std::result::Result<T, String>;
