//! Tensors of ONNX files: floats, and integers such as shapes and axes.

use super::proto::{self, EXTERNAL, element};
use crate::formats::permuted::permuted;
use crate::save::half;
use crate::{Error, Result};
use ndarray::{ArrayD, ArrayRef, Dimension, IxDyn};

/// A tensor of floats or integers. Floats of 16 and 64 bits are converted to `f32`; booleans are the integers 0 and 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    pub(super) sizes: Vec<usize>,
    pub(super) values: Values,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    Floats(Vec<f32>),
    Integers(Vec<i64>),
    /// Floats that are a weight of a layer, and stored with the weights of the model.
    Weight,
}

impl Tensor {
    pub(super) fn floats(sizes: Vec<usize>, values: Vec<f32>) -> Tensor {
        Tensor { sizes, values: Values::Floats(values) }
    }

    pub(super) fn integers(sizes: Vec<usize>, values: Vec<i64>) -> Tensor {
        Tensor { sizes, values: Values::Integers(values) }
    }

    /// Creates a tensor of integers with one axis.
    pub(super) fn list(values: Vec<i64>) -> Tensor {
        Tensor::integers(vec![values.len()], values)
    }

    /// Creates a tensor of integers, such as a shape or the indices of an embedding.
    pub fn from_integers<D: Dimension>(values: &ArrayRef<i64, D>) -> Tensor {
        Tensor::integers(values.shape().to_vec(), values.iter().copied().collect())
    }

    /// Decodes a `TensorProto`, such as a file of ONNX' test data.
    ///
    /// # Errors
    /// Returns an error if `bytes` are not a `TensorProto`, if the elements are in another file or of an unsupported type, or
    /// if their number does not match the sizes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Tensor> {
        let tensor = <proto::Tensor as prost::Message>::decode(bytes).map_err(Error::other)?;
        Tensor::read(&tensor).map_err(Error::other)
    }

    /// The size of each axis.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The elements as an array of floats; `None` if they are integers.
    pub fn array(&self) -> Option<ArrayD<f32>> {
        match &self.values {
            Values::Floats(values) => ArrayD::from_shape_vec(IxDyn(&self.sizes), values.clone()).ok(),
            Values::Integers(_) | Values::Weight => None,
        }
    }

    /// The elements as an array of integers; `None` if they are floats.
    pub fn integer_array(&self) -> Option<ArrayD<i64>> {
        match &self.values {
            Values::Integers(values) => ArrayD::from_shape_vec(IxDyn(&self.sizes), values.clone()).ok(),
            Values::Floats(_) | Values::Weight => None,
        }
    }

    pub(super) fn as_integers(&self) -> Result<&[i64], String> {
        match &self.values {
            Values::Integers(values) => Ok(values),
            Values::Floats(_) | Values::Weight => Err("found floats, expected integers".into()),
        }
    }

    pub(super) fn as_floats(&self) -> Result<&[f32], String> {
        match &self.values {
            Values::Floats(values) => Ok(values),
            Values::Integers(_) => Err("found integers, expected floats".into()),
            Values::Weight => Err("found a weight of the model, expected a constant".into()),
        }
    }

    /// Checks that the elements are floats.
    pub(super) fn check_floats(&self) -> Result<(), String> {
        match &self.values {
            Values::Weight => Ok(()),
            _ => self.as_floats().map(|_| ()),
        }
    }

    /// Converts the elements to floats. Those of a weight of the model are empty.
    pub(super) fn to_floats(&self) -> Vec<f32> {
        match &self.values {
            Values::Floats(values) => values.clone(),
            Values::Integers(values) => values.iter().map(|value| *value as f32).collect(),
            Values::Weight => Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        match &self.values {
            Values::Floats(values) => values.len(),
            Values::Integers(values) => values.len(),
            Values::Weight => length(&self.sizes).unwrap_or(usize::MAX),
        }
    }

    /// Returns the elements with other sizes.
    pub(super) fn reshaped(&self, sizes: Vec<usize>) -> Result<Tensor, String> {
        let length = length(&sizes).filter(|length| *length == self.len());
        length.ok_or_else(|| format!("sizes {:?} cannot be reshaped to {sizes:?}", self.sizes))?;
        Ok(Tensor { sizes, values: self.values.clone() })
    }

    /// Permutes the axes: axis `i` of the result is axis `order[i]` of this tensor.
    pub(super) fn transposed(&self, order: &[usize]) -> Tensor {
        let sizes = order.iter().map(|axis| self.sizes[*axis]).collect();
        let values = match &self.values {
            Values::Floats(values) => Values::Floats(permuted(values, &self.sizes, order)),
            Values::Integers(values) => Values::Integers(permuted(values, &self.sizes, order)),
            Values::Weight => Values::Weight,
        };
        Tensor { sizes, values }
    }

    /// Reads a tensor of a model file, in which the floats of weights are left out.
    pub(super) fn read_without_weights(tensor: &proto::Tensor) -> Result<Tensor, String> {
        let read = Tensor::read(tensor);
        let sizes = || tensor.dims.iter().map(|size| usize::try_from(*size).ok()).collect::<Option<Vec<_>>>();
        match (&read, sizes()) {
            (Err(_), Some(sizes)) if tensor.float_data.is_empty() && tensor.raw_data.is_none() => {
                Ok(Tensor { sizes, values: Values::Weight })
            }
            _ => read,
        }
    }

    /// Reads a tensor and checks that the number of elements matches the sizes.
    pub(super) fn read(tensor: &proto::Tensor) -> Result<Tensor, String> {
        if tensor.data_location == Some(EXTERNAL) {
            return Err("its elements are in another file; save the model in one file".into());
        }
        let size = |size: &i64| usize::try_from(*size).map_err(|_| format!("size {size} is negative"));
        let sizes = tensor.dims.iter().map(size).collect::<Result<Vec<usize>, _>>()?;
        let values = values(tensor)?;
        let read = Tensor { sizes, values };
        if length(&read.sizes) != Some(read.len()) {
            return Err(format!(
                "the number of elements is {}, which does not match sizes {:?}",
                read.len(),
                read.sizes
            ));
        }
        Ok(read)
    }

    /// Encodes the tensor under a name.
    pub(super) fn write(&self, name: &str) -> proto::Tensor {
        let dims = self.sizes.iter().map(|size| *size as i64).collect();
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let (kind, raw_data): (i32, Option<Vec<u8>>) = match &self.values {
            Values::Floats(values) => (element::FLOAT, Some(bytes(values))),
            Values::Integers(values) => {
                (element::INT64, Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()))
            }
            Values::Weight => (element::FLOAT, None),
        };
        let (data_type, name) = (Some(kind), Some(name.to_owned()));
        proto::Tensor { dims, data_type, name, raw_data, ..Default::default() }
    }
}

