//! h′ = activation(x·W + h·U + b) over all steps; the gradients are those of
//! [`kernels::recurrent`](crate::kernels::recurrent).

use crate::kernels::recurrent::Cell;
use crate::ops::recurrence::record;
use crate::ops::{Activation, RecurrentOptions};
use crate::tape::Var;

impl<'r> Var<'r> {
    /// A simple recurrence over all steps: `SimpleRNN` in Keras.
    ///
    /// A step computes the next hidden state h′, which is also its output, from its input x and the hidden state h:
    ///
    /// ```text
    /// h′ = activation(x W + h U + b)
    /// ```
    ///
    /// W is the kernel, features × units, U the recurrent kernel, units × units, and b the bias, units. Inputs are
    /// rows × steps × features. Returns the last output, rows × units, or all outputs, rows × steps × units, and on
    /// request the final state, rows × units.
    ///
    /// ```
    /// use gradus::{Key, ops::{Activation, RecurrentOptions}, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, kernel, recurrent_kernel) = (recorder.input([1, 3, 1]), recorder.input([1, 1]), recorder.input([1, 1]));
    /// let options = RecurrentOptions::new().activation(Activation::Linear).return_sequences(true);
    /// let y = x.simple_rnn(kernel, recurrent_kernel, None, options)[0];
    /// let ids = [x, kernel, recurrent_kernel, y].map(|var| var.id());
    /// let mut tape = recorder.finish()?;
    /// let [x, kernel, recurrent_kernel] = tape.input_slices([ids[0], ids[1], ids[2]]);
    /// x.copy_from_slice(&[1.0, 2.0, 3.0]);
    /// kernel[0] = 1.0;
    /// recurrent_kernel[0] = 0.5;
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(ids[3]).data(), [1.0, 2.5, 4.25]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn simple_rnn(
        self,
        kernel: Var<'r>,
        recurrent_kernel: Var<'r>,
        bias: Option<Var<'r>>,
        options: RecurrentOptions<'r>,
    ) -> Vec<Var<'r>> {
        let options = RecurrentOptions { recurrent_activation: Some(Activation::Linear), ..options };
        record("simple_rnn", Cell::Simple, [self, kernel, recurrent_kernel], bias, options)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use super::*;
    use crate::testing::Sample;
    use ndarray::{arr2, array};

    pub(crate) fn samples() -> Vec<Sample> {
        let weights = |sample: Sample| sample.variable([3, 4]).variable([4, 4]).variable([4]);
        vec![
            weights(
                Sample::new(|x| {
                    let options = RecurrentOptions::new().return_sequences(true);
                    x[0].simple_rnn(x[1], x[2], Some(x[3]), options)[0]
                })
                .variable([5, 7, 3]),
            ),
            Sample::new(|x| {
                let options = RecurrentOptions::new().activation(Activation::Softplus).go_backwards(true);
                x[0].simple_rnn(x[1], x[2], None, options.initial_state([x[3]]).return_state(true))[1]
            })
            .variable([2, 3, 5])
            .variable([5, 4])
            .variable([4, 4])
            .variable([2, 4]),
            weights(
                Sample::new(|x| {
                    let options = RecurrentOptions::new().mask(x[4]).recurrent_dropout(x[5]);
                    x[0].simple_rnn(x[1], x[2], Some(x[3]), options.activation(Activation::Softmax))[0]
                })
                .variable([2, 5, 3]),
            )
            .input(arr2(&[[0.0, 1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 1.0, 1.0]]))
            .input(arr2(&[[0.0, 2.0, 2.0, 2.0], [2.0, 0.0, 2.0, 0.0]])),
            Sample::new(|x| x[0].simple_rnn(x[1], x[2], None, RecurrentOptions::new())[0])
                .variable([1, 1, 1])
                .variable([1, 1])
                .variable([1, 1]),
            // All steps of the first row are masked, so its output is 0.
            Sample::new(|x| {
                let options = RecurrentOptions::new().mask(x[3]).initial_state([x[4]]).return_sequences(true);
                let y = x[0].simple_rnn(x[1], x[2], None, options.return_state(true));
                y[0].sum_axes(&[1], false) + y[1] * 0.5
            })
            .variable([2, 3, 2])
            .variable([2, 2])
            .variable([2, 2])
            .input(array![[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
            .variable([2, 2]),
        ]
    }
}
