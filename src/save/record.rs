//! The state of a training loop as JSON: named numbers, the history, and the states of callbacks.
//!
//! Numbers are strings, because a JSON parser may not return the same bits for a decimal number.

use super::state::CallbackState;
use crate::metrics::{Epoch, Scores};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The state of training in a checkpoint, without its arrays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// Positions, counters and running sums.
    pub(crate) numbers: BTreeMap<String, f64>,
    /// The finished epochs.
    pub(crate) epochs: Vec<Epoch>,
    /// The states of callbacks, in order. Their arrays are arrays of the file.
    pub(crate) states: Vec<CallbackState>,
}

impl Record {
    pub(super) fn to_json(&self) -> String {
        let state = |state: &CallbackState| json!({"name": state.name, "numbers": numbers_to_json(&state.numbers)});
        json!({
            "numbers": numbers_to_json(&self.numbers),
            "epochs": self.epochs.iter().map(epoch_to_json).collect::<Vec<_>>(),
            "callbacks": self.states.iter().map(state).collect::<Vec<_>>(),
        })
        .to_string()
    }

    /// Parses a record, without the arrays of callbacks, or returns `None` if it is not one.
    pub(super) fn from_json(text: &str) -> Option<Record> {
        let value: Value = serde_json::from_str(text).ok()?;
        let state = |state: &Value| {
            let numbers = numbers_from_json(&state["numbers"])?;
            Some(CallbackState { numbers, ..CallbackState::new(state["name"].as_str()?) })
        };
        Some(Record {
            numbers: numbers_from_json(&value["numbers"])?,
            epochs: value["epochs"].as_array()?.iter().map(epoch_from_json).collect::<Option<_>>()?,
            states: value["callbacks"].as_array()?.iter().map(state).collect::<Option<_>>()?,
        })
    }
}

fn numbers_to_json(numbers: &BTreeMap<String, f64>) -> Value {
    let mut values = Map::new();
    for (name, number) in numbers {
        values.insert(name.clone(), number_to_json(*number));
    }
    values.into()
}

fn numbers_from_json(value: &Value) -> Option<BTreeMap<String, f64>> {
    let mut numbers = BTreeMap::new();
    for (name, number) in value.as_object()? {
        numbers.insert(name.clone(), number_from_json(number)?);
    }
    Some(numbers)
}

/// Converts a number to the shortest decimal string with the same bits.
fn number_to_json(number: f64) -> Value {
    json!(format!("{number:?}"))
}

fn number_from_json(value: &Value) -> Option<f64> {
    value.as_str()?.parse().ok()
}

fn epoch_to_json(epoch: &Epoch) -> Value {
    json!({
        "number": epoch.number,
        "scores": scores_to_json(&epoch.scores),
        "validation": epoch.validation.as_ref().map(scores_to_json),
        "seconds": number_to_json(epoch.seconds),
        "learning_rate": number_to_json(epoch.learning_rate.into()),
    })
}

fn epoch_from_json(value: &Value) -> Option<Epoch> {
    let validation = match &value["validation"] {
        Value::Null => None,
        scores => Some(scores_from_json(scores)?),
    };
    Some(Epoch {
        number: value["number"].as_u64()?,
        scores: scores_from_json(&value["scores"])?,
        validation,
        seconds: number_from_json(&value["seconds"])?,
        learning_rate: number_from_json(&value["learning_rate"])? as f32,
    })
}

/// The loss, then each metric with its name.
fn scores_to_json(scores: &Scores) -> Value {
    let metric = |(name, value): &(String, f64)| json!([name, number_to_json(*value)]);
    json!([number_to_json(scores.loss), scores.metrics.iter().map(metric).collect::<Vec<_>>()])
}

fn scores_from_json(value: &Value) -> Option<Scores> {
    let metric = |metric: &Value| Some((metric[0].as_str()?.to_owned(), number_from_json(&metric[1])?));
    let metrics = value[1].as_array()?.iter().map(metric).collect::<Option<_>>()?;
    Some(Scores { loss: number_from_json(&value[0])?, metrics })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let scores = Scores { loss: 0.1 + 0.2, metrics: vec![("accuracy".into(), f64::NAN), ("a\"b".into(), -0.0)] };
        let epoch = Epoch { number: 1, scores, validation: None, seconds: 1.0 / 3.0, learning_rate: 0.1 };
        let second = Epoch { number: 2, validation: Some(epoch.scores.clone()), ..epoch.clone() };
        let numbers = [("batch".into(), 7.0), ("most".into(), f64::MAX), ("least".into(), 5e-324)].into();
        let states = vec![CallbackState::new("One").with("best", f64::INFINITY), CallbackState::new("Two")];
        Record { numbers, epochs: vec![epoch, second], states }
    }

    #[test]
    fn every_bit_round_trips() {
        let json = record().to_json();
        let read = Record::from_json(&json).unwrap();
        assert_eq!(
            format!("{:?}", (&read.numbers, &read.epochs)),
            format!("{:?}", (record().numbers, record().epochs))
        );
        assert_eq!((read.states[1].name(), read.states[0].number("best").unwrap()), ("Two", f64::INFINITY));
        assert_eq!(read.to_json(), json);
    }

    #[test]
    fn invalid_records_are_none() {
        let whole = record().to_json();
        let wrong =
            [whole.replace("\"7.0\"", "7"), whole.replace("\"number\":1", "\"number\":-1"), whole.replace("One", "\"")];
        assert!(wrong.iter().map(String::as_str).chain(["", "{}", "7"]).all(|text| Record::from_json(text).is_none()));
    }
}
