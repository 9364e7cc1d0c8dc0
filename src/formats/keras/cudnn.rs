//! The weights of `CuDNNLSTM` and `CuDNNGRU`, layers of Keras 2, in the layout of `LSTM` and `GRU`.

use crate::Shape;
use crate::formats::hdf5::{Array, Values};

/// Converts the weights of a layer if their shapes are those of cuDNN: its biases are two for each column.
pub(super) fn converted(class: &str, mut arrays: Vec<Array>) -> Vec<Array> {
    let gates = match class {
        "LSTM" => 4,
        "GRU" => 3,
        _ => return arrays,
    };
    if let [kernel, recurrent, bias] = &mut arrays[..]
        && let ([units, columns], [_, of_kernel]) = (recurrent.shape.sizes(), kernel.shape.sizes())
        && columns == of_kernel
        && units.checked_mul(gates) == Some(*columns)
        && columns.checked_mul(2).is_some_and(|both| bias.shape == Shape::from(both))
    {
        let (units, columns) = (*units, *columns);
        transpose_gates(kernel, units, columns);
        transpose_gates(recurrent, units, columns);
        match &mut bias.values {
            Values::Floats(values) if class == "LSTM" => {
                let (input, of_state) = values.split_at_mut(columns);
                input.iter_mut().zip(of_state).for_each(|(sum, value)| *sum += *value);
                values.truncate(columns);
                bias.shape = Shape::from(columns);
            }
            _ => bias.shape = Shape::from([2, columns]),
        }
    }
    arrays
}

/// Each gate of a matrix is stored column by column.
fn transpose_gates(matrix: &mut Array, units: usize, columns: usize) {
    let Values::Floats(values) = &mut matrix.values else { return };
    let (rows, stored) = (matrix.shape.axis(0), values.clone());
    for (at, value) in values.iter_mut().enumerate() {
        let (row, column) = (at / columns, at % columns);
        let (gate, unit) = (column / units, column % units);
        // The gate has the elements of a matrix of `rows` × `units`, read as one of `units` × `rows`.
        let inside = row + rows * unit;
        *value = stored[inside / units * columns + gate * units + inside % units];
    }
}
