//! safetensors: named arrays after a header of JSON, as other programs read and write them.
//!
//! Eight bytes with the header's length (little-endian), the header, padded with spaces to whole eights, then the arrays'
//! elements side by side. The header names each array's type, shape and place, and may hold texts under `__metadata__`.
//! The format is Hugging Face's: <https://github.com/huggingface/safetensors>.

use super::element::Element;
use crate::error::Error;
use crate::files::{read_whole, write_whole};
use crate::shape::Shape;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The longest header that is read, as the reference implementation has it.
const MAX_HEADER: usize = 100_000_000;

/// A safetensors file of any program: texts by name, and named arrays.
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
    /// Texts by name.
    pub metadata: BTreeMap<String, String>,
    /// The arrays, in the order of their elements in the file.
    pub arrays: Vec<NamedArray>,
}

/// An array with its name.
#[derive(Debug, PartialEq)]
pub struct NamedArray {
    /// The name.
    pub name: String,
    /// The shape.
    pub shape: Shape,
    /// The elements in row-major order.
    pub values: Vec<f32>,
}

impl SafeTensors {
    /// Reads a file. Elements of other types than float32 are converted to it.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn read(path: impl AsRef<Path>) -> Result<SafeTensors, Error> {
        let path = path.as_ref();
        let read = SafeTensors::decode_elements(&read_whole(path)?, &Element::ALL);
        read.map_err(|problem| Error::Format { path: path.into(), problem })
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// An array with another number of elements than its shape has, or a file that cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        if let Some(wrong) = self.arrays.iter().find(|array| array.values.len() != array.shape.len()) {
            let (name, found, shape) = (&wrong.name, wrong.values.len(), wrong.shape);
            let problem = format!("\"{name}\" has {found} elements, expected {} for {shape}", shape.len());
            return Err(Error::Format { path: path.into(), problem });
        }
        write_whole(path, &self.encode())
    }

    /// The bytes of the file.
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

    /// Reads the bytes of a file. Allocates no more than a multiple of their number.
    ///
    /// The error says what is wrong with them.
    pub(super) fn decode(bytes: &[u8]) -> Result<SafeTensors, String> {
        SafeTensors::decode_elements(bytes, &[Element::F32])
    }

    fn decode_elements(bytes: &[u8], elements: &[Element]) -> Result<SafeTensors, String> {
        let (header, data) = split(bytes)?;
        let header: Map<String, Value> = serde_json::from_slice(header)
            .map_err(|error| format!("the header is not that of safetensors: {error}"))?;
        let (mut metadata, mut places) = (BTreeMap::new(), Vec::new());
        for (name, value) in header {
            match name.as_str() {
                "__metadata__" => metadata = texts(value)?,
                _ => places.push(Place::read(name, &value, elements)?),
            }
        }
        places.sort_unstable_by_key(|place| (place.begin, place.end));
        let mut at = 0;
        for place in &places {
            if place.begin != at {
                return Err(format!("the elements of \"{}\" do not follow those before them", place.name));
            }
            at = place.end;
        }
        if at != data.len() {
            return Err(format!("it holds {} bytes of elements, expected {at}; was it cut short?", data.len()));
        }
        let arrays = places.into_iter().map(|place| place.array(data)).collect();
        Ok(SafeTensors { metadata, arrays })
    }
}

/// The header and the elements.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let (length, rest) = bytes.split_first_chunk().ok_or("it is shorter than a safetensors file can be")?;
    let length = u64::from_le_bytes(*length);
    let fits = usize::try_from(length).ok().filter(|length| *length <= rest.len().min(MAX_HEADER));
    let length = fits.ok_or_else(|| {
        format!("a header of {length} bytes is announced, {} follow; is it a safetensors file?", rest.len())
    })?;
    Ok(rest.split_at(length))
}

fn texts(value: Value) -> Result<BTreeMap<String, String>, String> {
    serde_json::from_value(value).map_err(|_| "its __metadata__ is not a table of texts".into())
}

/// Where an array's elements stand.
struct Place {
    name: String,
    shape: Shape,
    element: Element,
    begin: usize,
    end: usize,
}

impl Place {
    fn read(name: String, entry: &Value, elements: &[Element]) -> Result<Place, String> {
        let dtype = entry["dtype"].as_str().ok_or_else(|| format!("\"{name}\" has no type"))?;
        let known = elements.iter().copied().find(|element| element.name() == dtype);
        let element = known.ok_or_else(|| {
            format!("\"{name}\" has elements of type {dtype}, expected F32; convert it to float32 first")
        })?;
        let sizes = numbers(&entry["shape"]).ok_or_else(|| format!("\"{name}\" has no shape"))?;
        let shape = Shape::new(&sizes).map_err(|error| format!("\"{name}\": {error}"))?;
        let Some(&[begin, end]) = numbers(&entry["data_offsets"]).as_deref() else {
            return Err(format!("\"{name}\" has no place"));
        };
        let length = sizes.iter().try_fold(element.size(), |length, size| length.checked_mul(*size));
        if end.checked_sub(begin) != length {
            return Err(format!("\"{name}\" is {shape}, but stands from byte {begin} to {end}"));
        }
        Ok(Place { name, shape, element, begin, end })
    }

    /// The array; its place was checked to lie within `data`.
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
    fn what_is_written_is_read_in_the_same_order() {
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
    fn every_lie_is_told() {
        let one = |entry: &str| file(&format!("{{\"w\":{entry}}}"), 8);
        let cases = [
            (vec![1, 2, 3], "it is shorter than a safetensors file can be"),
            (
                vec![255; 20],
                "a header of 18446744073709551615 bytes is announced, 12 follow; is it a safetensors file?",
            ),
            (file("[]", 0), "the header is not that of safetensors: invalid type: sequence, expected a map"),
            (file("{\"__metadata__\":{\"a\":1}}", 0), "its __metadata__ is not a table of texts"),
            (one("{}"), "\"w\" has no type"),
            (one("7"), "\"w\" has no type"),
            (one("{\"dtype\":\"F16\"}"), "\"w\" has elements of type F16, expected F32; convert it to float32 first"),
            (one("{\"dtype\":\"F32\",\"shape\":[-1]}"), "\"w\" has no shape"),
            (one("{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}"), "\"w\" has no place"),
            (
                one("{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}"),
                "\"w\" is 3, but stands from byte 0 to 8",
            ),
            (
                one("{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}"),
                "\"w\" is 2, but stands from byte 8 to 0",
            ),
            (
                one("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}"),
                "the elements of \"w\" do not follow those before them",
            ),
            (
                one("{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}"),
                "it holds 8 bytes of elements, expected 16; was it cut short?",
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