/// The product of sizes; `None` if it overflows.
pub(super) fn length(sizes: &[usize]) -> Option<usize> {
    sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size))
}

fn values(tensor: &proto::Tensor) -> Result<Values, String> {
    let floats = |values: &[f32]| Ok(Values::Floats(values.to_vec()));
    let (kind, raw) = (tensor.data_type.unwrap_or(0), tensor.raw_data.as_deref());
    // The elements of types with fewer bits than 32 have the type of the field `int32_data`.
    let narrow =
        |number: fn(i32) -> i64| Ok(Values::Integers(tensor.int32_data.iter().map(|one| number(*one)).collect()));
    let brain = |bits: u16| f32::from_bits(u32::from(bits) << 16);
    let halves = |number: fn(u16) -> f32| {
        Ok(Values::Floats(tensor.int32_data.iter().map(|bits| number(*bits as u16)).collect()))
    };
    match (kind, raw) {
        (element::FLOAT, None) => floats(&tensor.float_data),
        (element::FLOAT, Some(raw)) => Ok(Values::Floats(fixed(raw, f32::from_le_bytes)?)),
        (element::DOUBLE, None) => Ok(Values::Floats(tensor.double_data.iter().map(|value| *value as f32).collect())),
        (element::DOUBLE, Some(raw)) => Ok(Values::Floats(fixed(raw, |eight| f64::from_le_bytes(eight) as f32)?)),
        (element::FLOAT16, None) => halves(half),
        (element::FLOAT16, Some(raw)) => Ok(Values::Floats(fixed(raw, |two| half(u16::from_le_bytes(two)))?)),
        (element::BFLOAT16, None) => halves(brain),
        (element::BFLOAT16, Some(raw)) => Ok(Values::Floats(fixed(raw, |two| brain(u16::from_le_bytes(two)))?)),
        (element::INT64, None) => Ok(Values::Integers(tensor.int64_data.clone())),
        (element::INT64, Some(raw)) => Ok(Values::Integers(fixed(raw, i64::from_le_bytes)?)),
        (element::INT32, Some(raw)) => Ok(Values::Integers(fixed(raw, |four| i64::from(i32::from_le_bytes(four)))?)),
        (element::INT16, Some(raw)) => Ok(Values::Integers(fixed(raw, |two| i64::from(i16::from_le_bytes(two)))?)),
        (element::UINT16, Some(raw)) => Ok(Values::Integers(fixed(raw, |two| i64::from(u16::from_le_bytes(two)))?)),
        (element::UINT8 | element::BOOL, Some(raw)) => Ok(Values::Integers(fixed(raw, |[one]| i64::from(one))?)),
        (element::INT8, Some(raw)) => Ok(Values::Integers(fixed(raw, |one| i64::from(i8::from_le_bytes(one)))?)),
        (element::UINT16, None) => narrow(|value| i64::from(value as u16)),
        (element::INT32 | element::INT16 | element::UINT8 | element::INT8 | element::BOOL, None) => narrow(i64::from),
        (element::UINT32, Some(raw)) => Ok(Values::Integers(fixed(raw, |four| i64::from(u32::from_le_bytes(four)))?)),
        (element::UINT64, Some(raw)) => signed(&fixed(raw, u64::from_le_bytes)?),
        (element::UINT32 | element::UINT64, None) => signed(&tensor.uint64_data),
        (kind, _) => Err(format!(
            "elements of type {} are not supported, expected floats of 16 to 64 bits, integers of 8 to 64 bits, or \
             booleans",
            element::name(i64::from(kind))
        )),
    }
}

