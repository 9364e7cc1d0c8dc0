//! Which loss and metrics a model is evaluated with: those that are asked for, those of its file, or those that follow
//! from what its output ends in and from the answers. Where these leave a choice, nothing is chosen.

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

/// What the command line asks for.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) loss: Option<&'a str>,
    pub(super) metrics: &'a [String],
}

/// What the answers to the samples are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Answers {
    /// An integer for each row; whether all are 0 or 1.
    Labels { binary: bool },
    /// Numbers in the shape of the output.
    Values(Values),
}

/// What numbers in the shape of the output are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Values {
    /// 0 and 1, with one 1 in each row of several outputs.
    OneHot,
    /// 0 and 1.
    Binary,
    /// Others from 0 to 1.
    Share,
    Any,
}

impl Answers {
    pub(super) fn labels(mut labels: impl Iterator<Item = i64>) -> Answers {
        Answers::Labels { binary: labels.all(|label| label == 0 || label == 1) }
    }

    /// Of an array rows × an output.
    pub(super) fn values(y: &ArrayD<f32>) -> Answers {
        let binary = y.iter().all(|value| *value == 0.0 || *value == 1.0);
        let last = Axis(y.ndim().saturating_sub(1));
        let one_hot = || y.len_of(last) > 1 && y.lanes(last).into_iter().all(|row| row.sum() == 1.0);
        Answers::Values(match () {
            _ if binary && y.ndim() > 1 && one_hot() => Values::OneHot,
            _ if binary => Values::Binary,
            _ if y.iter().all(|value| (0.0..=1.0).contains(value)) => Values::Share,
            _ => Values::Any,
        })
    }

    fn told(self) -> &'static str {
        match self {
            Answers::Labels { binary: true } => "y has the integers 0 and 1",
            Answers::Labels { binary: false } => "y has integers",
            Answers::Values(Values::OneHot) => "y has one-hot rows",
            Answers::Values(Values::Binary) => "y has numbers that are all 0 or 1",
            Answers::Values(Values::Share) => "y has numbers from 0 to 1",
            Answers::Values(Values::Any) => "y has numbers",
        }
    }
}

const SPARSE: &str = "SparseCategoricalCrossentropy";
const CATEGORICAL: &str = "CategoricalCrossentropy";
const BINARY: &str = "BinaryCrossentropy";
const SQUARED: &str = "MeanSquaredError";

/// The model with the loss and the metrics to evaluate it with, and lines that name those that are not of its file and say
/// why.
pub(super) fn choose(model: Model, asked: &Asked<'_>, answers: Answers) -> Result<(Model, String)> {
    let trained = model.loss().is_some();
    let (outputs, mut told) = (model.output_shapes()[0].last(), String::new());
    let loss = match asked.loss {
        None if trained => None,
        None => {
            let ending = Ending::of(&model)?;
            let loss = losses::get(&default(ending, outputs, answers)?)?;
            told = format!("loss: {} (its output {ending}, and {answers})\n", loss.spec());
            Some(loss)
        }
        Some(name) => {
            let (loss, why) = named(name, Ending::of(&model)?)?;
            told = format!("loss: {} ({why})\n", loss.spec());
            Some(loss)
        }
    };
    let (names, why) = match (&loss, asked.metrics) {
        (_, [_, ..]) => (Some(asked.metrics.iter().map(String::as_str).collect()), "--metric"),
        (Some(loss), []) if !trained => (Some(of_loss(loss.as_ref(), outputs)), "with this loss"),
        _ => (None, ""),
    };
    let metrics = names.map(|names: Vec<&str>| names.into_iter().map(metrics::get).collect::<Result<Vec<_>>>());
    let metrics = metrics.transpose()?;
    if let Some(metrics) = &metrics {
        let names: Vec<String> = metrics.iter().map(|metric| metric.spec().to_string()).collect();
        let names = if names.is_empty() { "none".into() } else { names.join(", ") };
        told.push_str(&format!("metrics: {names} ({why})\n"));
    }
    if loss.is_none() && metrics.is_none() {
        return Ok((model, told));
    }
    Ok((recompiled(model, loss, metrics)?, told))
}

