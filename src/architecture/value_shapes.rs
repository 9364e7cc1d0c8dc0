//! The shapes of a network's values.

use crate::shape::Shape;
use std::sync::{Arc, Mutex, PoisonError};

/// The shape of one sample of each value, and the work of a forward pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct ValueShapes {
    shapes: Vec<Shape>,
    /// The approximate number of multiply-adds for one sample: for each call, the number of weights times that of positions
    /// in the output.
    work: usize,
}

impl ValueShapes {
    /// The shapes of inputs alone.
    pub(super) fn new(inputs: &[Shape]) -> ValueShapes {
        ValueShapes { shapes: inputs.to_vec(), work: 0 }
    }

    /// Adds the outputs of a call of a layer with this number of weights.
    pub(super) fn add_call(&mut self, outputs: &[Shape], weights: usize) {
        let positions = outputs.iter().map(|output| output.len() / output.last().max(1)).max().unwrap_or(0);
        let elements = outputs.iter().map(Shape::len).fold(0, usize::saturating_add);
        self.work = weights.saturating_mul(positions).saturating_add(elements).saturating_add(self.work);
        self.shapes.extend(outputs);
    }

    /// Whether the inputs have these shapes.
    pub(super) fn has_inputs(&self, inputs: &[Shape]) -> bool {
        self.shapes.starts_with(inputs)
    }

    /// The shapes of these values.
    pub(super) fn of_all(&self, values: &[usize]) -> Vec<Shape> {
        values.iter().map(|value| self.shapes[*value]).collect()
    }

    /// All shapes, in the order of values.
    pub(super) fn all(&self) -> &[Shape] {
        &self.shapes
    }

    /// The shape of one sample of a value.
    pub(crate) fn of(&self, value: usize) -> Shape {
        self.shapes[value]
    }

    /// The approximate number of multiply-adds for one sample.
    pub(crate) fn work(&self) -> usize {
        self.work
    }
}

/// Maximum number of sizes whose shapes are kept.
const MAX_KEPT: usize = 64;

/// The shapes for the sizes of open axes that occurred last. A clone has none.
#[derive(Debug, Default)]
pub(super) struct KeptShapes(Mutex<Vec<Arc<ValueShapes>>>);

impl Clone for KeptShapes {
    fn clone(&self) -> KeptShapes {
        KeptShapes::default()
    }
}

impl KeptShapes {
    pub(super) fn find(&self, inputs: &[Shape]) -> Option<Arc<ValueShapes>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|values| values.has_inputs(inputs)).cloned()
    }

    pub(super) fn keep(&self, values: &Arc<ValueShapes>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == MAX_KEPT {
            kept.remove(0);
        }
        kept.push(values.clone());
    }
}
