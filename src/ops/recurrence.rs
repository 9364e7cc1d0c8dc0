//! The operation of recurrent layers, over all steps; formulas in [`kernels::recurrent`](crate::kernels::recurrent).

use super::row_functions::gate;
use super::{Activation, RecurrentOptions};
use crate::error::{Error, Result};
use crate::kernels::activation::Elementwise;
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::kernels::matmul::{self, Epilogue, Matrix};
use crate::kernels::recurrent::{self, Backward, Cell, Columns, Forward, Recurrence, pack, padded};
use crate::kernels::simd;
use crate::shape::Shape;
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Op, States, Var};

/// Records a recurrence, and returns its output and, with `return_state`, its final states.
pub(super) fn record<'r>(
    name: &'static str,
    cell: Cell,
    [x, kernel, recurrent_kernel]: [Var<'r>; 3],
    bias: Option<Var<'r>>,
    options: RecurrentOptions<'r>,
) -> Vec<Var<'r>> {
    let carried_count = options.carried_state.len();
    // Without other initial states, those are the carried ones.
    let (initial, carried) = match options.initial_state.is_empty() {
        true => (options.carried_state, Vec::new()),
        false => (options.initial_state, options.carried_state),
    };
    let (first_state, state_count) = (3 + usize::from(bias.is_some()), initial.len());
    let optional = [options.mask, options.recurrent_dropout].into_iter().flatten();
    let before = [x, kernel, recurrent_kernel].into_iter().chain(bias).chain(initial).chain(optional);
    let inputs: Vec<Var<'r>> = before.chain(carried.iter().copied()).collect();
    let first_carried = if carried.is_empty() { first_state } else { inputs.len() - carried.len() };
    let op = Recurrent {
        name,
        activations: [
            options.activation.unwrap_or(Activation::Tanh),
            options.recurrent_activation.unwrap_or(Activation::Sigmoid),
        ],
        flags: [
            options.go_backwards,
            options.zero_output_for_mask,
            options.return_sequences,
            options.in_order_of_inputs,
            options.return_state,
        ],
        cell,
        positions: Positions::new(
            bias.is_some(),
            state_count,
            options.mask.is_some(),
            options.recurrent_dropout.is_some(),
        ),
        carried: (first_carried..first_carried + carried_count).collect(),
        recurrence: None,
        buffers: Buffers::default(),
    };
    let y = x.recorder().apply(op, &inputs);
    if !options.return_state {
        return vec![y];
    }
    let [rows, steps, units] = [x.shape().axis(0), x.shape().axis(1), recurrent_kernel.shape().axis(0)];
    let outputs = if options.return_sequences { steps } else { 1 };
    let vector = |number: usize| y.slice(&[0, number, 0], [rows, 1, units]).reshape([rows, units]);
    let output = if options.return_sequences { y.slice(&[0, 0, 0], [rows, steps, units]) } else { vector(0) };
    std::iter::once(output).chain((0..cell.states()).map(|state| vector(outputs.saturating_add(state)))).collect()
}

/// The positions of the optional inputs, which follow the inputs, the kernel and the recurrent kernel.
#[derive(Clone, Copy)]
struct Positions {
    bias: Option<usize>,
    states: [usize; 2],
    mask: Option<usize>,
    dropout: Option<usize>,
}

impl Positions {
    fn new(bias: bool, states: usize, mask: bool, dropout: bool) -> Positions {
        let first_state = 3 + usize::from(bias);
        let after_states = first_state + states;
        Positions {
            bias: bias.then_some(3),
            states: [first_state, after_states],
            mask: mask.then_some(after_states),
            dropout: dropout.then_some(after_states + usize::from(mask)),
        }
    }

    /// The position of a state: 0 is the hidden state, 1 the cell state.
    fn state(self, number: usize) -> Option<usize> {
        let position = self.states[0] + number;
        (position < self.states[1]).then_some(position)
    }
}

