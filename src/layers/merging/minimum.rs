//! Minimum: elementwise minimum of several inputs.

use crate::layers::masks;
use crate::layers::merging_layer::merging_layer;
use crate::settings::options;
use crate::tape::Var;

options! {
    /// The elementwise minimum of at least two inputs. `Minimum` in Keras.
    ///
    /// The minimum is computed pairwise, starting with the first two inputs. Two equal elements get half of
    /// the gradient each.
    ///
    /// Inputs have the same number of axes. An axis of size 1 is repeated to the size of the other inputs (broadcasting);
    /// the output has the largest size along each axis.
    ///
    /// ```
    /// use gradus::{Graph, layers::*};
    /// use ndarray::arr2;
    /// let mut graph = Graph::new();
    /// let [a, b] = [graph.input("a", [2]), graph.input("b", [2])];
    /// let merged = graph.apply(Minimum, [a, b]);
    /// graph.output("y", merged);
    /// let model = graph.architecture(1)?.into_model()?;
    /// let (a, b) = (arr2(&[[1.0f32, 2.0]]), arr2(&[[3.0f32, 4.0]]));
    /// let inputs = vec![("a", a.view().into_dyn()), ("b", b.view().into_dyn())];
    /// assert_eq!(model.predict_outputs(inputs)?["y"], arr2(&[[1.0f32, 2.0]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) for fewer than two inputs or shapes that cannot be broadcast.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Minimum("Minimum");
}

merging_layer!(Minimum, |inputs| masks::merge_valid(inputs, Var::minimum));

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::layers::Layer;
    use crate::shape::Shape;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Vec<Shape>)> {
        let shape = Shape::from([3, 2]);
        vec![(Box::new(Minimum), vec![shape; 2]), (Box::new(Minimum), vec![shape, Shape::from([1, 2]), shape])]
    }
}
