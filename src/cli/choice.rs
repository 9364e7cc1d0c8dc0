//! The choice of the loss and the metrics for `gradus evaluate`: those of the command line, those of the model's file, or
//! those that follow from the output and the targets. If several losses would fit, an error lists them.

use super::ending::Ending;
use crate::error::{Error, Result};
use crate::losses::{self, Loss};
use crate::metrics;
use crate::metrics::Metric;
use crate::model::{Compile, Model};
use crate::optimizers::Sgd;
use crate::save::Registry;
use crate::spec::{Spec, SpecValue};
use ndarray::{ArrayD, Axis};
use std::fmt;

/// The loss and the metrics on the command line.
#[derive(Debug)]
pub(super) struct Requested<'a> {
    pub(super) loss: Option<&'a str>,
    pub(super) metrics: &'a [String],
}

/// The kind of the targets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Targets {
    /// An integer per row, and whether all are 0 or 1.
    Labels { binary: bool },
    /// Numbers in the shape of the output.
    Values(Values),
}

/// The kind of targets that are numbers in the shape of the output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Values {
    /// 0 and 1, with exactly one 1 per row of several outputs.
    OneHot,
    /// 0 and 1.
    Binary,
    /// Other numbers from 0 to 1.
    UnitInterval,
    Any,
}

impl Targets {
    pub(super) fn labels(mut labels: impl Iterator<Item = i64>) -> Targets {
        Targets::Labels { binary: labels.all(|label| label == 0 || label == 1) }
    }

    /// The kind of an array of shape rows × that of an output.
    pub(super) fn values(y: &ArrayD<f32>) -> Targets {
        let binary = y.iter().all(|value| *value == 0.0 || *value == 1.0);
        let last = Axis(y.ndim().saturating_sub(1));
        let one_hot = || y.len_of(last) > 1 && y.lanes(last).into_iter().all(|row| row.sum() == 1.0);
        Targets::Values(match () {
            _ if binary && y.ndim() > 1 && one_hot() => Values::OneHot,
            _ if binary => Values::Binary,
            _ if y.iter().all(|value| (0.0..=1.0).contains(value)) => Values::UnitInterval,
            _ => Values::Any,
        })
    }

    fn description(self) -> &'static str {
        match self {
            Targets::Labels { binary: true } => "y has the integers 0 and 1",
            Targets::Labels { binary: false } => "y has integers",
            Targets::Values(Values::OneHot) => "y has one-hot rows",
            Targets::Values(Values::Binary) => "y has numbers that are all 0 or 1",
            Targets::Values(Values::UnitInterval) => "y has numbers from 0 to 1",
            Targets::Values(Values::Any) => "y has numbers",
        }
    }
}

const SPARSE: &str = "SparseCategoricalCrossentropy";
const CATEGORICAL: &str = "CategoricalCrossentropy";
const BINARY: &str = "BinaryCrossentropy";
const SQUARED: &str = "MeanSquaredError";

/// Returns the model with the loss and the metrics for evaluation, and a report of those that are not from its file,
/// with reasons.
pub(super) fn choose(model: Model, requested: &Requested<'_>, targets: Targets) -> Result<(Model, String)> {
    let trained = model.loss().is_some();
    let (outputs, mut report) = (model.architecture().output(0).last(), String::new());
    let loss = match requested.loss {
        None if trained => None,
        None => {
            let ending = Ending::of(&model)?;
            let loss = losses::get(&default(ending, outputs, targets)?)?;
            report = format!("loss: {} (its output {ending}, and {targets})\n", loss.spec());
            Some(loss)
        }
        Some(name) => {
            let (loss, why) = named(name, Ending::of(&model)?)?;
            report = format!("loss: {} ({why})\n", loss.spec());
            Some(loss)
        }
    };
    let (names, why) = match (&loss, requested.metrics) {
        (_, [_, ..]) => (Some(requested.metrics.iter().map(String::as_str).collect()), "--metric"),
        (Some(loss), []) if !trained => (Some(of_loss(loss.as_ref(), outputs)), "default of this loss"),
        _ => (None, ""),
    };
    let metrics = names.map(|names: Vec<&str>| names.into_iter().map(metrics::get).collect::<Result<Vec<_>>>());
    let metrics = metrics.transpose()?;
    if let Some(metrics) = &metrics {
        let names: Vec<String> = metrics.iter().map(|metric| metric.spec().to_string()).collect();
        let names = if names.is_empty() { "none".into() } else { names.join(", ") };
        report.push_str(&format!("metrics: {names} ({why})\n"));
    }
    if loss.is_none() && metrics.is_none() {
        return Ok((model, report));
    }
    Ok((recompiled(model, loss, metrics)?, report))
}

