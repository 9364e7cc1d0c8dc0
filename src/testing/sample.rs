//! Checks of the gradients of expressions.

mod input;

use super::{STEP, TOLERANCE, spread, sum_weights};
use crate::error::{Error, Result};
use crate::tape::{Mode, ParamGradients, ParamId, Params, Recorder, Tape, ValueId, Var};
use crate::{Key, Shape};
use input::{Input, Kind};
use ndarray::{ArrayBase, ArrayD, Data, Dimension};
use std::fmt;
use std::sync::Arc;

/// A function that records an expression from its inputs.
type Expression = dyn for<'r> Fn(&[Var<'r>]) -> Var<'r> + Send + Sync;

/// An expression with values for its inputs.
#[derive(Clone)]
#[must_use]
pub struct Sample {
    expression: Arc<Expression>,
    inputs: Vec<Input>,
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

impl Sample {
    /// Creates a sample of an expression. Add its inputs with [`variable`](Sample::variable), [`input`](Sample::input) and
    /// [`state`](Sample::state). The expression can capture values, such as the settings of a loss:
    ///
    /// ```
    /// use gradus::{losses::{Huber, Loss}, testing::Sample};
    /// for delta in [0.5, 2.0] {
    ///     let loss = Huber::new().delta(delta);
    ///     let sample = Sample::new(move |x| loss.record(x[0], x[1]));
    ///     sample.variable([4, 2]).input(ndarray::Array2::zeros((4, 2))).check_gradients()?;
    /// }
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn new(expression: impl for<'r> Fn(&[Var<'r>]) -> Var<'r> + Send + Sync + 'static) -> Sample {
        Sample { expression: Arc::new(expression), inputs: Vec::new() }
    }

    /// Adds an input with [`spread`] values, whose gradient is checked.
    pub fn variable(mut self, shape: impl Into<Shape>) -> Sample {
        let values = spread(shape.into(), self.inputs.len() as u64);
        self.inputs.push(Input { values, kind: Kind::Variable });
        self
    }

    /// Adds an input with these values, without a gradient, such as labels.
    pub fn input<S: Data<Elem = f32>, D: Dimension>(mut self, values: ArrayBase<S, D>) -> Sample {
        self.inputs.push(Input { values: values.to_owned().into_dyn(), kind: Kind::Constant });
        self
    }

    /// Adds a non-trainable parameter with these values, such as running statistics, for operations that
    /// [update it](crate::tape::Op::states).
    pub fn state<S: Data<Elem = f32>, D: Dimension>(mut self, values: ArrayBase<S, D>) -> Sample {
        self.inputs.push(Input { values: values.to_owned().into_dyn(), kind: Kind::State });
        self
    }

    /// Compares every gradient with central differences of Σ r·y, for random weights r between 0.5 and 1.5 in magnitude, and
    /// checks that a second run gives the same bits. The tolerance is 0.004, or this part of the largest gradient of the input
    /// if that is larger than 1: scale expressions whose gradients are far below 1.
    ///
    /// # Errors
    /// The errors of recording and running, or the first gradient that differs, with both values.
    pub fn check_gradients(&self) -> Result<()> {
        let mut run = self.record()?;
        run.forward()?;
        run.tape.backward(&run.params, &mut ParamGradients::new(&run.params));
        let variables = || self.inputs.iter().enumerate().filter(|(_, input)| input.kind == Kind::Variable);
        let mut first = Vec::new();
        for (number, _) in variables() {
            let found = run.tape.gradient(run.inputs[number]);
            first.push(found.ok_or_else(|| Error::other(format!("input {number} gets no gradient")))?.to_owned());
        }
        run.forward()?;
        run.tape.backward(&run.params, &mut ParamGradients::new(&run.params));
        for ((number, _), first) in variables().zip(&first) {
            let again = run.tape.gradient(run.inputs[number]).map(|again| again.to_owned());
            if again.is_none_or(|again| again.iter().zip(first).any(|(a, b)| a.to_bits() != b.to_bits())) {
                let problem =
                    "gradient differs when the tape runs again; `backward` must overwrite gradients and add nothing";
                return Err(Error::other(format!("input {number}: {problem}")));
            }
        }
        for ((number, input), found) in variables().zip(first) {
            let expected = run.differences(number, &input.values)?;
            compare(number, &found, &expected)?;
        }
        Ok(())
    }

    /// Checks that every [state](Sample::state) is updated, and that the new values depend only on the values before the step:
    /// a second run without [`commit`](crate::tape::Tape::commit) gives the same bits as the first.
    ///
    /// # Errors
    /// The errors of recording and running, or the first state that violates this.
    pub fn check_states(&self) -> Result<()> {
        let mut run = self.record()?;
        let commits = |run: &Run| run.tape.commits().map(|(id, value)| (id, bits(&value))).collect::<Vec<_>>();
        run.forward()?;
        let first = commits(&run);
        run.forward()?;
        for id in run.params.ids() {
            let name = run.params.name(id);
            let of = |commits: &[(ParamId, Vec<u32>)]| commits.iter().find(|(known, _)| *known == id).cloned();
            match (of(&first), of(&commits(&run))) {
                (None, _) => return Err(Error::other(format!("{name} is not updated"))),
                (first, second) if first != second => {
                    return Err(Error::other(format!("{name} gets different values when the tape runs again")));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns a function that runs forward, backward and the update of states once per call, always on the same tape, to
    /// count its allocations. It returns the error of its run.
    ///
    /// # Errors
    /// The errors of recording.
    pub fn steps(&self) -> Result<impl FnMut() -> Result<()> + use<>> {
        let mut run = self.record()?;
        let mut gradients = ParamGradients::new(&run.params);
        Ok(move || {
            run.forward()?;
            run.tape.backward(&run.params, &mut gradients);
            run.tape.commit(&mut run.params);
            Ok(())
        })
    }

    /// Computes the expression in training mode.
    ///
    /// # Errors
    /// The errors of recording; [`Error::Fault`] when an operation encounters an invalid value.
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
        run.bits(&self.inputs)
    }

    /// The bits of the value and of every gradient when the tape has run before with other values.
    #[cfg(test)]
    pub(crate) fn bits_of_second_run(&self) -> Vec<u32> {
        let mut run = self.record().expect("samples are right");
        let forward = |run: &mut Run| run.forward().expect("samples are right");
        forward(&mut run);
        run.bits(&self.inputs);
        for (number, input) in self.inputs.iter().enumerate() {
            if input.kind == Kind::Variable {
                run.tape.input_mut(run.inputs[number]).assign(&(&input.values * f32::NAN));
            }
        }
        forward(&mut run);
        run.bits(&self.inputs);
        self.fill(&mut run.tape, &run.inputs);
        forward(&mut run);
        run.bits(&self.inputs)
    }

    /// The shapes of the inputs.
    pub(crate) fn shapes(&self) -> Vec<Shape> {
        self.inputs.iter().map(Input::shape).collect()
    }

    /// The expression on inputs of other shapes, filled with the values of the inputs, repeated.
    #[cfg(test)]
    pub(crate) fn on(&self, shapes: &[Shape]) -> Sample {
        let refilled = |(Input { values, kind }, shape): (&Input, &Shape)| {
            let refill = values.iter().copied().cycle().take(shape.len()).collect();
            Input { values: ArrayD::from_shape_vec(shape.sizes(), refill).expect("samples have values"), kind: *kind }
        };
        Sample { expression: self.expression.clone(), inputs: self.inputs.iter().zip(shapes).map(refilled).collect() }
    }

    /// The length of the longest of its inputs and its value, if it takes these shapes.
    #[cfg(test)]
    pub(crate) fn longest_on(&self, shapes: &[Shape]) -> Option<usize> {
        let (recorder, mut params) = (Recorder::new(Mode::Inference), Params::new());
        let inputs = self.inputs_of(&recorder, &mut params, shapes, |_, _| Vec::new()).ok()?;
        let y = (self.expression)(&inputs).shape().len();
        recorder.finish().ok()?;
        shapes.iter().map(Shape::len).chain([y]).max()
    }

    /// Records the expression for inputs of other shapes, without running it.
    #[cfg(test)]
    pub(crate) fn record_on(&self, shapes: &[Shape]) -> Result<()> {
        let (recorder, mut params) = (Recorder::new(Mode::Training), Params::new());
        let inputs = self.inputs_of(&recorder, &mut params, shapes, |_, _| Vec::new())?;
        let _ = recorder.scope("somewhere", || (self.expression)(&inputs));
        recorder.finish().map(|_| ())
    }

    /// Whether its value can be computed, and is finite.
    #[cfg(test)]
    pub(crate) fn is_finite(&self) -> bool {
        let mut run = self.record().expect("samples are right");
        run.weighted_sum().is_ok_and(f64::is_finite)
    }

    /// The names of the operations that the expression records.
    #[cfg(test)]
    pub(crate) fn operations(&self) -> Vec<String> {
        let tape = format!("{:?}", self.run_on(&self.shapes()).expect("samples are right"));
        // A title, `  somewhere relu: 3 × 5 → 3 × 5` for each step, and a total.
        let steps = tape.lines().filter_map(|line| line.strip_prefix("  somewhere ")?.split(':').next());
        let mut names: Vec<String> = steps.map(str::to_owned).collect();
        names.pop();
        names
    }

    /// Records the expression for inputs of other shapes in a scope `somewhere`, and runs it forward and backward if recording
    /// succeeds.
    #[cfg(test)]
    pub(crate) fn run_on(&self, shapes: &[Shape]) -> Result<Tape> {
        let (recorder, mut params) = (Recorder::new(Mode::Training), Params::new());
        recorder.scope("somewhere", || {
            let inputs = self.inputs_of(&recorder, &mut params, shapes, |_, shape| vec![0.0; shape.len()])?;
            recorder.minimize((self.expression)(&inputs).sum());
            Ok::<(), Error>(())
        })?;
        let mut tape = recorder.finish()?;
        tape.run(&params, Key::from_seed(0))?;
        tape.backward(&params, &mut ParamGradients::new(&params));
        Ok(tape)
    }

    /// Records a sample followed by an operation that reports a fault, runs it, and returns the tape with its parameters
    /// before and after [`commit`](crate::tape::Tape::commit).
    #[cfg(test)]
    pub(crate) fn with_fault(&self) -> (Tape, String, String) {
        let (recorder, mut params) = (Recorder::new(Mode::Training), Params::new());
        let inputs = self.inputs_of(&recorder, &mut params, &self.shapes(), Input::values).expect("samples are right");
        let y = (self.expression)(&inputs);
        let [indices, table] = [recorder.input([1]), recorder.input([1, 1])];
        recorder.minimize(y.sum() + indices.embedding(table).sum());
        let indices = indices.id();
        let mut tape = recorder.finish().expect("samples are right");
        tape.run(&params, Key::from_seed(0)).expect("samples are right");
        tape.input_mut(indices).fill(7.0);
        tape.run(&params, Key::from_seed(0)).expect_err("an index out of range is a fault");
        let before = params.sha256();
        tape.commit(&mut params);
        (tape, before, params.sha256())
    }

    /// Records the inputs in these shapes. `values` gives the values of states.
    fn inputs_of<'r>(
        &self,
        recorder: &'r Recorder,
        params: &mut Params,
        shapes: &[Shape],
        values: impl Fn(&Input, Shape) -> Vec<f32>,
    ) -> Result<Vec<Var<'r>>> {
        let inputs = self.inputs.iter().zip(shapes);
        inputs.map(|(input, shape)| input.record(recorder, params, *shape, values(input, *shape))).collect()
    }

    /// Writes the inputs' values to a tape.
    fn fill(&self, tape: &mut Tape, ids: &[ValueId]) {
        for (id, input) in ids.iter().zip(&self.inputs).filter(|(_, input)| input.kind != Kind::State) {
            tape.input_mut(*id).assign(&input.values);
        }
    }

    fn record(&self) -> Result<Run> {
        let (recorder, mut params) = (Recorder::new(Mode::Training), Params::new());
        let inputs = self.inputs_of(&recorder, &mut params, &self.shapes(), Input::values)?;
        let y = (self.expression)(&inputs);
        let weights = sum_weights(y.shape(), 99);
        let r = recorder.input(y.shape());
        recorder.minimize((y * r).sum());
        let (ids, y, r) = (inputs.iter().map(Var::id).collect::<Vec<ValueId>>(), y.id(), r.id());
        let mut tape = recorder.finish()?;
        self.fill(&mut tape, &ids);
        tape.input_mut(r).assign(&weights);
        Ok(Run { tape, params, inputs: ids, y, weights })
    }
}

/// A recorded sample.
struct Run {
    tape: Tape,
    params: Params,
    inputs: Vec<ValueId>,
    y: ValueId,
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
    fn bits(&mut self, inputs: &[Input]) -> Vec<u32> {
        self.tape.backward(&self.params, &mut ParamGradients::new(&self.params));
        let mut all: Vec<u32> = self.tape.value(self.y).iter().map(|y| y.to_bits()).collect();
        for (id, _) in self.inputs.iter().zip(inputs).filter(|(_, input)| input.kind != Kind::State) {
            let gradient = self.tape.gradient(*id);
            all.extend(gradient.iter().flat_map(|gradient| gradient.iter().map(|g| g.to_bits())));
        }
        self.tape.commits().for_each(|(_, value)| all.extend(bits(&value)));
        all
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn compare(number: usize, found: &ArrayD<f32>, expected: &ArrayD<f64>) -> Result<()> {
    let largest = expected.iter().fold(1.0, |largest: f64, value| largest.max(value.abs()));
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let near = (f64::from(*found) - expected).abs() <= TOLERANCE * largest;
        if !near {
            let message =
                format!("input {number}, element {at}: gradient {found}, expected {expected} from central differences");
            return Err(Error::other(message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
