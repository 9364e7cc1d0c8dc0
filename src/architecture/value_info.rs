//! Inputs and outputs of a model: name, shape and axis order.

use crate::axis_order::AxisOrder;
use crate::sample_shape::SampleShape;
use crate::shape::Shape;

/// An input or output of a model: its name, the shape of one sample, and the order of a sample's axes in the file from
/// which the model was loaded.
///
/// ```
/// use gradus::{AxisOrder, Compile, SampleShape, Sequential, layers::Dense, losses::MeanSquaredError, optimizers::Sgd};
/// let network = Sequential::new([4]).add(Dense::new(3));
/// let model = network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()))?;
/// let output = &model.outputs()[0];
/// assert_eq!((output.name(), output.shape()), ("output", SampleShape::from(3)));
/// assert_eq!(output.axis_order(), AxisOrder::CHANNELS_LAST);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct ValueInfo {
    pub(crate) name: String,
    pub(crate) shape: SampleShape,
    pub(crate) axis_order: AxisOrder,
}

impl ValueInfo {
    /// Creates an input or output whose samples have this shape, and whose axis order in files is channels last. The size of an
    /// open axis is `None`, as in `(None, 4)`.
    pub fn new(name: impl Into<String>, shape: impl Into<SampleShape>) -> ValueInfo {
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

    /// The shape of one sample in the model, without the batch axis. Images have their channels last. An axis of an output
    /// is open if its size depends on those of open axes of inputs.
    pub fn shape(&self) -> SampleShape {
        self.shape
    }

    /// Whether the input accepts samples of this shape: the shape of the input, with any size from 1 along open axes, or one
    /// that differs by a last axis of size 1, which is added or removed as in Keras.
    ///
    /// ```
    /// use gradus::{Shape, ValueInfo};
    /// let image = ValueInfo::new("image", [28, 28, 1]);
    /// assert!(image.takes(Shape::from([28, 28])) && !image.takes(Shape::from(784)));
    /// let sequence = ValueInfo::new("sequence", (None, 4));
    /// assert!(sequence.takes(Shape::from([7, 4])) && !sequence.takes(Shape::from([7, 5])));
    /// ```
    pub fn takes(&self, sample: Shape) -> bool {
        self.bound(sample).is_some()
    }

    /// The shape of the input for samples of this shape; `None` if it does not accept them.
    pub(crate) fn bound(&self, sample: Shape) -> Option<Shape> {
        let shortened = sample.sizes().strip_suffix(&[1]).and_then(|sizes| Shape::new(sizes).ok());
        let lengthened = || Shape::new(&[sample.sizes(), &[1]].concat()).ok().filter(|_| self.shape.last() == Some(1));
        let candidates = [Some(sample), shortened].into_iter().chain(std::iter::once_with(lengthened));
        candidates.flatten().find(|shape| self.shape.contains(*shape))
    }

    /// The order of a sample's axes in the file from which the model was loaded: that of the ONNX file for an imported
    /// model, even after saving it to a file of this library and loading it; channels last for all other models.
    pub fn axis_order(&self) -> AxisOrder {
        self.axis_order
    }

    /// The shape of one sample in the file from which the model was loaded, without the batch axis.
    pub fn shape_in_file(&self) -> SampleShape {
        self.axis_order.shape_in_file(self.shape)
    }
}
