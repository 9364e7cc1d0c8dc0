//! Maximum: the largest of several inputs, element by element.

use crate::error::Result;
use crate::layers::merged_shape::merged_shape;
use crate::layers::{Cursor, Layer, Weights, masks};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Takes the largest of several inputs, element by element. Keras' `Maximum`.
    ///
    /// Where inputs are equal, the gradient is divided equally between each pair.
    ///
    /// Inputs have the same number of axes; an axis of size 1 is repeated.
    ///
    /// ```
    /// use gradus::{Graph, layers::*};
    /// use ndarray::arr2;
    /// let mut graph = Graph::new();
    /// let [a, b] = [graph.input("a", [2]), graph.input("b", [2])];
    /// let merged = graph.apply(Maximum, [a, b]);
    /// graph.output("y", merged);
    /// let model = graph.architecture(1)?.into_model()?;
    /// let (a, b) = (arr2(&[[1.0f32, 2.0]]), arr2(&[[3.0f32, 4.0]]));
    /// let inputs = vec![("a", a.view().into_dyn()), ("b", b.view().into_dyn())];
    /// assert_eq!(model.predict_outputs(inputs)?["y"], arr2(&[[3.0f32, 4.0]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Maximum("Maximum");
}

impl Layer for Maximum {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        Ok(vec![merged_shape(inputs)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![masks::merge_valid(inputs, Var::maximum)]
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Vec<Shape>)> {
        let shape = Shape::from([3, 2]);
        vec![(Box::new(Maximum), vec![shape; 2]), (Box::new(Maximum), vec![shape, Shape::from([1, 2]), shape])]
    }
}