struct Recurrent {
    name: &'static str,
    /// The activation and the recurrent activation.
    activations: [Activation; 2],
    /// `go_backwards`, `zero_output_for_mask`, `return_sequences`, `in_order_of_inputs`, `return_state`.
    flags: [bool; 5],
    cell: Cell,
    positions: Positions,
    /// The positions of the states that are carried from one run to the next.
    carried: Vec<usize>,
    /// Set when the shapes are known.
    recurrence: Option<Recurrence>,
    buffers: Buffers,
}

/// The arrays of [`Forward`] and [`Backward`], and the packed weights of both.
#[derive(Default)]
struct Buffers {
    gates: Vec<f32>,
    arguments: Vec<f32>,
    before: Vec<f32>,
    dropped: Vec<f32>,
    carry: Vec<f32>,
    activated: Vec<f32>,
    sums: Vec<f32>,
    state: Vec<f32>,
    cell: Vec<f32>,
    d_inputs: Vec<f32>,
    d_products: Vec<f32>,
    d_state: Vec<f32>,
    d_cell: Vec<f32>,
    d_output: Vec<f32>,
    direct: Vec<f32>,
    scratch: Vec<f32>,
    /// The gradient of the recurrent kernel by way of a GRU's reset states.
    second: Vec<f32>,
    forward_panels: [AlignedBuffer; 2],
    backward_panels: [AlignedBuffer; 2],
}

impl Buffers {
    fn new(r: &Recurrence, dropout: bool) -> Result<Buffers> {
        let (rows, steps, units, columns) = (r.rows, r.steps, r.units, r.columns());
        let is_gru = matches!(r.cell, Cell::Gru { .. });
        let resets_after = r.cell == (Cell::Gru { reset_after: true });
        let resets_before = is_gru && !resets_after;
        let is_lstm = r.cell == Cell::Lstm;
        let when = |needed: bool, sizes: &[usize]| if needed { sizes::zeros(sizes) } else { Ok(Vec::new()) };
        let states = [rows, steps, units];
        let panels = |[rows, columns]: [usize; 2]| match columns.min(rows) {
            0 => Ok::<_, Error>(AlignedBuffer::default()),
            _ => sizes::check_fits_memory::<f32>(&[rows, padded(columns)]).map(AlignedBuffer::zeros),
        };
        let [[first, second], [first_back, second_back]] = [r.forward_sizes(), r.backward_sizes()];
        Ok(Buffers {
            gates: sizes::zeros(&[rows, steps, columns])?,
            arguments: when(r.needs_arguments(), &[rows, steps, columns])?,
            before: sizes::zeros(&states)?,
            dropped: when(dropout, &states)?,
            carry: when(is_lstm || is_gru, &states)?,
            activated: when(is_lstm, &states)?,
            sums: sizes::zeros(&[rows, padded(columns)])?,
            state: sizes::zeros(&[rows, units])?,
            cell: when(is_lstm, &[rows, units])?,
            d_inputs: sizes::zeros(&[rows, steps, columns])?,
            d_products: when(resets_after, &[rows, steps, columns])?,
            d_state: sizes::zeros(&[rows, units])?,
            d_cell: when(is_lstm, &[rows, units])?,
            d_output: sizes::zeros(&[rows, units])?,
            direct: when(is_lstm || is_gru, &[rows, units])?,
            scratch: sizes::zeros(&[rows, columns])?,
            second: when(resets_before, &[units, columns])?,
            forward_panels: [panels(first)?, panels(second)?],
            backward_panels: [panels(first_back)?, panels(second_back)?],
        })
    }
}

