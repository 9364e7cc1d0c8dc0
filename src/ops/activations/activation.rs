//! The list of activations, and the elementwise activations whose derivative is a function of the result; formulas in
//! [`kernels::activation`](crate::kernels::activation).

use crate::error::{Error, Result};
use crate::kernels::activation::{self, Elementwise};
use crate::settings::Settings;
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Origin, Var, arity};

/// Declares all activations, with their names in Keras and the functions that record them.
macro_rules! activations {
    ($($(#[$note:meta])* $Activation:ident = $name:literal => $record:expr),* $(,)?) => {
        /// An activation function: an option of layers and operations, and itself a [`Layer`](crate::layers::Layer), like
        /// Keras' `Activation`.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Activation {
            $($(#[$note])* $Activation,)*
        }

        /// All activations with their names in Keras.
        pub(crate) const ACTIVATIONS: &[(&str, Activation)] = &[$(($name, Activation::$Activation)),*];

        impl Activation {
            /// The name in Keras.
            pub fn name(self) -> &'static str {
                match self {
                    $(Activation::$Activation => $name),*
                }
            }

            /// Records the activation as a separate operation.
            pub(in crate::ops) fn apply<'r>(self, x: Var<'r>) -> Var<'r> {
                let record: fn(Var<'r>) -> Var<'r> = match self {
                    $(Activation::$Activation => $record),*
                };
                record(x)
            }
        }
    };
}

activations! {
    /// x.
    #[default]
    Linear = "linear" => Var::linear,
    /// max(x, 0).
    Relu = "relu" => Var::relu,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid = "sigmoid" => Var::sigmoid,
    /// The hyperbolic tangent.
    Tanh = "tanh" => Var::tanh,
    /// Probabilities over the last axis.
    Softmax = "softmax" => Var::softmax,
    /// Logarithms of the probabilities over the last axis.
    LogSoftmax = "log_softmax" => Var::log_softmax,
    /// x, and 0.2 · x for x < 0. The layer [`LeakyRelu`](crate::layers::LeakyRelu) has an option for the slope.
    LeakyRelu = "leaky_relu" => |x| x.leaky_relu(0.2),
    /// x, and eˣ − 1 for x < 0. The layer [`Elu`](crate::layers::Elu) has an option for the factor of eˣ − 1.
    Elu = "elu" => |x| x.elu(1.0),
    /// [`Elu`](Activation::Elu) scaled by the two constants of Klambauer et al. 2017.
    Selu = "selu" => Var::selu,
    /// ln(1 + eˣ).
    Softplus = "softplus" => Var::softplus,
    /// x / (1 + |x|).
    Softsign = "softsign" => Var::softsign,
    /// x · Φ(x), where Φ is the cumulative standard normal distribution.
    Gelu = "gelu" => Var::gelu,
    /// [`Gelu`](Activation::Gelu) approximated by tanh: `gelu(x, approximate=True)` in Keras, which has no name for it.
    GeluTanh = "gelu_tanh" => Var::gelu_tanh,
    /// x / (1 + e⁻ˣ).
    Silu = "silu" => Var::silu,
    /// (x + 3) / 6 between 0 and 1.
    HardSigmoid = "hard_sigmoid" => Var::hard_sigmoid,
    /// 0.2 · x + ½ between 0 and 1: `hard_sigmoid` in Keras 1 and 2, which has no name in Keras 3.
    LegacyHardSigmoid = "legacy_hard_sigmoid" => Var::legacy_hard_sigmoid,
    /// eˣ.
    Exponential = "exponential" => Var::exp,
    /// x between 0 and 6, and the limits outside.
    Relu6 = "relu6" => |x| x.rectify(6.0, 0.0, 0.0),
    /// x, and eˣ − 1 for x < 0: [`Elu`](Activation::Elu) with its default factor.
    Celu = "celu" => |x| x.elu(1.0),
    /// a · sigmoid(b), where a and b are the halves of the last axis, whose size must be even. Only as a layer, since the output
    /// has half the size.
    Glu = "glu" => |x| gated(x),
    /// x between −1 and 1, and the limits outside.
    HardTanh = "hard_tanh" => Var::hard_tanh,
    /// x, and 0 for |x| ≤ ½.
    HardShrink = "hard_shrink" => Var::hard_shrink,
    /// x · [`HardSigmoid`](Activation::HardSigmoid), also known as hard swish.
    HardSilu = "hard_silu" => Var::hard_silu,
    /// ln(1 / (1 + e⁻ˣ)).
    LogSigmoid = "log_sigmoid" => Var::log_sigmoid,
    /// x · tanh(ln(1 + eˣ)).
    Mish = "mish" => Var::mish,
    /// x − ½ for x > ½, x + ½ for x < −½, and 0 between.
    SoftShrink = "soft_shrink" => Var::soft_shrink,
    /// (x + √(x² + 4)) / 2.
    Squareplus = "squareplus" => Var::squareplus,
    /// The closest vector of probabilities over the last axis, in which small elements become 0.
    Sparsemax = "sparsemax" => Var::sparsemax,
    /// x for x ≥ 1, (x + 1)² / 4 between −1 and 1, and 0 for x ≤ −1.
    SparsePlus = "sparse_plus" => Var::sparse_plus,
    /// (x + 1) / 2 between 0 and 1.
    SparseSigmoid = "sparse_sigmoid" => Var::sparse_sigmoid,
    /// x − tanh x.
    TanhShrink = "tanh_shrink" => Var::tanh_shrink,
}

/// The gated linear unit of the halves of the last axis.
fn gated(x: Var<'_>) -> Var<'_> {
    let (recorder, shape) = (x.recorder(), x.shape());
    if shape.rank() == 0 || !shape.last().is_multiple_of(2) {
        let expected = Error::expected("an even size of the last axis for glu");
        recorder.fail(expected.at(|| recorder.current_scope(), &[shape]));
        return x;
    }
    let half = shape.with_axis(shape.rank() - 1, shape.last() / 2);
    let mut starts = vec![0; shape.rank()];
    let value = x.slice(&starts, half);
    starts[shape.rank() - 1] = shape.last() / 2;
    value * x.slice(&starts, half).sigmoid()
}

impl Activation {
    /// The names of all activations in Keras, such as `relu`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ACTIVATIONS.iter().map(|(name, _)| *name)
    }

    /// Reads the setting `name` of a layer.
    pub(crate) fn read(settings: &mut Settings<'_>, name: &str) -> Result<Activation> {
        settings.one_of(name, ACTIVATIONS)
    }

    /// The activation as one that can be fused into the operation before it.
    fn elementwise(self) -> Option<Elementwise> {
        match self {
            Activation::Linear => Some(Elementwise::Linear),
            Activation::Relu => Some(Elementwise::Relu),
            Activation::Sigmoid => Some(Elementwise::Sigmoid),
            Activation::Tanh => Some(Elementwise::Tanh),
            _ => None,
        }
    }

    /// Records an operation with this activation: fused, or as a second operation if it cannot be fused.
    pub(in crate::ops) fn fuse<'r>(self, operation: impl FnOnce(Elementwise) -> Var<'r>) -> Var<'r> {
        match self.elementwise() {
            Some(Elementwise::Linear) => operation(Elementwise::Linear),
            Some(fused) => operation(fused).with_origin(Origin::Activation { name: self.name() }),
            None => self.apply(operation(Elementwise::Linear)),
        }
    }
}

