//! Numerical loops over slices, without allocations and shape checks.
//!
//! Results have the same bits for every number of threads and every instruction set: work is partitioned by shape,
//! multiply-adds are fused only explicitly, and functions such as exp consist of IEEE operations.

pub(crate) mod accumulate;
pub mod activation;
pub(crate) mod aligned_buffer;
pub(crate) mod average_pool;
pub(crate) mod axes;
mod block;
pub(crate) mod broadcast;
pub(crate) mod bytes;
pub(crate) mod centered;
mod chacha;
pub(crate) mod concatenated;
pub mod conv2d;
mod depthwise;
pub(crate) mod double;
mod draw_blocks;
pub mod dropout;
pub(crate) mod elementwise;
pub(crate) mod erf;
pub(crate) mod global_max;
mod grouped;
pub mod grouped_conv2d;
mod images;
pub(crate) mod layer_norm;
pub(crate) mod log_softmax;
pub(crate) mod math;
pub mod matmul;
mod narrow_groups;
pub(crate) mod noise;
pub(crate) mod normalize;
pub(crate) mod orthonormal;
pub(crate) mod parallel;
pub(crate) mod penalty;
pub mod pool;
mod product;
pub(crate) mod reciprocal;
pub(crate) mod recurrent;
pub(crate) mod reduce;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod sampling;
pub(crate) mod simd;
pub mod softmax;
mod sparse;
pub(crate) mod sparsemax;
pub(crate) mod spin_wait;
mod tile;
mod transposed;
pub(crate) mod update;
pub(crate) mod weighted_sums;
pub(crate) mod window;
mod workspace;
