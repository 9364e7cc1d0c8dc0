//! An expression whose gradients are compared with differences.

use super::{STEP, TOLERANCE, spread};
use crate::error::{Error, Result};
use crate::tape::{Id, Mode, ParamGradients, Params, Recorder, Tape, Var};
use crate::{Key, Shape};
use ndarray::{ArrayBase, ArrayD, Data, Dimension};

/// How an expression is recorded from its inputs.
type Expression = for<'r> fn(&[Var<'r>]) -> Var<'r>;

/// An expression with values for its inputs.
#[derive(Clone, Debug)]
#[must_use]
pub struct Sample {
    expression: Expression,
    inputs: Vec<(ArrayD<f32>, bool)>,
}

impl Sample {
    /// An expression of inputs that follow.
    pub fn new(expression: Expression) -> Sample {
        Sample { expression, inputs: Vec::new() }
    }

    /// An input whose gradient is checked. Its values are [`spread`].
    pub fn variable(mut self, shape: impl Into<Shape>) -> Sample {
        self.inputs.push((spread(shape.into(), self.inputs.len() as u64), true));
        self
    }

    /// An input with these values and without a gradient, such as labels.
    pub fn input<S: Data<Elem = f32>, D: Dimension>(mut self, values: ArrayBase<S, D>) -> Sample {
        self.inputs.push((values.to_owned().into_dyn(), false));
        self
    }

    /// Compares every gradient with central differences of Σ r·y, for random weights r.
    ///
    /// # Errors
    /// What recording and running say, or the first gradient that differs, with both values.
    pub fn check_gradients(&self) -> Result<()> {
        let mut run = self.record()?;
        run.forward()?;
        run.tape.backward(&run.params, &mut ParamGradients::new(&run.params));
        let variables = self.inputs.iter().enumerate().filter(|(_, (_, variable))| *variable);
        for (number, (values, _)) in variables {
            let found = run.tape.gradient(run.inputs[number]);
            let found = found.ok_or_else(|| Error::other(format!("input {number} gets no gradient")))?.to_owned();
            let expected = run.differences(number, values)?;
            compare(number, &found, &expected)?;
        }
        Ok(())
    }

    /// One run forward and backward a call, all on one tape, for counting what it allocates. A call returns the error of its
    /// run.
    ///
    /// # Errors
    /// What recording says.
    pub fn steps(&self) -> Result<impl FnMut() -> Result<()> + use<>> {
        let mut run = self.record()?;
        let mut gradients = ParamGradients::new(&run.params);
        Ok(move || {
            run.forward()?;
            run.tape.backward(&run.params, &mut gradients);
            Ok(())
        })
    }

    /// The value of the expression, as in training.
    ///
    /// # Errors
    /// What recording says; [`Error::Fault`] where an operation reports a value with which it cannot compute.
    pub fn value(&self) -> Result<ArrayD<f32>> {
        let mut run = self.record()?;
        run.forward()?;
        Ok(run.tape.value(run.y).to_owned())
    }

    /// The bits of the value and of every gradient.
    #[cfg(test)]
    pub(crate) fn bits(&self) -> Vec<u32> {
        let mut run = self.record().expect("samples are right");
        run.forward().expect("samples are right");
        run.bits()
    }

    /// The same when the tape has run before, with other values.
    #[cfg(test)]
    pub(crate) fn bits_of_second_run(&self) -> Vec<u32> {
        let mut run = self.record().expect("samples are right");
        let forward = |run: &mut Run| run.forward().expect("samples are right");
        forward(&mut run);
        run.bits();
        for (number, (values, variable)) in self.inputs.iter().enumerate() {
            if *variable {
                run.tape.input_mut(run.inputs[number]).assign(&(values * f32::NAN));
            }
        }
        forward(&mut run);
        run.bits();
        for (number, (values, _)) in self.inputs.iter().enumerate() {
            run.tape.input_mut(run.inputs[number]).assign(values);
        }
        forward(&mut run);
        run.bits()
    }

