//! The taps of a convolution along one axis.

use super::GroupedGeometry;
use std::ops::Range;

/// Output positions along one axis, the input positions that their windows cover, and the taps of the kernel at them.
#[derive(Clone, Debug)]
pub(in crate::kernels) struct Axis {
    /// Number of outputs, the position of the first one in the output image, and the distance between them.
    pub(in crate::kernels) outputs: usize,
    pub(in crate::kernels) output_start: usize,
    pub(in crate::kernels) output_step: usize,
    /// Size of the input.
    pub(in crate::kernels) size: usize,
    /// Number of taps, the position of the first one in the kernel, and the distance between them.
    pub(in crate::kernels) taps: usize,
    pub(in crate::kernels) kernel_start: usize,
    pub(in crate::kernels) kernel_step: usize,
    /// Input position of the first tap of the first output. It wraps around below 0, in the padding. The stride and the
    /// dilation are the distances between the input positions of successive outputs and of successive taps.
    first: usize,
    pub(in crate::kernels) stride: usize,
    pub(in crate::kernels) dilation: usize,
    /// For each tap, the outputs for which it is inside the input.
    pub(in crate::kernels) outputs_of_taps: Vec<Range<usize>>,
}

impl Axis {
    /// The axis of a forward pass.
    pub(in crate::kernels) fn forward(g: &GroupedGeometry, axis: usize) -> Axis {
        Axis {
            outputs: g.output[axis],
            output_start: 0,
            output_step: 1,
            size: g.size[axis],
            taps: g.kernel[axis],
            kernel_start: 0,
            kernel_step: 1,
            first: g.padding[axis].wrapping_neg(),
            stride: g.strides[axis],
            dilation: g.dilation[axis],
            outputs_of_taps: Vec::new(),
        }
        .with_outputs_of_taps()
    }

    /// The axis of a backward pass, for the gradient at the input positions `phase`, `phase` + stride and so on: these are
    /// the outputs of the pass, and all of them have equal taps. The kernel is flipped, so that windows ascend.
    pub(in crate::kernels) fn backward(g: &GroupedGeometry, axis: usize, phase: usize) -> Axis {
        let (kernel, stride, dilation) = (g.kernel[axis], g.strides[axis], g.dilation[axis]);
        // The distance between taps that cover the same positions.
        let apart = stride / greatest_common_divisor(stride, dilation);
        let padded = phase + g.padding[axis];
        let meets = |tap: &usize| (tap * dilation) % stride == padded % stride;
        let lowest = (0..kernel.min(apart)).find(meets);
        let taps = lowest.map_or(0, |lowest| (kernel - lowest).div_ceil(apart));
        let highest = lowest.map_or(0, |lowest| lowest + (taps - 1) * apart);
        // The window whose last tap covers `phase`. It may be before the first window.
        let reach = highest * dilation;
        let first =
            if padded >= reach { (padded - reach) / stride } else { ((reach - padded) / stride).wrapping_neg() };
        Axis {
            outputs: (g.size[axis] - phase).div_ceil(stride),
            output_start: phase,
            output_step: stride,
            size: g.output[axis],
            taps,
            kernel_start: kernel - 1 - highest,
            kernel_step: apart,
            first,
            stride: 1,
            dilation: apart * dilation / stride,
            outputs_of_taps: Vec::new(),
        }
        .with_outputs_of_taps()
    }

    /// The input position of a tap: less than `size` if it is inside the input, otherwise a larger number.
    #[inline(always)]
    pub(in crate::kernels) fn position(&self, output: usize, tap: usize) -> usize {
        self.first.wrapping_add(output * self.stride + tap * self.dilation)
    }

    /// The taps of an output that are inside the input.
    #[inline(always)]
    pub(in crate::kernels) fn inside(&self, output: usize) -> Range<usize> {
        let at = self.position(output, 0).cast_signed();
        let start = if at < 0 { at.unsigned_abs().div_ceil(self.dilation).min(self.taps) } else { 0 };
        let left = self.size.cast_signed() - at;
        let end = if left > 0 { left.unsigned_abs().div_ceil(self.dilation).min(self.taps) } else { 0 };
        start..end.max(start)
    }

    /// The position of a tap in the kernel.
    #[inline(always)]
    pub(in crate::kernels) fn kernel_position(&self, tap: usize) -> usize {
        self.kernel_start + tap * self.kernel_step
    }

    /// The outputs for which all of these taps are inside the input.
    pub(in crate::kernels) fn outputs_with_all(&self, taps: Range<usize>) -> Range<usize> {
        let all = 0..self.outputs;
        self.outputs_of_taps[taps].iter().fold(all, |common, outputs| {
            let start = common.start.max(outputs.start);
            start..common.end.min(outputs.end).max(start)
        })
    }

    fn with_outputs_of_taps(self) -> Axis {
        Axis { outputs_of_taps: (0..self.taps).map(|tap| self.outputs_of_tap(tap)).collect(), ..self }
    }

    /// The outputs for which tap number `tap` is inside the input.
    fn outputs_of_tap(&self, tap: usize) -> Range<usize> {
        let at = self.position(0, tap).cast_signed();
        let start = if at < 0 { at.unsigned_abs().div_ceil(self.stride).min(self.outputs) } else { 0 };
        let left = (self.size.cast_signed() - at).max(0).unsigned_abs();
        start..left.div_ceil(self.stride).clamp(start, self.outputs)
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
