//! The shapes of a network's values for inputs of given shapes, for which its layers are built again.

use super::built_layer::BuiltLayer;
use super::value_shapes::ValueShapes;
use super::{Architecture, ValueInfo};
use crate::error::{Error, Result};
use crate::layers::Declared;
use crate::shape::Shape;
use std::sync::Arc;

impl Architecture {
    /// The shapes of all values for inputs of these shapes.
    ///
    /// # Errors
    /// [`Error::Shape`] with the layer that does not accept its input, or that would need weights of other shapes.
    pub(crate) fn value_shapes(&self, inputs: &[Shape]) -> Result<Arc<ValueShapes>> {
        let probe = Some(&self.probe).filter(|probe| probe.has_inputs(inputs)).cloned();
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
    /// let network = Sequential::new((None, 4)).add(Conv1d::new(8, 5)).add(GlobalMaxPool1d::new());
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
