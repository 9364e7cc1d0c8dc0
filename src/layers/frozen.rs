//! A layer whose weights are not trained.

use super::{Cursor, Layer, Regularized, Weights};
use crate::error::Result;
use crate::registry::ClassRegistry;
use crate::regularizers::Regularizer;
use crate::settings::{ACTIVITY_REGULARIZER, TRAINABLE};
use crate::shape::Shape;
use crate::spec::{Spec, SpecValue};
use crate::tape::Var;
use std::sync::Arc;

/// A layer whose weights are not trained, created by [`Layer::frozen`]. `trainable = False` in Keras.
///
/// Gradients pass through the layer to the layers before it. Its weights have no gradient, no weight decay and no penalty.
/// Its running statistics do not change; [`BatchNorm`](crate::layers::BatchNorm) normalizes by them, as in Keras. It has the
/// name and the class of the inner layer.
///
/// The spec of a frozen layer is the spec of the inner layer with the additional setting `trainable=false`. No class has this
/// setting: [`Registry::make_layer`](crate::save::Registry::make_layer) reads it and creates a frozen layer, and
/// [`Spec::make`], which creates a layer of one class, returns an error.
///
/// ```
/// use gradus::{layers::*, save::Registry};
/// let frozen = Dense::new(8).frozen();
/// let again = Registry::new().make_layer(&frozen.spec())?;
/// assert!(again.thawed().is_some() && again.spec() == frozen.spec());
/// assert!(frozen.spec().make::<Dense>().is_err());
/// assert_eq!(frozen.thawed().unwrap().spec().make::<Dense>()?.spec(), Dense::new(8).spec());
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// ```
/// use gradus::{Compile, Sequential, layers::*, losses::CategoricalCrossentropy, optimizers::Sgd};
/// let network = Sequential::new([4]).add(Dense::new(8).frozen()).add(Dense::new(3));
/// let model = network.compile(Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new()))?;
/// assert_eq!((model.params().count(false), model.params().count(true)), (40 + 27, 27));
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Frozen {
    layer: Arc<dyn Layer>,
}

impl Frozen {
    /// Freezes a layer.
    pub fn new(layer: Arc<dyn Layer>) -> Frozen {
        Frozen { layer }
    }

    /// Creates a layer from a spec, with the settings that layers of all classes can have: `trainable=false` freezes it, and
    /// `activity_regularizer` adds a penalty on its outputs.
    pub(crate) fn read(spec: &Spec, classes: &ClassRegistry) -> Result<Box<dyn Layer>> {
        let (mut inner, mut frozen, mut regularizer) = (Spec::new(spec.class()), false, None);
        for (name, value) in spec.settings() {
            match (name.as_ref(), value) {
                (TRAINABLE, value) => frozen |= *value == SpecValue::Bool(false),
                (ACTIVITY_REGULARIZER, SpecValue::Nested(nested)) => {
                    regularizer = Some(classes.make::<dyn Regularizer>(nested)?);
                }
                _ => inner = inner.with(name.clone(), value.clone()),
            }
        }
        let mut layer = classes.make::<dyn Layer>(&inner)?;
        if let Some(regularizer) = regularizer {
            layer = Box::new(Regularized::new(layer.into(), regularizer.into()));
        }
        Ok(if frozen { Box::new(Frozen::new(layer.into())) } else { layer })
    }
}

impl Layer for Frozen {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        weights.freeze(|weights| self.layer.build(inputs, weights))
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        weights.as_frozen(|weights| self.layer.record(weights, inputs))
    }

    fn spec(&self) -> Spec {
        let spec = self.layer.spec();
        let known = spec.settings().iter().any(|(name, _)| name == TRAINABLE);
        if known { spec } else { spec.with(TRAINABLE, false) }
    }

    fn supports_masking(&self) -> bool {
        self.layer.supports_masking()
    }

    fn thawed(&self) -> Option<Arc<dyn Layer>> {
        Some(self.layer.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{BatchNorm, Dense};
    use crate::losses::CategoricalCrossentropy;
    use crate::optimizers::Adam;
    use crate::save::Registry;
    use crate::{Compile, Fit, Model, Progress, Sequential, data::Arrays};
    use ndarray::Array2;

    fn trained(first: impl Layer + 'static, norm: impl Layer + 'static) -> [Model; 2] {
        let network = Sequential::new([4]).add(first).add(norm).add(Dense::new(3));
        let compile = || {
            let loss = CategoricalCrossentropy::new().from_logits(true);
            network.compile(Compile::new(Adam::default(), loss).seed(3)).unwrap()
        };
        let (before, mut after) = (compile(), compile());
        let x = Array2::from_shape_fn((12, 4), |(i, j)| ((3 * i + 5 * j) % 7) as f32 - 3.0);
        let t = Array2::from_shape_fn((12, 3), |(i, j)| f32::from(u8::from(i % 3 == j)));
        after.fit(&Arrays::new(&x, &t).unwrap(), Fit::new().epochs(2).progress(Progress::Quiet)).unwrap();
        [before, after]
    }

    /// The names of the arrays that training has changed.
    fn changed([before, after]: &[Model; 2]) -> Vec<String> {
        let pairs = before.params().iter().zip(after.params().iter());
        pairs.filter(|((_, a), (_, b))| a != b).map(|((name, _), _)| name.to_owned()).collect()
    }

    #[test]
    fn frozen_weights_stay_and_the_others_are_trained() {
        let all = changed(&trained(Dense::new(5), BatchNorm::new()));
        assert_eq!(all.len(), 8, "{all:?}");
        let frozen = changed(&trained(Dense::new(5).frozen(), BatchNorm::new().frozen()));
        assert_eq!(frozen, ["dense_1/kernel", "dense_1/bias"]);
        let first = changed(&trained(Dense::new(5).frozen(), BatchNorm::new()));
        assert_eq!(first.len(), 6, "{first:?}");
        assert!(!first.iter().any(|name| name.starts_with("dense/")), "{first:?}");
    }

    #[test]
    fn a_frozen_layer_has_the_name_of_its_layer_and_is_read_as_frozen() {
        let spec = Dense::new(5).frozen().spec();
        assert_eq!((spec.class(), spec.snake_case().as_str()), ("Dense", "dense"));
        let again = Registry::new().make_layer(&spec).unwrap();
        assert_eq!(again.spec(), spec);
        assert!(again.thawed().is_some());
        let plain = Registry::new().make_layer(&Dense::new(5).spec().with(TRAINABLE, true)).unwrap();
        assert!(plain.thawed().is_none());
        assert_eq!(Dense::new(5).frozen().frozen().spec(), spec);
    }

    #[test]
    fn the_summary_counts_frozen_weights_separately() {
        let network = Sequential::new([4]).add(Dense::new(8).frozen()).add(Dense::new(3));
        let summary = network.summary().unwrap();
        assert!(summary.contains("dense (Dense)") && summary.contains("Non-trainable params: 40"), "{summary}");
    }
}
