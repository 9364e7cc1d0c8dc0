//! The arrays of a recurrence, and their partition by rows.

use super::combine;
use super::gate::Gate;
use super::product::multiply;
use super::rows::{Rows, RowsMut};
use super::{Cell, Recurrence, padded};

/// Arrays that can be split by rows.
pub(super) trait Split: Sized {
    /// The number of rows.
    fn rows(&self) -> usize;

    /// Splits off the rows from `at` on.
    fn split(self, at: usize) -> (Self, Self);
}

/// Declares arrays with an equal number of elements for each row.
macro_rules! arrays {
    ($(#[$meta:meta])* $Part:ident {
        read { $($(#[$read_doc:meta])* $read:ident,)* }
        written { $($(#[$written_doc:meta])* $written:ident,)* }
    }) => {
        $(#[$meta])*
        pub(crate) struct $Part<'a> {
            /// The number of rows.
            pub(crate) rows: usize,
            $($(#[$read_doc])* pub(crate) $read: &'a [f32],)*
            $($(#[$written_doc])* pub(crate) $written: &'a mut [f32],)*
        }

        impl Split for $Part<'_> {
            fn rows(&self) -> usize {
                self.rows
            }

            fn split(self, at: usize) -> (Self, Self) {
                let part = |length: usize| length / self.rows * at;
                $(let $read = self.$read.split_at(part(self.$read.len()));)*
                $(let $written = { let part = part(self.$written.len()); self.$written.split_at_mut(part) };)*
                let top = $Part { rows: at, $($read: $read.0,)* $($written: $written.0,)* };
                (top, $Part { rows: self.rows - at, $($read: $read.1,)* $($written: $written.1,)* })
            }
        }
    };
}

arrays! {
    /// The arrays of the forward pass. Those that a recurrence does not need are empty.
    Forward {
        read {
            /// The hidden state before the first step: rows × units. Zeros if empty.
            initial_state,
            /// The cell state of an LSTM before the first step: rows × units. Zeros if empty.
            initial_cell,
            /// 0 for masked steps: rows × steps.
            mask,
            /// The factors of the hidden state in products: rows × units.
            dropout,
        }
        written {
            /// Products of the inputs and the kernel; afterwards the activated gates: rows × steps × columns.
            gates,
            /// The arguments of the gates' activations: rows × steps × columns.
            arguments,
            /// The hidden state before each step: rows × steps × units.
            before,
            /// The hidden state before each step after dropout: rows × steps × units.
            dropped,
            /// For each step the cell state of an LSTM before it, the product of a GRU's candidate, or a GRU's reset state:
            /// rows × steps × units.
            carry,
            /// The activated cell state of an LSTM after each step: rows × steps × units.
            activated,
            /// Products of a step: rows × [`padded`] columns.
            sums,
            /// The hidden state: rows × units.
            state,
            /// The cell state of an LSTM: rows × units.
            cell,
            /// The result: rows × [`results`](Recurrence::results) × units.
            y,
        }
    }
}

arrays! {
    /// The arrays of the backward pass. Those that a recurrence does not need are empty. Arrays of [`Forward`] have its values.
    Backward {
        read {
            mask,
            dropout,
            gates,
            arguments,
            before,
            dropped,
            carry,
            activated,
            /// The gradient of the result.
            dy,
        }
        written {
            /// The gradients of the products of the inputs and the kernel: rows × steps × columns.
            d_inputs,
            /// The gradients of the products of the states and the recurrent kernel, if they differ: rows × steps × columns.
            d_products,
            /// The gradient of the hidden state: rows × units.
            d_state,
            /// The gradient of the cell state of an LSTM: rows × units.
            d_cell,
            /// The gradient of the output that masked steps repeat: rows × units.
            d_output,
            /// The gradient of the previous hidden state that does not pass through the products: rows × units.
            direct,
            /// Products of a step: rows × [`padded`] columns.
            sums,
            /// Scratch of `columns` elements for each row: the first `units` of all for activations, and the next `units` of each
            /// row for the gradient of the state by way of a GRU's reset state.
            scratch,
        }
    }
}

/// Whether a step of a row is masked.
pub(super) fn is_masked(mask: &[f32], r: &Recurrence, row: usize, time: usize) -> bool {
    mask.get(row * r.steps + time) == Some(&0.0)
}

impl Forward<'_> {
    /// Multiplies the hidden state, after dropout, by packed weights.
    pub(super) fn multiply_state(&mut self, r: &Recurrence, time: usize, panels: &[f32], columns: usize) {
        let states = if self.dropout.is_empty() { &*self.before } else { &*self.dropped };
        let states = Rows::new(states, time * r.units, r.steps * r.units);
        let sums = RowsMut::new(self.sums, 0, padded(r.columns()));
        multiply(r.level, states, [self.rows, r.units, columns], panels, sums);
    }

    /// Adds the products of the step to some columns of the gates, and applies the activation.
    pub(super) fn finish_gates(&mut self, r: &Recurrence, time: usize, first: usize, from: usize, width: usize) {
        let (columns, stride) = (r.columns(), r.steps * r.columns());
        let mut gates = RowsMut::new(self.gates, time * columns + first, stride);
        let sums = Rows::new(self.sums, from, padded(columns));
        combine::add(r.level, sums, gates.after(0), [self.rows, width]);
        self.activate(r, time, first, width);
    }

    /// Applies the activations to columns of the gates.
    pub(super) fn activate(&mut self, r: &Recurrence, time: usize, first: usize, width: usize) {
        let (columns, stride) = (r.columns(), r.steps * r.columns());
        let at = time * columns + first;
        let mut gates = RowsMut::new(self.gates, at, stride);
        if !self.arguments.is_empty() {
            let mut arguments = RowsMut::new(self.arguments, at, stride);
            (0..self.rows).for_each(|row| arguments.row(row, width).copy_from_slice(gates.row(row, width)));
        }
        for (column, gate, width) in r.gates(first, width) {
            let arguments = Rows::new(self.arguments, at + column, stride);
            let x = gate.needs_argument().then_some(arguments);
            gate.forward(r.level, [self.rows, width], x, gates.after(column));
        }
    }
}

impl Recurrence {
    /// The activations of the gates in a range of columns: the offset, the activation, and the number of columns.
    ///
    /// Each gate is activated separately if the activation depends on its whole row, as softmax does.
    pub(super) fn gates(self, first: usize, width: usize) -> impl Iterator<Item = (usize, Gate, usize)> {
        let units = self.units;
        (first / units..(first + width) / units).map(move |number| {
            let candidate = match self.cell {
                Cell::Simple => 0,
                Cell::Lstm | Cell::Gru { .. } => 2,
            };
            let gate = if number == candidate { self.activation } else { self.recurrent_activation };
            (number * units - first, gate, units)
        })
    }
}

impl Backward<'_> {
    /// Converts the gradients of some columns of the gates to those of their arguments.
    pub(super) fn activate_back(&mut self, r: &Recurrence, time: usize, first: usize, width: usize) {
        let (columns, stride) = (r.columns(), r.steps * r.columns());
        let at = time * columns + first;
        for (column, gate, width) in r.gates(first, width) {
            let x = gate.needs_argument().then_some(Rows::new(self.arguments, at + column, stride));
            let y = Rows::new(self.gates, at + column, stride);
            let dy = RowsMut::new(self.d_inputs, at + column, stride);
            gate.backward(r.level, [self.rows, width], x, y, dy, self.scratch);
        }
    }

    /// Sets the gradients of masked steps to 0.
    pub(super) fn clear_masked(&mut self, r: &Recurrence, time: usize) {
        let columns = r.columns();
        for row in (0..self.rows).filter(|row| is_masked(self.mask, r, *row, time)) {
            let at = (row * r.steps + time) * columns;
            self.d_inputs[at..][..columns].fill(0.0);
            if !self.d_products.is_empty() {
                self.d_products[at..][..columns].fill(0.0);
            }
        }
    }

    /// Computes the gradient of the previous hidden state from those of the first product, those of the second in `scratch`
    /// if there is one, and the direct one. That of masked steps stays.
    pub(super) fn step_back(&mut self, r: &Recurrence, time: usize, panels: &[f32]) {
        let (units, columns) = (r.units, r.columns());
        let depth = r.cell.products()[0] * units;
        let gradients = if self.d_products.is_empty() { &*self.d_inputs } else { &*self.d_products };
        let gradients = Rows::new(gradients, time * columns, r.steps * columns);
        let stride = padded(columns);
        multiply(r.level, gradients, [self.rows, depth, units], panels, RowsMut::new(self.sums, 0, stride));
        for row in (0..self.rows).filter(|row| !is_masked(self.mask, r, *row, time)) {
            let sums = &mut self.sums[row * stride..][..units];
            let d_state = &mut self.d_state[row * units..][..units];
            if r.cell == (Cell::Gru { reset_after: false }) {
                let second = &self.scratch[row * columns + units..][..units];
                sums.iter_mut().zip(second).for_each(|(sum, second)| *sum += second);
            }
            if !self.dropout.is_empty() {
                let factors = &self.dropout[row * units..][..units];
                sums.iter_mut().zip(factors).for_each(|(sum, factor)| *sum *= factor);
            }
            if let Cell::Gru { .. } = r.cell {
                let direct = &self.direct[row * units..][..units];
                sums.iter_mut().zip(direct).for_each(|(sum, direct)| *sum += direct);
            }
            d_state.copy_from_slice(sums);
        }
    }
}