/// Returns the model with a loss and metrics, or those of its file where none are given.
fn recompiled(model: Model, loss: Option<Box<dyn Loss>>, metrics: Option<Vec<Box<dyn Metric>>>) -> Result<Model> {
    let (own, registry) = (model.trained_outputs().first(), Registry::new());
    let loss = match (loss, own) {
        (Some(loss), _) => loss,
        (None, Some(own)) => registry.make_loss(&own.loss().spec())?,
        (None, None) => return Err(Error::NotCompiled { place: "evaluate" }),
    };
    let metrics = match (metrics, own) {
        (Some(metrics), _) => metrics,
        (None, Some(own)) => {
            own.metrics().iter().map(|metric| registry.make_metric(&metric.spec())).collect::<Result<_>>()?
        }
        (None, None) => Vec::new(),
    };
    // The model is not trained, so the optimizer has no effect.
    let settings = Compile::new(Sgd::new(0.0), loss);
    model.compile(metrics.into_iter().fold(settings, Compile::metric))
}

/// Returns the requested loss and the reason for its settings. Unless the command line sets `from_logits`, it follows
/// from the output.
fn named(text: &str, ending: Ending) -> Result<(Box<dyn Loss>, String)> {
    let loss = losses::get(text)?;
    let probabilities = match loss.spec().class() {
        BINARY => Ending::Sigmoid,
        CATEGORICAL | SPARSE => Ending::Softmax,
        _ => return Ok((loss, "--loss".into())),
    };
    if text.contains("from_logits") || matches!(ending, Ending::Other(_)) {
        return Ok((loss, "--loss".into()));
    }
    let settings = loss.spec().settings().iter().fold(Spec::new(loss.spec().class()), |spec, (name, value)| {
        let from_logits = SpecValue::Bool(ending != probabilities);
        spec.with(name.clone(), if name == "from_logits" { from_logits } else { value.clone() })
    });
    Ok((losses::get(&settings.to_string())?, format!("--loss, and its output {ending}")))
}

/// Returns the loss for a model without one, or an error if several would fit.
fn default(ending: Ending, outputs: usize, targets: Targets) -> Result<String> {
    use Values::{Any, Binary, OneHot, UnitInterval};
    let from_logits = |class: &str, logits: bool| Ok(format!("{class}(from_logits={logits})"));
    let several = outputs > 1;
    let options: &[&str] = match (ending, targets) {
        (Ending::Softmax, Targets::Labels { .. }) if several => return from_logits(SPARSE, false),
        (Ending::LogSoftmax | Ending::Linear, Targets::Labels { .. }) if several => return from_logits(SPARSE, true),
        (Ending::Softmax, Targets::Values(OneHot | UnitInterval)) if several => return from_logits(CATEGORICAL, false),
        (Ending::LogSoftmax, Targets::Values(OneHot | UnitInterval)) if several => {
            return from_logits(CATEGORICAL, true);
        }
        (Ending::Linear, Targets::Values(OneHot)) => return from_logits(CATEGORICAL, true),
        (Ending::Sigmoid, Targets::Labels { binary: true }) if !several => return from_logits(BINARY, false),
        (Ending::Sigmoid, Targets::Values(Binary | OneHot)) => return from_logits(BINARY, false),
        (Ending::Linear | Ending::Other(_), Targets::Values(UnitInterval | Any)) => return Ok(SQUARED.into()),
        (Ending::Linear | Ending::Other(_), Targets::Labels { binary: false }) if !several => return Ok(SQUARED.into()),
        (Ending::Softmax | Ending::LogSoftmax, _) if !several => &[],
        (Ending::Linear, Targets::Labels { .. } | Targets::Values(Binary)) => &[BINARY, SQUARED],
        (Ending::Other(_), Targets::Labels { .. }) if several => &[SPARSE],
        (Ending::Other(_), Targets::Values(OneHot)) => &[CATEGORICAL, SQUARED],
        (Ending::Other(_), Targets::Labels { .. } | Targets::Values(Binary)) => &[BINARY, SQUARED],
        (Ending::Sigmoid, Targets::Labels { .. }) if several => &[SPARSE],
        (Ending::Sigmoid, _) => &[BINARY, SQUARED],
        (Ending::Softmax | Ending::LogSoftmax, _) => &[CATEGORICAL, SQUARED],
    };
    Err(Error::other(rejection(ending, outputs, targets, options)))
}

