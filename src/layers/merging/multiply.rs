//! Multiply: elementwise product of several inputs.

use crate::layers::masks;
use crate::layers::merging_layer::merging_layer;
use crate::settings::options;

options! {
    /// The elementwise product of at least two inputs. `Multiply` in Keras.
    ///
    /// Inputs have the same number of axes. An axis of size 1 is repeated to the size of the other inputs (broadcasting);
    /// the output has the largest size along each axis.
    ///
    /// ```
    /// use gradus::{Graph, layers::*};
    /// use ndarray::arr2;
    /// let mut graph = Graph::new();
    /// let [a, b] = [graph.input("a", [2]), graph.input("b", [2])];
    /// let merged = graph.apply(Multiply, [a, b]);
    /// graph.output("y", merged);
    /// let model = graph.architecture(1)?.into_model()?;
    /// let (a, b) = (arr2(&[[1.0f32, 2.0]]), arr2(&[[3.0f32, 4.0]]));
    /// let inputs = vec![("a", a.view().into_dyn()), ("b", b.view().into_dyn())];
    /// assert_eq!(model.predict_outputs(inputs)?["y"], arr2(&[[3.0f32, 8.0]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) for fewer than two inputs or shapes that cannot be broadcast.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Multiply("Multiply");
}

merging_layer!(Multiply, |inputs| {
    // A masked position has no effect on the product, and is 0 if it is masked in all inputs.
    let factor = |x| masks::of_steps(x).map_or(x, |valid| x.where_nonzero(valid) + (1.0 - valid));
    let product = inputs[1..].iter().fold(factor(inputs[0]), |merged, next| merged * factor(*next));
    let y = masks::set(product, masks::any(inputs));
    let valid = masks::of_steps(y);
    valid.map_or(y, |valid| masks::set(product.where_nonzero(valid), y.mask()))
});

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::layers::Layer;
    use crate::shape::Shape;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Vec<Shape>)> {
        let shape = Shape::from([3, 2]);
        vec![(Box::new(Multiply), vec![shape; 2]), (Box::new(Multiply), vec![shape, Shape::from([1, 2]), shape])]
    }
}
