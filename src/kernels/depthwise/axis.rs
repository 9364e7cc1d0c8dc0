//! The taps of a convolution along one axis.

use super::Grouped;
use std::ops::Range;

/// Output positions along one axis, the input positions that their windows read, and the kernel's taps for them.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// Number of outputs, the position of the first, and the distance between them.
    pub(super) outputs: usize,
    pub(super) place: usize,
    pub(super) places_apart: usize,
    /// Size of the input.
    pub(super) size: usize,
    /// Number of taps, the position of the first in the kernel, and the distance between them there.
    pub(super) taps: usize,
    pub(super) weight: usize,
    pub(super) weights_apart: usize,
    /// Input position of the first tap of the first output, modulo 2⁶⁴ as it may be in the padding, and the distances
    /// between those of successive outputs and taps.
    first: usize,
    pub(super) step: usize,
    pub(super) apart: usize,
    /// For each tap the outputs for which it is inside the input.
    pub(super) outputs_of_taps: Vec<Range<usize>>,
}

impl Axis {
    /// The axis of a forward pass.
    pub(super) fn forward(g: &Grouped, axis: usize) -> Axis {
        Axis {
            outputs: g.output[axis],
            place: 0,
            places_apart: 1,
            size: g.size[axis],
            taps: g.kernel[axis],
            weight: 0,
            weights_apart: 1,
            first: g.padding[axis].wrapping_neg(),
            step: g.strides[axis],
            apart: g.dilation[axis],
            outputs_of_taps: Vec::new(),
        }
        .with_outputs_of_taps()
    }

    /// The axis of the gradient with respect to the input positions `phase`, `phase` + stride and so on, whose windows have
    /// the same taps. The kernel is flipped, so that windows ascend.
    pub(super) fn backward(g: &Grouped, axis: usize, phase: usize) -> Axis {
        let (kernel, stride, dilation) = (g.kernel[axis], g.strides[axis], g.dilation[axis]);
        // Taps that meet the same positions are this far apart.
        let apart = stride / greatest_common_divisor(stride, dilation);
        let padded = phase + g.padding[axis];
        let meets = |tap: &usize| (tap * dilation) % stride == padded % stride;
        let lowest = (0..kernel.min(apart)).find(meets);
        let taps = lowest.map_or(0, |lowest| (kernel - lowest).div_ceil(apart));
        let highest = lowest.map_or(0, |lowest| lowest + (taps - 1) * apart);
        // The window whose highest tap is at `phase`: their difference is a multiple of the stride, and may be negative.
        let reach = highest * dilation;
        let first =
            if padded >= reach { (padded - reach) / stride } else { ((reach - padded) / stride).wrapping_neg() };
        Axis {
            outputs: (g.size[axis] - phase).div_ceil(stride),
            place: phase,
            places_apart: stride,
            size: g.output[axis],
            taps,
            weight: kernel - 1 - highest,
            weights_apart: apart,
            first,
            step: 1,
            apart: apart * dilation / stride,
            outputs_of_taps: Vec::new(),
        }
        .with_outputs_of_taps()
    }

    /// The input position of a tap: one of those below `size`, or a larger number outside.
    #[inline(always)]
    pub(super) fn position(&self, output: usize, tap: usize) -> usize {
        self.first.wrapping_add(output * self.step + tap * self.apart)
    }

    /// The taps of an output that are inside the input.
    #[inline(always)]
    pub(super) fn inside(&self, output: usize) -> Range<usize> {
        let at = self.position(output, 0).cast_signed();
        let start = if at < 0 { at.unsigned_abs().div_ceil(self.apart).min(self.taps) } else { 0 };
        let left = self.size.cast_signed() - at;
        let end = if left > 0 { left.unsigned_abs().div_ceil(self.apart).min(self.taps) } else { 0 };
        start..end.max(start)
    }

    /// The position of a tap in the kernel.
    #[inline(always)]
    pub(super) fn tap(&self, tap: usize) -> usize {
        self.weight + tap * self.weights_apart
    }

    /// The outputs for which all taps are inside the input.
    pub(super) fn inner(&self) -> Range<usize> {
        self.inner_of_taps(0..self.taps)
    }

    /// The outputs for which all of these taps are inside the input.
    pub(super) fn inner_of_taps(&self, taps: Range<usize>) -> Range<usize> {
        let all = 0..self.outputs;
        self.outputs_of_taps[taps].iter().fold(all, |inner, outputs| {
            let start = inner.start.max(outputs.start);
            start..inner.end.min(outputs.end).max(start)
        })
    }

    fn with_outputs_of_taps(self) -> Axis {
        Axis { outputs_of_taps: (0..self.taps).map(|tap| self.outputs_of_tap(tap)).collect(), ..self }
    }

    /// The outputs whose tap with this number is inside the input.
    fn outputs_of_tap(&self, tap: usize) -> Range<usize> {
        let at = self.position(0, tap).cast_signed();
        let start = if at < 0 { at.unsigned_abs().div_ceil(self.step).min(self.outputs) } else { 0 };
        let left = (self.size.cast_signed() - at).max(0).unsigned_abs();
        start..left.div_ceil(self.step).clamp(start, self.outputs)
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
