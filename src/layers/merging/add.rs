//! Add: sum of the outputs of several branches.

use crate::layers::masks;
use crate::layers::merging_layer::merging_layer;
use crate::settings::options;

options! {
    /// The elementwise sum of at least two inputs, as for the skip connections of a residual network (He et al. 2016).
    /// `Add` in Keras.
    ///
    /// Inputs have the same number of axes. An axis of size 1 is repeated to the size of the other inputs (broadcasting);
    /// the output has the largest size along each axis.
    ///
    /// ```
    /// use gradus::{Compile, Graph, layers::*, losses::CategoricalCrossentropy, optimizers::Sgd};
    /// let mut graph = Graph::new();
    /// let x = graph.input("x", [8]);
    /// let inner = graph.apply(Dense::new(8).activation(Activation::Gelu), x);
    /// let sum = graph.apply(Add, [x, inner]);
    /// let norm = graph.apply(LayerNorm::new(), sum);
    /// graph.output("y", norm);
    /// let model = graph.compile(Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new().from_logits(true)))?;
    /// assert_eq!(model.params().count(true), 8 * 8 + 8 + 16);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) for fewer than two inputs or shapes that cannot be broadcast.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Add("Add");
}

merging_layer!(Add, |inputs| {
    let sum = inputs[1..].iter().fold(inputs[0], |sum, next| sum + *next);
    masks::set(sum, masks::any(inputs))
});

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::layers::{Layer, Weights};
    use crate::shape::Shape;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Vec<Shape>)> {
        let shape = Shape::from([3, 2]);
        vec![(Box::new(Add), vec![shape; 2]), (Box::new(Add), vec![shape, Shape::from([1, 2]), shape])]
    }

    #[test]
    fn branches_that_do_not_fit_are_rejected() {
        let mut params = crate::tape::Params::new();
        let source = crate::layers::Source::Init(crate::Key::from_seed(0));
        for second in [&[3][..], &[2, 3], &[2]] {
            let inputs = [Shape::from([3, 2]), Shape::new(second).unwrap()];
            assert!(Add.build(&inputs, &mut Weights::new(&mut params, "add", source)).is_err(), "{second:?}");
        }
    }
}
