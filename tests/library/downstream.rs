//! Custom parts that use the public traits, as in another crate.

use gradus::data::{Dataset, NextBatch, Target};
use gradus::layers::{Cursor, Dense, Layer, Weights};
use gradus::losses::Loss;
use gradus::metrics::{Direction, Metric, ScoredBatch};
use gradus::optimizers::{Optimizer, ParamSlice, Sgd, Step};
use gradus::tape::{Context, Gradients, Inputs, Mode, Op, ParamGradients, Params, Recorder, Var, arity};
use gradus::testing::Sample;
use gradus::{
    Accepts, BatchEnd, Callback, Compile, EpochEnd, Error, Fit, Flow, Key, Model, Progress, Result, Sequential, Shape,
    Spec, TargetKind,
};
use ndarray::{Array1, Axis, arr1, arr2};

/// y = x³, dx = 3 · x² · dy
struct Cube;

impl Op for Cube {
    fn name(&self) -> &'static str {
        "cube"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> gradus::Result<Shape> {
        let [x] = arity(inputs)?;
        if x.rank() == 0 { Err(Error::expected("at least one axis")) } else { Ok(x) }
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        y.iter_mut().zip(x.data()).for_each(|(y, x)| *y = x * x * x);
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([x], [dx]) = (inputs.each(), gradients.each());
        let Some(dx) = dx else { return };
        dx.iter_mut().zip(x.data()).zip(dy).for_each(|((dx, x), dy)| *dx = 3.0 * x * x * *dy);
    }
}

/// The recording method of the operation.
trait CubeExt {
    fn cube(self) -> Self;
}

impl CubeExt for Var<'_> {
    fn cube(self) -> Self {
        self.recorder().apply(Cube, &[self])
    }
}

/// y = (x · scale)³, with a learned scale for each feature.
#[derive(Debug)]
struct Cubed;

impl Layer for Cubed {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> gradus::Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        weights.add("scale", x.last(), &gradus::initializers::Constant::new(0.5))?;
        Ok(vec![*x])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [scale] = weights.take();
        vec![(inputs[0] * scale).cube()]
    }

    fn spec(&self) -> Spec {
        Spec::new("Cubed")
    }
}

/// The mean of squared differences.
#[derive(Debug)]
struct SquaredError;

impl Loss for SquaredError {
    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Values])
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        let difference = prediction - target;
        (difference * difference).mean()
    }

    fn spec(&self) -> Spec {
        Spec::new("SquaredError")
    }
}

/// The mean distance of predictions from targets.
#[derive(Debug)]
struct Distance;

impl Metric for Distance {
    fn name(&self) -> &str {
        "distance"
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Lower)
    }

    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Values])
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        totals[0] += batch.pairs().map(|(p, t)| f64::from((p - t).abs())).sum::<f64>();
    }

    fn spec(&self) -> Spec {
        Spec::new("Distance")
    }
}

/// A step in the direction of the gradient's negative sign.
#[derive(Debug)]
struct SignDescent(f32);

impl Optimizer for SignDescent {
    fn update(&self, step: Step, slice: ParamSlice<'_>) {
        slice.values.iter_mut().zip(slice.gradient).for_each(|(w, g)| *w -= step.learning_rate * g.signum());
    }

    fn spec(&self) -> Spec {
        Spec::new("SignDescent").with("learning_rate", self.0)
    }
}

/// Row `i` is i / rows; its target is the cube of that.
struct Cubes {
    rows: usize,
}

impl Dataset for Cubes {
    fn len(&self) -> usize {
        self.rows
    }

    fn input_shape(&self) -> Shape {
        Shape::from([1])
    }

    fn target(&self) -> Target {
        Target::Values(Shape::from([1]))
    }

    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]) {
        for ((row, x), y) in rows.iter().zip(inputs).zip(targets) {
            *x = *row as f32 / self.rows as f32;
            *y = *x * *x * *x;
        }
    }
}

/// Counts its calls, and stops after a number of batches or epochs.
struct Stop {
    batches: usize,
    epochs: u64,
    counted: (usize, u64),
}

impl Stop {
    fn after(batches: usize, epochs: u64) -> Stop {
        Stop { batches, epochs, counted: (0, 0) }
    }
}

impl Callback for Stop {
    fn batch_end(&mut self, _: &mut Model, batch: &BatchEnd<'_>) -> Result<Flow> {
        assert!(batch.batch <= batch.batches && batch.scores.loss.is_finite());
        self.counted.0 += 1;
        Ok(if self.counted.0 < self.batches { Flow::Continue(()) } else { Flow::Break(gradus::Stop::Done) })
    }

    fn epoch_end(&mut self, _: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
        self.counted.1 = end.epoch.number;
        Ok(if self.counted.1 < self.epochs { Flow::Continue(()) } else { Flow::Break(gradus::Stop::Paused) })
    }
}

fn quiet<'a>() -> Fit<'a> {
    Fit::new().progress(Progress::Quiet)
}

fn cubed() -> Model {
    let settings = Compile::new(Sgd::new(0.3), SquaredError).metric(Distance);
    Sequential::new([1]).add(Cubed).compile(settings).unwrap()
}

#[test]
fn custom_operations_are_differentiated() {
    Sample::new(|x| x[0].cube()).variable([2, 3]).check_gradients().unwrap();
    Sample::new(|x| (x[0].cube() + x[0]) * x[0]).variable([5]).check_gradients().unwrap();
}

