//! The implementation of layers that merge any number of inputs element by element.

/// Implements [`Layer`](crate::layers::Layer) for a layer without settings that merges at least two inputs which broadcast.
macro_rules! merging_layer {
    ($Layer:ident, |$inputs:ident| $merged:expr) => {
        impl $crate::layers::Layer for $Layer {
            fn build(
                &self,
                inputs: &[$crate::shape::Shape],
                _weights: &mut $crate::layers::Weights<'_>,
            ) -> $crate::error::Result<Vec<$crate::shape::Shape>> {
                Ok(vec![$crate::layers::merged_shape::merged_shape(inputs)?])
            }

            fn record<'r>(
                &self,
                _weights: &mut $crate::layers::Cursor<'_, 'r>,
                $inputs: &[$crate::tape::Var<'r>],
            ) -> Vec<$crate::tape::Var<'r>> {
                vec![$merged]
            }

            fn supports_masking(&self) -> bool {
                true
            }

            fn spec(&self) -> $crate::spec::Spec {
                $crate::spec::Spec::new(<Self as $crate::settings::FromSpec>::CLASS)
            }
        }
    };
}

pub(super) use merging_layer;
