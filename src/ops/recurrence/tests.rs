//! Recurrences compared with plain loops over rows, steps and units, bit by bit.

use super::*;
use crate::Key;
use crate::kernels::activation;
use crate::kernels::samples;
use crate::tape::{Mode, Params, Recorder};

/// The inputs of a recurrence, and its outputs computed one after the other.
struct Plain {
    cell: Cell,
    rows: usize,
    steps: usize,
    features: usize,
    units: usize,
    /// The inputs in the order of the operation: x, kernel, recurrent kernel, bias, states, mask.
    inputs: Vec<(Shape, Vec<f32>)>,
}

impl Plain {
    fn new(cell: Cell, [rows, steps, features, units]: [usize; 4]) -> Plain {
        let columns = cell.gates() * units;
        let bias =
            if cell == (Cell::Gru { reset_after: true }) { Shape::from([2, columns]) } else { Shape::from(columns) };
        let mut shapes = vec![
            Shape::from([rows, steps, features]),
            Shape::from([features, columns]),
            Shape::from([units, columns]),
            bias,
        ];
        shapes.extend((0..cell.states()).map(|_| Shape::from([rows, units])));
        shapes.push(Shape::from([rows, steps]));
        let mut inputs: Vec<(Shape, Vec<f32>)> =
            shapes.into_iter().zip(1..).map(|(shape, seed)| (shape, samples::values(seed, shape.len()))).collect();
        inputs.last_mut().unwrap().1.iter_mut().for_each(|mask| *mask = f32::from(u8::from(*mask < 0.4)));
        Plain { cell, rows, steps, features, units, inputs }
    }

    /// The outputs of the operation for this order of steps.
    fn recorded(&self, go_backwards: bool) -> Vec<Vec<f32>> {
        let recorder = Recorder::new(Mode::Inference);
        let vars: Vec<Var<'_>> = self.inputs.iter().map(|(shape, _)| recorder.input(*shape)).collect();
        let states = &vars[4..vars.len() - 1];
        let options = RecurrentOptions::new().initial_state(states).mask(vars[vars.len() - 1]);
        let options = options.go_backwards(go_backwards).return_sequences(true).return_state(true);
        let outputs = match self.cell {
            Cell::Simple => vars[0].simple_rnn(vars[1], vars[2], Some(vars[3]), options),
            Cell::Lstm => vars[0].lstm(vars[1], vars[2], Some(vars[3]), options),
            Cell::Gru { reset_after } => vars[0].gru(vars[1], vars[2], Some(vars[3]), reset_after, options),
        };
        let ids: Vec<_> = vars.iter().map(Var::id).collect();
        let outputs: Vec<_> = outputs.iter().map(Var::id).collect();
        let mut tape = recorder.finish().unwrap();
        for (id, (_, values)) in ids.iter().zip(&self.inputs) {
            tape.input_slices([*id])[0].copy_from_slice(values);
        }
        tape.run(&Params::new(), Key::from_seed(0)).unwrap();
        outputs.iter().map(|id| tape.view(*id).data().to_vec()).collect()
    }

    fn chain(length: usize, a: impl Fn(usize) -> f32, b: impl Fn(usize) -> f32) -> f32 {
        (0..length).fold(0f32, |sum, k| a(k).mul_add(b(k), sum)) + 0.0
    }