/// Converts unsigned integers.
fn signed(values: &[u64]) -> Result<Values, String> {
    let signed = |value: &u64| i64::try_from(*value).map_err(|_| format!("element {value} exceeds 2⁶³ − 1"));
    values.iter().map(signed).collect::<Result<_, _>>().map(Values::Integers)
}

/// Decodes elements of `N` bytes each.
fn fixed<const N: usize, T>(raw: &[u8], number: impl Fn([u8; N]) -> T) -> Result<Vec<T>, String> {
    let (numbers, rest) = raw.as_chunks::<N>();
    match rest {
        [] => Ok(numbers.iter().map(|bytes| number(*bytes)).collect()),
        _ => Err(format!("the byte length of the data is {}, which is not a multiple of {N}", raw.len())),
    }
}

impl<D: Dimension> From<&ArrayRef<f32, D>> for Tensor {
    fn from(array: &ArrayRef<f32, D>) -> Tensor {
        Tensor::floats(array.shape().to_vec(), array.iter().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(data_type: i32, dims: &[i64], raw: &[u8]) -> Result<Tensor, String> {
        let (dims, raw_data) = (dims.to_vec(), Some(raw.to_vec()));
        Tensor::read(&proto::Tensor { dims, data_type: Some(data_type), raw_data, ..Default::default() })
    }

    #[test]
    fn every_type_of_element_is_read() {
        let one = |tensor: Result<Tensor, String>| tensor.unwrap().values;
        assert_eq!(one(raw(1, &[1], &1.5f32.to_le_bytes())), Values::Floats(vec![1.5]));
        assert_eq!(one(raw(11, &[1], &0.1f64.to_le_bytes())), Values::Floats(vec![0.1]));
        assert_eq!(one(raw(7, &[], &(-3i64).to_le_bytes())), Values::Integers(vec![-3]));
        assert_eq!(one(raw(6, &[1, 1], &(-3i32).to_le_bytes())), Values::Integers(vec![-3]));
        assert_eq!(one(raw(9, &[2], &[1, 0])), Values::Integers(vec![1, 0]));
        assert_eq!(one(raw(2, &[1], &[255])), Values::Integers(vec![255]));
        assert_eq!(one(raw(3, &[1], &[255])), Values::Integers(vec![-1]));
        assert_eq!(one(raw(4, &[1], &[255; 2])), Values::Integers(vec![65535]));
        assert_eq!(one(raw(5, &[1], &[255; 2])), Values::Integers(vec![-1]));
        assert_eq!(one(raw(12, &[1], &[255; 4])), Values::Integers(vec![4_294_967_295]));
        assert_eq!(one(raw(13, &[1], &7u64.to_le_bytes())), Values::Integers(vec![7]));
        assert_eq!(one(raw(10, &[2], &[0, 0xc0, 0x55, 0x35])), Values::Floats(vec![-2.0, 0.333_251_95]));
        assert_eq!(one(raw(16, &[2], &[0x80, 0xbf, 0x49, 0x40])), Values::Floats(vec![-1.0, 3.140625]));
        for (data_type, expected) in [(10, 1.0), (16, 0.0078125)] {
            let packed = proto::Tensor {
                dims: vec![1],
                data_type: Some(data_type),
                int32_data: vec![0x3c00],
                ..Default::default()
            };
            assert_eq!(one(Tensor::read(&packed)), Values::Floats(vec![expected]));
        }
        let packed = proto::Tensor { dims: vec![2], data_type: Some(6), int32_data: vec![4, -4], ..Default::default() };
        assert_eq!(one(Tensor::read(&packed)), Values::Integers(vec![4, -4]));
    }

    #[test]
    fn invalid_tensors_are_rejected() {
        assert_eq!(raw(1, &[2], &[0; 4]).unwrap_err(), "the number of elements is 1, which does not match sizes [2]");
        assert_eq!(
            raw(1, &[1], &[0; 5]).unwrap_err(),
            "the byte length of the data is 5, which is not a multiple of 4"
        );
        assert_eq!(raw(1, &[-1], &[]).unwrap_err(), "size -1 is negative");
        assert!(raw(1, &[i64::MAX, 4], &[]).is_err(), "a product that overflows");
        assert!(raw(8, &[1], &[]).unwrap_err().starts_with("elements of type STRING are not supported"));
        assert_eq!(raw(13, &[1], &[255; 8]).unwrap_err(), format!("element {} exceeds 2⁶³ − 1", u64::MAX));
    }

    #[test]
    fn axes_are_permuted() {
        let tensor = Tensor::integers(vec![2, 3], (0..6).collect()).transposed(&[1, 0]);
        assert_eq!(tensor, Tensor::integers(vec![3, 2], vec![0, 3, 1, 4, 2, 5]));
    }
}