struct Activate(Elementwise);

impl Op for Activate {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        arity(inputs).map(|[x]| x)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        activation::forward_from(self.0, &x, y);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        if let [Some(dx)] = gradients.each() {
            activation::backward_from(self.0, y, dy, dx);
        }
    }

    fn elementwise(&self) -> Option<Elementwise> {
        Some(self.0)
    }
}

impl<'r> Var<'r> {
    /// Applies an activation. [`Activation::Linear`] returns the value unchanged.
    ///
    /// ```
    /// use gradus::{Key, ops::Activation, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.activation(Activation::Relu);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-1.0, 2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [0.0, 2.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn activation(self, activation: Activation) -> Var<'r> {
        activation.apply(self)
    }

    /// Returns the value unchanged: Keras' activation `linear`.
    ///
    /// ```
    /// use gradus::tape::*;
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// assert_eq!(x.linear().id(), x.id());
    /// ```
    pub fn linear(self) -> Var<'r> {
        self
    }

    /// The rectified linear unit, max(x, 0). NaN stays NaN.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([3]);
    /// let y = x.relu();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-1.0, 0.0, 2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [0.0, 0.0, 2.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn relu(self) -> Var<'r> {
        self.recorder().apply(Activate(Elementwise::Relu), &[self])
    }

    /// The sigmoid, 1 / (1 + e⁻ˣ).
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.sigmoid();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.0, 2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.5, 0.880_797];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn sigmoid(self) -> Var<'r> {
        self.recorder().apply(Activate(Elementwise::Sigmoid), &[self])
    }

    /// The hyperbolic tangent.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.tanh();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.0, 1.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.0, 0.761_594_2];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn tanh(self) -> Var<'r> {
        self.recorder().apply(Activate(Elementwise::Tanh), &[self])
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].relu()).variable([3, 5]),
            Sample::new(|x| x[0].sigmoid()).variable([3, 5]),
            Sample::new(|x| x[0].tanh()).variable([17]),
            Sample::new(|x| x[0].linear()).variable([4]),
        ]
    }
}
