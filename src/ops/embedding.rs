//! y = the row of a table that each index names; the gradient of a row is the sum of dy where it was named, in order.

use crate::error::{Error, Result};
use crate::tape::{Gradients, Inputs, Op, Var, arity};
use crate::{Key, Shape};

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

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _key: Key) {
        let [indices, table] = inputs.each();
        let columns = table.shape().axis(1);
        for (index, y) in indices.iter().zip(y.chunks_exact_mut(columns)) {
            match row(*index, table.shape().axis(0)) {
                Some(row) => y.copy_from_slice(&table[row * columns..][..columns]),
                None => y.fill(f32::NAN),
            }
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

/// The row that an index names, what stands behind its point cut off, as Keras does it.
fn row(index: f32, rows: usize) -> Option<usize> {
    let row = index as usize;
    (index > -1.0 && row < rows).then_some(row)
}

impl<'r> Var<'r> {
    /// The rows of `table` that these indices name. An index that is none of its rows gives NaN, which shows in the loss.
    pub fn embedding(self, table: Var<'r>) -> Var<'r> {
        self.recorder().apply(Embedding, &[self, table])
    }
}

#[cfg(test)]
pub(super) mod tests {
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
    fn indices_that_name_nothing_give_nan() {
        assert_eq!([0.0, 2.9, -0.5].map(|index| row(index, 3)), [Some(0), Some(2), Some(0)]);
        assert_eq!([-1.0, 3.0, f32::NAN, f32::INFINITY].map(|index| row(index, 3)), [None; 4]);
    }

    #[test]
    fn a_table_that_is_none_is_told() {
        let recorder = Recorder::new(Mode::Training);
        let (x, table) = (recorder.input([5]), recorder.input([4]));
        recorder.scope("embedding_1", || x.embedding(table));
        let expected = "embedding_1: embedding: found shapes 5 and 4, expected indices, and a table rows × columns";
        assert_eq!(recorder.finish().unwrap_err().to_string(), expected);
    }
}
