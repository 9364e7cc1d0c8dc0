//! How a window slides over an image in ONNX: kernel, strides, dilations and padding along each spatial axis.

use crate::formats::onnx::node::Node;

/// A window along one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::formats::onnx) struct Window {
    pub(in crate::formats::onnx) size: usize,
    pub(in crate::formats::onnx) kernel: usize,
    pub(in crate::formats::onnx) stride: usize,
    pub(in crate::formats::onnx) dilation: usize,
    /// Zeros before and after.
    pub(in crate::formats::onnx) pads: [usize; 2],
}

impl Window {
    /// The windows along the spatial axes of an image of these sizes, with kernels of those.
    pub(in crate::formats::onnx) fn read(
        node: &Node,
        image: &[usize],
        kernel: &[usize],
    ) -> Result<Vec<Window>, String> {
        if image.len() != kernel.len() || kernel.contains(&0) {
            return Err(format!("a kernel of {kernel:?} over an image of {image:?}"));
        }
        let count = kernel.len();
        let strides = sizes(node, "strides", vec![1; count])?;
        let dilations = sizes(node, "dilations", vec![1; count])?;
        let pads = sizes(node, "pads", vec![0; 2 * count])?;
        if strides.len() != count || dilations.len() != count || pads.len() != 2 * count {
            return Err(format!("strides, dilations and pads for other than {count} axes"));
        }
        if strides.iter().chain(&dilations).any(|size| *size == 0) {
            return Err("a stride or a dilation of 0".into());
        }
        let padding = node.text("auto_pad", "NOTSET")?;
        let window = |axis: usize| {
            let (size, kernel) = (image[axis], kernel[axis]);
            let pads = [pads[axis], pads[count + axis]];
            Window { size, kernel, stride: strides[axis], dilation: dilations[axis], pads }.padded(padding)
        };
        (0..count).map(window).collect()
    }

    /// What `auto_pad` means here.
    fn padded(mut self, padding: &str) -> Result<Window, String> {
        let total =
            (self.size.div_ceil(self.stride).saturating_sub(1) * self.stride + self.reach()).saturating_sub(self.size);
        self.pads = match padding {
            "NOTSET" | "" => self.pads,
            "VALID" => [0, 0],
            "SAME_UPPER" => [total / 2, total - total / 2],
            "SAME_LOWER" => [total - total / 2, total / 2],
            other => return Err(format!("auto_pad {other}")),
        };
        Ok(self)
    }

    /// Whether the padding is that of Keras' `same`.
    pub(in crate::formats::onnx) fn is_same(&self) -> bool {
        self.padded("SAME_UPPER").is_ok_and(|same| same.pads == self.pads)
    }

    /// How many elements the window spans.
    pub(in crate::formats::onnx) fn reach(&self) -> usize {
        (self.kernel - 1).saturating_mul(self.dilation).saturating_add(1)
    }

    /// More padding at the end, so that the last window is whole where the sizes are rounded up.
    pub(in crate::formats::onnx) fn with_ceiling(mut self) -> Window {
        let padded = self.size.saturating_add(self.pads[0]).saturating_add(self.pads[1]);
        let beyond = padded.saturating_sub(self.reach()) % self.stride;
        // A window that would begin in the padding at the end does not count.
        let starts = (padded.saturating_sub(self.reach()) / self.stride + 1) * self.stride;
        if beyond != 0 && starts < self.size + self.pads[0] {
            self.pads[1] += self.stride - beyond;
        }
        self
    }
}

/// Sizes from an attribute, each 0 or more.
pub(in crate::formats::onnx) fn sizes(node: &Node, name: &str, default: Vec<usize>) -> Result<Vec<usize>, String> {
    let Some(values) = node.integers(name)? else { return Ok(default) };
    // No image is so large, and sums of several such numbers do not overflow.
    let size = |value: &i64| usize::try_from(*value).ok().filter(|size| *size < 1 << 24);
    values.iter().map(size).collect::<Option<_>>().ok_or_else(|| format!("{name} {values:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_follows_the_specification() {
        let window = |size, kernel, stride| Window { size, kernel, stride, dilation: 1, pads: [0, 0] };
        assert_eq!(window(5, 2, 2).padded("SAME_UPPER").unwrap().pads, [0, 1]);
        assert_eq!(window(5, 2, 2).padded("SAME_LOWER").unwrap().pads, [1, 0]);
        assert_eq!(window(28, 5, 1).padded("SAME_UPPER").unwrap().pads, [2, 2]);
        assert!(window(1, 1, 1).padded("MOST").is_err());
        assert_eq!(window(4, 3, 2).with_ceiling().pads, [0, 1]);
        assert_eq!(window(5, 3, 2).with_ceiling().pads, [0, 0]);
    }
}
