//! Checks of layers.

use super::{STEP, TOLERANCE, fail, spread, sum_weights, with_threads};
use crate::error::Result;
use crate::layers::{Cursor, Layer, Source, Weights};
use crate::settings::FromSpec;
use crate::spec::Spec;
use crate::tape::{Mode, ParamGradients, ParamId, Params, Recorder, Tape, ValueId, Var};
use crate::{Key, Shape};
use ndarray::{ArrayBase, ArrayD, Axis, Data, Dimension};
use std::ops::Range;

/// A layer with inputs, to check the contract of layers.
///
/// ```
/// use gradus::{FromSpec, Result, Settings, Shape, Spec, initializers::*, layers::*, tape::Var, testing::LayerSample};
///
/// /// y = x · scale, with one learned scale for each feature.
/// #[derive(Debug)]
/// struct Scaling {
///     init: f32,
/// }
///
/// impl Layer for Scaling {
///     fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
///         weights.add("scale", inputs[0].last(), &Constant::new(self.init))?;
///         Ok(vec![inputs[0]])
///     }
///     fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
///         let [scale] = weights.take();
///         vec![inputs[0] * scale]
///     }
///     fn spec(&self) -> Spec {
///         Spec::new("Scaling").with("init", self.init)
///     }
/// }
///
/// impl FromSpec for Scaling {
///     const CLASS: &'static str = "Scaling";
///     fn from_spec(settings: &mut Settings<'_>) -> Result<Scaling> {
///         Ok(Scaling { init: settings.float("init")? })
///     }
/// }
///
/// LayerSample::new(Scaling { init: 0.5 }).input([3, 2]).check()?;
/// # Ok::<(), gradus::Error>(())
/// ```
#[must_use]
pub struct LayerSample {
    layer: Box<dyn Layer>,
    make: fn(&Spec) -> Result<Box<dyn Layer>>,
    /// The values of each input, and whether its gradient is checked.
    inputs: Vec<(ArrayD<f32>, bool)>,
}

/// Number of rows of the inputs.
const ROWS: usize = 3;