/// The message if no loss was chosen, with the possible losses.
fn rejection(ending: Ending, outputs: usize, targets: Targets, options: &[&str]) -> String {
    let outputs = if outputs == 1 { "one output".into() } else { format!("{outputs} outputs") };
    let found = format!("its output {ending} with {outputs}, and {targets}");
    let probabilities = matches!(ending, Ending::Softmax | Ending::LogSoftmax | Ending::Sigmoid);
    let option = |class: &&str| match *class {
        SQUARED => "--loss MeanSquaredError for a regression".to_owned(),
        class if probabilities => format!("--loss {class} for classes"),
        class => format!("--loss \"{class}(from_logits=true)\" for logits, or with false for probabilities"),
    };
    let options: Vec<String> = options.iter().map(option).collect();
    match options.is_empty() {
        true => format!("{found}; a softmax over one output is always 1, so no loss is meaningful"),
        false => format!("{found}; several losses fit, choose one: {}", options.join("; ")),
    }
}

/// The default metrics of a loss.
fn of_loss(loss: &dyn Loss, outputs: usize) -> Vec<&'static str> {
    match loss.spec().class() {
        SPARSE | CATEGORICAL => vec!["Accuracy"],
        BINARY if outputs == 1 => vec!["Accuracy"],
        BINARY => vec!["BinaryAccuracy"],
        "MeanSquaredError" | "MeanAbsoluteError" | "Huber" | "LogCosh" => vec!["MeanAbsoluteError"],
        _ => vec![],
    }
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    const LABELS: Targets = Targets::Labels { binary: false };
    const BITS: Targets = Targets::Labels { binary: true };

    #[test]
    fn the_only_fitting_loss_is_chosen() {
        let chosen = |ending, outputs, targets| default(ending, outputs, targets).unwrap();
        let values = Targets::Values;
        for labels in [LABELS, BITS] {
            assert_eq!(chosen(Ending::Softmax, 3, labels), "SparseCategoricalCrossentropy(from_logits=false)");
            assert_eq!(chosen(Ending::Linear, 3, labels), "SparseCategoricalCrossentropy(from_logits=true)");
            assert_eq!(chosen(Ending::LogSoftmax, 3, labels), "SparseCategoricalCrossentropy(from_logits=true)");
        }
        assert_eq!(chosen(Ending::Softmax, 3, values(Values::OneHot)), "CategoricalCrossentropy(from_logits=false)");
        assert_eq!(chosen(Ending::Linear, 3, values(Values::OneHot)), "CategoricalCrossentropy(from_logits=true)");
        assert_eq!(chosen(Ending::Sigmoid, 1, BITS), "BinaryCrossentropy(from_logits=false)");
        assert_eq!(chosen(Ending::Sigmoid, 3, values(Values::Binary)), "BinaryCrossentropy(from_logits=false)");
        for (outputs, targets) in [(1, values(Values::Any)), (3, values(Values::UnitInterval)), (1, LABELS)] {
            assert_eq!(chosen(Ending::Linear, outputs, targets), "MeanSquaredError");
            assert_eq!(chosen(Ending::Other("relu"), outputs, targets), "MeanSquaredError");
        }
    }

    #[test]
    fn ambiguous_losses_are_rejected_with_the_options() {
        let error_message = |ending, outputs, targets| default(ending, outputs, targets).unwrap_err().to_string();
        let text = "its output has no final softmax or sigmoid with one output, and y has the integers 0 and 1; several \
                    losses fit, choose one: --loss \"BinaryCrossentropy(from_logits=true)\" for logits, or with \
                    false for probabilities; --loss MeanSquaredError for a regression";
        assert_eq!(error_message(Ending::Linear, 1, BITS), text);
        let text = "its output ends in the operation relu with 3 outputs, and y has integers; several losses fit, \
                    choose one: --loss \"SparseCategoricalCrossentropy(from_logits=true)\" for logits, or with false for \
                    probabilities";
        assert_eq!(error_message(Ending::Other("relu"), 3, LABELS), text);
        let text = "its output ends in a sigmoid with 3 outputs, and y has integers; several losses fit, choose one: \
                    --loss SparseCategoricalCrossentropy for classes";
        assert_eq!(error_message(Ending::Sigmoid, 3, LABELS), text);
        let text = "its output ends in a softmax with one output, and y has the integers 0 and 1; a softmax over one output \
                    is always 1, so no loss is meaningful";
        assert_eq!(error_message(Ending::Softmax, 1, BITS), text);
        assert!(error_message(Ending::Softmax, 3, Targets::Values(Values::Any)).ends_with("for a regression"));
        assert!(error_message(Ending::Sigmoid, 1, Targets::Values(Values::UnitInterval)).ends_with("for a regression"));
    }

    #[test]
    fn a_requested_loss_takes_logits_if_the_output_has_them() {
        let spec = |text, ending| named(text, ending).unwrap().0.spec().to_string();
        let sparse = "sparse_categorical_crossentropy";
        assert_eq!(spec(sparse, Ending::Linear), "SparseCategoricalCrossentropy(from_logits=true)");
        assert_eq!(spec(sparse, Ending::Softmax), "SparseCategoricalCrossentropy(from_logits=false)");
        assert_eq!(spec(sparse, Ending::Other("relu")), "SparseCategoricalCrossentropy(from_logits=false)");
        let stated = format!("{sparse}(from_logits=false)");
        assert_eq!(spec(&stated, Ending::Linear), "SparseCategoricalCrossentropy(from_logits=false)");
        assert_eq!(spec("bce", Ending::Sigmoid), "BinaryCrossentropy(from_logits=false)");
        assert_eq!(
            spec("bce(label_smoothing=0.25)", Ending::Linear),
            "BinaryCrossentropy(from_logits=true, label_smoothing=0.25)"
        );
        assert_eq!(spec("mse", Ending::Linear), "MeanSquaredError()");
    }

    #[test]
    fn kinds_of_targets_are_distinguished() {
        let values = |rows: [[f32; 2]; 2]| Targets::values(&arr2(&rows).into_dyn());
        assert_eq!(values([[0.0, 1.0], [1.0, 0.0]]), Targets::Values(Values::OneHot));
        assert_eq!(values([[0.0, 1.0], [1.0, 1.0]]), Targets::Values(Values::Binary));
        assert_eq!(values([[0.0, 0.5], [1.0, 1.0]]), Targets::Values(Values::UnitInterval));
        assert_eq!(values([[0.0, 1.5], [1.0, 1.0]]), Targets::Values(Values::Any));
        assert_eq!(values([[0.0, f32::NAN], [1.0, 1.0]]), Targets::Values(Values::Any));
        assert_eq!(Targets::values(&arr2(&[[1.0], [1.0]]).into_dyn()), Targets::Values(Values::Binary));
        assert_eq!((Targets::labels([0, 1].into_iter()), Targets::labels([0, 2].into_iter())), (BITS, LABELS));
    }
}
