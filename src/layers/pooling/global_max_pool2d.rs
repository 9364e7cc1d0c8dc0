//! GlobalMaxPool2d: maximum of each channel over an image.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// The maximum of each channel over images height × width × channels: one axis of channels. Keras'
    /// `GlobalMaxPooling2D`.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct GlobalMaxPool2d("GlobalMaxPooling2D");
}

impl Layer for GlobalMaxPool2d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        match inputs {
            [images] if images.rank() == 3 => Ok(vec![images.last().into()]),
            _ => Err(Error::expected("images height × width × channels")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].global_max_pool2d()]
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![(Box::new(GlobalMaxPool2d), Shape::from([5, 4, 3])), (Box::new(GlobalMaxPool2d), Shape::from([1, 1, 1]))]
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let message = crate::Sequential::new([4]).add(GlobalMaxPool2d).summary().unwrap_err().to_string();
        assert!(message.ends_with("found shape 4, expected images height × width × channels"), "{message}");
    }
}