impl LayerSample {
    /// Creates a sample of a layer. Add its inputs with [`input`](LayerSample::input) and [`values`](LayerSample::values).
    pub fn new<L: Layer + FromSpec + 'static>(layer: L) -> LayerSample {
        LayerSample::made_by(Box::new(layer), |spec| Ok(Box::new(spec.make::<L>()?)))
    }

    /// Creates a sample of a layer of dynamic type.
    pub(crate) fn made_by(layer: Box<dyn Layer>, make: fn(&Spec) -> Result<Box<dyn Layer>>) -> LayerSample {
        LayerSample { layer, make, inputs: Vec::new() }
    }

    /// Adds an input with this shape per row and [`spread`] values. Its gradient is checked.
    pub fn input(mut self, shape: impl Into<Shape>) -> LayerSample {
        let seed = self.inputs.len() as u64;
        // Building rejects shapes with too many axes.
        let shape = shape.into();
        self.inputs.push((spread(shape.batch(ROWS).unwrap_or(shape), seed), true));
        self
    }

    /// Adds an input with these values, three rows, without a gradient, such as indices.
    pub fn values<S: Data<Elem = f32>, D: Dimension>(mut self, values: ArrayBase<S, D>) -> LayerSample {
        self.inputs.push((values.to_owned().into_dyn(), false));
        self
    }

    /// Checks that
    ///
    /// - a layer made from the spec has the same spec, weights and output, and unknown settings are rejected;
    /// - `record` gives the shapes that `build` returns, in training and in inference, and uses every weight;
    /// - gradients of inputs and weights agree with central differences (except for elements near a kink, where differences
    ///   over half the distance disagree, and for weights to which the layer [assigns](Recorder::assign) values);
    /// - values and gradients have the same bits on 1 to 4 threads, and when the tape runs again;
    /// - in inference, the output of a row depends neither on other rows nor on the key.
    ///
    /// # Errors
    /// The first violation, and the errors of building, recording and running.
    pub fn check(&self) -> Result<()> {
        self.check_spec()?;
        self.check_modes()?;
        self.check_gradients()?;
        self.check_bits()?;
        self.check_rows()
    }

    /// Returns a function that runs one training step (forward, backward, running statistics) per call, always on the same
    /// tape, to count its allocations. It returns the error of its run.
    ///
    /// # Errors
    /// The errors of building and recording.
    pub fn steps(&self) -> Result<impl FnMut() -> Result<()> + use<>> {
        let mut built = self.build(self.layer.as_ref())?;
        let mut run = self.record(&built, Mode::Training, 0..ROWS)?;
        let mut gradients = ParamGradients::new(&built.params);
        Ok(move || {
            run.forward(&built.params)?;
            run.backward(&built.params, &mut gradients);
            run.tape.commit(&mut built.params);
            Ok(())
        })
    }

    fn check_spec(&self) -> Result<()> {
        let (layer, spec) = (self.layer.as_ref(), self.layer.spec());
        let made = (self.make)(&spec)?;
        if made.spec() != spec {
            return fail(&layer, format_args!("its spec {spec} makes {}", made.spec()));
        }
        if (self.make)(&spec.with("a setting of this name", true)).is_ok() {
            return fail(&layer, "it accepts an unknown setting; read settings by name");
        }
        let [own, made] = [self.build(layer)?, self.build(made.as_ref())?];
        let same = own.outputs == made.outputs && own.params.sha256() == made.params.sha256();
        if same { Ok(()) } else { fail(&layer, "the layer made from its spec has different weights or outputs") }
    }

    fn check_modes(&self) -> Result<()> {
        for mode in [Mode::Training, Mode::Inference] {
            let built = self.build(self.layer.as_ref())?;
            let mut run = self.record(&built, mode, 0..ROWS)?;
            run.forward(&built.params)?;
            if run.values().any(|value| !value.is_finite()) {
                return fail(&self.layer, format_args!("{mode:?} gives values that are not finite"));
            }
        }
        Ok(())
    }

    fn check_gradients(&self) -> Result<()> {
        let mut built = self.build(self.layer.as_ref())?;
        let mut run = self.record(&built, Mode::Training, 0..ROWS)?;
        let mut gradients = ParamGradients::new(&built.params);
        run.forward(&built.params)?;
        run.backward(&built.params, &mut gradients);
        for (number, (values, variable)) in self.inputs.iter().enumerate().filter(|(_, (_, variable))| *variable) {
            let id = run.inputs[number];
            let Some(found) = run.tape.gradient(id).filter(|_| *variable).map(|found| found.to_owned()) else {
                return fail(&self.layer, format_args!("input {number} gets no gradient"));
            };
            let mut at_distance = |at: usize, step: f32| {
                let mut moved = values.clone();
                moved.iter_mut().skip(at).take(1).for_each(|element| *element += step);
                run.tape.input_mut(id).assign(&moved);
                run.weighted_sum(&built.params)
            };
            self.compare(&format!("input {number}"), found.iter().copied(), &mut at_distance)?;
            run.tape.input_mut(id).assign(values);
        }
        for id in built.ids.clone() {
            let Some(found) = gradients.get(id).filter(|_| built.params.trainable(id) && !run.tape.assigns(id)) else {
                continue;
            };
            let name = built.params.name(id).to_owned();
            let mut at_distance = |at: usize, step: f32| {
                let value = built.params.values(id)[at];
                built.params.values_mut(id)[at] = value + step;
                let sum = run.weighted_sum(&built.params);
                built.params.values_mut(id)[at] = value;
                sum
            };
            self.compare(&name, found.iter().copied(), &mut at_distance)?;
        }
        Ok(())
    }

    /// Compares the gradient of an array with differences of `at_distance`, the loss with one element moved by a step.
    fn compare(
        &self,
        what: &str,
        found: impl ExactSizeIterator<Item = f32>,
        at_distance: &mut dyn FnMut(usize, f32) -> Result<f64>,
    ) -> Result<()> {
        let mut slope =
            |at: usize, step: f32| Ok((at_distance(at, step)? - at_distance(at, -step)?) / f64::from(2.0 * step));
        let (count, found) = (found.len(), found.map(f64::from));
        let slopes = (0..count).map(|at| Ok([slope(at, STEP)?, slope(at, STEP / 2.0)?]));
        let slopes = slopes.collect::<Result<Vec<[f64; 2]>>>()?;
        let largest = slopes.iter().fold(1.0, |largest: f64, [_, near]| largest.max(near.abs()));
        let near = |a: f64, b: f64| (a - b).abs() <= TOLERANCE * largest;
        let mut kinks = 0;
        for (at, (found, [far, close])) in found.zip(slopes).enumerate() {
            if !near(far, close) {
                kinks += 1;
            } else if !near(found, close) {
                let problem =
                    format!("{what}, element {at}: gradient {found}, expected {close} from central differences");
                return fail(&self.layer, problem);
            }
        }
        if 2 * kinks > count { fail(&self.layer, format_args!("{what}: most elements are near kinks")) } else { Ok(()) }
    }

    fn check_bits(&self) -> Result<()> {
        let built = self.build(self.layer.as_ref())?;
        for mode in [Mode::Training, Mode::Inference] {
            let expected = self.record(&built, mode, 0..ROWS)?.bits(&built.params)?;
            for threads in 1..=4 {
                let mut run = self.record(&built, mode, 0..ROWS)?;
                let bits = with_threads(threads, || [run.bits(&built.params), run.bits(&built.params)]);
                let [first, again] = bits;
                let (first, again) = (first?, again?);
                if first != expected {
                    return fail(&self.layer, format_args!("{mode:?} gives different bits on {threads} threads"));
                }
                if again != first {
                    return fail(&self.layer, format_args!("{mode:?} gives different bits when it runs again"));
                }
            }
        }
        Ok(())
    }

    fn check_rows(&self) -> Result<()> {
        let built = self.build(self.layer.as_ref())?;
        let mut together = self.record(&built, Mode::Inference, 0..ROWS)?;
        together.forward(&built.params)?;
        for row in 0..ROWS {
            let mut alone = self.record(&built, Mode::Inference, row..row + 1)?;
            alone.tape.run(&built.params, Key::from_seed(7))?;
            let differs = |(one, all): (&ValueId, &ValueId)| {
                let (one, all) = (alone.tape.value(*one), together.tape.value(*all));
                one.index_axis(Axis(0), 0) != all.index_axis(Axis(0), row)
            };
            if alone.outputs.iter().zip(&together.outputs).any(differs) {
                return fail(&self.layer, "in inference, the output of a row depends on other rows or on the key");
            }
        }
        Ok(())
    }

    fn build(&self, layer: &dyn Layer) -> Result<Built> {
        let shapes: Vec<Shape> = self.inputs.iter().map(|(values, _)| shape(values)).collect::<Result<_>>()?;
        let samples: Vec<Shape> = shapes.iter().map(Shape::sample).collect();
        if shapes.iter().any(|shape| shape.axis(0) != ROWS) || shapes.is_empty() {
            return fail(&layer, format_args!("a sample has inputs of {ROWS} rows"));
        }
        let mut params = Params::new();
        let mut weights = Weights::new(&mut params, "layer", Source::Init(Key::from_seed(1)));
        let outputs =
            layer.build(&samples, &mut weights).map_err(|error| error.at(|| format!("{layer:?}"), &samples))?;
        let ids = weights.into_ids();
        Ok(Built { params, ids, outputs })
    }

    /// Records these rows, and the sum of r·y over all outputs y, with random weights r, as the loss.
    fn record(&self, built: &Built, mode: Mode, rows: Range<usize>) -> Result<Run> {
        let recorder = Recorder::new(mode);
        let part = |values: &ArrayD<f32>| values.slice_axis(Axis(0), rows.clone().into()).to_owned();
        let inputs = self.inputs.iter().map(|(values, variable)| {
            let shape = shape(&part(values))?;
            Ok(if *variable { recorder.variable(shape) } else { recorder.input(shape) })
        });
        let inputs = inputs.collect::<Result<Vec<Var<'_>>>>()?;
        let mut weights = Cursor::new(&recorder, &built.params, &built.ids);
        let outputs = recorder.scope("layer", || self.layer.record(&mut weights, &inputs));
        if let [left, ..] = weights.left() {
            return fail(&self.layer, format_args!("it does not use its weight {}", built.params.name(*left)));
        }
        let shapes: Vec<Shape> = outputs.iter().map(Var::shape).collect();
        let weights: Vec<Var<'_>> = shapes.iter().map(|shape| recorder.input(*shape)).collect();
        let Some(loss) = outputs.iter().zip(&weights).map(|(y, r)| (*y * *r).sum()).reduce(|sum, next| sum + next)
        else {
            return fail(&self.layer, "it records no output");
        };
        recorder.minimize(loss);
        let [ids, outputs, weights]: [Vec<ValueId>; 3] =
            [&inputs, &outputs, &weights].map(|vars| vars.iter().map(Var::id).collect());
        let mut tape = recorder.finish()?;
        let announced = built.outputs.iter().map(|output| output.batch(rows.len())).collect::<Result<Vec<Shape>>>()?;
        if announced != shapes {
            let list = |shapes: Vec<Shape>| shapes.iter().map(Shape::to_string).collect::<Vec<_>>().join(", ");
            let (announced, recorded) = (list(built.outputs.clone()), list(shapes));
            return fail(
                &self.layer,
                format_args!("`build` returns samples of shape {announced}, but `record` gives {recorded}"),
            );
        }
        for (id, (values, _)) in ids.iter().zip(&self.inputs) {
            tape.input_mut(*id).assign(&part(values));
        }
        let weights_of = |(number, shape): (usize, &Shape)| sum_weights(*shape, 99 + number as u64);
        let factors: Vec<ArrayD<f32>> = shapes.iter().enumerate().map(weights_of).collect();
        weights.iter().zip(&factors).for_each(|(id, values)| tape.input_mut(*id).assign(values));
        Ok(Run { tape, inputs: ids, outputs, factors })
    }
}

