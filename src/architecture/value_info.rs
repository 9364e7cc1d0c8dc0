//! Inputs and outputs of a model: name, shape and axis order.

use crate::axis_order::AxisOrder;
use crate::shape::Shape;

/// An input or output of a model: its name, the shape of one sample, and the order of a sample's axes in the file from
/// which the model was loaded.
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
    /// Creates an input or output whose samples have this shape, and whose axis order in files is channels last.
    pub fn new(name: impl Into<String>, shape: impl Into<Shape>) -> ValueInfo {
        ValueInfo { name: name.into(), shape: shape.into(), axis_order: AxisOrder::CHANNELS_LAST }
    }

    /// Sets the order of a sample's axes in the file from which the model was loaded. Does not change the shape.
    pub fn with_axis_order(mut self, order: AxisOrder) -> ValueInfo {
        self.axis_order = order;
        self
    }

    /// The name: of an input in datasets, and of an output in the results of
    /// [`predict_outputs`](crate::Model::predict_outputs).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape of one sample in the model, without the batch axis. Images have their channels last.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Whether the input accepts samples of this shape: the shape of the input, or one that differs by a last axis of size
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

    /// The order of a sample's axes in the file from which the model was loaded: that of the ONNX file for an imported
    /// model, even after saving it to a file of this library and loading it; channels last for all other models.
    pub fn axis_order(&self) -> AxisOrder {
        self.axis_order
    }

    /// The shape of one sample in the file from which the model was loaded, without the batch axis.
    pub fn shape_in_file(&self) -> Shape {
        self.axis_order.shape_in_file(self.shape)
    }
}
