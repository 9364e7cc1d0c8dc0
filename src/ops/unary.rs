//! Elementwise functions of one array, and the macro that declares them.

use crate::error::{Error, Result};
use crate::kernels::elementwise::{self, Unary};
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

/// Records the function of each element. `checked` is the result of the check of its settings.
pub(super) fn record<'r, U: Unary>(x: Var<'r>, function: U, checked: Result<()>) -> Var<'r> {
    x.recorder().apply(Elements { function, settings_error: checked.err() }, &[x])
}

struct Elements<U> {
    function: U,
    settings_error: Option<Error>,
}

impl<U: Unary> Op for Elements<U> {
    fn name(&self) -> &'static str {
        U::NAME
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        self.settings_error.take().map_or(Ok(x), Err)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        elementwise::forward(self.function, &x, y);
    }

    fn backward(&mut self, inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        if let ([x], [Some(dx)]) = (inputs.each(), gradients.each()) {
            elementwise::backward(self.function, &x, y, dy, dx);
        }
    }
}

/// Declares a function of one element, with its derivative, and the method of `Var` that records it.
///
/// The value of a setting is used by a test of the bits: Keras' default, if it has one. The number in `ns` is the time per
/// element on one thread, in nanoseconds. `F` is the multiply-add of the instruction set.
macro_rules! unary {
    (
        $(#[$meta:meta])*
        $Type:ident = $name:ident($($setting:ident: f32 = $example:literal),*), $cost:literal ns;
        $(check = $check:expr;)?
        y = |$x:ident| $value:expr;
        dx = |$dy:ident, $of:ident, $y:ident| $gradient:expr;
    ) => {
        #[derive(Clone, Copy)]
        pub(in crate::ops) struct $Type {
            $(pub(in crate::ops) $setting: f32),*
        }

        impl $crate::kernels::elementwise::Unary for $Type {
            const NAME: &'static str = stringify!($name);
            const COST: usize = 1000 * $cost;

            #[inline(always)]
            fn value<F: $crate::kernels::simd::Fma>(self, $x: f32) -> f32 {
                let $Type { $($setting),* } = self;
                $value
            }

            #[inline(always)]
            fn gradient<F: $crate::kernels::simd::Fma>(self, $dy: f32, $of: f32, $y: f32) -> f32 {
                let $Type { $($setting),* } = self;
                $gradient
            }
        }

        impl<'r> $crate::tape::Var<'r> {
            $(#[$meta])*
            pub fn $name(self, $($setting: f32),*) -> $crate::tape::Var<'r> {
                #[allow(unused_mut, unused_assignments)]
                let mut checked = Ok(());
                $(checked = $check;)?
                $crate::ops::unary::record(self, $Type { $($setting),* }, checked)
            }
        }

        #[cfg(test)]
        mod $name {
            #[test]
            fn bits_do_not_depend_on_threads_or_instructions() {
                $crate::kernels::elementwise::tests::check(super::$Type { $($setting: $example),* });
            }
        }
    };
}
pub(super) use unary;
