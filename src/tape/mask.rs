//! Masks of recorded values: which steps of a sequence are valid, and which are padding.

use super::recorder::Var;
use super::recording::{MaskState, RecordedValue};
use super::step::place;
use crate::error::Error;
use crate::shape::Shape;

/// # Masks
///
/// A mask is a value of 1 for valid positions and 0 for padding, with the shape of the leading axes of the value that it
/// belongs to: rows × steps for a batch of sequences. It belongs to a value within its recording, and is not an array of the
/// network. No gradient flows through it. [`Layer::supports_masking`](crate::layers::Layer::supports_masking) describes which
/// layers pass it on. Operations do not: their results have no mask.
impl<'r> Var<'r> {
    /// The mask of the value; `None` if it has none.
    ///
    /// ```
    /// use gradus::tape::{Mode, Recorder};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, steps) = (recorder.input([8, 5, 3]), recorder.input([8, 5]));
    /// let masked = x.with_mask(steps);
    /// assert_eq!(masked.mask().map(|mask| mask.shape()), Some(steps.shape()));
    /// assert!(x.mask().is_none() && masked.relu().mask().is_none() && masked.without_mask().mask().is_none());
    /// ```
    pub fn mask(self) -> Option<Var<'r>> {
        match self.recorded().mask {
            MaskState::Set(var) => Some(Var { recorder: self.recorder, var }),
            MaskState::Unset | MaskState::Removed => None,
        }
    }

    /// Returns the value with this mask. The array is not copied, and `self` keeps its mask.
    ///
    /// A mask whose shape is not that of the leading axes of the value is an error, which
    /// [`finish`](super::Recorder::finish) returns.
    ///
    /// # Panics
    /// When the mask belongs to another recorder.
    pub fn with_mask(self, mask: Var<'r>) -> Var<'r> {
        let recorder = self.recorder;
        recorder.check(mask);
        let (shape, found) = (self.shape(), mask.shape());
        if !is_leading(found, shape) {
            let expected = Error::expected(format!("a mask of the leading axes of a value of {shape}"));
            recorder.fail(expected.at(|| place(&recorder.current_scope(), "with_mask"), &[found]));
            return self;
        }
        let mask = RecordedValue { differentiable: false, ..mask.recorded() };
        let mask = recorder.push(&mut recorder.state.borrow_mut(), mask);
        self.with_mask_state(MaskState::Set(mask.var))
    }

    /// Returns the value without a mask. The array is not copied, and `self` keeps its mask. If a layer that
    /// [supports masking](crate::layers::Layer::supports_masking) returns the result, the mask of its input ends there.
    pub fn without_mask(self) -> Var<'r> {
        self.with_mask_state(MaskState::Removed)
    }

    /// Whether a layer has decided about the mask of this value, by [`with_mask`](Var::with_mask) or
    /// [`without_mask`](Var::without_mask).
    pub(crate) fn mask_is_decided(self) -> bool {
        !matches!(self.recorded().mask, MaskState::Unset)
    }

    fn with_mask_state(self, mask: MaskState) -> Var<'r> {
        let value = RecordedValue { mask, ..self.recorded() };
        self.recorder.push(&mut self.recorder.state.borrow_mut(), value)
    }
}

/// Whether a mask of shape `mask` has the sizes of the leading axes of a value.
fn is_leading(mask: Shape, value: Shape) -> bool {
    mask.rank() > 0 && value.sizes().starts_with(mask.sizes())
}

#[cfg(test)]
mod tests {
    use crate::tape::{Mode, Recorder};

    #[test]
    fn a_mask_needs_the_leading_axes_of_its_value() {
        for (mask, fits) in
            [(vec![4], true), (vec![4, 3], true), (vec![4, 3, 2], true), (vec![3], false), (vec![], false)]
        {
            let recorder = Recorder::new(Mode::Inference);
            let mask = recorder.input(crate::Shape::new(&mask).unwrap());
            let y = recorder.scope("layer", || recorder.input([4, 3, 2]).with_mask(mask));
            assert_eq!(y.mask().is_some(), fits);
            let message = recorder.error().unwrap_or_default();
            assert_eq!(message.starts_with("layer: with_mask: found shape"), !fits, "{message}");
        }
    }

    #[test]
    fn a_mask_needs_no_gradient() {
        let recorder = Recorder::new(Mode::Training);
        let x = recorder.variable([2, 3]);
        let mask = x.with_mask(x.relu()).mask().unwrap();
        assert!(x.is_differentiable() && !mask.is_differentiable());
    }
}
