//! The safetensors format: named arrays after a JSON header.
//!
//! A file consists of the header length (8 bytes, little-endian), the header, padded with spaces to a multiple of 8
//! bytes, and the elements of the arrays without gaps. The header contains the type, shape and byte range of each
//! array, and optionally strings under `__metadata__`. The format is Hugging Face's:
//! <https://github.com/huggingface/safetensors>.

use super::element::Element;
use super::other_formats::{check_ending, format_problem};
use crate::error::Error;
use crate::files::{read_whole, unexpected, write_whole};
use crate::shape::Shape;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Ending of the files.
pub(super) const FORMAT: &str = ".safetensors";

/// Maximum length of the header in bytes, as in the reference implementation.
const MAX_HEADER: usize = 100_000_000;

/// A safetensors file of any program: named strings and named arrays.
///
/// ```
/// use gradus::Shape;
/// use gradus::save::{NamedArray, SafeTensors};
/// let weight = NamedArray { name: "0.weight".into(), shape: Shape::from([1, 2]), values: vec![0.5, 2.0] };
/// let file = SafeTensors { metadata: [("format".into(), "pt".into())].into(), arrays: vec![weight] };
/// let path = std::env::temp_dir().join("gradus-doc-tensors.safetensors");
/// file.write(&path)?;
/// assert_eq!(SafeTensors::read(&path)?, file);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Debug, Default, PartialEq)]
pub struct SafeTensors {
    /// The named strings.
    pub metadata: BTreeMap<String, String>,
    /// The arrays, in the order of their elements in the file.
    pub arrays: Vec<NamedArray>,
}

/// An array with a name.
#[derive(Debug, PartialEq)]
pub struct NamedArray {
    /// Name of the array.
    pub name: String,
    /// Shape of the array.
    pub shape: Shape,
    /// The elements in row-major order.
    pub values: Vec<f32>,
}

impl SafeTensors {
    /// Reads a file. Elements of other types are converted to float32.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn read(path: impl AsRef<Path>) -> Result<SafeTensors, Error> {
        let path = path.as_ref();
        let bytes = read_whole(path)?;
        let read = SafeTensors::decode_elements(&bytes, &Element::ALL);
        read.map_err(|problem| {
            let problem = format_problem(path, &bytes, &[FORMAT], problem);
            Error::Format { path: path.into(), problem }
        })
    }

    /// Writes a file atomically. Creates missing folders.
    ///
    /// # Errors
    /// The name ends like a file of another format, as in `model.keras`, the number of elements of an array does not match its
    /// shape, or the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        check_ending(path, FORMAT)?;
        if let Some(wrong) = self.arrays.iter().find(|array| array.values.len() != array.shape.len()) {
            let (name, found, shape) = (&wrong.name, wrong.values.len(), wrong.shape);
            let problem = format!("\"{name}\" has {found} elements, expected {} for {shape}", shape.len());
            return Err(Error::Format { path: path.into(), problem });
        }
        write_whole(path, &self.encode())
    }

    /// Encodes the file as bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let (mut header, mut end) = (Map::new(), 0);
        header.insert("__metadata__".into(), json!(self.metadata));
        for array in &self.arrays {
            let begin = end;
            end += 4 * array.values.len();
            let entry = json!({"dtype": "F32", "shape": array.shape.sizes(), "data_offsets": [begin, end]});
            header.insert(array.name.clone(), entry);
        }
        let mut header = Value::Object(header).to_string();
        header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
        let mut bytes = Vec::with_capacity(8 + header.len() + end);
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(header.as_bytes());
        for values in self.arrays.iter().map(|array| &array.values) {
            let begin = bytes.len();
            bytes.resize(begin + 4 * values.len(), 0);
            let (fours, _) = bytes[begin..].as_chunks_mut();
            fours.iter_mut().zip(values).for_each(|(four, value)| *four = value.to_le_bytes());
        }
        bytes
    }

    /// Decodes the bytes of a file. It allocates at most a multiple of their number. The error describes the problem.
    pub(super) fn decode(bytes: &[u8]) -> Result<SafeTensors, String> {
        SafeTensors::decode_elements(bytes, &[Element::F32])
    }

    fn decode_elements(bytes: &[u8], elements: &[Element]) -> Result<SafeTensors, String> {
        let (header, data) = split(bytes)?;
        let header: Map<String, Value> =
            serde_json::from_slice(header).map_err(|error| format!("invalid safetensors header: {error}"))?;
        let (mut metadata, mut entries) = (BTreeMap::new(), Vec::new());
        for (name, value) in header {
            match name.as_str() {
                "__metadata__" => metadata = strings(value)?,
                _ => entries.push(ArrayEntry::read(name, &value, elements)?),
            }
        }
        entries.sort_unstable_by_key(|entry| (entry.begin, entry.end));
        let mut at = 0;
        for entry in &entries {
            if entry.begin != at {
                return Err(format!("the elements of \"{}\" do not start where the previous elements end", entry.name));
            }
            at = entry.end;
        }
        if at != data.len() {
            let cause = if data.len() < at { "it is truncated" } else { "something was appended to it" };
            return Err(format!("it has {} bytes of elements, expected {at}; {cause}", data.len()));
        }
        let arrays = entries.into_iter().map(|entry| entry.array(data)).collect();
        Ok(SafeTensors { metadata, arrays })
    }
}

