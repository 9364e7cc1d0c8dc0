//! Windows that slide over images: padding, and the number of windows.

use crate::error::{Result, check_setting};
use crate::settings::Settings;
use crate::sizes;

/// The padding of images and sequences in convolution and pooling layers.
///
/// ```
/// use gradus::{Sequential, Shape, layers::{MaxPool2d, Padding}};
/// let output = |padding| {
///     let network = Sequential::new([5, 5, 1]).add(MaxPool2d::new(2).padding(padding));
///     Ok::<_, gradus::Error>(network.architecture(0)?.outputs()[0].shape())
/// };
/// assert_eq!(output(Padding::Valid)?, Shape::from([2, 2, 1])); // the last row and column are ignored
/// assert_eq!(output(Padding::Same)?, Shape::from([3, 3, 1]));
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Padding {
    /// No padding. For n elements, kernel size k and stride s, the output has ⌊(n − k) / s⌋ + 1 elements.
    #[default]
    Valid,
    /// Padding so that the output has ⌈n / s⌉ elements for n elements and stride s. If the number of padding elements is
    /// odd, the bottom and the right get one more.
    Same,
    /// Padding before the first element only, so that an output does not depend on later elements, and has ⌈n / s⌉ elements for
    /// n elements and stride s. Only for convolutions of sequences.
    Causal,
}

impl Padding {
    /// The name in Keras.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Padding::Valid => "valid",
            Padding::Same => "same",
            Padding::Causal => "causal",
        }
    }

    /// Reads the setting `name` of a layer.
    pub(crate) fn read(settings: &mut Settings<'_>, name: &str) -> Result<Padding> {
        let all = [Padding::Valid, Padding::Same, Padding::Causal];
        settings.one_of(name, &all.map(|padding| (padding.name(), padding)))
    }

    /// Returns an error for [`Padding::Causal`], which only layers of sequences have.
    pub(crate) fn check_not_causal(self, owner: &'static str) -> Result<()> {
        check_setting(self != Padding::Causal, owner, "padding", self.name(), "valid or same")
    }
}

/// The size of the output along an axis, and the number of elements before the first one; `None` if no window fits.
///
/// # Errors
/// [`Error::TooLarge`](crate::Error::TooLarge) if the windows extend over more elements than an axis can have.
pub(crate) fn size(size: usize, kernel: usize, stride: usize, padding: Padding) -> Result<Option<(usize, usize)>> {
    match padding {
        Padding::Valid => Ok(size.checked_sub(kernel).map(|rest| (rest / stride + 1, 0))),
        Padding::Same => {
            let output = size.div_ceil(stride);
            let Some(last) = output.checked_sub(1) else { return Ok(None) };
            let reach = sizes::sum(&[sizes::product(&[last, stride])?, kernel])?;
            Ok(Some((output, reach.saturating_sub(size) / 2)))
        }
        Padding::Causal => Ok((size > 0).then(|| (size.div_ceil(stride), kernel.saturating_sub(1)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_keras() {
        assert_eq!(size(28, 5, 1, Padding::Valid).unwrap(), Some((24, 0)));
        assert_eq!(size(28, 5, 2, Padding::Same).unwrap(), Some((14, 1)));
        assert_eq!(size(5, 2, 2, Padding::Same).unwrap(), Some((3, 0)));
        assert_eq!(size(1, 2, 1, Padding::Valid).unwrap(), None);
        assert_eq!(size(5, 3, 2, Padding::Causal).unwrap(), Some((3, 2)));
        assert!(size(2, usize::MAX, 1, Padding::Same).is_err());
    }
}
