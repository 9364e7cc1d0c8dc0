//! HDF5, as far as files of models go: groups, arrays of numbers, attributes of text.
//!
//! Read is what h5py writes of its own accord and with `libver="latest"`: superblocks 0 to 3, both kinds of object
//! headers, symbol tables and links, contiguous and compact arrays, texts of fixed and of variable length. Chunked
//! arrays, large groups in fractal heaps and links to other files are told by name. Written is the form of HDF5 1.8:
//! superblock 2, one header for each object, contiguous arrays. The format is the HDF Group's *HDF5 File Format
//! Specification Version 3.0*, whose section numbers stand in the code.

mod bytes;
mod checksum;
mod group;
mod header;
mod value;
mod write;

pub(super) use group::{Group, open};
pub(super) use value::{Array, Values};
pub(super) use write::NewGroup;

/// What every file begins with.
const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// The address of nothing.
const NOWHERE: u64 = u64::MAX;

#[cfg(test)]
mod tests;
