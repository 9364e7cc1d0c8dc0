//! Helpers of the fuzz targets: files with the bytes of an input, limits on memory, corrected checksums, and layers from
//! bytes.

pub mod archive;
pub mod files;
pub mod layers;
pub mod memory;
pub mod network;
