//! The size of the output of a transposed convolution along an axis.

use crate::error::{Error, Result, check_setting};
use crate::layers::Padding;
use crate::sizes::{self, check_steps};

/// The options of a transposed convolution along one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct TransposedAxis {
    pub(super) owner: &'static str,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    pub(super) padding: Padding,
    pub(super) output_padding: Option<usize>,
}

impl TransposedAxis {
    /// The size of the output for an input of this size, and the number of elements that are cut off before it. As in Keras on
    /// TensorFlow.
    pub(super) fn of(&self, size: usize) -> Result<[usize; 2]> {
        let TransposedAxis { owner, kernel, stride, dilation, padding, output_padding } = *self;
        check_setting(kernel > 0, owner, "kernel_size", kernel, "at least 1")?;
        check_steps(owner, "strides", &[stride])?;
        check_steps(owner, "dilation_rate", &[dilation])?;
        let known = matches!(padding, Padding::Valid | Padding::Same);
        check_setting(known, owner, "padding", padding.name(), "valid or same")?;
        let reach = sizes::sum(&[sizes::product(&[kernel - 1, dilation])?, 1])?;
        let before_last = sizes::product(&[size.saturating_sub(1), stride])?;
        let whole = sizes::sum(&[before_last, reach])?;
        if let Some(added) = output_padding {
            check_setting(added < stride, owner, "output_padding", added, "less than the stride")?;
        }
        let output = match (padding, output_padding) {
            (Padding::Valid, added) => sizes::sum(&[whole, added.unwrap_or(stride.saturating_sub(reach))])?,
            (_, None) => sizes::product(&[size, stride])?,
            (_, Some(added)) => sizes::sum(&[before_last, reach % 2, added])?,
        };
        // The convolution of the output must have the size of the input.
        if padding == Padding::Same && output.div_ceil(stride) != size {
            return Err(Error::expected(format!(
                "an output whose convolution has {size} elements; with {} × {stride} strides and padding same, \
                 output_padding must make the output longer than {before_last}",
                size.saturating_sub(1)
            )));
        }
        let cropped = if padding == Padding::Same { whole.saturating_sub(output) / 2 } else { 0 };
        Ok([output, cropped])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_keras() {
        let axis = |kernel, stride, padding, output_padding| TransposedAxis {
            owner: "Conv1dTranspose",
            kernel,
            stride,
            dilation: 1,
            padding,
            output_padding,
        };
        assert_eq!(axis(3, 2, Padding::Valid, None).of(4).unwrap(), [9, 0]);
        assert_eq!(axis(2, 3, Padding::Valid, None).of(4).unwrap(), [12, 0]);
        assert_eq!(axis(3, 2, Padding::Valid, Some(1)).of(4).unwrap(), [10, 0]);
        assert_eq!(axis(3, 2, Padding::Same, None).of(4).unwrap(), [8, 0]);
        assert_eq!(axis(5, 2, Padding::Same, None).of(4).unwrap(), [8, 1]);
        assert_eq!(axis(3, 2, Padding::Same, Some(0)).of(4).unwrap(), [7, 1]);
        assert!(axis(2, 2, Padding::Same, Some(0)).of(4).is_err());
        assert!(axis(3, 2, Padding::Same, Some(2)).of(4).is_err());
        assert!(axis(usize::MAX, 2, Padding::Valid, None).of(4).is_err());
    }
}