    /// The inputs' shapes.
    #[cfg(test)]
    pub(crate) fn shapes(&self) -> Vec<Shape> {
        self.inputs.iter().map(|(values, _)| Shape::new(values.shape()).unwrap_or(Shape::SCALAR)).collect()
    }

    /// The same expression on inputs of other shapes, which hold their own values over again.
    #[cfg(test)]
    pub(crate) fn on(&self, shapes: &[Shape]) -> Sample {
        let refilled = |((values, variable), shape): (&(ArrayD<f32>, bool), &Shape)| {
            let refill = values.iter().copied().cycle().take(shape.len()).collect();
            (ArrayD::from_shape_vec(shape.sizes(), refill).expect("samples have values"), *variable)
        };
        Sample { expression: self.expression, inputs: self.inputs.iter().zip(shapes).map(refilled).collect() }
    }

    /// The length of the longest of its inputs and its value, if it takes these shapes.
    #[cfg(test)]
    pub(crate) fn longest_on(&self, shapes: &[Shape]) -> Option<usize> {
        let recorder = Recorder::new(Mode::Inference);
        let inputs: Vec<Var<'_>> = shapes.iter().map(|shape| recorder.input(*shape)).collect();
        let y = (self.expression)(&inputs).shape().len();
        recorder.finish().ok()?;
        shapes.iter().map(Shape::len).chain([y]).max()
    }

    /// Records it for inputs of other shapes, without running it.
    #[cfg(test)]
    pub(crate) fn record_on(&self, shapes: &[Shape]) -> Result<()> {
        let recorder = Recorder::new(Mode::Training);
        let wanted = |(shape, (_, variable)): (&Shape, &(ArrayD<f32>, bool))| {
            if *variable { recorder.variable(*shape) } else { recorder.input(*shape) }
        };
        let inputs: Vec<Var<'_>> = shapes.iter().zip(&self.inputs).map(wanted).collect();
        recorder.scope("somewhere", || (self.expression)(&inputs));
        recorder.finish().map(|_| ())
    }

    /// Whether its value can be computed, and is finite.
    #[cfg(test)]
    pub(crate) fn is_finite(&self) -> bool {
        let mut run = self.record().expect("samples are right");
        run.weighted_sum().is_ok_and(f64::is_finite)
    }

    /// The names of the operations that it records, which refuse what does not fit them.
    #[cfg(test)]
    pub(crate) fn operations(&self) -> Vec<String> {
        let tape = format!("{:?}", self.run_on(&self.shapes()).expect("samples are right"));
        // A headline, `  somewhere relu: 3 × 5 → 3 × 5` for each step, and the sum of what it gives.
        let steps = tape.lines().filter_map(|line| line.strip_prefix("  somewhere ")?.split(':').next());
        let mut names: Vec<String> = steps.map(str::to_owned).collect();
        names.pop();
        names
    }

    /// Records it for inputs of other shapes, in a layer called `somewhere`, and runs it forward and backward where that is
    /// not refused.
    #[cfg(test)]
    pub(crate) fn run_on(&self, shapes: &[Shape]) -> Result<Tape> {
        let recorder = Recorder::new(Mode::Training);
        let wanted = |(shape, (_, variable)): (&Shape, &(ArrayD<f32>, bool))| {
            if *variable { recorder.variable(*shape) } else { recorder.input(*shape) }
        };
        recorder.scope("somewhere", || {
            let inputs: Vec<Var<'_>> = shapes.iter().zip(&self.inputs).map(wanted).collect();
            recorder.minimize((self.expression)(&inputs).sum());
        });
        let (params, mut tape) = (Params::new(), recorder.finish()?);
        tape.run(&params, Key::from_seed(0))?;
        tape.backward(&params, &mut ParamGradients::new(&params));
        Ok(tape)
    }