#[test]
fn custom_operations_are_named_in_errors() {
    let recorder = Recorder::new(Mode::Training);
    let _ = recorder.scope("mine", || recorder.input(Shape::SCALAR).cube() * 2.0);
    let message = recorder.finish().unwrap_err().to_string();
    assert_eq!(message, "mine: cube: found shape (), expected at least one axis");
}

#[test]
fn custom_parts_learn_together() {
    let data = Cubes { rows: 90 };
    let mut model = cubed();
    let before = model.evaluate(&data).unwrap();
    let history = model.fit(&data, quiet().epochs(40).batch_size(20)).unwrap();
    let after = model.evaluate(&data).unwrap();
    assert!(after.loss < 0.01 * before.loss && after.get("distance") < before.get("distance"), "{before} → {after}");
    assert_eq!(history.get("distance").unwrap().len(), 40);
    let scale = model.params().get(model.params().id("cubed/scale").unwrap())[[0]];
    approx::assert_abs_diff_eq!(scale, 1.0, epsilon = 0.05);
    assert!(model.summary().contains(" cubed (Cubed)"));
}

#[test]
fn a_custom_optimizer_moves_every_weight_by_the_learning_rate() {
    let network = Sequential::new([1]).add(Dense::new(1));
    let mut model = network.compile(Compile::new(SignDescent(0.25), SquaredError)).unwrap();
    let before = model.params().clone();
    model.fit(&Cubes { rows: 30 }, quiet().batch_size(30)).unwrap();
    for id in before.ids() {
        let moved = &model.params().get(id) - &before.get(id);
        assert!(moved.iter().all(|step| (step.abs() - 0.25).abs() < 1e-6), "{moved}");
    }
}

#[test]
fn a_callback_stops_at_a_batch_or_at_an_epoch() {
    let data = Cubes { rows: 64 };
    let mut model = cubed();
    let mut stop = Stop::after(5, 9);
    let history = model.fit(&data, quiet().epochs(9).batch_size(16).callback(&mut stop)).unwrap();
    assert_eq!((history.epochs.len(), model.epoch(), model.step()), (2, 1, 5), "in the second epoch");
    let mut stop = Stop::after(usize::MAX, 3);
    let history = model.fit(&data, quiet().epochs(9).batch_size(16).callback(&mut stop)).unwrap();
    assert_eq!(history.epochs.iter().map(|epoch| epoch.number).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn a_callback_ends_unlimited_epochs() {
    let (data, mut model) = (Cubes { rows: 8 }, cubed());
    for epochs in [1, 2] {
        let mut stop = Stop::after(usize::MAX, epochs);
        model.fit(&data, quiet().epochs(usize::MAX).callback(&mut stop)).unwrap();
        assert_eq!(model.epoch(), epochs);
    }
}

#[test]
fn all_callbacks_are_called() {
    let (mut first, mut second) = (Stop::after(usize::MAX, 1), Stop::after(usize::MAX, 5));
    let settings = quiet().epochs(5).callback(&mut first).callback(&mut second);
    cubed().fit(&Cubes { rows: 8 }, settings).unwrap();
    assert_eq!((first.counted, second.counted), ((1, 1), (1, 1)));
}

#[test]
fn zero_epochs_train_nothing() {
    let (data, mut model) = (Cubes { rows: 8 }, cubed());
    let before = model.params().sha256();
    assert!(model.fit(&data, quiet().epochs(0)).unwrap().epochs.is_empty());
    assert_eq!((model.params().sha256(), model.epoch()), (before, 0));
}

/// Least squares on the tape: a custom loop over batches with a custom optimizer.
fn fit_line(steps: u64) -> (f32, f32, String) {
    let mut params = Params::new();
    let w = params.add("w", &arr2(&[[0.0]])).unwrap();
    let b = params.add("b", &arr1(&[0.0])).unwrap();
    let recorder = Recorder::new(Mode::Training);
    let (x, t) = (recorder.input([8, 1]), recorder.input([8, 1]));
    let y = x.matmul(recorder.parameter(&params, w)) + recorder.parameter(&params, b);
    recorder.minimize(((y - t) * (y - t)).mean());
    let (x, t) = (x.id(), t.id());
    let mut tape = recorder.finish().unwrap();
    let mut gradients = ParamGradients::new(&params);
    let mut batches = NextBatch::new(20, 8, Key::from_seed(1)).unwrap();
    for step in 1..=steps {
        let rows = Array1::from_iter(batches.next_batch().iter().map(|row| *row as f32 / 20.0));
        tape.input_mut(x).assign(&rows.view().insert_axis(Axis(1)));
        tape.input_mut(t).assign(&rows.mapv(|x| 3.0 * x - 1.0).insert_axis(Axis(1)));
        tape.run(&params, Key::from_seed(step)).unwrap();
        tape.backward(&params, &mut gradients);
        for id in [w, b] {
            let gradient = gradients.get(id).unwrap();
            params.get_mut(id).zip_mut_with(&gradient, |value, gradient| *value -= 0.5 * gradient);
        }
    }
    (params.get(w)[[0, 0]], params.get(b)[[0]], params.sha256())
}

#[test]
fn a_custom_training_loop_fits_a_line() {
    let (slope, offset, digest) = fit_line(400);
    approx::assert_abs_diff_eq!(slope, 3.0, epsilon = 1e-3);
    approx::assert_abs_diff_eq!(offset, -1.0, epsilon = 1e-3);
    assert_eq!(fit_line(400).2, digest);
}