    /// The states after a step of a row.
    fn step(&self, row: usize, time: usize, states: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let (units, columns) = (self.units, self.cell.gates() * self.units);
        let [x, kernel, recurrent, bias] = [0, 1, 2, 3].map(|input| &self.inputs[input].1);
        let x = &x[(row * self.steps + time) * self.features..][..self.features];
        let input = |j: usize| Plain::chain(self.features, |k| x[k], |k| kernel[k * columns + j]) + bias[j];
        let product = |h: &[f32], j: usize| Plain::chain(units, |k| h[k], |k| recurrent[k * columns + j]);
        let apply = |kind: Elementwise, value: f32| {
            let mut values = [value];
            activation::forward(kind, &mut values);
            values[0]
        };
        let (sigmoid, tanh) = (|x: f32| apply(Elementwise::Sigmoid, x), |x: f32| apply(Elementwise::Tanh, x));
        let h = &states[0];
        match self.cell {
            Cell::Simple => vec![(0..units).map(|u| tanh(input(u) + product(h, u))).collect()],
            Cell::Lstm => {
                let z = |gate: usize, u: usize| input(gate * units + u) + product(h, gate * units + u);
                let cell = |u: usize| sigmoid(z(1, u)) * states[1][u] + sigmoid(z(0, u)) * tanh(z(2, u));
                let hidden = |u: usize| sigmoid(z(3, u)) * tanh(cell(u));
                vec![(0..units).map(hidden).collect(), (0..units).map(cell).collect()]
            }
            Cell::Gru { reset_after } => {
                let product = |h: &[f32], j: usize| product(h, j) + if reset_after { bias[columns + j] } else { 0.0 };
                let gate = |gate: usize, u: usize| sigmoid(input(gate * units + u) + product(h, gate * units + u));
                let reset: Vec<f32> = (0..units).map(|u| gate(1, u) * h[u]).collect();
                let candidate = |u: usize| {
                    let j = 2 * units + u;
                    tanh(input(j) + if reset_after { gate(1, u) * product(h, j) } else { product(&reset, j) })
                };
                vec![(0..units).map(|u| gate(0, u) * h[u] + (1.0 - gate(0, u)) * candidate(u)).collect()]
            }
        }
    }

    fn expected(&self, go_backwards: bool) -> Vec<Vec<f32>> {
        let (units, mask) = (self.units, &self.inputs.last().unwrap().1);
        let mut results = vec![Vec::new(); 1 + self.cell.states()];
        for row in 0..self.rows {
            let mut states: Vec<Vec<f32>> = (0..self.cell.states())
                .map(|state| self.inputs[4 + state].1[row * units..][..units].to_vec())
                .collect();
            let mut output = vec![0.0; units];
            for number in 0..self.steps {
                let time = if go_backwards { self.steps - 1 - number } else { number };
                if mask[row * self.steps + time] != 0.0 {
                    states = self.step(row, time, &states);
                    output.clone_from(&states[0]);
                }
                results[0].extend(&output);
            }
            results[1..].iter_mut().zip(states).for_each(|(all, state)| all.extend(state));
        }
        results
    }
}

#[test]
fn values_have_the_bits_of_plain_loops() {
    let sizes = [[1, 1, 1, 1], [5, 4, 3, 17], [13, 3, 1, 5], [2, 2, 18, 33], [7, 5, 2, 16]];
    for cell in [Cell::Simple, Cell::Lstm, Cell::Gru { reset_after: true }, Cell::Gru { reset_after: false }] {
        for sizes in sizes {
            let plain = Plain::new(cell, sizes);
            for go_backwards in [false, true] {
                let found = plain.recorded(go_backwards);
                let expected = plain.expected(go_backwards);
                for (found, expected) in found.iter().zip(&expected) {
                    samples::assert_same_bits(found, expected, &format!("{cell:?} on {sizes:?}"));
                }
            }
        }
    }
}

#[test]
fn shapes_and_states_that_do_not_fit_are_errors() {
    let recorder = Recorder::new(Mode::Inference);
    let (x, kernel, recurrent) = (recorder.input([2, 3, 4]), recorder.input([4, 12]), recorder.input([3, 12]));
    let state = recorder.input([2, 3]);
    let _ = x.lstm(kernel, recurrent, None, RecurrentOptions::new().initial_state([state]).return_state(true));
    let message = recorder.finish().unwrap_err().to_string();
    let expected = "lstm: found shapes 2 × 3 × 4, 4 × 12, 3 × 12 and 2 × 3, expected 2 initial states, or none";
    assert_eq!(message, expected);
}
