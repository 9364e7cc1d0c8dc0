//! Tests of every option of every supported class of Keras with a value other than the default.
//!
//! `tests/golden/keras_options.py` lists them from the signatures of Keras 3 and of Keras 2.

use super::entries::Entry;
use super::families::{CONSTRAINT, Family, INITIALIZER, LAYER, LOSS, METRIC, OPTIMIZER, REGULARIZER, SCHEDULE};
use super::object::{Config, Object};
use super::options::InactiveOption;
use super::reader::Reader;
use super::training::Training;
use super::{layer_kinds, layers, losses_metrics, optimizers};
use crate::Shape;
use crate::constraints::Constraint;
use crate::initializers::Initializer;
use crate::registry::BUILT_IN;
use crate::regularizers::Regularizer;
use crate::save::Registry;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const OPTIONS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/keras_options.txt"));
const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/keras.md"));

/// A library, a module and a class, with the options: name, default, another value.
type Classes<'a> = BTreeMap<[&'a str; 3], Vec<(&'a str, Value, Value)>>;

fn classes() -> Classes<'static> {
    let mut classes = Classes::new();
    for line in OPTIONS.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        if let [library, module, class] = columns[..] {
            classes.entry([library, module, class]).or_default();
            continue;
        }
        let [library, module, class, option, default, other] = columns[..] else { panic!("{line}") };
        let [default, other] = [default, other].map(|value| serde_json::from_str(value).unwrap());
        classes.entry([library, module, class]).or_default().push((option, default, other));
    }
    classes
}

/// Reads an object with these options, and returns its spec as text or the error.
fn read(module: &str, class: &str, config: Config) -> Result<String, String> {
    let registry = Registry::new();
    let mut reader = Reader::new(&registry);
    let value = json!({"class_name": class, "config": config});
    let mut object = |family: &Family| {
        let object = Object::read(&value).unwrap();
        reader.object(family, "here", &value, object, None)
    };
    let read = match module {
        "layers" if class == "InputLayer" => {
            let input = Entry::read(&value).unwrap().input(&mut reader);
            input.map(|shape| shape.to_string())
        }
        "layers" => {
            let entry = Entry::read(&value).unwrap();
            let name = entry.name.clone();
            let spec = entry.spec(&mut reader, Some(Shape::from([4, 6, 2])));
            let made = spec.as_ref().map(|spec| registry.make_layer(spec));
            made.map(|made| reader.note("here", made));
            spec.map(|spec| format!("{name:?} {spec}"))
        }
        "models" => {
            let training = Training::read(config, &["output".into()], &mut reader);
            training.map(|training| format!("{training:?}"))
        }
        "initializers" => {
            object(&INITIALIZER).map(|spec| BUILT_IN.make::<dyn Initializer>(&spec).unwrap().spec().to_string())
        }
        "constraints" => {
            object(&CONSTRAINT).map(|spec| BUILT_IN.make::<dyn Constraint>(&spec).unwrap().spec().to_string())
        }
        "regularizers" => {
            object(&REGULARIZER).map(|spec| BUILT_IN.make::<dyn Regularizer>(&spec).unwrap().spec().to_string())
        }
        "optimizers" | "optimizers.legacy" => {
            object(&OPTIMIZER).map(|spec| registry.make_optimizer(&spec).unwrap().spec().to_string())
        }
        "optimizers.schedules" => object(&SCHEDULE).map(|spec| spec.to_string()),
        "losses" => object(&LOSS).map(|spec| registry.make_loss(&spec).unwrap().spec().to_string()),
        "metrics" => object(&METRIC).map(|spec| registry.make_metric(&spec).unwrap().spec().to_string()),
        _ => panic!("{module}"),
    };
    reader.finish().map(|()| read.unwrap())
}

/// The classes for which an option is declared to have no effect, and the reason.
fn without_effect(module: &str, class: &str, option: &str) -> Option<(String, &'static str)> {
    let of_kind = |family: &'static Family| {
        let own = family.find(class).map_or(&[][..], |kind| kind.inactive);
        let all = (format!("every {}", family.noun), family.options);
        vec![(format!("`{class}`"), own), all]
    };
    let tables: Vec<(String, &'static [InactiveOption])> = match module {
        "layers" if class == "InputLayer" => vec![("`InputLayer`".into(), layer_kinds::INPUT)],
        "layers" => of_kind(&LAYER),
        "models" => vec![("`compile`".into(), super::training::OPTIONS)],
        "initializers" => of_kind(&INITIALIZER),
        "constraints" => of_kind(&CONSTRAINT),
        "regularizers" => of_kind(&REGULARIZER),
        "optimizers" | "optimizers.legacy" => of_kind(&OPTIMIZER),
        "optimizers.schedules" => of_kind(&SCHEDULE),
        "losses" => of_kind(&LOSS),
        _ => of_kind(&METRIC),
    };
    let declared =
        tables.into_iter().find_map(|(of, table)| Some((of, table.iter().find(|found| found.name == option)?)));
    declared.and_then(|(of, option)| Some((of, option.reason()?)))
}

