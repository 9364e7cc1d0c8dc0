//! Sequences as columns of named arrays.

use super::elements::{Inputs, Targets};
use super::named_arrays::{InputColumn, TargetColumn};
use super::padded_rows::PaddedRows;
use super::{NamedArrays, PadSide, Target};
use crate::error::{Error, Result};

impl NamedArrays {
    /// Adds an input of one array per row, steps × the shape of a step, with different numbers of steps. A batch is padded to
    /// its longest row, by default with 0 after the last step; see [`Sequences`](super::Sequences) for masks.
    ///
    /// ```
    /// use gradus::data::{Columns, NamedArrays, PadSide};
    /// use ndarray::{Array1, array};
    /// let words: [Array1<f32>; 2] = [array![7.0], array![1.0, 2.0, 3.0]];
    /// let tags: [Array1<u8>; 2] = [array![1], array![0, 1, 1]];
    /// let data = NamedArrays::new()
    ///     .with_sequences("words", words)?
    ///     .pad("words", PadSide::Before, 0.0)?
    ///     .with_input("author", array![[0.5f32], [1.5]])?
    ///     .with_target_sequences("tags", tags)?;
    /// let mut values = [0.0; 6];
    /// data.gather_input(0, &[0, 1], &mut values);
    /// assert_eq!(values, [0.0, 0.0, 7.0, 1.0, 2.0, 3.0]);
    /// data.gather_target(0, &[1, 0], &mut values);
    /// assert_eq!(values, [0.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] when the number of rows differs from earlier columns, when another input has the name, when steps have
    /// different shapes, an array has no axes or too many, or no row has steps; [`Error::Empty`] without rows.
    pub fn with_sequences<S: Into<Inputs>>(
        mut self,
        name: impl Into<String>,
        sequences: impl IntoIterator<Item = S>,
    ) -> Result<NamedArrays> {
        let name = name.into();
        let column = PaddedRows::new(&mut sequences.into_iter().map(|sequence| sequence.into().into_floats()))?;
        let (rows, shape) = (column.len(), column.largest());
        let taken = self.inputs.iter().any(|(other, ..)| *other == name);
        self.check("input", &name, rows, taken, shape)?;
        self.inputs.push((name, shape, InputColumn::Sequences(column)));
        self.rows = rows;
        Ok(self)
    }

    /// Adds a target of one array per row, with different numbers of steps: integer labels, one for each step, or floats, steps
    /// × the shape of a step. A batch is padded to its longest row, by default with 0 after the last step. A loss ignores the
    /// padding by the mask of the output, or by a padding that is its ignored label.
    ///
    /// # Errors
    /// The errors of [`with_sequences`](NamedArrays::with_sequences), and rows of which some are labels and some floats.
    pub fn with_target_sequences<S: Into<Targets>>(
        mut self,
        name: impl Into<String>,
        sequences: impl IntoIterator<Item = S>,
    ) -> Result<NamedArrays> {
        let (name, mut kinds) = (name.into(), [false; 2]);
        let column = PaddedRows::new(&mut sequences.into_iter().map(|sequence| {
            let (sizes, values, are_labels) = sequence.into().into_floats();
            kinds[usize::from(are_labels)] = true;
            (sizes, values)
        }))?;
        let labels = match kinds {
            [true, true] => {
                let problem = "some rows are integer labels and others floats; give all rows the same type";
                return Err(Error::Graph { place: format!("target \"{name}\""), problem: problem.into() });
            }
            [_, labels] => labels,
        };
        let (rows, shape) = (column.len(), column.largest());
        let target = if labels { Target::Labels(shape) } else { Target::Values(shape) };
        let taken = self.targets.iter().any(|(other, ..)| *other == name);
        self.check("target", &name, rows, taken, shape)?;
        self.targets.push((name, target, TargetColumn::Sequences(column)));
        self.rows = rows;
        Ok(self)
    }

