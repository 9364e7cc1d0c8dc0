//! y = the row of a table for each index; the gradient of a row is the sum of dy over its indices, in order.

use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct Embedding;

impl Op for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [indices, table] = arity(inputs)?;
        if table.rank() != 2 {
            return Err(Error::expected("indices, and a table rows × columns"));
        }
        let mut sizes = indices.sizes().to_vec();
        sizes.push(table.axis(1));
        Shape::new(&sizes)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], context: Context<'_>) {
        let [indices, table] = inputs.each();
        let [rows, columns] = [table.shape().axis(0), table.shape().axis(1)];
        for (at, (index, y)) in indices.iter().zip(y.chunks_exact_mut(columns)).enumerate() {
            let Some(row) = row(*index, rows) else {
                let problem = || Error::Index { name: "index", value: f64::from(*index), count: rows };
                return context.fault(indices.shape().row_of(at), problem);
            };
            y.copy_from_slice(&table[row * columns..][..columns]);
        }
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([indices, table], [dindices, dtable]) = (inputs.each(), gradients.each());
        if let Some(dindices) = dindices {
            dindices.fill(0.0);
        }
        let Some(dtable) = dtable else { return };
        let columns = table.shape().axis(1);
        dtable.fill(0.0);
        for (index, dy) in indices.iter().zip(dy.chunks_exact(columns)) {
            let Some(row) = row(*index, table.shape().axis(0)) else { continue };
            dtable[row * columns..][..columns].iter_mut().zip(dy).for_each(|(sum, dy)| *sum += dy);
        }
    }
}

/// The row of an index, truncated to an integer as in Keras; `None` if out of range.
fn row(index: f32, rows: usize) -> Option<usize> {
    let row = index as usize;
    (index >= 0.0 && row < rows).then_some(row)
}

impl<'r> Var<'r> {
    /// Looks up rows of `table` by these indices: indices n × … and a table rows × columns give n × … × columns. Indices are
    /// truncated to integers, as in Keras.
    ///
    /// A negative index, an index not less than the number of rows, or NaN ends the run with [`Error::Fault`], with the
    /// position of the index along the first axis.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (indices, table) = (recorder.input([2]), recorder.input([2, 2]));
    /// let y = indices.embedding(table);
    /// let (indices, table, y) = (indices.id(), table.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([indices])[0].copy_from_slice(&[1.0, 0.0]);
    /// tape.input_slices([table])[0].copy_from_slice(&[1.0, 2.0, 3.0, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [3.0, 4.0, 1.0, 2.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn embedding(self, table: Var<'r>) -> Var<'r> {
        self.recorder().apply(Embedding, &[self, table])
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use super::row;
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;
    use ndarray::{arr0, arr2};

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[1].embedding(x[0])).variable([4, 3]).input(arr2(&[[0.0, 3.0], [3.0, 1.0]])),
            Sample::new(|x| x[1].embedding(x[0])).variable([1, 1]).input(arr0(0.0)),
        ]
    }

    #[test]
    fn indices_are_truncated_and_checked() {
        assert_eq!([-0.0, 0.9, 2.9].map(|index| row(index, 3)), [Some(0), Some(0), Some(2)]);
        assert_eq!([-0.5, -1.0, 3.0, f32::NAN, f32::INFINITY].map(|index| row(index, 3)), [None; 5]);
    }

    #[test]
    fn a_table_with_one_axis_is_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let (x, table) = (recorder.input([5]), recorder.input([4]));
        let _ = recorder.scope("embedding_1", || x.embedding(table));
        let expected = "embedding_1: embedding: found shapes 5 and 4, expected indices, and a table rows × columns";
        assert_eq!(recorder.finish().unwrap_err().to_string(), expected);
    }
}
