//! The protocol buffer messages of ONNX files that are read or written
//! (<https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>).
//!
//! Graphs are nested in attributes. The decoder rejects files that nest more than 100 messages.

use prost::DecodeError;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{self, DecodeContext, WireType};

/// Declares a message. A field has its number, its name, whether it is `optional`, `repeated` or `packed`, its type in
/// protocol buffers and its type in Rust. The derive macro of prost generates equal code, and takes seven crates.
macro_rules! message {
    ($(#[$meta:meta])* $Message:ident {
        $($(#[$doc:meta])* $tag:literal $field:ident: $kind:ident $proto:ident $T:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub(super) struct $Message {
            $($(#[$doc])* pub(super) $field: $T,)*
        }

        impl prost::Message for $Message {
            fn encode_raw(&self, buffer: &mut impl BufMut) {
                $(field!(encode $kind $proto, $tag, &self.$field, buffer);)*
            }

            fn merge_field(
                &mut self,
                tag: u32,
                wire_type: WireType,
                buffer: &mut impl Buf,
                context: DecodeContext,
            ) -> Result<(), DecodeError> {
                match tag {
                    $($tag => field!(merge $kind $proto, wire_type, &mut self.$field, buffer, context).map_err(|mut error| {
                        error.push(stringify!($Message), stringify!($field));
                        error
                    }),)*
                    _ => encoding::skip_field(wire_type, tag, buffer, context),
                }
            }

            fn encoded_len(&self) -> usize {
                0 $(+ field!(length $kind $proto, $tag, &self.$field))*
            }

            fn clear(&mut self) {
                *self = $Message::default();
            }
        }
    };
}

/// The code of one field, by its kind.
macro_rules! field {
    (encode optional $proto:ident, $tag:literal, $value:expr, $buffer:ident) => {
        if let Some(value) = $value {
            encoding::$proto::encode($tag, value, $buffer);
        }
    };
    (encode repeated $proto:ident, $tag:literal, $value:expr, $buffer:ident) => {
        encoding::$proto::encode_repeated($tag, $value, $buffer)
    };
    (encode packed $proto:ident, $tag:literal, $value:expr, $buffer:ident) => {
        encoding::$proto::encode_packed($tag, $value, $buffer)
    };
    (merge optional $proto:ident, $wire_type:ident, $value:expr, $buffer:ident, $context:ident) => {
        encoding::$proto::merge($wire_type, $value.get_or_insert_with(Default::default), $buffer, $context)
    };
    (merge $kind:ident $proto:ident, $wire_type:ident, $value:expr, $buffer:ident, $context:ident) => {
        encoding::$proto::merge_repeated($wire_type, $value, $buffer, $context)
    };
    (length optional $proto:ident, $tag:literal, $value:expr) => {
        $value.as_ref().map_or(0, |value| encoding::$proto::encoded_len($tag, value))
    };
    (length repeated $proto:ident, $tag:literal, $value:expr) => {
        encoding::$proto::encoded_len_repeated($tag, $value)
    };
    (length packed $proto:ident, $tag:literal, $value:expr) => {
        encoding::$proto::encoded_len_packed($tag, $value)
    };
}

message! {
    Model {
        1 ir_version: optional int64 Option<i64>,
        2 producer_name: optional string Option<String>,
        3 producer_version: optional string Option<String>,
        7 graph: optional message Option<Graph>,
        8 opset_import: repeated message Vec<OperatorSet>,
        /// Operators that the file itself defines.
        25 functions: repeated bytes Vec<Vec<u8>>,
    }
}

message! {
    Entry {
        1 key: optional string Option<String>,
        2 value: optional string Option<String>,
    }
}

message! {
    OperatorSet {
        1 domain: optional string Option<String>,
        2 version: optional int64 Option<i64>,
    }
}

message! {
    Graph {
        1 node: repeated message Vec<Node>,
        2 name: optional string Option<String>,
        5 initializer: repeated message Vec<Tensor>,
        11 input: repeated message Vec<ValueInfo>,
        12 output: repeated message Vec<ValueInfo>,
    }
}

message! {
    Node {
        1 input: repeated string Vec<String>,
        2 output: repeated string Vec<String>,
        3 name: optional string Option<String>,
        4 op_type: optional string Option<String>,
        5 attribute: repeated message Vec<Attribute>,
        7 domain: optional string Option<String>,
    }
}

message! {
    Attribute {
        1 name: optional string Option<String>,
        2 f: optional float Option<f32>,
        3 i: optional int64 Option<i64>,
        4 s: optional bytes Option<Vec<u8>>,
        5 t: optional message Option<Tensor>,
        6 g: optional message Option<Graph>,
        7 floats: repeated float Vec<f32>,
        8 ints: repeated int64 Vec<i64>,
        9 strings: repeated bytes Vec<Vec<u8>>,
        20 r#type: optional int32 Option<i32>,
    }
}

/// The value of the field `data_location` of [`Tensor`] for elements in another file.
pub(super) const EXTERNAL: i32 = 1;

/// Values of the field `type` of [`Attribute`].
pub(super) mod attribute {
    pub(in super::super) const FLOAT: i32 = 1;
    pub(in super::super) const INT: i32 = 2;
    pub(in super::super) const STRING: i32 = 3;
    pub(in super::super) const TENSOR: i32 = 4;
    pub(in super::super) const GRAPH: i32 = 5;
    pub(in super::super) const FLOATS: i32 = 6;
    pub(in super::super) const INTS: i32 = 7;
    pub(in super::super) const STRINGS: i32 = 8;
}

message! {
    Tensor {
        1 dims: repeated int64 Vec<i64>,
        2 data_type: optional int32 Option<i32>,
        4 float_data: packed float Vec<f32>,
        5 int32_data: packed int32 Vec<i32>,
        7 int64_data: packed int64 Vec<i64>,
        8 name: optional string Option<String>,
        9 raw_data: optional bytes Option<Vec<u8>>,
        10 double_data: packed double Vec<f64>,
        11 uint64_data: packed uint64 Vec<u64>,
        /// The place of the elements in another file.
        13 external_data: repeated message Vec<Entry>,
        /// [`EXTERNAL`] if the elements are in another file.
        14 data_location: optional int32 Option<i32>,
    }
}

/// Values of element types.
pub(super) mod element {
    pub(in super::super) const FLOAT: i32 = 1;
    pub(in super::super) const UINT8: i32 = 2;
    pub(in super::super) const INT8: i32 = 3;
    pub(in super::super) const UINT16: i32 = 4;
    pub(in super::super) const INT16: i32 = 5;
    pub(in super::super) const INT32: i32 = 6;
    pub(in super::super) const INT64: i32 = 7;
    pub(in super::super) const BOOL: i32 = 9;
    pub(in super::super) const FLOAT16: i32 = 10;
    pub(in super::super) const DOUBLE: i32 = 11;
    pub(in super::super) const UINT32: i32 = 12;
    pub(in super::super) const UINT64: i32 = 13;
    pub(in super::super) const BFLOAT16: i32 = 16;

    /// The names of all element types, in the order of their values.
    const NAMES: [&str; 27] = [
        "UNDEFINED",
        "FLOAT",
        "UINT8",
        "INT8",
        "UINT16",
        "INT16",
        "INT32",
        "INT64",
        "STRING",
        "BOOL",
        "FLOAT16",
        "DOUBLE",
        "UINT32",
        "UINT64",
        "COMPLEX64",
        "COMPLEX128",
        "BFLOAT16",
        "FLOAT8E4M3FN",
        "FLOAT8E4M3FNUZ",
        "FLOAT8E5M2",
        "FLOAT8E5M2FNUZ",
        "UINT4",
        "INT4",
        "FLOAT4E2M1",
        "FLOAT8E8M0",
        "UINT2",
        "INT2",
    ];

    /// The name of an element type.
    pub(in super::super) fn name(kind: i64) -> String {
        let known = usize::try_from(kind).ok().and_then(|kind| NAMES.get(kind));
        known.map_or_else(|| kind.to_string(), |name| (*name).to_owned())
    }

    /// Whether elements are floats, which are computed with 32 bits.
    pub(in super::super) fn is_float(kind: i32) -> bool {
        [FLOAT, DOUBLE, FLOAT16, BFLOAT16].contains(&kind)
    }

    /// Whether elements are integers or booleans.
    pub(in super::super) fn is_integer(kind: i32) -> bool {
        [BOOL, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64].contains(&kind)
    }
}

message! {
    ValueInfo {
        1 name: optional string Option<String>,
        2 r#type: optional message Option<Type>,
    }
}

message! {
    Type {
        /// Absent if the value is a sequence or a map.
        1 tensor_type: optional message Option<TensorType>,
    }
}

message! {
    TensorType {
        1 elem_type: optional int32 Option<i32>,
        2 shape: optional message Option<TensorShape>,
    }
}

message! {
    TensorShape {
        1 dim: repeated message Vec<Dimension>,
    }
}

message! {
    /// A size, or the name of a symbolic size.
    Dimension {
        1 dim_value: optional int64 Option<i64>,
        2 dim_param: optional string Option<String>,
    }
}