fn shape(values: &ArrayD<f32>) -> Result<Shape> {
    Shape::new(values.shape())
}

struct Built {
    params: Params,
    ids: Vec<ParamId>,
    outputs: Vec<Shape>,
}

/// A recorded sample.
struct Run {
    tape: Tape,
    inputs: Vec<ValueId>,
    outputs: Vec<ValueId>,
    /// The weight of each element of each output in the loss.
    factors: Vec<ArrayD<f32>>,
}

impl Run {
    fn forward(&mut self, params: &Params) -> Result<()> {
        self.tape.run(params, Key::from_seed(2))
    }

    fn backward(&mut self, params: &Params, gradients: &mut ParamGradients) {
        if self.tape.has_gradients() {
            self.tape.backward(params, gradients);
        }
    }

    /// The values of all outputs.
    fn values(&self) -> impl Iterator<Item = f32> + '_ {
        self.outputs.iter().flat_map(|id| self.tape.view(*id).data()).copied()
    }

    /// The weighted sum of the outputs in f64, so that only the layer itself rounds to f32.
    fn weighted_sum(&mut self, params: &Params) -> Result<f64> {
        self.forward(params)?;
        Ok(self.values().zip(self.factors.iter().flatten()).map(|(y, r)| f64::from(y) * f64::from(*r)).sum())
    }

    /// The bits of the output and of every gradient.
    fn bits(&mut self, params: &Params) -> Result<Vec<u32>> {
        let mut gradients = ParamGradients::new(params);
        self.forward(params)?;
        self.backward(params, &mut gradients);
        let inputs = self.inputs.iter().filter_map(|id| self.tape.gradient(*id));
        let weights = params.ids().filter_map(|id| gradients.get(id));
        let outputs = self.outputs.iter().map(|id| self.tape.value(*id));
        let arrays = outputs.chain(inputs).chain(weights);
        Ok(arrays.flat_map(|array| array.iter().map(|value| value.to_bits()).collect::<Vec<_>>()).collect())
    }
}

impl std::fmt::Debug for LayerSample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shapes: Vec<&[usize]> = self.inputs.iter().map(|(values, _)| values.shape()).collect();
        write!(f, "LayerSample({:?} on {shapes:?})", self.layer)
    }
}

#[cfg(test)]
mod tests;
