//! Options for reading samples: the axis order of arrays, the background of pictures, the range of numbers.

use crate::architecture::ValueInfo;
use crate::axis_order::AxisOrder;
use crate::formats::MemoryLimit;

/// The order of the sample axes in arrays.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Layout {
    /// The order of the model's file.
    #[default]
    File,
    ChannelsLast,
    ChannelsFirst,
    /// Samples are flattened to one axis, for models whose samples have one axis.
    Flat,
}

impl Layout {
    pub(super) const NAMES: [(&str, Layout); 3] =
        [("channels_last", Layout::ChannelsLast), ("channels_first", Layout::ChannelsFirst), ("flat", Layout::Flat)];

    pub(super) fn parse(text: &str) -> Option<Layout> {
        Layout::NAMES.iter().find(|(name, _)| *name == text).map(|(_, layout)| *layout)
    }

    pub(super) fn is_flat(self) -> bool {
        self == Layout::Flat
    }

    /// The axis order of arrays for an input or output.
    pub(super) fn order(self, of: &ValueInfo) -> AxisOrder {
        match self {
            Layout::File => of.axis_order(),
            Layout::ChannelsFirst => AxisOrder::channels_first(of.shape().rank()),
            Layout::ChannelsLast | Layout::Flat => AxisOrder::CHANNELS_LAST,
        }
    }
}

/// Options for reading samples.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    /// Whether the bytes of pictures are not divided by 255.
    pub(super) raw: bool,
    /// A number by which arrays are divided.
    pub(super) divide: Option<f32>,
    pub(super) invert: bool,
    pub(super) background: Background,
    pub(super) layout: Layout,
    pub(super) memory: MemoryLimit,
}

/// The background color of transparent pixels: red, green and blue from 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Background(pub(super) [u8; 3]);

impl Default for Background {
    /// White.
    fn default() -> Background {
        Background([255; 3])
    }
}

impl Background {
    /// Parses a color name or six hexadecimal digits, as in `#ff8000`.
    pub(super) fn parse(text: &str) -> Option<Background> {
        match text {
            "white" => Some(Background([255; 3])),
            "black" => Some(Background([0; 3])),
            _ => {
                let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
                let number = |digits: &str| u32::from_str_radix(digits, 16).ok();
                let [_, color @ ..] = number(digits).filter(|_| !digits.starts_with('+'))?.to_be_bytes();
                Some(Background(color))
            }
        }
    }
}

/// Parses a number by which arrays are divided.
pub(super) fn parse_divisor(text: &str) -> Option<f32> {
    text.parse().ok().filter(|number: &f32| number.is_normal())
}

/// Parses a size in bytes, with an optional unit: `KB`, `MB`, `GB` (powers of 1000) or `KiB`, `MiB`, `GiB` (powers of 1024).
pub(super) fn parse_memory(text: &str) -> Option<MemoryLimit> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim_start() {
        "" | "B" => 1,
        "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    Some(MemoryLimit::bytes(number.parse::<u64>().ok()?.checked_mul(unit)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_has_a_unit() {
        for (text, bytes) in [("70", 70), ("3MB", 3_000_000), ("2 GiB", 2 << 30), ("1KiB", 1024)] {
            assert_eq!(parse_memory(text), Some(MemoryLimit::bytes(bytes)), "{text}");
        }
        for text in ["", "GB", "1.5GB", "-1", "2 GBs", "99999999999GiB"] {
            assert_eq!(parse_memory(text), None, "{text}");
        }
    }

    #[test]
    fn colors_are_names_or_hexadecimal_digits() {
        let known = [("white", [255; 3]), ("black", [0; 3]), ("#0aFf80", [10, 255, 128])];
        known.into_iter().for_each(|(text, color)| assert_eq!(Background::parse(text), Some(Background(color))));
        for text in ["", "red", "#fff", "#12345g", "#+1+2+3", "123456", "#ä12345"] {
            assert_eq!(Background::parse(text), None, "{text}");
        }
    }
}
