//! The npy format of NumPy: a header, which is a Python dictionary, and one array.
//!
//! A file begins with ten or twelve bytes that hold the version of the format and the length of the header. The header and the
//! contiguous elements follow (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).

use super::budget::{Budget, MemoryLimit};
use crate::files::{read_whole, unexpected, write_whole};
use crate::save::{check_ending, format_problem, half};
use crate::{Error, Result};
use ndarray::{ArrayD, ArrayRef, Dimension, IxDyn, ShapeBuilder};
use std::borrow::Cow;
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
    /// Elements of type `float16` or `float32`, and of `float64`, which are rounded. Also `uint64` with a number of 2⁶³ or
    /// more.
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

    /// Decodes the bytes of an npy file.
    pub(super) fn decode(bytes: &[u8], budget: &Budget) -> Result<NumpyArray, Problem> {
        let (header, data) = split(bytes)?;
        let header = Header::read(&header).ok_or_else(|| Problem::File("its header is invalid".into()))?;
        header.array(data, budget)
    }
}

/// The reason why an npy file could not be decoded.
#[derive(Debug, PartialEq)]
pub(super) enum Problem {
    /// The file is damaged, or is no npy file.
    File(String),
    /// The elements are not real numbers, such as strings.
    Elements(String),
}

impl From<Problem> for String {
    fn from(problem: Problem) -> String {
        match problem {
            Problem::File(text) | Problem::Elements(text) => text,
        }
    }
}

/// Reads an npy file. Elements may have any numeric type of NumPy except complex, in either byte order.
///
/// As in NumPy, bytes after the array are ignored.
///
/// ```
/// use gradus::formats::npy;
/// use ndarray::arr2;
/// # let folder = std::env::temp_dir().join(format!("gradus-npy-{}", std::process::id()));
/// # let path = folder.join("x.npy");
/// let x = arr2(&[[1.0f32, 2.0], [3.0, 4.0]]);
/// npy::write(&path, &x)?; // np.load("x.npy")
/// assert_eq!(npy::read(&path)?.into_floats(), x.into_dyn());
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// Returns an error if the file cannot be read, is damaged, or has elements that are neither numbers nor booleans.
pub fn read(path: impl AsRef<Path>) -> Result<NumpyArray> {
    read_with(path, MemoryLimit::default())
}