/// Splits a file into the header and the elements.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let wrong = || unexpected(bytes, "a safetensors file");
    let (length, rest) = bytes.split_first_chunk().ok_or_else(wrong)?;
    let length = u64::from_le_bytes(*length);
    // A header is a JSON object.
    if !rest.starts_with(b"{") {
        return Err(wrong());
    }
    let fits = usize::try_from(length).ok().filter(|length| *length <= rest.len().min(MAX_HEADER));
    let length = fits.ok_or_else(|| {
        format!("it is truncated or damaged: its header should have {length} bytes, but the number of bytes that follow is {}", rest.len())
    })?;
    Ok(rest.split_at(length))
}

fn strings(value: Value) -> Result<BTreeMap<String, String>, String> {
    serde_json::from_value(value).map_err(|_| "its __metadata__ is not a map of strings".into())
}

/// The shape, type and byte range of an array.
struct ArrayEntry {
    name: String,
    shape: Shape,
    element: Element,
    begin: usize,
    end: usize,
}

impl ArrayEntry {
    fn read(name: String, entry: &Value, elements: &[Element]) -> Result<ArrayEntry, String> {
        let dtype = entry["dtype"].as_str().ok_or_else(|| format!("\"{name}\" has no type"))?;
        let known = elements.iter().copied().find(|element| element.name() == dtype);
        let element = known.ok_or_else(|| {
            format!(
                "\"{name}\" has elements of type {dtype}, expected {}; convert it to float32 first",
                elements.iter().map(|element| element.name()).collect::<Vec<_>>().join(", ")
            )
        })?;
        let sizes = numbers(&entry["shape"]).ok_or_else(|| format!("\"{name}\" has no shape"))?;
        let shape = Shape::new(&sizes).map_err(|error| format!("\"{name}\": {error}"))?;
        let Some(&[begin, end]) = numbers(&entry["data_offsets"]).as_deref() else {
            return Err(format!("\"{name}\" has no byte range"));
        };
        let length = sizes.iter().try_fold(element.size(), |length, size| length.checked_mul(*size));
        if end.checked_sub(begin) != length {
            return Err(format!("\"{name}\" is {shape}, but its byte range is {begin} to {end}"));
        }
        Ok(ArrayEntry { name, shape, element, begin, end })
    }

    /// Decodes the array. Its byte range must be within `data`.
    fn array(self, data: &[u8]) -> NamedArray {
        let values = self.element.floats(&data[self.begin..self.end]);
        NamedArray { name: self.name, shape: self.shape, values }
    }
}

fn numbers(value: &Value) -> Option<Vec<usize>> {
    value.as_array()?.iter().map(|number| number.as_u64().and_then(|number| usize::try_from(number).ok())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(vec![0; data]);
        bytes
    }

    #[test]
    fn arrays_are_read_in_the_order_in_which_they_were_written() {
        let array = |name: &str, shape: Shape| {
            let values = (0..shape.len()).map(|i| i as f32 - 0.5).collect();
            NamedArray { name: name.into(), shape, values }
        };
        let arrays =
            vec![array("z", Shape::from([2, 3])), array("a", Shape::SCALAR), array("none", Shape::from([0, 4]))];
        let contents = SafeTensors { metadata: [("key".into(), "väl\n\"ue".into())].into(), arrays };
        let bytes = contents.encode();
        assert_eq!(SafeTensors::decode(&bytes).unwrap(), contents);
        assert_eq!((bytes.len() - 28) % 8, 0, "elements are aligned");
        assert_eq!(SafeTensors::decode(&SafeTensors::default().encode()).unwrap(), SafeTensors::default());
    }

    #[test]
    fn malformed_files_are_rejected() {
        let one = |entry: &str| file(&format!("{{\"w\":{entry}}}"), 8);
        let cases = [
            (vec![], "it is empty, expected a safetensors file"),
            (vec![1, 2, 3], "it is not a safetensors file, or it is truncated or damaged"),
            (vec![255; 20], "it is not a safetensors file, or it is truncated or damaged"),
            (b"\x89PNG\r\n\x1a\nabcdefgh".to_vec(), "it is a PNG picture, expected a safetensors file"),
            (
                file("{}", 0)[..9].to_vec(),
                "it is truncated or damaged: its header should have 2 bytes, but the number of bytes that follow is 1",
            ),
            (file("[]", 0), "it is not a safetensors file, or it is truncated or damaged"),
            (file("{\"__metadata__\":{\"a\":1}}", 0), "its __metadata__ is not a map of strings"),
            (one("{}"), "\"w\" has no type"),
            (one("7"), "\"w\" has no type"),
            (one("{\"dtype\":\"F16\"}"), "\"w\" has elements of type F16, expected F32; convert it to float32 first"),
            (one("{\"dtype\":\"F32\",\"shape\":[-1]}"), "\"w\" has no shape"),
            (one("{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}"), "\"w\" has no byte range"),
            (
                one("{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}"),
                "\"w\" is 3, but its byte range is 0 to 8",
            ),
            (
                one("{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}"),
                "\"w\" is 2, but its byte range is 8 to 0",
            ),
            (
                one("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}"),
                "the elements of \"w\" do not start where the previous elements end",
            ),
            (
                one("{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}"),
                "it has 8 bytes of elements, expected 16; it is truncated",
            ),
        ];
        for (bytes, message) in cases {
            let found = SafeTensors::decode(&bytes).unwrap_err();
            assert!(found.starts_with(message), "{found}, expected {message}");
        }
        let huge = "{\"dtype\":\"F32\",\"shape\":[4294967295,4294967295,9],\"data_offsets\":[0,8]}";
        assert!(SafeTensors::decode(&one(huge)).is_err(), "sizes whose product overflows");
        assert!(SafeTensors::decode(&file(&"[".repeat(100_000), 0)).is_err(), "a deep header");
    }
}
