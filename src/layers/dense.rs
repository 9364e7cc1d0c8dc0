//! Dense: every output is a weighted sum of every input, through an activation.

use super::{Activation, Cursor, Layer, Weights};
use crate::error::{Error, Result, check_setting};
use crate::initializers::{self, GlorotUniform, Initializer, Zeros};
use crate::regularizers::{self, Regularizer};
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;
use std::sync::Arc;

/// y = activation(x · kernel + bias), from one axis of features to one of `units`. Keras' `Dense`.
#[derive(Clone, Debug)]
#[must_use]
pub struct Dense {
    units: usize,
    activation: Activation,
    use_bias: bool,
    kernel_initializer: Arc<dyn Initializer>,
    bias_initializer: Arc<dyn Initializer>,
    kernel_regularizer: Option<Arc<dyn Regularizer>>,
    bias_regularizer: Option<Arc<dyn Regularizer>>,
}

impl Dense {
    /// Linear, with a bias of zeros and a Glorot-uniform kernel, as in Keras.
    pub fn new(units: usize) -> Dense {
        Dense {
            units,
            activation: Activation::Linear,
            use_bias: true,
            kernel_initializer: Arc::new(GlorotUniform),
            bias_initializer: Arc::new(Zeros),
            kernel_regularizer: None,
            bias_regularizer: None,
        }
    }

    /// What is done to each sum.
    pub fn activation(mut self, activation: Activation) -> Dense {
        self.activation = activation;
        self
    }

    /// Whether a bias is added.
    pub fn use_bias(mut self, use_bias: bool) -> Dense {
        self.use_bias = use_bias;
        self
    }

    /// The kernel's first values.
    pub fn kernel_initializer(mut self, initializer: impl Initializer + 'static) -> Dense {
        self.kernel_initializer = Arc::new(initializer);
        self
    }

    /// The bias's first values.
    pub fn bias_initializer(mut self, initializer: impl Initializer + 'static) -> Dense {
        self.bias_initializer = Arc::new(initializer);
        self
    }

    /// What the kernel adds to the loss.
    pub fn kernel_regularizer(mut self, regularizer: impl Regularizer + 'static) -> Dense {
        self.kernel_regularizer = Some(Arc::new(regularizer));
        self
    }

    /// What the bias adds to the loss.
    pub fn bias_regularizer(mut self, regularizer: impl Regularizer + 'static) -> Dense {
        self.bias_regularizer = Some(Arc::new(regularizer));
        self
    }
}

impl Layer for Dense {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        check_setting(self.units > 0, "Dense", "units", self.units, "at least 1")?;
        let [features] = inputs else { return Err(Error::expected("one input")) };
        if features.rank() == 0 {
            return Err(Error::expected("at least one axis of features per sample"));
        }
        weights.add_regularized(
            "kernel",
            [features.last(), self.units],
            self.kernel_initializer.as_ref(),
            self.kernel_regularizer.as_ref(),
        )?;
        if self.use_bias {
            weights.add_regularized(
                "bias",
                self.units,
                self.bias_initializer.as_ref(),
                self.bias_regularizer.as_ref(),
            )?;
        }
        let leading = &features.sizes()[..features.rank() - 1];
        Ok(vec![Shape::new(&[leading, &[self.units]].concat())?])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let x = inputs[0];
        let [kernel] = weights.take();
        if !self.use_bias {
            return vec![x.matmul(kernel).activation(self.activation)];
        }
        let [bias] = weights.take();
        vec![x.affine(kernel, bias, self.activation)]
    }

    fn spec(&self) -> Spec {
        let spec = Spec::new(Self::CLASS).with("units", self.units).with("activation", self.activation.name());
        let spec = spec.with("use_bias", self.use_bias);
        let spec = spec.with("kernel_initializer", self.kernel_initializer.spec());
        let spec = spec.with("bias_initializer", self.bias_initializer.spec());
        let spec = regularizers::write(spec, "kernel_regularizer", self.kernel_regularizer.as_ref());
        regularizers::write(spec, "bias_regularizer", self.bias_regularizer.as_ref())
    }
}

impl FromSpec for Dense {
    const CLASS: &'static str = "Dense";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Dense> {
        Ok(Dense {
            units: settings.size("units")?,
            activation: Activation::read(settings)?,
            use_bias: settings.flag("use_bias")?,
            kernel_initializer: initializers::read(settings, "kernel_initializer")?,
            bias_initializer: initializers::read(settings, "bias_initializer")?,
            kernel_regularizer: regularizers::read(settings, "kernel_regularizer")?,
            bias_regularizer: regularizers::read(settings, "bias_regularizer")?,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::initializers::{HeNormal, Ones};
    use crate::regularizers::{L1, L1L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let both = L1L2::new(0.1, 0.2);
        let kept_small = Dense::new(2).kernel_regularizer(both).bias_regularizer(L1::new(0.3));
        vec![
            (Box::new(Dense::new(4).activation(Activation::Relu)), Shape::from([7])),
            (Box::new(Dense::new(3).activation(Activation::Softmax).use_bias(false)), Shape::from([5])),
            (Box::new(Dense::new(2).kernel_initializer(HeNormal).bias_initializer(Ones)), Shape::from([3])),
            (Box::new(kept_small), Shape::from([3])),
            (Box::new(Dense::new(2).activation(Activation::Sigmoid)), Shape::from([3, 4])),
            (Box::new(Dense::new(2).activation(Activation::Softmax)), Shape::from([2, 1, 5])),
            (Box::new(Dense::new(3).use_bias(false)), Shape::from([2, 2, 2])),
        ]
    }
}
//
