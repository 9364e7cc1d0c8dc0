//! Which class a name in a file stands for.

use crate::error::Result;
use crate::layers::{self, Frozen, Layer};
use crate::losses::{self, Loss};
use crate::metrics::{self, Metric};
use crate::optimizers::schedules::{self, Schedule};
use crate::optimizers::{self, LearningRate, Optimizer};
use crate::settings::{FromSpec, Make, unfit};
use crate::spec::Spec;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The parts that a model in a file may be made of: the library's, and those of your own that are added.
///
/// ```
/// use gradus::{FromSpec, Result, Settings, Shape, Spec, layers::*, save::Registry, tape::Var};
///
/// #[derive(Debug)]
/// struct Double;
///
/// impl Layer for Double {
///     fn build(&self, inputs: &[Shape], _: &mut Weights<'_>) -> Result<Shape> {
///         Ok(inputs[0])
///     }
///     fn record<'r>(&self, _: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Var<'r> {
///         inputs[0] * 2.0
///     }
///     fn spec(&self) -> Spec {
///         Spec::new(Double::CLASS)
///     }
/// }
///
/// impl FromSpec for Double {
///     const CLASS: &'static str = "Double";
///     fn from_spec(_: &mut Settings<'_>) -> Result<Double> {
///         Ok(Double)
///     }
/// }
///
/// let registry = Registry::new().layer::<Double>(); // for Model::load_with
/// ```
#[derive(Clone, Debug)]
pub struct Registry {
    layers: Classes<dyn Layer>,
    losses: Classes<dyn Loss>,
    metrics: Classes<dyn Metric>,
    optimizers: Classes<dyn Optimizer>,
    schedules: Classes<dyn Schedule>,
}

type Classes<T> = BTreeMap<&'static str, Make<T>>;

impl Default for Registry {
    fn default() -> Registry {
        Registry::new()
    }
}

impl Registry {
    /// The library's own parts.
    pub fn new() -> Registry {
        Registry {
            layers: layers::classes().into_iter().collect(),
            losses: losses::classes().into_iter().collect(),
            metrics: metrics::classes().into_iter().collect(),
            optimizers: optimizers::classes().into_iter().collect(),
            schedules: schedules::classes().into_iter().collect(),
        }
    }

    /// Adds a layer; one of the same class is replaced, here and below.
    pub fn layer<T: Layer + FromSpec + 'static>(mut self) -> Registry {
        self.layers.insert(T::CLASS, |spec| Ok(Box::new(spec.make::<T>()?)));
        self
    }

    /// Adds a loss.
    pub fn loss<T: Loss + FromSpec + 'static>(mut self) -> Registry {
        self.losses.insert(T::CLASS, |spec| Ok(Box::new(spec.make::<T>()?)));
        self
    }

    /// Adds a metric.
    pub fn metric<T: Metric + FromSpec + 'static>(mut self) -> Registry {
        self.metrics.insert(T::CLASS, |spec| Ok(Box::new(spec.make::<T>()?)));
        self
    }

    /// Adds an optimizer.
    pub fn optimizer<T: Optimizer + FromSpec + 'static>(mut self) -> Registry {
        self.optimizers.insert(T::CLASS, |spec| Ok(Box::new(spec.make::<T>()?)));
        self
    }

    /// Adds a schedule of learning rates.
    pub fn schedule<T: Schedule + FromSpec + 'static>(mut self) -> Registry {
        self.schedules.insert(T::CLASS, |spec| Ok(Box::new(spec.make::<T>()?)));
        self
    }

    pub(crate) fn make_layer(&self, spec: &Spec) -> Result<Box<dyn Layer>> {
        Frozen::read(spec, |spec| make(&self.layers, spec, "layer"))
    }

    pub(crate) fn make_loss(&self, spec: &Spec) -> Result<Box<dyn Loss>> {
        make(&self.losses, spec, "loss")
    }

    pub(crate) fn make_metric(&self, spec: &Spec) -> Result<Box<dyn Metric>> {
        make(&self.metrics, spec, "metric")
    }

    pub(crate) fn make_optimizer(&self, spec: &Spec) -> Result<Box<dyn Optimizer>> {
        let mut optimizer = make(&self.optimizers, spec, "optimizer")?;
        // An optimizer knows the library's schedules only.
        if let LearningRate::Schedule(schedule) = &mut optimizer.options_mut().learning_rate {
            *schedule = Arc::from(make(&self.schedules, &schedule.spec(), "schedule")?);
        }
        Ok(optimizer)
    }
}

fn make<T: ?Sized>(classes: &Classes<T>, spec: &Spec, kind: &str) -> Result<Box<T>> {
    match classes.get(spec.class()) {
        Some(make) => make(spec),
        None => {
            let known = classes.keys().copied().collect::<Vec<_>>().join(", ");
            let problem = format!("is not a {kind} that is known ({known}); add yours with Registry::{kind}");
            Err(unfit(spec, problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_told_with_the_remedy() {
        let message = Registry::new().make_loss(&Spec::new("Wasserstein")).unwrap_err().to_string();
        let (start, end) =
            ("Wasserstein is not a loss that is known (BinaryCrossentropy, ", "); add yours with Registry::loss");
        assert!(message.starts_with(start) && message.ends_with(end), "{message}");
    }
}
