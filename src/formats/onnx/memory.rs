//! The memory that the messages of a file take, estimated before they are decoded.
//!
//! Two bytes of an empty message become a struct of hundreds of bytes, and one byte of a number becomes eight, so the decoder
//! could take far more memory than the length of the file.

use super::proto::{self, element};

/// The messages that contain others.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    TensorShape,
    /// A message whose fields are scalars and strings.
    Leaf,
}

impl Kind {
    /// The message in a field, with the size of its struct; `None` if the field is no message.
    fn child(self, tag: u64) -> Option<(Kind, usize)> {
        Some(match (self, tag) {
            (Kind::Model, 7) => (Kind::Graph, size_of::<proto::Graph>()),
            (Kind::Model, 8) => (Kind::Leaf, size_of::<proto::OperatorSet>()),
            (Kind::Graph, 1) => (Kind::Node, size_of::<proto::Node>()),
            (Kind::Graph, 5) => (Kind::Tensor, size_of::<proto::Tensor>()),
            (Kind::Graph, 11 | 12) => (Kind::ValueInfo, size_of::<proto::ValueInfo>()),
            (Kind::Node, 5) => (Kind::Attribute, size_of::<proto::Attribute>()),
            (Kind::Tensor, 13) => (Kind::Leaf, size_of::<proto::Entry>()),
            (Kind::Attribute, 5) => (Kind::Tensor, size_of::<proto::Tensor>()),
            (Kind::Attribute, 6) => (Kind::Graph, size_of::<proto::Graph>()),
            (Kind::ValueInfo, 2) => (Kind::Type, size_of::<proto::Type>()),
            (Kind::Type, 1) => (Kind::TensorType, size_of::<proto::TensorType>()),
            (Kind::TensorType, 2) => (Kind::TensorShape, size_of::<proto::TensorShape>()),
            (Kind::TensorShape, 1) => (Kind::Leaf, size_of::<proto::Dimension>()),
            _ => return None,
        })
    }

    /// The memory of a field of bytes, text or packed numbers, for each of its bytes.
    fn per_byte(self, tag: u64, data_type: u64) -> u64 {
        match (self, tag) {
            (Kind::Tensor, 9) => raw_cost(i32::try_from(data_type).unwrap_or(0)),
            (Kind::Tensor, 4 | 10) => 2,
            // Variable-length integers, decoded as 4 or 8 bytes, then copied as 8.
            (Kind::Tensor, 1 | 5 | 7 | 11) | (Kind::Attribute, 8) => 16,
            _ => 3,
        }
    }
}

/// The memory of the encoded elements of a tensor, for each byte: the byte, and each element as 4 bytes of a float or 8 of an
/// integer.
pub(super) fn raw_cost(data_type: i32) -> u64 {
    match data_type {
        element::FLOAT | element::DOUBLE | element::INT64 => 2,
        element::INT32 => 3,
        _ => 9,
    }
}

/// Estimated memory of a string, a list or a number besides its contents.
const FIELD_COST: u64 = 48;

/// Estimates the memory of a decoded model. The result for malformed bytes, which the decoder rejects, is that of the part
/// before the error.
pub(super) fn of_model(bytes: &[u8]) -> u64 {
    of_message(Kind::Model, bytes, MAX_DEPTH)
}

/// The depth at which the decoder rejects a file.
const MAX_DEPTH: usize = 100;

fn of_message(kind: Kind, bytes: &[u8], depth: usize) -> u64 {
    let data_type = match kind {
        Kind::Tensor => {
            Fields(bytes).find_map(|field| if let Field::Number(2, number) = field { Some(number) } else { None })
        }
        _ => None,
    };
    let data_type = data_type.unwrap_or(0);
    let mut sum = 0u64;
    for field in Fields(bytes) {
        sum = sum.saturating_add(match field {
            Field::Number(..) => FIELD_COST / 2,
            Field::Bytes(tag, content) => match kind.child(tag) {
                // A message is also kept in another form, such as a node with its attributes by name.
                Some(_) if depth == 0 => 0,
                Some((child, size)) => (2 * size as u64).saturating_add(of_message(child, content, depth - 1)),
                None => FIELD_COST + kind.per_byte(tag, data_type).saturating_mul(content.len() as u64),
            },
        });
    }
    sum
}

/// A field of a message, with its tag.
enum Field<'a> {
    /// A scalar; the number only if it has a variable length.
    Number(u64, u64),
    Bytes(u64, &'a [u8]),
}

/// The fields of a message, until the end or the first error.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for place in 0..10 {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 127) << (7 * place);
            if byte & 128 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let key = self.varint()?;
        let tag = key >> 3;
        match key & 7 {
            0 => Some(Field::Number(tag, self.varint()?)),
            1 => self.take(8).map(|_| Field::Number(tag, 0)),
            2 => {
                let length = self.varint()?;
                self.take(length).map(|content| Field::Bytes(tag, content))
            }
            5 => self.take(4).map(|_| Field::Number(tag, 0)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    #[test]
    fn the_estimate_covers_messages_and_elements() {
        let nodes = |count: usize| {
            let graph = proto::Graph { node: vec![proto::Node::default(); count], ..Default::default() };
            of_model(&proto::Model { graph: Some(graph), ..Default::default() }.encode_to_vec())
        };
        assert_eq!(nodes(1001) - nodes(1), 2000 * size_of::<proto::Node>() as u64);
        let tensor = |data_type, raw: usize, integers: usize| {
            let (raw_data, int64_data) = (Some(vec![0; raw]), vec![1; integers]);
            let tensor = proto::Tensor { data_type: Some(data_type), raw_data, int64_data, ..Default::default() };
            let graph = proto::Graph { initializer: vec![tensor], ..Default::default() };
            of_model(&proto::Model { graph: Some(graph), ..Default::default() }.encode_to_vec())
        };
        assert_eq!(tensor(element::FLOAT, 1000, 0) - tensor(element::FLOAT, 0, 0), 2000);
        assert_eq!(tensor(element::UINT8, 1000, 0) - tensor(element::UINT8, 0, 0), 9000);
        assert_eq!(tensor(element::INT64, 0, 1001) - tensor(element::INT64, 0, 1), 16000);
        assert_eq!(of_model(b"\x3a\xff\xff\xff\xff\x0f"), 0, "a length after the end");
    }
}
