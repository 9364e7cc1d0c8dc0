//! The subset of HDF5 that Keras' files use: groups, numeric arrays, string attributes.
//!
//! The reader supports the files that h5py writes by default and with `libver="latest"`: superblocks 0 to 3, object headers of
//! versions 1 and 2, symbol tables and links, contiguous, compact and chunked arrays (deflate, shuffle and Fletcher-32), fixed-length and
//! variable-length strings. Groups in fractal heaps and links to other files are errors. The writer produces files of HDF5 1.8: superblock 2,
//! one header block for each object, contiguous arrays. Section numbers in comments refer to the HDF Group's *HDF5 File
//! Format Specification Version 3.0*.

mod bytes;
mod checksum;
mod chunks;
mod filters;
mod group;
mod header;
mod value;
mod write;

pub(super) use group::{Group, open};
pub(super) use value::{Array, Values};
pub(super) use write::NewGroup;

/// The signature at the start of every file.
const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// The undefined address of the specification.
const UNDEFINED_ADDRESS: u64 = u64::MAX;

#[cfg(test)]
mod tests;
