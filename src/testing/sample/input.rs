//! The inputs of a sample: values whose gradient is checked, constants, and states.

use crate::Shape;
use crate::error::Result;
use crate::tape::{Params, Recorder, Var};
use ndarray::ArrayD;

/// One input of an expression, with its values.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) values: ArrayD<f32>,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// A variable, whose gradient is checked.
    Variable,
    Constant,
    /// A parameter that is not trainable.
    State,
}

impl Input {
    pub(super) fn shape(&self) -> Shape {
        Shape::new(self.values.shape()).unwrap_or(Shape::SCALAR)
    }

    /// The values, row-major.
    pub(super) fn values(&self, _: Shape) -> Vec<f32> {
        self.values.iter().copied().collect()
    }

    /// Records the input in another shape. The values of a state are added to `params`.
    pub(super) fn record<'r>(
        &self,
        recorder: &'r Recorder,
        params: &mut Params,
        shape: Shape,
        values: Vec<f32>,
    ) -> Result<Var<'r>> {
        Ok(match self.kind {
            Kind::Variable => recorder.variable(shape),
            Kind::Constant => recorder.input(shape),
            Kind::State => {
                let name = format!("state_{}", params.ids().count());
                let id = params.insert(&name, shape, values, false)?;
                recorder.parameter(params, id)
            }
        })
    }
}
