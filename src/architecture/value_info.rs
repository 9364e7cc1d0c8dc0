//! Inputs and outputs of a model: name, shape and axis order.

use crate::axis_order::AxisOrder;
use crate::shape::Shape;

/// An input or output of a model: its name, the shape of one sample, and the order of a sample's axes in the file that the
/// model was loaded from.
///
/// ```
/// use gradus::{AxisOrder, Compile, Sequential, Shape, layers::Dense, losses::MeanSquaredError, optimizers::Sgd};
/// let network = Sequential::new([4]).add(Dense::new(3));
/// let model = network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()))?;
/// let output = &model.outputs()[0];
/// assert_eq!((output.name(), output.shape()), ("output", Shape::from(3)));
/// assert_eq!(output.axis_order(), AxisOrder::CHANNELS_LAST);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct ValueInfo {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) axis_order: AxisOrder,
}

impl ValueInfo {
    /// A value whose samples have this shape, and in files the same order of axes.
    pub fn new(name: impl Into<String>, shape: impl Into<Shape>) -> ValueInfo {
        ValueInfo { name: name.into(), shape: shape.into(), axis_order: AxisOrder::CHANNELS_LAST }
    }

    /// Sets the order of a sample's axes in the file that the model was loaded from. The shape stays that of the model.
    pub fn with_axis_order(mut self, order: AxisOrder) -> ValueInfo {
        self.axis_order = order;
        self
    }

    /// The name, by which datasets give an input and [`predict_outputs`](crate::Model::predict_outputs) an output.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape of one sample in the model, without the rows: images have their channels last.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Whether samples of this shape are taken: those of the input's own shape, or of one that differs only by a last axis of
    /// 1, which is added or removed as in Keras.
    ///
    /// ```
    /// use gradus::{Shape, ValueInfo};
    /// let image = ValueInfo::new("image", [28, 28, 1]);
    /// assert!(image.takes(Shape::from([28, 28])) && !image.takes(Shape::from(784)));
    /// ```
    pub fn takes(&self, sample: Shape) -> bool {
        let trimmed = |shape: &Shape| shape.sizes().strip_suffix(&[1]).unwrap_or(shape.sizes()).to_vec();
        let differ = sample.rank().abs_diff(self.shape.rank());
        sample == self.shape || (trimmed(&sample) == trimmed(&self.shape) && differ == 1)
    }

    /// The order of a sample's axes in the file that the model was loaded from: that of the ONNX file for an imported model,
    /// also after it was saved to a file of this library and loaded again, and channels last for all others.
    pub fn axis_order(&self) -> AxisOrder {
        self.axis_order
    }

    /// The shape of one sample in the file that the model was loaded from, without the rows.
    pub fn shape_in_file(&self) -> Shape {
        self.axis_order.shape_in_file(self.shape)
    }
}