/// The options that every object of the class has in this test.
fn defaults(module: &str, class: &str, options: &[(&str, Value, Value)]) -> Config {
    let mut config: Config = options.iter().map(|(option, default, _)| ((*option).into(), default.clone())).collect();
    match (module, class) {
        // The default returns one value per class.
        (_, "F1Score") => drop(config.insert("average".into(), json!("macro"))),
        ("models", _) => config.extend([("optimizer".into(), json!("sgd")), ("loss".into(), json!("mae"))]),
        _ => {}
    }
    config
}

#[test]
fn every_option_is_effective_or_rejected_by_name_or_documented_to_have_no_effect() {
    let (mut documented, mut unread, mut counts) = (BTreeSet::new(), Vec::new(), [0; 3]);
    let (_, rejections) = DOCUMENT.split_once("| rejected option | of | why |").unwrap();
    let (rejections, _) = rejections.split_once("\n\n").unwrap();
    let mut without_row = BTreeSet::new();
    for ([library, module, class], options) in classes() {
        let config = defaults(module, class, &options);
        let base = read(module, class, config.clone());
        let base = match base {
            Err(problem) if module == "optimizers.legacy" => {
                assert!(
                    problem.contains("decay is not supported: optimizers with this option are those of Keras 2.10")
                );
                continue;
            }
            base => base.unwrap_or_else(|problem| panic!("{library} {class}: {problem}")),
        };
        for (option, default, other) in &options {
            if config[*option] == *other {
                // The other options need this value.
                assert_eq!(*option, "average");
                continue;
            }
            let mut changed = config.clone();
            changed.insert((*option).into(), other.clone());
            let place = format!("{library} {class}: {option} = {other} instead of {default}");
            match read(module, class, changed) {
                Err(problem) => {
                    assert!(problem.contains(option), "{place}: {problem}");
                    if !rejections.contains(&format!("`{option}`")) {
                        without_row.insert(format!("{option} of {class}"));
                    }
                    counts[1] += 1;
                }
                Ok(read) if read != base => counts[0] += 1,
                Ok(_) => {
                    match without_effect(module, class, option) {
                        Some((of, reason)) => drop(documented.insert(format!("| `{option}` | {of} | {reason} |"))),
                        None => unread.push(place),
                    }
                    counts[2] += 1;
                }
            }
        }
    }
    assert!(without_row.is_empty(), "docs/keras.md has no reason for the rejection of {without_row:?}");
    assert!(unread.is_empty(), "these options have no effect:\n{}", unread.join("\n"));
    let missing: Vec<&String> = documented.iter().filter(|row| !DOCUMENT.contains(&***row)).collect();
    assert!(
        missing.is_empty(),
        "docs/keras.md has no rows\n{}",
        missing.into_iter().map(|row| format!("{row}\n")).collect::<String>()
    );
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
}

#[test]
fn the_list_has_every_class_that_is_read() {
    let listed: BTreeSet<&str> = classes().into_keys().map(|[_, _, class]| class).collect();
    let kinds =
        layers::LAYERS.iter().chain(layers::INITIALIZERS).chain(layers::REGULARIZERS).chain(layers::CONSTRAINTS);
    let kinds = kinds.chain(losses_metrics::LOSSES).chain(losses_metrics::METRICS).chain(optimizers::SCHEDULES);
    for class in kinds.map(|kind| kind.class).chain(optimizers::OPTIMIZERS.iter().map(|known| known.kind.class)) {
        // A string, which has no options.
        assert!(listed.contains(class) || class == "Accuracy", "{class} is not in tests/golden/keras_options.txt");
    }
}

#[test]
fn unknown_options_are_rejected_by_name() {
    for ([_, module, class], options) in classes() {
        let mut config = defaults(module, class, &options);
        config.insert("misspelled".into(), Value::Null);
        let problem = read(module, class, config).unwrap_err();
        assert!(problem.contains("unknown option \"misspelled\""), "{class}: {problem}");
    }
}

/// The configurations of a model with one dense layer, in the format of Keras 3.
fn model() -> (Value, Config) {
    let object_of = |module: &str, class: &str, config: Value| json!({"module": module, "class_name": class, "config": config, "registered_name": null});
    let l2 = object_of("keras.regularizers", "L2", json!({"l2": 0.5}));
    let dense = object_of(
        "keras.layers",
        "Dense",
        json!({"name": "d", "units": 2, "activation": "relu", "kernel_regularizer": l2}),
    );
    let input = object_of("keras.layers", "InputLayer", json!({"name": "x", "batch_shape": [null, 3]}));
    let model = object_of("keras", "Sequential", json!({"name": "s", "layers": [input, dense]}));
    let rate = object_of(
        "keras.optimizers.schedules",
        "PolynomialDecay",
        json!({"initial_learning_rate": 0.5, "decay_steps": 9}),
    );
    let compiled = json!({
        "optimizer": object_of("keras.optimizers", "SGD", json!({"learning_rate": rate})),
        "loss": object_of("keras.losses", "MeanSquaredError", json!({})),
        "metrics": [object_of("keras.metrics", "MeanAbsoluteError", json!({}))],
    });
    (model, compiled.as_object().unwrap().clone())
}