/// The model with this loss and these metrics; those of its file where none are given.
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
    // Nothing is trained, so any optimizer will do.
    let settings = Compile::new(Sgd::new(0.0), loss);
    model.compile(metrics.into_iter().fold(settings, Compile::metric))
}

/// The loss that is asked for, and why it is as it is: whether it takes logits follows from the output unless it is asked
/// for as well.
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

/// The loss of a model whose file names none, or why there is no one loss.
fn default(ending: Ending, outputs: usize, answers: Answers) -> Result<String> {
    use Values::{Any, Binary, OneHot, Share};
    let from_logits = |class: &str, logits: bool| Ok(format!("{class}(from_logits={logits})"));
    let several = outputs > 1;
    let options: &[&str] = match (ending, answers) {
        (Ending::Softmax, Answers::Labels { .. }) if several => return from_logits(SPARSE, false),
        (Ending::LogSoftmax | Ending::Linear, Answers::Labels { .. }) if several => return from_logits(SPARSE, true),
        (Ending::Softmax, Answers::Values(OneHot | Share)) if several => return from_logits(CATEGORICAL, false),
        (Ending::LogSoftmax, Answers::Values(OneHot | Share)) if several => return from_logits(CATEGORICAL, true),
        (Ending::Linear, Answers::Values(OneHot)) => return from_logits(CATEGORICAL, true),
        (Ending::Sigmoid, Answers::Labels { binary: true }) if !several => return from_logits(BINARY, false),
        (Ending::Sigmoid, Answers::Values(Binary | OneHot)) => return from_logits(BINARY, false),
        (Ending::Linear | Ending::Other(_), Answers::Values(Share | Any)) => return Ok(SQUARED.into()),
        (Ending::Linear | Ending::Other(_), Answers::Labels { binary: false }) if !several => return Ok(SQUARED.into()),
        (Ending::Softmax | Ending::LogSoftmax, _) if !several => &[],
        (Ending::Linear, Answers::Labels { .. } | Answers::Values(Binary)) => &[BINARY, SQUARED],
        (Ending::Other(_), Answers::Labels { .. }) if several => &[SPARSE],
        (Ending::Other(_), Answers::Values(OneHot)) => &[CATEGORICAL, SQUARED],
        (Ending::Other(_), Answers::Labels { .. } | Answers::Values(Binary)) => &[BINARY, SQUARED],
        (Ending::Sigmoid, Answers::Labels { .. }) if several => &[SPARSE],
        (Ending::Sigmoid, _) => &[BINARY, SQUARED],
        (Ending::Softmax | Ending::LogSoftmax, _) => &[CATEGORICAL, SQUARED],
    };
    Err(Error::other(refusal(ending, outputs, answers, options)))
}

/// Why no loss was chosen, and which can be named.
fn refusal(ending: Ending, outputs: usize, answers: Answers, options: &[&str]) -> String {
    let outputs = if outputs == 1 { "one output".into() } else { format!("{outputs} outputs") };
    let found = format!("its output {ending} with {outputs}, and {answers}");
    let probabilities = matches!(ending, Ending::Softmax | Ending::LogSoftmax | Ending::Sigmoid);
    let option = |class: &&str| match *class {
        SQUARED => "--loss MeanSquaredError for a regression".to_owned(),
        class if probabilities => format!("--loss {class} for classes"),
        class => format!("--loss \"{class}(from_logits=true)\" for logits, or with false for probabilities"),
    };
    let options: Vec<String> = options.iter().map(option).collect();
    match options.is_empty() {
        true => format!("{found}; a softmax over one output is 1 for every sample, so no loss has a meaning"),
        false => format!("{found}, which leaves a choice; name the loss: {}", options.join("; ")),
    }
}