    fn record(&self) -> Result<Run> {
        let recorder = Recorder::new(Mode::Training);
        let input = |(values, variable): &(ArrayD<f32>, bool)| {
            let shape = Shape::new(values.shape()).unwrap_or(Shape::SCALAR);
            if *variable { recorder.variable(shape) } else { recorder.input(shape) }
        };
        let inputs: Vec<Var<'_>> = self.inputs.iter().map(input).collect();
        let y = (self.expression)(&inputs);
        let weights = spread(y.shape(), 99);
        let r = recorder.input(y.shape());
        recorder.minimize((y * r).sum());
        let (ids, y, r) = (inputs.iter().map(Var::id).collect::<Vec<Id>>(), y.id(), r.id());
        let mut tape = recorder.finish()?;
        for (id, (values, _)) in ids.iter().zip(&self.inputs) {
            tape.input_mut(*id).assign(values);
        }
        tape.input_mut(r).assign(&weights);
        Ok(Run { tape, params: Params::new(), inputs: ids, y, weights })
    }
}

/// A recorded sample.
struct Run {
    tape: Tape,
    params: Params,
    inputs: Vec<Id>,
    y: Id,
    weights: ArrayD<f32>,
}

impl Run {
    fn forward(&mut self) -> Result<()> {
        self.tape.run(&self.params, Key::from_seed(0))
    }

    /// Σ r·y in f64, so that only the expression itself rounds to f32.
    fn weighted_sum(&mut self) -> Result<f64> {
        self.forward()?;
        let products = self.tape.value(self.y);
        Ok(products.iter().zip(&self.weights).map(|(y, r)| f64::from(*y) * f64::from(*r)).sum())
    }

    fn differences(&mut self, number: usize, values: &ArrayD<f32>) -> Result<ArrayD<f64>> {
        let id = self.inputs[number];
        let mut differences = ArrayD::zeros(values.raw_dim());
        for (at, difference) in differences.iter_mut().enumerate() {
            let mut at_distance = |step: f32| {
                let mut moved = values.clone();
                let element = moved.iter_mut().nth(at);
                element.into_iter().for_each(|element| *element += step);
                self.tape.input_mut(id).assign(&moved);
                self.weighted_sum()
            };
            *difference = (at_distance(STEP)? - at_distance(-STEP)?) / f64::from(2.0 * STEP);
        }
        self.tape.input_mut(id).assign(values);
        Ok(differences)
    }

    #[cfg(test)]
    fn bits(&mut self) -> Vec<u32> {
        self.tape.backward(&self.params, &mut ParamGradients::new(&self.params));
        let mut bits: Vec<u32> = self.tape.value(self.y).iter().map(|y| y.to_bits()).collect();
        for id in &self.inputs {
            let gradient = self.tape.gradient(*id);
            bits.extend(gradient.iter().flat_map(|gradient| gradient.iter().map(|g| g.to_bits())));
        }
        bits
    }
}

fn compare(number: usize, found: &ArrayD<f32>, expected: &ArrayD<f64>) -> Result<()> {
    let largest = expected.iter().fold(1.0, |largest: f64, value| largest.max(value.abs()));
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let near = (f64::from(*found) - expected).abs() <= TOLERANCE * largest;
        if !near {
            let message = format!("input {number}, element {at}: gradient {found}, but differences give {expected}");
            return Err(Error::other(message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Result;
    use crate::tape::{Context, Gradients, Inputs, Op, arity};

    /// y = x, with a wrong gradient.
    struct Wrong;

    impl Op for Wrong {
        fn name(&self) -> &'static str {
            "wrong"
        }
        fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
            arity(inputs).map(|[x]| x)
        }
        fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
            y.copy_from_slice(&inputs.get(0));
        }
        fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], _dy: &mut [f32], gradients: Gradients<'_>) {
            let [dx] = gradients.each();
            dx.into_iter().for_each(|dx| dx.fill(0.5));
        }
    }

    #[test]
    fn a_wrong_gradient_is_found() {
        let sample = Sample::new(|x| x[0].recorder().apply(Wrong, x)).variable([3]);
        assert!(sample.check_gradients().unwrap_err().to_string().contains("differences give"));
    }
}
