//! Trained outputs: outputs with a loss and metrics.

use crate::architecture::Architecture;
use crate::error::{Error, Result, check_setting};
use crate::losses::Loss;
use crate::metrics::Metric;
use crate::sample_shape::SampleShape;
use std::sync::Arc;

/// The losses of a model's outputs: one for all outputs, or one for each output by name. Outputs without a loss are not
/// trained, and datasets need no targets for them.
///
/// ```
/// use gradus::losses::{CategoricalCrossentropy, SparseCategoricalCrossentropy};
/// use gradus::{Compile, Losses, metrics::Accuracy, optimizers::Adam};
/// let losses = Losses::new()
///     .output("digit", SparseCategoricalCrossentropy::new())
///     .output("color", CategoricalCrossentropy::new());
/// let settings = Compile::new(Adam::default(), losses).loss_weight("color", 0.5).metric_of("digit", Accuracy);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Losses {
    every: Option<Arc<dyn Loss>>,
    named: Vec<(String, Arc<dyn Loss>)>,
}

impl Losses {
    /// Creates a list without losses.
    pub fn new() -> Losses {
        Losses::default()
    }

    /// Adds the loss of the output with this name.
    pub fn output(mut self, name: impl Into<String>, loss: impl Loss + 'static) -> Losses {
        self.named.push((name.into(), Arc::new(loss)));
        self
    }
}

impl<L: Loss + 'static> From<L> for Losses {
    /// Uses this loss for every output.
    fn from(loss: L) -> Losses {
        Losses { every: Some(Arc::new(loss)), named: Vec::new() }
    }
}

/// The settings of `compile` for outputs, before the outputs are known.
#[derive(Clone, Debug)]
pub(super) struct CompileRequest {
    pub(super) losses: Losses,
    pub(super) weights: Vec<(String, f32)>,
    pub(super) metrics: Vec<MetricRequest>,
}

/// A metric in the settings of `compile`.
#[derive(Clone, Debug)]
pub(super) struct MetricRequest {
    pub(super) metric: Arc<dyn Metric>,
    /// The name of its output, or `None` if the model has one output.
    pub(super) output: Option<String>,
    /// Whether it weights rows.
    pub(super) weighted: bool,
}

/// An output with a loss, and its metrics.
///
/// ```
/// use gradus::{Compile, Sequential, layers::Dense, losses::MeanSquaredError, metrics::R2Score, optimizers::Sgd};
/// let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new()).metric(R2Score);
/// let model = Sequential::new([4]).add(Dense::new(1)).compile(settings)?;
/// let trained = &model.trained_outputs()[0];
/// assert_eq!((trained.output(), trained.loss().spec().class()), (0, "MeanSquaredError"));
/// assert_eq!(trained.metrics()[0].name(), "r2_score");
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TrainedOutput {
    pub(super) output: usize,
    pub(super) loss: Arc<dyn Loss>,
    pub(super) weight: f32,
    pub(super) metrics: Vec<Arc<dyn Metric>>,
    pub(super) weighted_metrics: Vec<Arc<dyn Metric>>,
}

impl TrainedOutput {
    /// Index of the output among the model's outputs.
    pub fn output(&self) -> usize {
        self.output
    }

    /// The loss of the output.
    pub fn loss(&self) -> &dyn Loss {
        self.loss.as_ref()
    }

    /// Factor of this loss in the sum that training minimizes.
    pub fn loss_weight(&self) -> f32 {
        self.weight
    }

    /// The metrics in which all rows have equal weight.
    pub fn metrics(&self) -> &[Arc<dyn Metric>] {
        &self.metrics
    }

    /// The metrics in which rows have their sample weights.
    pub fn weighted_metrics(&self) -> &[Arc<dyn Metric>] {
        &self.weighted_metrics
    }
}

