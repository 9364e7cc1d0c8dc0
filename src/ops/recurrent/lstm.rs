//! The LSTM over all steps: with i, f, o = recurrent_activation(x·W + h·U + b) and g = activation(x·W + h·U + b),
//! c′ = f · c + i · g and h′ = o · activation(c′); the gradients are those of
//! [`kernels::recurrent`](crate::kernels::recurrent).

use crate::kernels::recurrent::Cell;
use crate::ops::RecurrentOptions;
use crate::ops::recurrence::record;
use crate::tape::Var;

impl<'r> Var<'r> {
    /// A long short-term memory over all steps: `LSTM` in Keras.
    ///
    /// A step computes the next hidden state h′, which is also its output, and the next cell state c′ from its input x,
    /// the hidden state h and the cell state c:
    ///
    /// ```text
    /// i  = recurrent_activation(x Wi + h Ui + bi)    input gate
    /// f  = recurrent_activation(x Wf + h Uf + bf)    forget gate
    /// g  = activation(x Wg + h Ug + bg)              candidate
    /// o  = recurrent_activation(x Wo + h Uo + bo)    output gate
    /// c′ = f · c + i · g
    /// h′ = o · activation(c′)
    /// ```
    ///
    /// `x W` and `h U` are matrix products, and `·` is elementwise. The kernel W, features × 4·units, the recurrent
    /// kernel U, units × 4·units, and the bias b, 4·units, hold the columns of i, f, g and o in this order, `units`
    /// each. Inputs are rows × steps × features. Returns the last output, rows × units, or all outputs,
    /// rows × steps × units, and on request the final hidden and cell states, rows × units each.
    ///
    /// ```
    /// use gradus::{Key, ops::RecurrentOptions, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, kernel, recurrent_kernel) = (recorder.input([1, 2, 1]), recorder.input([1, 4]), recorder.input([1, 4]));
    /// let options = RecurrentOptions::new().return_state(true);
    /// let [_, _, cell] = x.lstm(kernel, recurrent_kernel, None, options)[..] else { panic!("an output and two states") };
    /// let ids = [x, kernel, recurrent_kernel, cell].map(|var| var.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([ids[0]])[0].fill(100.0);
    /// tape.input_slices([ids[1]])[0].fill(1.0); // all gates are 1
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(ids[3]).data(), [2.0]); // each step adds 1
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn lstm(
        self,
        kernel: Var<'r>,
        recurrent_kernel: Var<'r>,
        bias: Option<Var<'r>>,
        options: RecurrentOptions<'r>,
    ) -> Vec<Var<'r>> {
        record("lstm", Cell::Lstm, [self, kernel, recurrent_kernel], bias, options)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use super::*;
    use crate::ops::Activation;
    use crate::testing::Sample;
    use ndarray::arr2;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| {
                let options = RecurrentOptions::new().return_sequences(true);
                x[0].lstm(x[1], x[2], Some(x[3]), options)[0]
            })
            .variable([5, 7, 2])
            .variable([2, 12])
            .variable([3, 12])
            .variable([12]),
            Sample::new(|x| {
                let options = RecurrentOptions::new().activation(Activation::Gelu).go_backwards(true);
                let options = options.recurrent_activation(Activation::HardSigmoid).initial_state([x[3], x[4]]);
                let y = x[0].lstm(x[1], x[2], None, options.return_state(true));
                y[0] + y[1] * 2.0 + y[2] * 0.5
            })
            .variable([2, 3, 4])
            .variable([4, 4])
            .variable([1, 4])
            .variable([2, 1])
            .variable([2, 1]),
            Sample::new(|x| {
                let options = RecurrentOptions::new().mask(x[3]).recurrent_dropout(x[4]).initial_state([x[5], x[6]]);
                let options = options.go_backwards(true).in_order_of_inputs(true);
                let y = x[0].lstm(x[1], x[2], None, options.return_sequences(true).return_state(true));
                y[0].sum_axes(&[1], false) + y[2]
            })
            .variable([2, 5, 3])
            .variable([3, 8])
            .variable([2, 8])
            .input(arr2(&[[0.0, 1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 1.0, 1.0]]))
            .input(arr2(&[[0.0, 2.0], [2.0, 2.0]]))
            .variable([2, 2])
            .variable([2, 2]),
            Sample::new(|x| {
                let options = RecurrentOptions::new().mask(x[4]).zero_output_for_mask(true).return_sequences(true);
                x[0].lstm(x[1], x[2], Some(x[3]), options)[0]
            })
            .variable([2, 3, 1])
            .variable([1, 8])
            .variable([2, 8])
            .variable([8])
            .input(arr2(&[[0.0, 1.0, 0.0], [1.0, 1.0, 1.0]])),
            Sample::new(|x| x[0].lstm(x[1], x[2], None, RecurrentOptions::new())[0])
                .variable([1, 3, 1])
                .variable([1, 20])
                .variable([5, 20]),
        ]
    }
}
