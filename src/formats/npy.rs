//! NumPy's npy files: one array after a header that is a Python dictionary.
//!
//! Ten or twelve bytes with a version and the header's length, the header, then the elements side by side
//! (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).

use crate::files::{read_whole, write_whole};
use crate::{Error, Result};
use ndarray::{ArrayD, ArrayRef, Dimension, IxDyn, ShapeBuilder};
use std::path::Path;

const MAGIC: &[u8] = b"\x93NUMPY";

/// An array from NumPy: its floats as `f32`, its bytes as they are, other whole numbers and truths as `i64`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NumpyArray {
    /// `uint8`.
    Bytes(ArrayD<u8>),
    /// Any other type of whole numbers, and `bool`.
    Integers(ArrayD<i64>),
    /// `float32`, or `float64` rounded.
    Floats(ArrayD<f32>),
}

impl NumpyArray {
    /// The sizes of its axes.
    pub fn shape(&self) -> &[usize] {
        match self {
            NumpyArray::Bytes(array) => array.shape(),
            NumpyArray::Integers(array) => array.shape(),
            NumpyArray::Floats(array) => array.shape(),
        }
    }

    /// What its elements are: `u8`, `i64` or `f32`.
    pub fn element(&self) -> &'static str {
        match self {
            NumpyArray::Bytes(_) => "u8",
            NumpyArray::Integers(_) => "i64",
            NumpyArray::Floats(_) => "f32",
        }
    }

    /// The array as floats.
    pub fn into_floats(self) -> ArrayD<f32> {
        match self {
            NumpyArray::Bytes(array) => array.mapv(f32::from),
            NumpyArray::Integers(array) => array.mapv(|number| number as f32),
            NumpyArray::Floats(array) => array,
        }
    }

    /// Reads the bytes of an npy file. The error says what is wrong with them.
    pub(super) fn decode(bytes: &[u8]) -> Result<NumpyArray, String> {
        let (header, data) = split(bytes).ok_or("it is not an npy file, or was cut short")?;
        let header = Header::read(header).ok_or_else(|| "its header cannot be read".to_owned())?;
        header.array(data)
    }
}

/// Reads an npy file.
///
/// # Errors
/// The file cannot be read, is damaged, or holds other elements than numbers and truths.
pub fn read(path: impl AsRef<Path>) -> Result<NumpyArray> {
    let path = path.as_ref();
    NumpyArray::decode(&read_whole(path)?).map_err(|problem| Error::Format { path: path.into(), problem })
}

/// Writes an array as an npy file of `float32`, whole or not at all.
///
/// # Errors
/// The file cannot be written.
pub fn write<D: Dimension>(path: impl AsRef<Path>, array: &ArrayRef<f32, D>) -> Result<()> {
    write_whole(path.as_ref(), &encode(array.shape(), array.iter().copied()))
}

/// The bytes of an npy file of these elements, row-major.
pub(super) fn encode(sizes: &[usize], values: impl Iterator<Item = f32>) -> Vec<u8> {
    let comma = if sizes.len() == 1 { "," } else { "" };
    let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{comma}), }}", sizes.join(", "));
    // Elements begin at a multiple of 64, behind a line feed.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header.push_str(&" ".repeat(length - header.len() - 1));
    header.push('\n');
    let mut bytes = [MAGIC, &[1, 0], &(length as u16).to_le_bytes(), header.as_bytes()].concat();
    bytes.extend(values.flat_map(f32::to_le_bytes));
    bytes
}

/// The header and the elements.
fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return None,
    };
    let (header, data) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(header).ok()?, data))
}

/// What the dictionary says.
#[derive(Debug, PartialEq)]
struct Header<'a> {
    descr: &'a str,
    fortran_order: bool,
    sizes: Vec<usize>,
}