fn described(model: &Value, compiled: Config) -> Result<(), String> {
    super::contents::describe(model, &Value::Null, None, Some(compiled), &Registry::new(), true).map(|_| ())
}

#[test]
fn custom_classes_are_distinguished_from_those_of_keras() {
    const PLACES: [(&str, &str); 7] = [
        ("/config/layers/1", "mine>Dense"),
        ("/config/layers/1/config/kernel_regularizer", "mine>L2"),
        ("/optimizer", "mine>SGD"),
        ("/optimizer/config/learning_rate", "mine>PolynomialDecay"),
        ("/loss", "mine>MeanSquaredError"),
        ("/metrics/0", "mine>MeanAbsoluteError"),
        ("", "mine>Sequential"),
    ];
    let (model, compiled) = model();
    assert_eq!(described(&model, compiled.clone()), Ok(()));
    for (place, name) in PLACES {
        let (mut model, mut compiled) = (model.clone(), Value::Object(compiled.clone()));
        let part = if model.pointer(place).is_some() { &mut model } else { &mut compiled };
        let object = part.pointer_mut(place).unwrap();
        object["module"] = Value::Null;
        object["registered_name"] = json!(name);
        let error = described(&model, compiled.as_object().unwrap().clone()).unwrap_err();
        assert!(error.contains(&format!("{name} is not a")) || error.contains(&format!("it holds {name}")), "{error}");
    }
}

#[test]
fn one_message_reports_every_problem_of_a_file() {
    let (mut model, mut compiled) = model();
    let layers = model["config"]["layers"].as_array_mut().unwrap();
    let mut other = layers[1].clone();
    (other["config"]["name"], other["config"]["kernel_constraint"]) = (json!("e"), json!("none"));
    layers.insert(
        1,
        json!({"module": "keras.layers", "class_name": "ConvLSTM1D", "config": {"name": "g"}, "registered_name": null}),
    );
    layers.push(other);
    layers.push(json!({"class_name": "Hashing", "config": {"name": "l"}}));
    compiled["loss"] = json!("poisson");
    compiled["optimizer"]["config"]["gradient_accumulation_steps"] = json!(4);
    let error = described(&model, compiled).unwrap_err();
    let expected = "5 problems: layer \"g\": ConvLSTM1D is not a supported layer; \
        layer \"e\" (Dense): kernel_constraint: none is not a supported constraint; \
        layer \"l\": Hashing is not a supported layer; \
        optimizer (SGD): gradient_accumulation_steps is 4, and only null or 1 is supported; \
        loss: poisson is not a supported loss. To add a class, pass a Registry to keras::load_with";
    assert_eq!(error, expected);
}

#[test]
fn unrolled_layers_of_which_keras_masks_the_wrong_steps_are_rejected() {
    let model = |masked: bool, unroll: bool, sequences: bool| {
        let lstm = json!({"class_name": "LSTM", "config": {"name": "lstm", "units": 2, "unroll": unroll,
            "return_sequences": sequences}});
        let both = json!({"class_name": "Bidirectional", "config": {"name": "both", "layer": lstm}});
        let mut layers =
            vec![json!({"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [null, 3, 2]}})];
        layers.extend(masked.then(|| json!({"class_name": "Masking", "config": {"name": "m", "mask_value": 0.0}})));
        layers.push(both);
        json!({"class_name": "Sequential", "config": {"name": "s", "layers": layers}})
    };
    let read = |model| super::contents::describe(&model, &Value::Null, None, None, &Registry::new(), false).map(|_| ());
    let error = "layer \"both\" (Bidirectional): with unroll=true and a mask, Keras sets wrong steps to 0 when it goes \
        backwards; save it with unroll=false";
    assert_eq!(read(model(true, true, true)), Err(error.into()));
    for (masked, unroll, sequences) in [(false, true, true), (true, false, true), (true, true, false)] {
        assert_eq!(read(model(masked, unroll, sequences)), Ok(()));
    }
}

#[test]
fn arguments_of_calls_and_frozen_models_are_read() {
    let dense = json!({"class_name": "Dense", "config": {"name": "d", "units": 2}, "name": "d",
        "inbound_nodes": [[["x", 0, 0, {"training": false}]]]});
    let input =
        json!({"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [null, 3]}, "name": "x"});
    let mut model = json!({"class_name": "Functional", "config": {"name": "f", "trainable": false,
        "layers": [input, dense], "input_layers": [["x", 0, 0]], "output_layers": [["d", 0, 0]]}});
    let error = described(&model, self::model().1).unwrap_err();
    assert_eq!(error, "layer \"d\": it is called with training=false, which is not supported");
    model["config"]["layers"][1]["inbound_nodes"] = json!([{"args": [{"class_name": "__keras_tensor__",
        "config": {"shape": [null, 3], "keras_history": ["x", 0, 0]}}], "kwargs": {"mask": null, "training": true}}]);
    let (description, _) =
        super::contents::describe(&model, &Value::Null, None, None, &Registry::new(), false).unwrap();
    assert!(description.weights().all(|weight| !weight.is_trainable()));
}
