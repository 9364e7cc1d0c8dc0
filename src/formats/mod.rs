//! File formats of other programs: Keras, NumPy, ONNX and PyTorch. Each module is one format; most need a Cargo feature.

#[cfg(any(feature = "keras", feature = "npz", feature = "onnx"))]
mod budget;
#[cfg(feature = "keras")]
mod hdf5;
#[cfg(feature = "keras")]
pub mod keras;
#[cfg(feature = "npz")]
pub mod npy;
#[cfg(feature = "npz")]
pub mod npz;
#[cfg(feature = "onnx")]
pub mod onnx;
mod permuted;
pub mod torch;
#[cfg(any(feature = "keras", feature = "npz"))]
mod zip;

#[cfg(any(feature = "keras", feature = "npz", feature = "onnx"))]
pub use budget::MemoryLimit;