/// Packs the recurrent weights.
fn pack_all(r: &Recurrence, columns: [Columns<'_>; 2], panels: &mut [AlignedBuffer; 2]) {
    for (columns, panels) in columns.into_iter().zip(panels) {
        if !panels.is_empty() {
            pack(r.level, columns, panels);
        }
    }
}

impl Recurrent {
    /// The shapes of all inputs for these of the inputs and the recurrent kernel.
    fn expected(&self, x: Shape, recurrent_kernel: Shape) -> Result<Vec<Shape>> {
        let [rows, steps, features] = [0, 1, 2].map(|axis| x.axis(axis));
        let units = recurrent_kernel.axis(0);
        let columns = sizes::product(&[units, self.cell.gates()])?;
        let states = [Shape::from([rows, units]); 2];
        let mut shapes =
            vec![Shape::from([rows, steps, features]), Shape::from([features, columns]), Shape::from([units, columns])];
        if self.positions.bias.is_some() {
            let two = self.cell == Cell::Gru { reset_after: true };
            shapes.push(if two { Shape::from([2, columns]) } else { Shape::from(columns) });
        }
        shapes.extend(states.iter().take(self.positions.states[1] - self.positions.states[0]));
        shapes.extend(self.positions.mask.map(|_| Shape::from([rows, steps])));
        shapes.extend(self.positions.dropout.map(|_| states[0]));
        let separate = self.carried.iter().filter(|position| **position >= shapes.len()).count();
        shapes.extend(states.iter().take(separate));
        Ok(shapes)
    }
}

impl Op for Recurrent {
    fn name(&self) -> &'static str {
        self.name
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x, _, recurrent_kernel, ..] = *inputs else { return Err(Error::expected("an input and two kernels")) };
        let states = self.positions.states[1] - self.positions.states[0];
        let fits = |count: usize| count == 0 || count == self.cell.states();
        if !fits(states) || !fits(self.carried.len()) {
            return Err(Error::expected(format!("{} initial states, or none", self.cell.states())));
        }
        if self.activations.contains(&Activation::Glu) {
            return Err(Error::expected("an activation that keeps the size, and not glu"));
        }
        if self.expected(x, recurrent_kernel)? != inputs {
            let gates = self.cell.gates();
            let bias = if self.cell == (Cell::Gru { reset_after: true }) { "2 × " } else { "" };
            return Err(Error::expected(format!(
                "inputs n × steps × features, a kernel features × {gates}·units, a recurrent kernel units × {gates}·units, \
                 biases {bias}{gates}·units, initial states n × units, a mask n × steps, dropout factors n × units and \
                 carried states n × units"
            )));
        }
        let [go_backwards, zero_output_for_mask, return_sequences, in_order_of_inputs, return_state] = self.flags;
        let [activation, recurrent_activation] = self.activations.map(gate);
        let r = Recurrence {
            level: simd::current(),
            rows: x.axis(0),
            steps: x.axis(1),
            units: recurrent_kernel.axis(0),
            cell: self.cell,
            activation,
            recurrent_activation,
            go_backwards,
            zero_output_for_mask,
            return_sequences,
            in_order_of_inputs,
            return_state,
        };
        self.buffers = Buffers::new(&r, self.positions.dropout.is_some())?;
        self.recurrence = Some(r);
        Ok(match return_sequences || return_state {
            true => Shape::from([r.rows, r.results(), r.units]),
            false => Shape::from([r.rows, r.units]),
        })
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let Some(r) = &self.recurrence else { return };
        let (positions, columns) = (self.positions, r.columns());
        let slice = |position: Option<usize>| position.map_or(&[][..], |position| inputs.get(position).data());
        let ([x, kernel, recurrent_kernel], bias) = ([0, 1, 2].map(|at| inputs.get(at)), slice(positions.bias));
        let (input_bias, recurrent_bias) = bias.split_at(columns.min(bias.len()));
        let features = x.shape().last();
        let epilogue = match input_bias {
            [] => Epilogue::None,
            bias => Epilogue::Affine { bias: Some(bias), activation: Elementwise::Linear },
        };
        let buffers = &mut self.buffers;
        let (x, kernel) = (Matrix::new(&x, r.rows * r.steps, features), Matrix::new(&kernel, features, columns));
        matmul::matmul(x, kernel, &mut buffers.gates, epilogue);
        pack_all(r, r.forward_columns(&recurrent_kernel), &mut buffers.forward_panels);
        let all = Forward {
            rows: r.rows,
            initial_state: slice(positions.state(0)),
            initial_cell: slice(positions.state(1)),
            mask: slice(positions.mask),
            dropout: slice(positions.dropout),
            gates: &mut buffers.gates,
            arguments: &mut buffers.arguments,
            before: &mut buffers.before,
            dropped: &mut buffers.dropped,
            carry: &mut buffers.carry,
            activated: &mut buffers.activated,
            sums: &mut buffers.sums,
            state: &mut buffers.state,
            cell: &mut buffers.cell,
            y,
        };
        recurrent::forward(r, buffers.forward_panels.each_ref().map(|panels| &**panels), recurrent_bias, all);
    }

    fn states(&self) -> &[usize] {
        &self.carried
    }

    fn update_states(&mut self, _inputs: Inputs<'_>, _y: &[f32], mut states: States<'_>) {
        for (position, values) in [&self.buffers.state, &self.buffers.cell].into_iter().enumerate().take(states.count())
        {
            states.get_mut(position).copy_from_slice(values);
        }
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let Some(r) = &self.recurrence else { return };
        let (positions, columns) = (self.positions, r.columns());
        let slice = |position: Option<usize>| position.map_or(&[][..], |position| inputs.get(position).data());
        let [x, kernel, recurrent_kernel] = [0, 1, 2].map(|at| inputs.get(at));
        let b = &mut self.buffers;
        pack_all(r, r.backward_columns(&recurrent_kernel), &mut b.backward_panels);
        let all = Backward {
            rows: r.rows,
            mask: slice(positions.mask),
            dropout: slice(positions.dropout),
            gates: &b.gates,
            arguments: &b.arguments,
            before: &b.before,
            dropped: &b.dropped,
            carry: &b.carry,
            activated: &b.activated,
            dy,
            d_inputs: &mut b.d_inputs,
            d_products: &mut b.d_products,
            d_state: &mut b.d_state,
            d_cell: &mut b.d_cell,
            d_output: &mut b.d_output,
            direct: &mut b.direct,
            sums: &mut b.sums,
            scratch: &mut b.scratch,
        };
        recurrent::backward(r, b.backward_panels.each_ref().map(|panels| &**panels), all);

        let [mut dx, mut d_kernel, mut d_recurrent, mut d_bias] = [const { None }; 4];
        gradients.for_each(|position, gradient| match position {
            0 => dx = Some(gradient),
            1 => d_kernel = Some(gradient),
            2 => d_recurrent = Some(gradient),
            _ if positions.bias == Some(position) => d_bias = Some(gradient),
            _ if positions.state(0) == Some(position) => gradient.copy_from_slice(&b.d_state),
            _ if positions.state(1) == Some(position) => gradient.copy_from_slice(&b.d_cell),
            _ => gradient.fill(0.0),
        });
        let (rows, features) = (r.rows * r.steps, x.shape().last());
        let d_products = if b.d_products.is_empty() { &b.d_inputs } else { &b.d_products };
        let d_bias = d_bias.map(|d_bias| {
            let (d_input, d_recurrent) = d_bias.split_at_mut(columns);
            if !d_recurrent.is_empty() {
                matmul::sum_rows(d_products, columns, matmul::ROWS_PER_CHUNK, d_recurrent);
            }
            d_input
        });
        matmul::affine_gradients(&x, &kernel, &b.d_inputs, [rows, features, columns], [dx, d_kernel, d_bias]);
        if let Some(d_recurrent) = d_recurrent {
            let states = if b.dropped.is_empty() { &b.before } else { &b.dropped };
            matmul::matmul_over_rows(states, d_products, [rows, r.units, columns], d_recurrent);
            if !b.second.is_empty() {
                matmul::matmul_over_rows(&b.carry, d_products, [rows, r.units, columns], &mut b.second);
                let candidate = 2 * r.units..columns;
                let rows = d_recurrent.chunks_exact_mut(columns).zip(b.second.chunks_exact(columns));
                rows.for_each(|(to, from)| to[candidate.clone()].copy_from_slice(&from[candidate.clone()]));
            }
        }
    }
}

#[cfg(test)]
mod tests;
