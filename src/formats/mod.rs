//! Models to and from other programs, one module a program, each behind its feature.

#[cfg(feature = "keras")]
mod hdf5;
#[cfg(feature = "keras")]
pub mod keras;
#[cfg(feature = "keras")]
mod zip;
