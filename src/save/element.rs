//! The element types of safetensors files and their conversion to float32.

/// An element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F32,
    F64,
    /// IEEE half precision.
    F16,
    /// bfloat16, the upper half of a float32.
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

impl Element {
    pub(super) const ALL: [Element; 13] = [
        Element::F32,
        Element::F64,
        Element::F16,
        Element::Bf16,
        Element::I64,
        Element::I32,
        Element::I16,
        Element::I8,
        Element::U64,
        Element::U32,
        Element::U16,
        Element::U8,
        Element::Bool,
    ];

    /// Name of the type in the format.
    pub(super) fn name(self) -> &'static str {
        match self {
            Element::F32 => "F32",
            Element::F64 => "F64",
            Element::F16 => "F16",
            Element::Bf16 => "BF16",
            Element::I64 => "I64",
            Element::I32 => "I32",
            Element::I16 => "I16",
            Element::I8 => "I8",
            Element::U64 => "U64",
            Element::U32 => "U32",
            Element::U16 => "U16",
            Element::U8 => "U8",
            Element::Bool => "BOOL",
        }
    }

    /// Size of an element in bytes.
    pub(super) fn size(self) -> usize {
        match self {
            Element::F32 | Element::I32 | Element::U32 => 4,
            Element::F64 | Element::I64 | Element::U64 => 8,
            Element::F16 | Element::Bf16 | Element::I16 | Element::U16 => 2,
            Element::I8 | Element::U8 | Element::Bool => 1,
        }
    }

    /// Converts bytes to float32 values.
    pub(super) fn floats(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Element::F32 => each(bytes, f32::from_le_bytes),
            Element::F64 => each(bytes, |eight| f64::from_le_bytes(eight) as f32),
            Element::F16 => each(bytes, |two| half(u16::from_le_bytes(two))),
            Element::Bf16 => each(bytes, |two| f32::from_bits(u32::from(u16::from_le_bytes(two)) << 16)),
            Element::I64 => each(bytes, |eight| i64::from_le_bytes(eight) as f32),
            Element::I32 => each(bytes, |four| i32::from_le_bytes(four) as f32),
            Element::I16 => each(bytes, |two| f32::from(i16::from_le_bytes(two))),
            Element::I8 => each(bytes, |[one]| f32::from(one as i8)),
            Element::U64 => each(bytes, |eight| u64::from_le_bytes(eight) as f32),
            Element::U32 => each(bytes, |four| u32::from_le_bytes(four) as f32),
            Element::U16 => each(bytes, |two| f32::from(u16::from_le_bytes(two))),
            Element::U8 => each(bytes, |[one]| f32::from(one)),
            Element::Bool => each(bytes, |[one]| f32::from(u8::from(one != 0))),
        }
    }
}

fn each<const N: usize>(bytes: &[u8], float: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| float(*bytes)).collect()
}

/// Converts the bits of a half-precision number to a float: sign, 5 bits of exponent with bias 15, 10 bits of fraction. The
/// conversion is exact.
///
/// ```
/// assert_eq!(gradus::save::half(0xc000), -2.0);
/// ```
#[must_use]
pub fn half(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let (exponent, fraction) = (u32::from(bits >> 10 & 31), u32::from(bits & 1023));
    let magnitude = match exponent {
        0 => (fraction as f32 * 5.960_464_5e-8).to_bits(),
        31 => 255 << 23 | fraction << 13,
        _ => (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_converted_to_float32() {
        assert_eq!(Element::F64.floats(&0.1f64.to_le_bytes()), [0.1]);
        assert_eq!(Element::I64.floats(&(-7i64).to_le_bytes()), [-7.0]);
        assert_eq!(Element::Bf16.floats(&[0x80, 0xbf, 0x49, 0x40]), [-1.0, 3.140625]);
        let halves: Vec<u8> =
            [0x3c00u16, 0xc000, 0x3555, 0x7bff, 0x0001, 0x8000].iter().flat_map(|h| h.to_le_bytes()).collect();
        assert_eq!(Element::F16.floats(&halves), [1.0, -2.0, 0.333_251_95, 65504.0, 5.960_464_5e-8, -0.0]);
        assert_eq!(half(0x7c00), f32::INFINITY);
        assert!(half(0x7e00).is_nan());
        assert_eq!(Element::I16.floats(&(-2i16).to_le_bytes()), [-2.0]);
        assert_eq!((Element::I8.floats(&[255]), Element::U8.floats(&[255])), (vec![-1.0], vec![255.0]));
        assert_eq!(
            (Element::U32.floats(&[255; 4]), Element::Bool.floats(&[0, 1])),
            (vec![u32::MAX as f32], vec![0.0, 1.0])
        );
        assert_eq!(Element::ALL.map(Element::size), [4, 8, 2, 2, 8, 4, 2, 1, 8, 4, 2, 1, 1]);
    }
}
