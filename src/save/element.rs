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
}

impl Element {
    pub(super) const ALL: [Element; 5] = [Element::F32, Element::F64, Element::F16, Element::Bf16, Element::I64];

    /// Name of the type in the format.
    pub(super) fn name(self) -> &'static str {
        match self {
            Element::F32 => "F32",
            Element::F64 => "F64",
            Element::F16 => "F16",
            Element::Bf16 => "BF16",
            Element::I64 => "I64",
        }
    }

    /// Size of an element in bytes.
    pub(super) fn size(self) -> usize {
        match self {
            Element::F32 => 4,
            Element::F64 | Element::I64 => 8,
            Element::F16 | Element::Bf16 => 2,
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
        }
    }
}

fn each<const N: usize>(bytes: &[u8], float: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| float(*bytes)).collect()
}

/// Converts a half-precision number: sign, 5 bits of exponent with bias 15, 10 bits of fraction. The conversion is
/// exact.
fn half(bits: u16) -> f32 {
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
        assert_eq!(Element::ALL.map(Element::size), [4, 8, 2, 2, 8]);
    }
}