/// The metrics that go with a loss.
fn of_loss(loss: &dyn Loss, outputs: usize) -> Vec<&'static str> {
    match loss.spec().class() {
        SPARSE | CATEGORICAL => vec!["Accuracy"],
        BINARY if outputs == 1 => vec!["Accuracy"],
        BINARY => vec!["BinaryAccuracy"],
        "MeanSquaredError" | "MeanAbsoluteError" | "Huber" | "LogCosh" => vec!["MeanAbsoluteError"],
        _ => vec![],
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.told())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    const LABELS: Answers = Answers::Labels { binary: false };
    const BITS: Answers = Answers::Labels { binary: true };

    #[test]
    fn a_loss_is_chosen_where_there_is_but_one() {
        let chosen = |ending, outputs, answers| default(ending, outputs, answers).unwrap();
        let values = Answers::Values;
        for labels in [LABELS, BITS] {
            assert_eq!(chosen(Ending::Softmax, 3, labels), "SparseCategoricalCrossentropy(from_logits=false)");
            assert_eq!(chosen(Ending::Linear, 3, labels), "SparseCategoricalCrossentropy(from_logits=true)");
            assert_eq!(chosen(Ending::LogSoftmax, 3, labels), "SparseCategoricalCrossentropy(from_logits=true)");
        }
        assert_eq!(chosen(Ending::Softmax, 3, values(Values::OneHot)), "CategoricalCrossentropy(from_logits=false)");
        assert_eq!(chosen(Ending::Linear, 3, values(Values::OneHot)), "CategoricalCrossentropy(from_logits=true)");
        assert_eq!(chosen(Ending::Sigmoid, 1, BITS), "BinaryCrossentropy(from_logits=false)");
        assert_eq!(chosen(Ending::Sigmoid, 3, values(Values::Binary)), "BinaryCrossentropy(from_logits=false)");
        for (outputs, answers) in [(1, values(Values::Any)), (3, values(Values::Share)), (1, LABELS)] {
            assert_eq!(chosen(Ending::Linear, outputs, answers), "MeanSquaredError");
            assert_eq!(chosen(Ending::Other("relu"), outputs, answers), "MeanSquaredError");
        }
    }

    #[test]
    fn what_leaves_a_choice_is_refused_with_the_options() {
        let told = |ending, outputs, answers| default(ending, outputs, answers).unwrap_err().to_string();
        let text = "its output ends without softmax and sigmoid with one output, and y has the integers 0 and 1, which \
                    leaves a choice; name the loss: --loss \"BinaryCrossentropy(from_logits=true)\" for logits, or with \
                    false for probabilities; --loss MeanSquaredError for a regression";
        assert_eq!(told(Ending::Linear, 1, BITS), text);
        let text = "its output ends in the operation relu with 3 outputs, and y has integers, which leaves a choice; name \
                    the loss: --loss \"SparseCategoricalCrossentropy(from_logits=true)\" for logits, or with false for \
                    probabilities";
        assert_eq!(told(Ending::Other("relu"), 3, LABELS), text);
        let text = "its output ends in a sigmoid with 3 outputs, and y has integers, which leaves a choice; name the loss: \
                    --loss SparseCategoricalCrossentropy for classes";
        assert_eq!(told(Ending::Sigmoid, 3, LABELS), text);
        let text = "its output ends in a softmax with one output, and y has the integers 0 and 1; a softmax over one output \
                    is 1 for every sample, so no loss has a meaning";
        assert_eq!(told(Ending::Softmax, 1, BITS), text);
        assert!(told(Ending::Softmax, 3, Answers::Values(Values::Any)).ends_with("for a regression"));
        assert!(told(Ending::Sigmoid, 1, Answers::Values(Values::Share)).ends_with("for a regression"));
    }

    #[test]
    fn a_named_loss_takes_logits_where_the_output_gives_them() {
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
    fn answers_are_told_apart() {
        let values = |rows: [[f32; 2]; 2]| Answers::values(&arr2(&rows).into_dyn());
        assert_eq!(values([[0.0, 1.0], [1.0, 0.0]]), Answers::Values(Values::OneHot));
        assert_eq!(values([[0.0, 1.0], [1.0, 1.0]]), Answers::Values(Values::Binary));
        assert_eq!(values([[0.0, 0.5], [1.0, 1.0]]), Answers::Values(Values::Share));
        assert_eq!(values([[0.0, 1.5], [1.0, 1.0]]), Answers::Values(Values::Any));
        assert_eq!(values([[0.0, f32::NAN], [1.0, 1.0]]), Answers::Values(Values::Any));
        assert_eq!(Answers::values(&arr2(&[[1.0], [1.0]]).into_dyn()), Answers::Values(Values::Binary));
        assert_eq!((Answers::labels([0, 1].into_iter()), Answers::labels([0, 2].into_iter())), (BITS, LABELS));
    }
}
