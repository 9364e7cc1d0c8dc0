//! Random numbers for each row of a batch, or for a batch as a whole.

use crate::error::{Error, Result};
use crate::kernels::parallel;
use crate::random::Draws;
use crate::shape::Shape;
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

/// An operation without inputs, since its value depends only on the number of rows, and needs no gradient.
struct RandomRows<F> {
    shape: Shape,
    /// The length of a row; `None` for numbers of the batch as a whole.
    row_length: Option<usize>,
    draw: F,
}

/// Nanoseconds to prepare the draws of a row, and for a number.
const NANOSECONDS: [usize; 2] = [200, 10];

impl<F: Fn(&mut Draws, &mut [f32]) + Send + Sync> Op for RandomRows<F> {
    fn name(&self) -> &'static str {
        "random_rows"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [] = arity(inputs)?;
        Ok(self.shape)
    }

    fn forward(&mut self, _inputs: Inputs<'_>, y: &mut [f32], context: Context<'_>) {
        let (key, first, draw) = (context.key(), context.first_row(), &self.draw);
        let Some(length) = self.row_length else { return draw(&mut key.draws(0), y) };
        let work = NANOSECONDS[0].saturating_add(sizes::work(&[NANOSECONDS[1], length]));
        parallel::for_each_chunk(y, length, work, |row, y| draw(&mut key.draws((first + row) as u64), y));
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], _dy: &mut [f32], _gradients: Gradients<'_>) {}
}

impl<'r> Var<'r> {
    /// Records random numbers for each row of the batch: rows × `size`. `draw` writes the numbers of one row. They depend on
    /// the key of the run, on the operation and on the position of the row in the batch; neither on other rows nor on threads.
    /// They need no gradient. Layers call it in training only.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Training);
    /// let x = recorder.input([3, 10]);
    /// // One factor for each row.
    /// let y = x * x.random_rows([1], |draws, row| row[0] = draws.uniform() as f32);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].fill(1.0);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let (first, others) = tape.view(y).data().split_at(10);
    /// assert!(first.iter().all(|y| *y == first[0]) && others.iter().all(|y| *y != first[0]));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn random_rows(
        self,
        size: impl Into<Shape>,
        draw: impl Fn(&mut Draws, &mut [f32]) + Send + Sync + 'static,
    ) -> Var<'r> {
        self.random(size.into(), true, draw)
    }

    /// Records random numbers of the shape `size` for the batch as a whole, such as a permutation of its rows. `draw` writes
    /// them. They depend on the key of the run and on the operation, and need no gradient. Layers call it in training only.
    pub fn random_batch(
        self,
        size: impl Into<Shape>,
        draw: impl Fn(&mut Draws, &mut [f32]) + Send + Sync + 'static,
    ) -> Var<'r> {
        self.random(size.into(), false, draw)
    }

    fn random(
        self,
        size: Shape,
        each_row: bool,
        draw: impl Fn(&mut Draws, &mut [f32]) + Send + Sync + 'static,
    ) -> Var<'r> {
        let x = self.shape();
        let shape = match x.rank() > 0 && !x.is_empty() {
            true if each_row => size.batch(x.axis(0)),
            true => Ok(size),
            false => Err(Error::expected("a batch of rows")),
        };
        match shape {
            Ok(shape) => {
                let row_length = each_row.then(|| size.len());
                self.recorder().apply(RandomRows { shape, row_length, draw }, &[])
            }
            Err(error) => self.recorder().alias(self, "random_rows", Err(error)),
        }
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::Key;
    use crate::random::Draws;
    use crate::tape::{Mode, Params, Recorder};
    use crate::testing::Sample;

    fn uniform(draws: &mut Draws, row: &mut [f32]) {
        row.iter_mut().for_each(|value| *value = draws.uniform() as f32);
    }

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0] + x[0].random_rows(3, uniform)).variable([5, 3]),
            Sample::new(|x| x[0] * x[0].random_rows(1, uniform)).variable([1, 1]),
            Sample::new(|x| x[0] + x[0].random_batch([2, 1], uniform)).variable([2, 7]),
        ]
    }

    #[test]
    fn rows_have_their_own_numbers_whatever_the_size_of_the_batch() {
        let values = |rows: usize, seed: u64| {
            let recorder = Recorder::new(Mode::Training);
            let y = recorder.input([rows, 1]).random_rows([2, 3], uniform).id();
            let mut tape = recorder.finish().unwrap();
            tape.run(&Params::new(), Key::from_seed(seed)).unwrap();
            tape.view(y).data().to_vec()
        };
        let (few, many) = (values(2, 1), values(500, 1));
        assert_eq!(few, many[..12]);
        assert_ne!(few[..6], few[6..]);
        assert_ne!(few, values(2, 2));
    }
}
