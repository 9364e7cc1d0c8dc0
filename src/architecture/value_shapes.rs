//! The shapes of a network's values for inputs of given shapes.

use super::built_layer::BuiltLayer;
use super::{Architecture, ValueInfo};
use crate::error::{Error, Result};
use crate::layers::Declared;
use crate::shape::Shape;
use std::sync::{Arc, Mutex, PoisonError};

/// The shape of one sample of each value, and the work of a forward pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct ValueShapes {
    shapes: Vec<Shape>,
    /// The approximate number of multiply-adds for one sample: for each call, the number of weights times that of positions
    /// in the output.
    work: usize,
}

impl ValueShapes {
    /// The shapes of inputs alone.
    pub(super) fn new(inputs: &[Shape]) -> ValueShapes {
        ValueShapes { shapes: inputs.to_vec(), work: 0 }
    }

    /// Adds the outputs of a call of a layer with this number of weights.
    pub(super) fn add_call(&mut self, outputs: &[Shape], weights: usize) {
        let positions = outputs.iter().map(|output| output.len() / output.last().max(1)).max().unwrap_or(0);
        let elements = outputs.iter().map(Shape::len).fold(0, usize::saturating_add);
        self.work = weights.saturating_mul(positions).saturating_add(elements).saturating_add(self.work);
        self.shapes.extend(outputs);
    }

    /// Whether the inputs have these shapes.
    fn starts_with(&self, inputs: &[Shape]) -> bool {
        self.shapes.starts_with(inputs)
    }

    /// The shapes of these values.
    pub(super) fn of_all(&self, values: &[usize]) -> Vec<Shape> {
        values.iter().map(|value| self.shapes[*value]).collect()
    }

    /// All shapes, in the order of values.
    pub(super) fn all(&self) -> &[Shape] {
        &self.shapes
    }

    /// The shape of one sample of a value.
    pub(crate) fn of(&self, value: usize) -> Shape {
        self.shapes[value]
    }

    /// The approximate number of multiply-adds for one sample.
    pub(crate) fn work(&self) -> usize {
        self.work
    }
}

/// Maximum number of sizes whose shapes are kept.
const MAX_KEPT: usize = 64;

/// The shapes for the sizes of open axes that occurred last. A clone has none.
#[derive(Debug, Default)]
pub(super) struct KeptShapes(Mutex<Vec<Arc<ValueShapes>>>);

impl Clone for KeptShapes {
    fn clone(&self) -> KeptShapes {
        KeptShapes::default()
    }
}

impl KeptShapes {
    fn find(&self, inputs: &[Shape]) -> Option<Arc<ValueShapes>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|values| values.starts_with(inputs)).cloned()
    }

    fn keep(&self, values: &Arc<ValueShapes>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == MAX_KEPT {
            kept.remove(0);
        }
        kept.push(values.clone());
    }
}

impl Architecture {
    /// The shapes of all values for inputs of these shapes.
    ///
    /// # Errors
    /// [`Error::Shape`] with the layer that does not accept its input, or that would need weights of other shapes.
    pub(crate) fn value_shapes(&self, inputs: &[Shape]) -> Result<Arc<ValueShapes>> {
        let probe = Some(&self.probe).filter(|probe| probe.starts_with(inputs)).cloned();
        if let Some(values) = probe.or_else(|| self.kept.find(inputs)) {
            return Ok(values);
        }
        let mut values = ValueShapes::new(inputs);
        for (number, call) in self.connections.calls.iter().enumerate() {
            let found = values.of_all(&call.inputs);
            let built = &self.layers[call.layer];
            let outputs = self.rebuild(built, &found).map_err(|error| {
                let error = match &error {
                    // The error about a weight has the place of the weight.
                    Error::Shape { place, .. } if !place.is_empty() => {
                        Error::expected(format!("inputs that fit its weights ({error})"))
                    }
                    _ => error,
                };
                self.with_open_sizes(error.at(|| self.place_of(call.layer), &found), inputs)
            })?;
            self.check_count(number, outputs.len())?;
            values.add_call(&outputs, self.weight_count(built));
        }
        let values = Arc::new(values);
        self.kept.keep(&values);
        Ok(values)
    }

    /// The shapes of the outputs for inputs of these shapes.
    ///
    /// # Errors
    /// The errors of [`value_shapes`](Architecture::value_shapes).
    pub(crate) fn output_shapes_for(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        let values = self.value_shapes(inputs)?;
        Ok(self.connections.outputs.iter().map(|output| values.of(output.value)).collect())
    }

    /// Shapes of one sample of each input that all layers accept. Open axes have a small size.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::*};
    /// let network = Sequential::new((None, 4)).add(Conv1d::new(8, 5)).add(GlobalMaxPool1d);
    /// assert_eq!(network.architecture(0)?.accepted_inputs(), [Shape::from([5, 4])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn accepted_inputs(&self) -> &[Shape] {
        &self.probe.all()[..self.inputs().len()]
    }

    /// The number of elements of a layer's weights.
    pub(super) fn weight_count(&self, built: &BuiltLayer) -> usize {
        built.weights.iter().map(|id| self.params.shape(*id).len()).fold(0, usize::saturating_add)
    }

    /// Builds a layer again, for inputs that may have other shapes, and checks that it declares its weights. Returns the shapes
    /// of its outputs.
    pub(super) fn rebuild(&self, built: &BuiltLayer, inputs: &[Shape]) -> Result<Vec<Shape>> {
        let declared = Declared::of(built.layer.as_ref(), &built.name, inputs)?;
        let (found, expected) = (declared.weights(), &built.weights);
        if found.len() != expected.len() {
            return Err(Error::expected(format!("{} weights, not {}", expected.len(), found.len())));
        }
        for (weight, id) in found.iter().zip(expected) {
            let shape = self.params.shape(*id);
            if weight.shape() != shape || weight.name() != self.params.name(*id) {
                let expected = Error::expected(weight.shape().to_string());
                return Err(expected.at(|| self.params.name(*id).into(), &[shape]));
            }
        }
        Ok(declared.outputs().to_vec())
    }

    /// Adds the sizes of open axes to an error about shapes.
    fn with_open_sizes(&self, error: Error, inputs: &[Shape]) -> Error {
        let sizes: Vec<String> =
            self.inputs().iter().zip(inputs).filter_map(|(input, found)| self.open_sizes(input, *found)).collect();
        match error {
            Error::Shape { place, found, expected } if !sizes.is_empty() => {
                Error::Shape { place, found, expected: format!("{expected}; {}", sizes.join(", ")).into() }
            }
            other => other,
        }
    }

    /// Describes the sizes of an input along its open axes: `the input has size 2 along its open axis 0`.
    fn open_sizes(&self, input: &ValueInfo, found: Shape) -> Option<String> {
        let name = if self.is_chain() { "the input".to_owned() } else { format!("input \"{}\"", input.name) };
        let axes: Vec<usize> = input.shape.open_axes().collect();
        let list = |numbers: Vec<usize>| numbers.iter().map(usize::to_string).collect::<Vec<_>>();
        let sizes = list(axes.iter().map(|axis| found.axis(*axis)).collect());
        match &axes[..] {
            [] => None,
            [axis] => Some(format!("{name} has size {} along its open axis {axis}", sizes[0])),
            _ => Some(format!("{name} has sizes {} along its open axes {}", sizes.join(" × "), list(axes).join(", "))),
        }
    }
}
