//! What is trained of a model: outputs with their losses and metrics.

use super::network::Network;
use crate::error::{Error, Result, check_setting};
use crate::losses::Loss;
use crate::metrics::Metric;
use std::sync::Arc;

/// The losses of a model's outputs: one for all, or one for each by name. An output without a loss is not trained, and a
/// dataset need not have targets for it.
///
/// ```
/// use gradus::losses::{CategoricalCrossentropy, SparseCategoricalCrossentropy};
/// use gradus::{Compile, Losses, metrics::Accuracy, optimizers::Adam};
/// let losses = Losses::new()
///     .output("digit", SparseCategoricalCrossentropy::new())
///     .output("colour", CategoricalCrossentropy::new());
/// let settings = Compile::new(Adam::default(), losses).loss_weight("colour", 0.5).metric_of("digit", Accuracy);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Losses {
    every: Option<Arc<dyn Loss>>,
    named: Vec<(String, Arc<dyn Loss>)>,
}

impl Losses {
    /// None yet.
    pub fn new() -> Losses {
        Losses::default()
    }

    /// This loss for every output.
    pub(super) fn every(loss: Arc<dyn Loss>) -> Losses {
        Losses { every: Some(loss), named: Vec::new() }
    }

    /// Adds the loss of the output with this name.
    pub fn output(mut self, name: impl Into<String>, loss: impl Loss + 'static) -> Losses {
        self.named.push((name.into(), Arc::new(loss)));
        self
    }
}

impl<L: Loss + 'static> From<L> for Losses {
    /// This loss for every output.
    fn from(loss: L) -> Losses {
        Losses::every(Arc::new(loss))
    }
}

/// What `compile` was told about outputs, before it is known which there are.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    pub(super) losses: Losses,
    pub(super) weights: Vec<(String, f32)>,
    pub(super) metrics: Vec<MetricWish>,
}

/// A metric that was asked for.
#[derive(Clone, Debug)]
pub(super) struct MetricWish {
    pub(super) metric: Arc<dyn Metric>,
    /// The output it is of; none where there is but one.
    pub(super) output: Option<String>,
    /// Whether it counts rows by their weights.
    pub(super) weighted: bool,
}

/// An output that is trained.
#[derive(Debug)]
pub(super) struct Head {
    /// Its number among the model's outputs.
    pub(super) output: usize,
    pub(super) loss: Arc<dyn Loss>,
    /// How much its loss counts in the sum of all.
    pub(super) weight: f32,
    pub(super) metrics: Vec<Arc<dyn Metric>>,
    /// Those that count rows by their weights.
    pub(super) weighted_metrics: Vec<Arc<dyn Metric>>,
}

impl Wishes {
    /// The outputs that are trained, in the model's order.
    pub(super) fn heads(self, network: &Network) -> Result<Vec<Head>> {
        let names = network.output_names();
        let number = |name: &String| {
            let unknown = || Error::Unknown { kind: "output", name: name.clone(), known: names.clone() };
            names.iter().position(|known| known == name).ok_or_else(unknown)
        };
        let head = |output, loss| Head::new(output, loss, 1.0);
        let mut heads: Vec<Head> = match self.losses.every {
            Some(loss) => (0..names.len()).map(|output| head(output, loss.clone())).collect(),
            None => {
                let named = self.losses.named.into_iter();
                named.map(|(name, loss)| Ok(head(number(&name)?, loss))).collect::<Result<_>>()?
            }
        };
        heads.sort_by_key(|head| head.output);
        if let Some(twice) = heads.windows(2).find(|pair| pair[0].output == pair[1].output) {
            return Err(problem(
                &names[twice[0].output],
                "two losses are given for it; add them in a loss of your own",
            ));
        }
        check_setting(!heads.is_empty(), "Compile", "losses", 0, "at least 1")?;
        for (name, weight) in self.weights {
            check_setting(weight.is_finite(), "Compile", "loss_weight", f64::from(weight), "finite")?;
            find(&mut heads, number(&name)?, &name)?.weight = weight;
        }
        for MetricWish { metric, output, weighted } in self.metrics {
            let name = match (output, &names[..]) {
                (Some(name), _) => name,
                (None, [only]) => only.clone(),
                (None, _) => return Err(of_which(metric.as_ref(), &names)),
            };
            let head = find(&mut heads, number(&name)?, &name)?;
            if weighted { &mut head.weighted_metrics } else { &mut head.metrics }.push(metric);
        }
        heads.iter().try_for_each(|head| head.check(network))?;
        Ok(heads)
    }
}

impl Head {
    /// Without metrics.
    pub(super) fn new(output: usize, loss: Arc<dyn Loss>, weight: f32) -> Head {
        Head { output, loss, weight, metrics: Vec::new(), weighted_metrics: Vec::new() }
    }

    /// Every metric, those that count rows by their weights last.
    pub(super) fn all_metrics(&self) -> impl Iterator<Item = &dyn Metric> {
        self.metrics.iter().chain(&self.weighted_metrics).map(|metric| metric.as_ref())
    }

    /// Checks the settings of the loss and the metrics, and that they go with the output and with each other. A model that
    /// was read from a file may hold others, with which it can still predict.
    pub(super) fn check(&self, network: &Network) -> Result<()> {
        let output = network.output(self.output);
        let of = match &network.output_names()[..] {
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
            accepts.check_output(place, output, scale)?;
            if !accepts.goes_with(&loss, output) {
                let (own, other) = (accepts.expected(output), loss.expected(output));
                let problem = format!("it takes {own}, but the loss {class} takes {other}{}", accepts.hint());
                return Err(Error::Graph { place: place(), problem: problem.into() });
            }
        }
        Ok(())
    }
}

fn find<'a>(heads: &'a mut [Head], output: usize, name: &str) -> Result<&'a mut Head> {
    let head = heads.iter_mut().find(|head| head.output == output);
    head.ok_or_else(|| problem(name, "it has no loss, and so no targets for a loss weight or a metric; give it a loss"))
}

fn problem(output: &str, problem: &'static str) -> Error {
    Error::Graph { place: format!("output \"{output}\""), problem: problem.into() }
}

fn of_which(metric: &dyn Metric, outputs: &[String]) -> Error {
    let problem = format!("the model has the outputs {}; metric_of says which it is of", outputs.join(", "));
    Error::Graph { place: format!("metric {}", metric.name()), problem: problem.into() }
}
