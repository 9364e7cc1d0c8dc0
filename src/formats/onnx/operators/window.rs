//! Windows over images in ONNX: kernel, stride, dilation and padding along each spatial axis.

use crate::formats::onnx::node::{Attribute, Node};

/// A window along one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::formats::onnx) struct Window {
    pub(in crate::formats::onnx) size: usize,
    pub(in crate::formats::onnx) kernel: usize,
    pub(in crate::formats::onnx) stride: usize,
    pub(in crate::formats::onnx) dilation: usize,
    /// Padding before and after.
    pub(in crate::formats::onnx) pads: [usize; 2],
}

impl Window {
    /// Reads the windows along the spatial axes, for an image and a kernel of these sizes.
    pub(in crate::formats::onnx) fn read(
        node: &Node,
        image: &[usize],
        kernel: &[usize],
    ) -> Result<Vec<Window>, String> {
        if image.len() != kernel.len() || kernel.contains(&0) {
            return Err(format!("kernel sizes {kernel:?} do not match image sizes {image:?}"));
        }
        let count = kernel.len();
        let strides = steps(node, "strides", count)?;
        let dilations = steps(node, "dilations", count)?;
        let pads = sizes(node, "pads", vec![0; 2 * count])?;
        if strides.len() != count || dilations.len() != count || pads.len() != 2 * count {
            return Err(format!("strides and dilations need {count} as their length, and pads twice that"));
        }
        if strides.iter().chain(&dilations).any(|size| *size == 0) {
            return Err("strides and dilations must be at least 1".into());
        }
        let padding = node.text("auto_pad", "NOTSET")?;
        let window = |axis: usize| {
            let (size, kernel) = (image[axis], kernel[axis]);
            let pads = [pads[axis], pads[count + axis]];
            Window { size, kernel, stride: strides[axis], dilation: dilations[axis], pads }.padded(padding)
        };
        (0..count).map(window).collect()
    }

    /// Applies the attribute `auto_pad`.
    fn padded(mut self, padding: &str) -> Result<Window, String> {
        let total =
            (self.size.div_ceil(self.stride).saturating_sub(1) * self.stride + self.span()).saturating_sub(self.size);
        self.pads = match padding {
            "NOTSET" | "" => self.pads,
            "VALID" => [0, 0],
            "SAME_UPPER" => [total / 2, total - total / 2],
            "SAME_LOWER" => [total - total / 2, total / 2],
            other => return Err(format!("attribute auto_pad is \"{other}\", which is not supported")),
        };
        Ok(self)
    }

    /// Whether the padding equals `same` in Keras.
    pub(in crate::formats::onnx) fn is_same(&self) -> bool {
        self.padded("SAME_UPPER").is_ok_and(|same| same.pads == self.pads)
    }

    /// The number of elements that the dilated window spans.
    pub(in crate::formats::onnx) fn span(&self) -> usize {
        (self.kernel - 1).saturating_mul(self.dilation).saturating_add(1)
    }

    /// Adds padding at the end for the last window if output sizes are rounded up (`ceil_mode`).
    pub(in crate::formats::onnx) fn with_ceiling(mut self) -> Window {
        let padded = self.size.saturating_add(self.pads[0]).saturating_add(self.pads[1]);
        let beyond = padded.saturating_sub(self.span()) % self.stride;
        // A window that would begin in the padding at the end is left out.
        let starts = (padded.saturating_sub(self.span()) / self.stride + 1) * self.stride;
        if beyond != 0 && starts < self.size + self.pads[0] {
            self.pads[1] += self.stride - beyond;
        }
        self
    }
}

/// A window along one axis of a transposed convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::formats::onnx) struct TransposedWindow {
    pub(in crate::formats::onnx) stride: usize,
    pub(in crate::formats::onnx) dilation: usize,
    /// Elements that are cut off before the output.
    pub(in crate::formats::onnx) cropping: usize,
    /// Elements of the output.
    pub(in crate::formats::onnx) output: usize,
}

impl TransposedWindow {
    /// Reads the windows along the spatial axes, for an image and a kernel of these sizes.
    pub(in crate::formats::onnx) fn read(
        node: &Node,
        image: &[usize],
        kernel: &[usize],
    ) -> Result<Vec<TransposedWindow>, String> {
        // The padding of these modes follows from the output.
        let mode = node.text("auto_pad", "NOTSET")?;
        let explicit = ["NOTSET", "VALID", ""].contains(&mode);
        let unpadded = node.clone().with("auto_pad", Attribute::Text(if explicit { mode } else { "VALID" }.into()));
        let windows = Window::read(&unpadded, image, kernel)?;
        let count = kernel.len();
        let added = sizes(node, "output_padding", vec![0; count])?;
        let mut outputs = sizes(node, "output_shape", vec![])?;
        // The shape may include rows and channels.
        if outputs.len() == count + 2 {
            outputs.drain(..2);
        }
        if added.len() != count || ![0, count].contains(&outputs.len()) {
            return Err(format!("output_padding and output_shape need {count} as their length"));
        }
        let window = |axis: usize| {
            let window = windows[axis];
            let whole = (window.size - 1).saturating_mul(window.stride).saturating_add(window.span());
            let whole = whole.saturating_add(added[axis]);
            let target = match (outputs.get(axis), explicit) {
                (Some(output), _) => Some(*output),
                (None, false) => Some(window.size.saturating_mul(window.stride)),
                (None, true) => None,
            };
            let (cropping, output) = match target {
                Some(output) => {
                    let total = whole.saturating_sub(output);
                    (if mode == "SAME_UPPER" { total / 2 } else { total - total / 2 }, output)
                }
                None => (window.pads[0], whole.saturating_sub(window.pads[0]).saturating_sub(window.pads[1])),
            };
            TransposedWindow { stride: window.stride, dilation: window.dilation, cropping, output }
        };
        if image.contains(&0) {
            return Err(format!("the image has sizes {image:?}"));
        }
        Ok((0..count).map(window).collect())
    }
}

/// Reads an attribute of sizes ≥ 0.
pub(in crate::formats::onnx) fn sizes(node: &Node, name: &str, default: Vec<usize>) -> Result<Vec<usize>, String> {
    // The limit exceeds the size of any image, and sums of several such numbers do not overflow.
    limited(node, name, default, 24)
}

/// Reads an attribute of `count` distances between elements or windows, which may exceed the size of the image.
fn steps(node: &Node, name: &str, count: usize) -> Result<Vec<usize>, String> {
    limited(node, name, vec![1; count], 31)
}

/// Reads an attribute of sizes from 0 to 2^`bits` − 1.
fn limited(node: &Node, name: &str, default: Vec<usize>, bits: u32) -> Result<Vec<usize>, String> {
    let Some(values) = node.integers(name)? else { return Ok(default) };
    let size = |value: &i64| usize::try_from(*value).ok().filter(|size| *size < 1 << bits);
    values
        .iter()
        .map(size)
        .collect::<Option<_>>()
        .ok_or_else(|| format!("attribute {name} must have values from 0 to {}, got {values:?}", (1u64 << bits) - 1))
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