impl<'a> Header<'a> {
    /// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, keys in any order.
    fn read(text: &'a str) -> Option<Header<'a>> {
        let after =
            |key: &str| Some(text.split_once(&format!("'{key}'"))?.1.trim_start().strip_prefix(':')?.trim_start());
        let descr = after("descr")?.strip_prefix('\'')?.split_once('\'')?.0;
        let order = after("fortran_order")?;
        let fortran_order = order.starts_with("True");
        if !fortran_order && !order.starts_with("False") {
            return None;
        }
        let sizes = after("shape")?.strip_prefix('(')?.split_once(')')?.0;
        let sizes = sizes.split(',').map(str::trim).filter(|size| !size.is_empty());
        Some(Header { descr, fortran_order, sizes: sizes.map(|size| size.parse().ok()).collect::<Option<_>>()? })
    }

    fn array(&self, data: &[u8]) -> Result<NumpyArray, String> {
        let integers = |values: Result<Vec<i64>, String>| Ok(NumpyArray::Integers(self.shaped(values?)?));
        match self.descr {
            "<f4" => Ok(NumpyArray::Floats(self.shaped(self.numbers(data, f32::from_le_bytes)?)?)),
            ">f4" => Ok(NumpyArray::Floats(self.shaped(self.numbers(data, f32::from_be_bytes)?)?)),
            "<f8" => Ok(NumpyArray::Floats(self.shaped(self.numbers(data, |n| f64::from_le_bytes(n) as f32)?)?)),
            "|u1" => Ok(NumpyArray::Bytes(self.shaped(self.numbers(data, |[byte]| byte)?)?)),
            "|b1" => integers(self.numbers(data, |[byte]| i64::from(byte != 0))),
            "|i1" => integers(self.numbers(data, |n| i64::from(i8::from_le_bytes(n)))),
            "<i2" => integers(self.numbers(data, |n| i64::from(i16::from_le_bytes(n)))),
            "<u2" => integers(self.numbers(data, |n| i64::from(u16::from_le_bytes(n)))),
            "<i4" => integers(self.numbers(data, |n| i64::from(i32::from_le_bytes(n)))),
            "<u4" => integers(self.numbers(data, |n| i64::from(u32::from_le_bytes(n)))),
            "<i8" => integers(self.numbers(data, i64::from_le_bytes)),
            other => Err(format!("its elements are {other}, expected numbers; convert them with astype(\"float32\")")),
        }
    }

    /// As many numbers as the sizes say, of `N` bytes each.
    fn numbers<const N: usize, T>(&self, data: &[u8], number: impl Fn([u8; N]) -> T) -> Result<Vec<T>, String> {
        let length = self.sizes.iter().try_fold(N, |length, size| length.checked_mul(*size));
        if length != Some(data.len()) {
            return Err(format!("{:?} elements of {N} bytes are announced, {} bytes follow", self.sizes, data.len()));
        }
        Ok(data.as_chunks().0.iter().map(|bytes| number(*bytes)).collect())
    }

    fn shaped<T: Clone>(&self, values: Vec<T>) -> Result<ArrayD<T>, String> {
        let shape = IxDyn(&self.sizes).set_f(self.fortran_order);
        let array = ArrayD::from_shape_vec(shape, values).map_err(|error| error.to_string())?;
        Ok(if self.fortran_order { array.as_standard_layout().into_owned() } else { array })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
    }

    #[test]
    fn what_is_written_is_read() {
        for sizes in [&[][..], &[3], &[2, 3], &[1, 2, 2]] {
            let values: Vec<f32> = (0..sizes.iter().product()).map(|i| i as f32 - 0.5).collect();
            let bytes = encode(sizes, values.iter().copied());
            let data = 4 * values.len();
            assert_eq!((bytes.len() - data) % 64, 0, "elements are aligned");
            let expected = ArrayD::from_shape_vec(sizes, values).unwrap();
            assert_eq!(NumpyArray::decode(&bytes), Ok(NumpyArray::Floats(expected)));
        }
    }

    #[test]
    fn columns_may_come_first() {
        let bytes = file("{'shape': (2, 3), 'fortran_order': True, 'descr': '|u1'}", &[0, 3, 1, 4, 2, 5]);
        let expected = ndarray::arr2(&[[0, 1, 2], [3, 4, 5]]).into_dyn();
        assert_eq!(NumpyArray::decode(&bytes), Ok(NumpyArray::Bytes(expected)));
        let truths = file("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", &[1, 0]);
        assert_eq!(NumpyArray::decode(&truths), Ok(NumpyArray::Integers(ndarray::arr1(&[1, 0]).into_dyn())));
    }

    #[test]
    fn every_lie_is_told() {
        let told = |header: &str, data: &[u8]| NumpyArray::decode(&file(header, data)).unwrap_err();
        let header =
            |descr: &str, shape: &str| format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}");
        assert_eq!(told(&header("<f4", "(2,)"), &[0; 4]), "[2] elements of 4 bytes are announced, 4 bytes follow");
        assert!(told(&header("<f4", "(4294967296, 4294967296, 4294967296)"), &[]).contains("are announced"));
        assert!(told(&header("|O", "(1,)"), &[0; 8]).starts_with("its elements are |O, expected numbers"));
        assert_eq!(told(&header("<f4", "(-1,)"), &[]), "its header cannot be read");
        assert_eq!(told("", &[]), "its header cannot be read");
        assert!(NumpyArray::decode(b"\x93NUMPY\x01\x00\xff\xff").unwrap_err().contains("cut short"));
        assert!(NumpyArray::decode(b"").is_err());
    }
}