/// Reads an npy file like [`read`], with a limit on the memory for its contents.
///
/// # Errors
/// The errors of [`read`], and an error if the contents exceed the limit.
pub fn read_with(path: impl AsRef<Path>, limit: MemoryLimit) -> Result<NumpyArray> {
    let path = path.as_ref();
    let bytes = read_whole(path)?;
    NumpyArray::decode(&bytes, &limit.budget(bytes.len())).map_err(|problem| {
        let problem = format_problem(path, &bytes, &[".npy"], problem.into());
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

/// Splits a file into the header and the bytes of the elements. Names of fields may be in Latin-1, so the header is
/// decoded with replacements.
fn split(bytes: &[u8]) -> Result<(Cow<'_, str>, &[u8]), Problem> {
    let wrong = || Problem::File(unexpected(bytes, "an npy file"));
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(wrong)?;
    let truncated = || Problem::File("it is truncated: its header is incomplete".into());
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        [0 | 4.., ..] => return Err(Problem::File(format!("its npy format has version {}, expected 1 to 3", rest[0]))),
        _ => return Err(truncated()),
    };
    let (header, data) = rest.split_at_checked(length).ok_or_else(truncated)?;
    Ok((String::from_utf8_lossy(header), data))
}

/// The fields of the header.
#[derive(Debug, PartialEq)]
struct Header<'a> {
    descr: &'a str,
    fortran_order: bool,
    sizes: Vec<usize>,
}

impl<'a> Header<'a> {
    /// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, with keys in any order, either kind of quotes,
    /// and the long integers of Python 2, as in `(3L, 4L)`. The type of a record is kept as text.
    fn read(text: &'a str) -> Option<Header<'a>> {
        let after = |key: &str| {
            let rest = ['\'', '"'].iter().find_map(|quote| text.split_once(&format!("{quote}{key}{quote}")));
            Some(rest?.1.trim_start().strip_prefix(':')?.trim_start())
        };
        let descr = after("descr")?;
        let quote = descr.chars().next()?;
        let descr = match quote {
            '\'' | '"' => descr[1..].split_once(quote)?.0,
            '[' | '(' | '{' => descr,
            _ => return None,
        };
        let order = after("fortran_order")?;
        let fortran_order = order.starts_with("True");
        if !fortran_order && !order.starts_with("False") {
            return None;
        }
        let sizes = after("shape")?.strip_prefix('(')?.split_once(')')?.0;
        let sizes = sizes.split(',').map(str::trim).filter(|size| !size.is_empty());
        let size = |size: &str| size.strip_suffix(['L', 'l']).unwrap_or(size).parse().ok();
        Some(Header { descr, fortran_order, sizes: sizes.map(size).collect::<Option<_>>()? })
    }

    fn array(&self, data: &[u8], budget: &Budget) -> Result<NumpyArray, Problem> {
        let (order, kind) = match self.descr.split_at_checked(1) {
            Some((order @ ("<" | ">" | "=" | "|"), kind)) => (order, kind),
            _ => ("=", self.descr),
        };
        // Files do not record the byte order that `=` means; almost all machines are little-endian.
        let elements = Elements { header: self, data, big_endian: order == ">", budget };
        Ok(match kind {
            "u1" | "uint8" | "B" => NumpyArray::Bytes(elements.decode(|[byte]| byte)?),
            "b1" | "bool" | "?" => NumpyArray::Integers(elements.decode(|[byte]| i64::from(byte != 0))?),
            "i1" | "int8" | "b" => NumpyArray::Integers(elements.decode(|n| i8::from_le_bytes(n).into())?),
            "i2" | "int16" | "h" => NumpyArray::Integers(elements.decode(|n| i16::from_le_bytes(n).into())?),
            "u2" | "uint16" | "H" => NumpyArray::Integers(elements.decode(|n| u16::from_le_bytes(n).into())?),
            "i4" | "int32" | "i" => NumpyArray::Integers(elements.decode(|n| i32::from_le_bytes(n).into())?),
            "u4" | "uint32" | "I" => NumpyArray::Integers(elements.decode(|n| u32::from_le_bytes(n).into())?),
            "i8" | "int64" | "q" => NumpyArray::Integers(elements.decode(i64::from_le_bytes)?),
            "u8" | "uint64" | "Q" => elements.unsigned()?,
            "f2" | "float16" | "e" => NumpyArray::Floats(elements.decode(|n| half(u16::from_le_bytes(n)))?),
            "f4" | "float32" | "f" => NumpyArray::Floats(elements.decode(f32::from_le_bytes)?),
            "f8" | "float64" | "d" | "float" => NumpyArray::Floats(elements.decode(|n| f64::from_le_bytes(n) as f32)?),
            _ => {
                let found = describe(self.descr);
                let remedy = "convert them with astype(\"float32\")";
                return Err(Problem::Elements(format!("its elements are {found}, expected real numbers; {remedy}")));
            }
        })
    }
}

/// The name of a type that is not supported, with its code.
fn describe(descr: &str) -> String {
    let code = descr.trim_start_matches(['<', '>', '=', '|']);
    let kind = match code.chars().next() {
        Some('U' | 'S' | 'a' | 'T') => "strings",
        Some('O') => "Python objects",
        Some('c' | 'F' | 'D') => "complex numbers",
        Some('f' | 'g') => "extended-precision floats",
        Some('M' | 'm') => "dates or durations",
        Some('V') => "raw bytes",
        Some('[' | '(' | '{') => return "records".into(),
        _ => return format!("of type {descr}"),
    };
    format!("{kind} ({descr})")
}

/// The encoded elements of an array.
struct Elements<'a> {
    header: &'a Header<'a>,
    data: &'a [u8],
    big_endian: bool,
    budget: &'a Budget,
}

impl Elements<'_> {
    /// Decodes elements of `N` bytes each, which are given to `number` in little-endian order.
    fn decode<const N: usize, T: Clone>(&self, number: impl Fn([u8; N]) -> T) -> Result<ArrayD<T>, Problem> {
        let sizes = &self.header.sizes;
        let length = sizes.iter().try_fold(N, |length, size| length.checked_mul(*size));
        let data = length.and_then(|length| self.data.get(..length)).ok_or_else(|| {
            Problem::File(format!(
                "its header declares sizes {sizes:?} with {N}-byte elements, but the byte length of its data is {}",
                self.data.len()
            ))
        })?;
        // An array in Fortran order is decoded and then copied.
        let copies = if self.header.fortran_order { 2 } else { 1 };
        self.budget.spend_array(data.len() / N, copies * size_of::<T>()).map_err(Problem::File)?;
        let decode = |bytes: &[u8; N]| {
            let mut bytes = *bytes;
            if self.big_endian {
                bytes.reverse();
            }
            number(bytes)
        };
        let values = data.as_chunks().0.iter().map(decode).collect();
        self.shaped(values)
    }

    /// Decodes unsigned integers of eight bytes: as integers, or as floats if one is too large.
    fn unsigned(&self) -> Result<NumpyArray, Problem> {
        let numbers = self.decode(u64::from_le_bytes)?;
        self.budget.spend_array(numbers.len(), size_of::<i64>()).map_err(Problem::File)?;
        match numbers.iter().all(|number| i64::try_from(*number).is_ok()) {
            true => Ok(NumpyArray::Integers(numbers.mapv(|number| number as i64))),
            false => Ok(NumpyArray::Floats(numbers.mapv(|number| number as f32))),
        }
    }

    fn shaped<T: Clone>(&self, values: Vec<T>) -> Result<ArrayD<T>, Problem> {
        let fortran_order = self.header.fortran_order;
        let shape = IxDyn(&self.header.sizes).set_f(fortran_order);
        let array = ArrayD::from_shape_vec(shape, values).map_err(|error| Problem::File(error.to_string()))?;
        Ok(if fortran_order { array.as_standard_layout().into_owned() } else { array })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
    }

    fn decode(bytes: &[u8]) -> Result<NumpyArray, String> {
        Ok(NumpyArray::decode(bytes, &MemoryLimit::default().budget(bytes.len()))?)
    }

    #[test]
    fn arrays_round_trip() {
        for sizes in [&[][..], &[3], &[2, 3], &[1, 2, 2]] {
            let values: Vec<f32> = (0..sizes.iter().product()).map(|i| i as f32 - 0.5).collect();
            let bytes = encode(sizes, values.iter().copied());
            let data = 4 * values.len();
            assert_eq!((bytes.len() - data) % 64, 0, "elements are aligned");
            let expected = ArrayD::from_shape_vec(sizes, values).unwrap();
            assert_eq!(decode(&bytes), Ok(NumpyArray::Floats(expected)));
        }
    }

    #[test]
    fn arrays_in_fortran_order_are_read() {
        let bytes = file("{'shape': (2, 3), 'fortran_order': True, 'descr': '|u1'}", &[0, 3, 1, 4, 2, 5]);
        let expected = ndarray::arr2(&[[0, 1, 2], [3, 4, 5]]).into_dyn();
        assert_eq!(decode(&bytes), Ok(NumpyArray::Bytes(expected)));
        let booleans = file("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", &[1, 0]);
        assert_eq!(decode(&booleans), Ok(NumpyArray::Integers(ndarray::arr1(&[1, 0]).into_dyn())));
    }

    /// NumPy reads all of these headers.
    #[test]
    fn types_and_headers_of_numpy_are_read() {
        let header = |descr: &str| format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (2L,), }}");
        let floats = NumpyArray::Floats(ndarray::arr1(&[1.0, -2.0]).into_dyn());
        let integers = NumpyArray::Integers(ndarray::arr1(&[1, -2]).into_dyn());
        let (f4, f8) = ([1.0f32, -2.0], [1.0f64, -2.0]);
        let cases = [
            ("'>f4'", f4.map(f32::to_be_bytes).concat(), &floats),
            ("\"=f4\"", f4.map(f32::to_le_bytes).concat(), &floats),
            ("'f4'", f4.map(f32::to_le_bytes).concat(), &floats),
            ("'float64'", f8.map(f64::to_le_bytes).concat(), &floats),
            ("'>f8'", f8.map(f64::to_be_bytes).concat(), &floats),
            ("'<f2'", vec![0, 0x3c, 0, 0xc0], &floats),
            ("'>f2'", vec![0x3c, 0, 0xc0, 0], &floats),
            ("'>i2'", [1i16, -2].map(i16::to_be_bytes).concat(), &integers),
            ("'>i4'", [1i32, -2].map(i32::to_be_bytes).concat(), &integers),
            ("'>i8'", [1i64, -2].map(i64::to_be_bytes).concat(), &integers),
            ("'|i1'", vec![1, 254], &integers),
        ];
        for (descr, data, expected) in cases {
            assert_eq!(&decode(&file(&header(descr), &data)).unwrap(), expected, "{descr}");
            let longer = [&data[..], &[7; 3]].concat();
            assert_eq!(&decode(&file(&header(descr), &longer)).unwrap(), expected, "{descr} with bytes after it");
        }
        let unsigned =
            |numbers: [u64; 2]| decode(&file(&header("'<u8'"), &numbers.map(u64::to_le_bytes).concat())).unwrap();
        assert_eq!(unsigned([1, 5]), NumpyArray::Integers(ndarray::arr1(&[1, 5]).into_dyn()));
        assert_eq!(unsigned([0, u64::MAX]), NumpyArray::Floats(ndarray::arr1(&[0.0, u64::MAX as f32]).into_dyn()));
    }

    #[test]
    fn malformed_files_are_rejected() {
        let error = |header: &str, data: &[u8]| decode(&file(header, data)).unwrap_err();
        let header =
            |descr: &str, shape: &str| format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}");
        assert_eq!(
            error(&header("<f4", "(2,)"), &[0; 4]),
            "its header declares sizes [2] with 4-byte elements, but the byte length of its data is 4"
        );
        assert!(error(&header("<f4", "(4294967296, 4294967296, 4294967296)"), &[]).contains("its header declares"));
        let remedy = "expected real numbers; convert them with astype(\"float32\")";
        let kinds = [
            ("|O", "Python objects (|O)"),
            ("<U5", "strings (<U5)"),
            ("<c8", "complex numbers (<c8)"),
            ("<M8[ns]", "dates or durations (<M8[ns])"),
            ("<x3", "of type <x3"),
        ];
        for (descr, kind) in kinds {
            assert_eq!(error(&header(descr, "(1,)"), &[0; 8]), format!("its elements are {kind}, {remedy}"));
        }
        let record = error("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", &[0; 4]);
        assert_eq!(record, format!("its elements are records, {remedy}"));
        assert_eq!(error(&header("<f4", "(-1,)"), &[]), "its header is invalid");
        assert_eq!(error("", &[]), "its header is invalid");
        assert!(decode(b"\x93NUMPY\x01\x00\xff\xff").unwrap_err().contains("truncated"));
        assert_eq!(decode(b"").unwrap_err(), "it is empty, expected an npy file");
        assert_eq!(decode(b"\x93NUMPY\x09\x00\x01\x00 ").unwrap_err(), "its npy format has version 9, expected 1 to 3");
    }
}