    /// Sets the side at which the sequences of this name are padded, and the value of padding. If an input and a target have the
    /// name, both are padded so.
    ///
    /// # Errors
    /// [`Error::Unknown`] if no sequences have the name, [`Error::Setting`] for a value that is not finite.
    pub fn pad(mut self, name: &str, side: PadSide, value: f32) -> Result<NamedArrays> {
        let inputs = self.inputs.iter_mut().filter_map(|(name, _, column)| match column {
            InputColumn::Sequences(rows) => Some((&*name, rows)),
            InputColumn::Equal(_) => None,
        });
        let targets = self.targets.iter_mut().filter_map(|(name, _, column)| match column {
            TargetColumn::Sequences(rows) => Some((&*name, rows)),
            TargetColumn::Equal(_) => None,
        });
        let (mut known, mut found) = (Vec::new(), false);
        for (other, rows) in inputs.chain(targets) {
            known.push(other.clone());
            if other == name {
                rows.pad("NamedArrays", side, value)?;
                found = true;
            }
        }
        if found {
            Ok(self)
        } else {
            Err(Error::Unknown { kind: "sequences in the dataset", name: name.into(), known })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Columns, Dataset};
    use crate::layers::{Concatenate, Dense, Lstm, Masking, TimeDistributed};
    use crate::losses::{MeanSquaredError, SparseCategoricalCrossentropy};
    use crate::optimizers::Adam;
    use crate::{Compile, Fit, Graph, Losses, Progress, Shape};
    use ndarray::{Array1, Array2};

    fn sequences(lengths: &[usize]) -> Vec<Array2<f32>> {
        lengths.iter().map(|steps| Array2::from_shape_fn((*steps, 2), |(i, j)| 1.0 + (i + 2 * j) as f32)).collect()
    }

    #[test]
    fn columns_of_different_lengths_train_together() {
        let (lengths, others) = ([3, 1, 4, 2, 3], [2, 2, 1, 3, 1]);
        let labels = |lengths: &[usize]| -> Vec<Array1<u8>> {
            lengths.iter().map(|steps| Array1::from_shape_fn(*steps, |step| (step % 3) as u8)).collect()
        };
        let data = NamedArrays::new().with_sequences("a", sequences(&lengths)).unwrap();
        let data = data.with_sequences("b", sequences(&others)).unwrap();
        let data = data.with_input("c", Array2::<f32>::ones((5, 2))).unwrap();
        let data = data.with_target_sequences("tags", labels(&lengths)).unwrap();
        let data = data.with_target("value", Array2::<f32>::ones((5, 1))).unwrap();
        assert_eq!((data.input_open_axes(0), data.input_open_axes(2)), (&[0][..], &[][..]));
        assert_eq!(data.target_batch(0, &[1, 3]), Target::Labels(Shape::from([2])));

        let mut graph = Graph::new();
        let (a, b, c) = (graph.input("a", (None, 2)), graph.input("b", (None, 2)), graph.input("c", [2]));
        let masked = graph.apply(Masking::new(0.0), a);
        let steps = graph.apply(Lstm::new(3).return_sequences(true), masked);
        let tags = graph.apply(TimeDistributed::new(Dense::new(3)), steps);
        graph.output("tags", tags);
        let last = graph.apply(Lstm::new(2), b);
        let both = graph.apply(Concatenate::new(), [last, c]);
        let value = graph.apply(Dense::new(1), both);
        graph.output("value", value);
        let losses = Losses::new()
            .output("tags", SparseCategoricalCrossentropy::new().from_logits(true))
            .output("value", MeanSquaredError::new());
        let mut model = graph.compile(Compile::new(Adam::new(0.05), losses)).unwrap();
        let before = model.evaluate(&data).unwrap().loss;
        let fit = Fit::new().epochs(20).batch_size(2).shuffle_by_length(2).progress(Progress::Quiet);
        model.fit(&data, fit).unwrap();
        assert!(model.evaluate(&data).unwrap().loss < before);
    }

    #[test]
    fn sequences_that_do_not_fit_are_rejected() {
        let message = |data: Result<NamedArrays>| data.unwrap_err().to_string();
        let data = || NamedArrays::new().with_sequences("a", sequences(&[1, 2])).unwrap();
        let text = "input \"b\": found shape 3 × 2 × 2, expected 2 rows, like the other columns";
        assert_eq!(message(data().with_sequences("b", sequences(&[1, 2, 1]))), text);
        let text = "unknown sequences in the dataset \"b\"; available: a";
        assert_eq!(message(data().pad("b", PadSide::Before, 0.0)), text);
        let none: [Array1<f32>; 0] = [];
        assert!(message(data().with_target_sequences("t", none)).contains("empty"));
        assert_eq!(data().len(), 2);
        assert_eq!(data().row_shape(1), Shape::from([2, 2]));
        let mut values = [0.0; 8];
        data().pad("a", PadSide::After, -1.0).unwrap().gather(&[0, 1], &mut values, &mut []);
        assert_eq!(values, [1.0, 3.0, -1.0, -1.0, 1.0, 3.0, 2.0, 4.0]);
    }
}