impl CompileRequest {
    /// Returns the trained outputs in the model's order. `check` selects whether their losses and metrics are checked.
    pub(super) fn trained_outputs(self, architecture: &Architecture, check: bool) -> Result<Vec<TrainedOutput>> {
        let names = architecture.output_names();
        let number = |name: &String| {
            let unknown = || Error::Unknown { kind: "output", name: name.clone(), known: names.clone() };
            names.iter().position(|known| known == name).ok_or_else(unknown)
        };
        let trained = |output, loss| TrainedOutput::new(output, loss, 1.0);
        let mut trained_outputs: Vec<TrainedOutput> = match self.losses.every {
            Some(loss) => (0..names.len()).map(|output| trained(output, loss.clone())).collect(),
            None => {
                let named = self.losses.named.into_iter();
                named.map(|(name, loss)| Ok(trained(number(&name)?, loss))).collect::<Result<_>>()?
            }
        };
        trained_outputs.sort_by_key(|trained| trained.output);
        if let Some(twice) = trained_outputs.windows(2).find(|pair| pair[0].output == pair[1].output) {
            return Err(problem(&names[twice[0].output], "it has two losses; combine them in one custom loss"));
        }
        check_setting(!trained_outputs.is_empty(), "Compile", "losses", 0, "at least 1")?;
        for (name, weight) in self.weights {
            check_setting(weight.is_finite(), "Compile", "loss_weight", f64::from(weight), "finite")?;
            find(&mut trained_outputs, number(&name)?, &name)?.weight = weight;
        }
        for MetricRequest { metric, output, weighted } in self.metrics {
            let name = match (output, &names[..]) {
                (Some(name), _) => name,
                (None, [only]) => only.clone(),
                (None, _) => return Err(ambiguous_output(metric.as_ref(), &names)),
            };
            let trained = find(&mut trained_outputs, number(&name)?, &name)?;
            if weighted { &mut trained.weighted_metrics } else { &mut trained.metrics }.push(metric);
        }
        if check {
            trained_outputs.iter().try_for_each(|trained| trained.check(architecture))?;
        }
        Ok(trained_outputs)
    }
}

impl TrainedOutput {
    /// Creates a trained output without metrics.
    pub(super) fn new(output: usize, loss: Arc<dyn Loss>, weight: f32) -> TrainedOutput {
        TrainedOutput { output, loss, weight, metrics: Vec::new(), weighted_metrics: Vec::new() }
    }

    /// All metrics, weighted ones last.
    pub(super) fn all_metrics(&self) -> impl Iterator<Item = &dyn Metric> {
        self.metrics.iter().chain(&self.weighted_metrics).map(|metric| metric.as_ref())
    }

    /// Checks the settings of the loss and the metrics, and that they fit the output and each other. A model from a
    /// file may have others, and can still predict.
    pub(super) fn check(&self, architecture: &Architecture) -> Result<()> {
        let shape = architecture.outputs()[self.output].shape();
        self.check_parts(architecture).map_err(|error| if shape.is_open() { of_open(error, shape) } else { error })
    }

    fn check_parts(&self, architecture: &Architecture) -> Result<()> {
        let output = architecture.output(self.output);
        let of = match &architecture.output_names()[..] {
            [_] => String::new(),
            names => format!(" of output \"{}\"", names[self.output]),
        };
        let (loss, scale) = (self.loss.accepts(output), self.loss.output_scale());
        let class = self.loss.spec().class().to_owned();
        self.loss.check_settings()?;
        loss.check_output(|| format!("loss {class}{of}"), output, scale)?;
        for metric in self.all_metrics() {
            metric.check()?;
            let accepts = metric.accepts(output);
            let place = || format!("metric {}{of}", metric.spec().class());
            let shape = architecture.outputs()[self.output].shape();
            if metric.totals(shape.with_open_axes(1)) != metric.totals(shape.with_open_axes(2)) {
                let problem = "it has a total for each element of the output, whose number varies; give the input a fixed size along \
                     its open axes, or choose another metric";
                return Err(Error::Graph { place: place(), problem: problem.into() });
            }
            accepts.check_output(place, output, scale)?;
            if !accepts.is_compatible_with(&loss, output) {
                let (own, other) = (accepts.expected(output), loss.expected(output));
                let problem = format!("it takes {own}, but the loss {class} takes {other}{}", accepts.hint());
                return Err(Error::Graph { place: place(), problem: problem.into() });
            }
        }
        Ok(())
    }
}

/// Adds the shape of an output to an error that shows sizes of its open axes.
fn of_open(error: Error, shape: SampleShape) -> Error {
    let note = format!("; the output has shape {shape}, of which one size is shown");
    match error {
        Error::Shape { place, found, expected } => {
            Error::Shape { place, found, expected: format!("{expected}{note}").into() }
        }
        Error::Graph { place, problem } => Error::Graph { place, problem: format!("{problem}{note}").into() },
        other => other,
    }
}

fn find<'a>(trained_outputs: &'a mut [TrainedOutput], output: usize, name: &str) -> Result<&'a mut TrainedOutput> {
    let trained = trained_outputs.iter_mut().find(|trained| trained.output == output);
    trained
        .ok_or_else(|| problem(name, "it has no loss, so it has no targets for a loss weight or a metric; add a loss"))
}

fn problem(output: &str, problem: &'static str) -> Error {
    Error::Graph { place: format!("output \"{output}\""), problem: problem.into() }
}

fn ambiguous_output(metric: &dyn Metric, outputs: &[String]) -> Error {
    let problem = format!("the model has the outputs {}; use metric_of to choose one", outputs.join(", "));
    Error::Graph { place: format!("metric {}", metric.name()), problem: problem.into() }
}
