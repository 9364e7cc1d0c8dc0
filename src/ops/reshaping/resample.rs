//! Sums of elements along an axis with constant weights: y\[s\] = Σ weight · x\[element\] over the terms of sum s;
//! dx\[element\] = Σ weight · dy\[s\] over the sums that contain the element.

use crate::error::{Error, Result};
use crate::kernels::weighted_sums::WeightedSums;
use crate::ops::axes;
use crate::shape::Shape;
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct Resample {
    axis: isize,
    terms: Vec<Vec<(usize, f32)>>,
    sums: [WeightedSums; 2],
    /// Sizes of the axis before and after, and the number of elements in the axes after it.
    parts: [usize; 3],
}

impl Op for Resample {
    fn name(&self) -> &'static str {
        "resample"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        let axis = axes::find(x, self.axis)?;
        let mut sizes = x.sizes().to_vec();
        let size = sizes[axis];
        if self.terms.is_empty() || self.terms.iter().flatten().any(|(element, _)| *element >= size) {
            return Err(Error::expected(format!("at least one sum, of elements below {size}")));
        }
        let sums = WeightedSums::new(&std::mem::take(&mut self.terms));
        let count = sums.count();
        self.sums = [sums.clone(), sums.transposed(size)];
        self.parts = [size, count, sizes::product(&sizes[axis + 1..])?];
        sizes[axis] = count;
        Shape::new(&sizes)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let ([x], [size, _, inner]) = (inputs.each(), self.parts);
        self.sums[0].forward(&x, size, inner, y);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([Some(dx)], [_, count, inner]) = (gradients.each(), self.parts) else { return };
        self.sums[1].forward(dy, count, inner, dx);
    }
}

impl<'r> Var<'r> {
    /// Computes sums of elements along an axis with constant weights. `terms` has the elements of each sum and their
    /// weights, and the axis gets one element for each sum. A negative axis counts from the last one, −1.
    ///
    /// [`Interpolation::terms`](crate::ops::Interpolation::terms) has the terms of resizing.
    ///
    /// ```
    /// use gradus::tape::{Mode, Params, Recorder};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let (x, y) = (x.id(), x.resample(0, vec![vec![(0, 1.0)], vec![(0, 0.5), (1, 0.5)]]).id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_mut(x).assign(&ndarray::arr1(&[1.0, 2.0]));
    /// tape.run(&Params::new(), gradus::Key::from_seed(0))?;
    /// assert_eq!(tape.value(y).as_slice().unwrap(), [1.0, 1.5]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn resample(self, axis: isize, terms: Vec<Vec<(usize, f32)>>) -> Var<'r> {
        self.recorder().apply(Resample { axis, terms, sums: Default::default(), parts: [0; 3] }, &[self])
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        let mixed = || vec![vec![(0, 0.5), (2, 0.25)], vec![(1, -1.0)], vec![], vec![(2, 0.75), (1, 0.1), (0, 2.0)]];
        vec![
            Sample::new(move |x| x[0].resample(1, mixed())).variable([2, 3, 2]),
            Sample::new(|x| x[0].resample(-1, vec![vec![(3, 0.5)]])).variable([3, 4]),
            Sample::new(|x| x[0].resample(0, vec![vec![(0, 1.0)]; 3])).variable([1]),
        ]
    }

    #[test]
    fn elements_outside_the_axis_and_no_sums_are_rejected() {
        for terms in [vec![], vec![vec![(3, 1.0)]]] {
            let recorder = Recorder::new(Mode::Training);
            let _ = recorder.input([3, 3]).resample(1, terms);
            assert!(recorder.finish().is_err());
        }
    }
}
