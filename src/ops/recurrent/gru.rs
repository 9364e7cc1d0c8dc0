//! The GRU over all steps: with z, r = recurrent_activation(x·W + h·U + b) and the candidate g, h′ = z · h + (1 − z) · g; the
//! gradients are those of [`kernels::recurrent`](crate::kernels::recurrent).

use crate::kernels::recurrent::Cell;
use crate::ops::RecurrentOptions;
use crate::ops::recurrence::record;
use crate::tape::Var;

impl<'r> Var<'r> {
    /// A gated recurrent unit over all steps: `GRU` in Keras.
    ///
    /// A step computes the next hidden state h′, which is also its output, from its input x and the hidden state h.
    /// With `reset_after`, the default of Keras, the reset gate multiplies the product of the state and the recurrent
    /// kernel:
    ///
    /// ```text
    /// z  = recurrent_activation(x Wz + bz + h Uz + dz)    update gate
    /// r  = recurrent_activation(x Wr + br + h Ur + dr)    reset gate
    /// g  = activation(x Wg + bg + r · (h Ug + dg))        candidate
    /// h′ = z · h + (1 − z) · g
    /// ```
    ///
    /// Without `reset_after`, it multiplies the state, and there is one bias:
    ///
    /// ```text
    /// z  = recurrent_activation(x Wz + h Uz + bz)
    /// r  = recurrent_activation(x Wr + h Ur + br)
    /// g  = activation(x Wg + (r · h) Ug + bg)
    /// h′ = z · h + (1 − z) · g
    /// ```
    ///
    /// `x W` and `h U` are matrix products, and `·` is elementwise. The kernel W, features × 3·units, and the recurrent
    /// kernel U, units × 3·units, hold the columns of z, r and g in this order, `units` each, and so does each bias.
    /// With `reset_after`, `bias` is 2 × 3·units, the rows b and d; otherwise it is b, 3·units. Inputs are
    /// rows × steps × features. Returns the last output, rows × units, or all outputs, rows × steps × units, and on
    /// request the final state, rows × units.
    ///
    /// ```
    /// use gradus::{Key, ops::RecurrentOptions, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, kernel, recurrent_kernel) = (recorder.input([1, 2, 1]), recorder.input([1, 3]), recorder.input([1, 3]));
    /// let y = x.gru(kernel, recurrent_kernel, None, true, RecurrentOptions::new())[0];
    /// let ids = [x, kernel, recurrent_kernel, y].map(|var| var.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([ids[0]])[0].fill(100.0);
    /// tape.input_slices([ids[1]])[0].copy_from_slice(&[0.0, 0.0, 1.0]); // the update gate is 1/2, the candidate 1
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(ids[3]).data(), [0.75]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn gru(
        self,
        kernel: Var<'r>,
        recurrent_kernel: Var<'r>,
        bias: Option<Var<'r>>,
        reset_after: bool,
        options: RecurrentOptions<'r>,
    ) -> Vec<Var<'r>> {
        record("gru", Cell::Gru { reset_after }, [self, kernel, recurrent_kernel], bias, options)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use super::*;
    use crate::ops::Activation;
    use crate::testing::Sample;
    use ndarray::arr2;

    pub(crate) fn samples() -> Vec<Sample> {
        let mut samples = vec![
            Sample::new(|x| {
                let options = RecurrentOptions::new().return_sequences(true);
                x[0].gru(x[1], x[2], Some(x[3]), true, options)[0]
            })
            .variable([5, 7, 2])
            .variable([2, 12])
            .variable([4, 12])
            .variable([2, 12]),
            Sample::new(|x| {
                let options = RecurrentOptions::new().return_sequences(true);
                x[0].gru(x[1], x[2], Some(x[3]), false, options)[0]
            })
            .variable([5, 7, 2])
            .variable([2, 12])
            .variable([4, 12])
            .variable([12]),
            Sample::new(|x| x[0].gru(x[1], x[2], None, true, RecurrentOptions::new())[0])
                .variable([1, 3, 1])
                .variable([1, 15])
                .variable([5, 15]),
        ];
        for reset_after in [true, false] {
            let masked = Sample::new(move |x| {
                let options = RecurrentOptions::new().mask(x[3]).recurrent_dropout(x[4]).initial_state([x[5]]);
                let options = options.activation(Activation::Silu).recurrent_activation(Activation::Softmax);
                let options = options.go_backwards(true).return_sequences(true).return_state(true);
                let y = x[0].gru(x[1], x[2], None, reset_after, options);
                y[0].sum_axes(&[1], false) + y[1]
            });
            samples.push(
                masked
                    .variable([2, 5, 3])
                    .variable([3, 6])
                    .variable([2, 6])
                    .input(arr2(&[[0.0, 1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 1.0, 1.0]]))
                    .input(arr2(&[[0.0, 2.0], [2.0, 2.0]]))
                    .variable([2, 2]),
            );
        }
        samples
    }
}
