//! The npy format of NumPy: one array, after a header that is a Python dictionary.
//!
//! A file begins with ten or twelve bytes that hold the version of the format and the length of the header. The header and the
//! contiguous elements follow (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).

use crate::files::{read_whole, write_whole};
use crate::save::{check_ending, format_problem};
use crate::{Error, Result};
use ndarray::{ArrayD, ArrayRef, Dimension, IxDyn, ShapeBuilder};
use std::path::Path;

const MAGIC: &[u8] = b"\x93NUMPY";

/// An array of an npy file, with elements of type `u8`, `i64` or `f32`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NumpyArray {
    /// Elements of type `uint8`.
    Bytes(ArrayD<u8>),
    /// Elements of another integer type, or `bool`.
    Integers(ArrayD<i64>),
    /// Elements of type `float32`, or of `float64`, which are rounded.
    Floats(ArrayD<f32>),
}

impl NumpyArray {
    /// The size of each axis.
    pub fn shape(&self) -> &[usize] {
        match self {
            NumpyArray::Bytes(array) => array.shape(),
            NumpyArray::Integers(array) => array.shape(),
            NumpyArray::Floats(array) => array.shape(),
        }
    }

    /// The type of the elements: `u8`, `i64` or `f32`.
    pub fn element(&self) -> &'static str {
        match self {
            NumpyArray::Bytes(_) => "u8",
            NumpyArray::Integers(_) => "i64",
            NumpyArray::Floats(_) => "f32",
        }
    }

    /// Converts the elements to floats.
    pub fn into_floats(self) -> ArrayD<f32> {
        match self {
            NumpyArray::Bytes(array) => array.mapv(f32::from),
            NumpyArray::Integers(array) => array.mapv(|number| number as f32),
            NumpyArray::Floats(array) => array,
        }
    }

    /// Decodes the bytes of an npy file. The error is a description of the problem.
    pub(super) fn decode(bytes: &[u8]) -> Result<NumpyArray, String> {
        let (header, data) = split(bytes).ok_or("it is not an npy file, or it is truncated")?;
        let header = Header::read(header).ok_or_else(|| "its header is invalid".to_owned())?;
        header.array(data)
    }
}

/// Reads an npy file.
///
/// # Errors
/// Returns an error if the file cannot be read, is damaged, or has elements that are neither numbers nor booleans.
pub fn read(path: impl AsRef<Path>) -> Result<NumpyArray> {
    let path = path.as_ref();
    let bytes = read_whole(path)?;
    NumpyArray::decode(&bytes).map_err(|problem| {
        let problem = format_problem(path, &bytes, &[".npy"], problem);
        Error::Format { path: path.into(), problem }
    })
}

/// Writes an array atomically as an npy file with elements of type `float32`.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub fn write<D: Dimension>(path: impl AsRef<Path>, array: &ArrayRef<f32, D>) -> Result<()> {
    check_ending(path.as_ref(), ".npy")?;
    write_whole(path.as_ref(), &encode(array.shape(), array.iter().copied()))
}

/// Encodes elements in row-major order as an npy file.
pub(super) fn encode(sizes: &[usize], values: impl Iterator<Item = f32>) -> Vec<u8> {
    let comma = if sizes.len() == 1 { "," } else { "" };
    let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{comma}), }}", sizes.join(", "));
    // A line feed ends the header, and the elements begin at a multiple of 64 bytes.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header.push_str(&" ".repeat(length - header.len() - 1));
    header.push('\n');
    let mut bytes = [MAGIC, &[1, 0], &(length as u16).to_le_bytes(), header.as_bytes()].concat();
    bytes.extend(values.flat_map(f32::to_le_bytes));
    bytes
}

/// Splits a file into the header and the bytes of the elements.
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

/// The fields of the header.
#[derive(Debug, PartialEq)]
struct Header<'a> {
    descr: &'a str,
    fortran_order: bool,
    sizes: Vec<usize>,
}

impl<'a> Header<'a> {
    /// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, with keys in any order.
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

    /// Decodes elements of `N` bytes each and checks that their number matches the sizes.
    fn numbers<const N: usize, T>(&self, data: &[u8], number: impl Fn([u8; N]) -> T) -> Result<Vec<T>, String> {
        let length = self.sizes.iter().try_fold(N, |length, size| length.checked_mul(*size));
        if length != Some(data.len()) {
            return Err(format!(
                "its header declares sizes {:?} with {N}-byte elements, but the byte length of its data is {}",
                self.sizes,
                data.len()
            ));
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
    fn arrays_round_trip() {
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
    fn arrays_in_fortran_order_are_read() {
        let bytes = file("{'shape': (2, 3), 'fortran_order': True, 'descr': '|u1'}", &[0, 3, 1, 4, 2, 5]);
        let expected = ndarray::arr2(&[[0, 1, 2], [3, 4, 5]]).into_dyn();
        assert_eq!(NumpyArray::decode(&bytes), Ok(NumpyArray::Bytes(expected)));
        let booleans = file("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", &[1, 0]);
        assert_eq!(NumpyArray::decode(&booleans), Ok(NumpyArray::Integers(ndarray::arr1(&[1, 0]).into_dyn())));
    }

    #[test]
    fn malformed_files_are_rejected() {
        let error = |header: &str, data: &[u8]| NumpyArray::decode(&file(header, data)).unwrap_err();
        let header =
            |descr: &str, shape: &str| format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}");
        assert_eq!(
            error(&header("<f4", "(2,)"), &[0; 4]),
            "its header declares sizes [2] with 4-byte elements, but the byte length of its data is 4"
        );
        assert!(error(&header("<f4", "(4294967296, 4294967296, 4294967296)"), &[]).contains("its header declares"));
        assert!(error(&header("|O", "(1,)"), &[0; 8]).starts_with("its elements are |O, expected numbers"));
        assert_eq!(error(&header("<f4", "(-1,)"), &[]), "its header is invalid");
        assert_eq!(error("", &[]), "its header is invalid");
        assert!(NumpyArray::decode(b"\x93NUMPY\x01\x00\xff\xff").unwrap_err().contains("truncated"));
        assert!(NumpyArray::decode(b"").is_err());
    }
}
