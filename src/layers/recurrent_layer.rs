//! Recurrent layers, which a `Bidirectional` records in both directions.

use super::Cursor;
use crate::tape::Var;

/// The direction in which a [`Bidirectional`](super::Bidirectional) records a recurrent layer. It replaces the options of
/// the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Direction {
    /// Whether the steps are processed from the last to the first.
    pub go_backwards: bool,
    /// Whether the output of a masked step is 0 instead of the previous output.
    pub zero_output_for_mask: bool,
}

impl Direction {
    /// Creates a direction in which the output of a masked step is the previous output.
    pub fn new(go_backwards: bool) -> Direction {
        Direction { go_backwards, zero_output_for_mask: false }
    }
}

/// A recurrent layer that can be recorded in both directions, for [`Bidirectional`](super::Bidirectional). A layer of
/// another crate implements it and returns itself from [`Layer::recurrent`](super::Layer::recurrent).
///
/// Its first input is a sequence, and further inputs are initial states. Its first output is the last output or the outputs
/// of all steps, and further outputs are final states. Its `build` must declare equal weights for both directions.
///
/// ```
/// use gradus::{Result, Sequential, Shape, Spec, layers::*, tape::Var};
///
/// /// The running sum of the steps.
/// #[derive(Debug)]
/// struct RunningSum;
///
/// impl RecurrentLayer for RunningSum {
///     fn goes_backwards(&self) -> bool {
///         false
///     }
///     fn returns_sequences(&self) -> bool {
///         true
///     }
///     fn returns_state(&self) -> bool {
///         false
///     }
///     fn states(&self) -> usize {
///         0
///     }
///     fn record_in<'r>(&self, direction: Direction, _: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
///         let (x, mut sums) = (inputs[0], Vec::<Var<'r>>::new());
///         let [rows, steps, features] = [0, 1, 2].map(|axis| x.shape().axis(axis));
///         for number in 0..steps {
///             let step = if direction.go_backwards { steps - 1 - number } else { number };
///             let step = x.slice(&[0, step, 0], [rows, 1, features]);
///             sums.push(sums.last().map_or(step, |sum| *sum + step));
///         }
///         if direction.go_backwards {
///             sums.reverse(); // in the order of the input
///         }
///         vec![sums[0].concatenate(&sums[1..], 1)]
///     }
/// }
///
/// impl Layer for RunningSum {
///     fn build(&self, inputs: &[Shape], _: &mut Weights<'_>) -> Result<Vec<Shape>> {
///         Ok(vec![inputs[0]])
///     }
///     fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
///         self.record_in(Direction::new(false), weights, inputs)
///     }
///     fn recurrent(&self) -> Option<&dyn RecurrentLayer> {
///         Some(self)
///     }
///     fn spec(&self) -> Spec {
///         Spec::new("RunningSum")
///     }
/// }
///
/// let model = Sequential::new([3, 1]).add(Bidirectional::new(RunningSum)).architecture(0)?.into_model()?;
/// let y = model.predict(&ndarray::arr3(&[[[1.0], [2.0], [4.0]]]))?;
/// assert_eq!(y, ndarray::arr3(&[[[1.0, 7.0], [3.0, 6.0], [7.0, 4.0]]]).into_dyn());
/// # Ok::<(), gradus::Error>(())
/// ```
pub trait RecurrentLayer {
    /// Whether the layer processes the steps from the last to the first: `go_backwards` in Keras.
    fn goes_backwards(&self) -> bool;

    /// Whether the first output contains the outputs of all steps: `return_sequences` in Keras.
    fn returns_sequences(&self) -> bool;

    /// Whether the final states follow the first output: `return_state` in Keras.
    fn returns_state(&self) -> bool;

    /// The number of states, which is that of the initial states among the inputs and of the final states among the outputs.
    fn states(&self) -> usize;

    /// Records the layer in a direction. The weights are those that [`Layer::build`](super::Layer::build) declares. Outputs of
    /// all steps are in the order of the input, in both directions.
    fn record_in<'r>(&self, direction: Direction, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>>;
}
