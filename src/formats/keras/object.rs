//! Objects in a configuration: a class, the package that defines it, and options.

use serde_json::{Map, Value, json};

/// Options by name.
pub(super) type Config = Map<String, Value>;

/// An object in a configuration: a class with options, a function, or the name of either.
#[derive(Debug)]
pub(super) struct Object<'a> {
    /// The registered name, such as `Dense`, or `mine>Dense` for a custom class.
    pub(super) name: &'a str,
    /// The name of the Python class, from which Keras derives the paths of weights.
    pub(super) class: &'a str,
    /// Whether the class or function is defined outside Keras, regardless of its name.
    pub(super) custom: bool,
    pub(super) config: Config,
}

impl<'a> Object<'a> {
    /// Parses an object; `None` if the value is not a serialized object.
    ///
    /// Keras 3 writes `module`, `class_name`, `config` and `registered_name`. The last of these is null for the
    /// public classes of Keras, and `module` is null for user-defined classes. Versions before 2.13 wrote only the class and
    /// the options.
    pub(super) fn read(value: &'a Value) -> Option<Object<'a>> {
        let (class, config) = match value {
            Value::String(name) => return Some(named(name, false)),
            Value::Object(_) => (value["class_name"].as_str()?, &value["config"]),
            _ => return None,
        };
        let module = value["module"].as_str();
        if let ("function", Value::String(name)) = (class, config) {
            return Some(named(name, module.is_some_and(|module| module != "builtins" && !is_keras_module(module))));
        }
        let config = match config {
            Value::Object(config) => config.clone(),
            Value::Null => Config::new(),
            _ => return None,
        };
        let registered = value["registered_name"].as_str();
        let (name, is_keras) = match (module, registered) {
            // Private classes of Keras are registered under their class name.
            (Some(module), None) => (class, is_keras_module(module) && !class.contains('>')),
            (Some(module), Some(name)) => (name, is_keras_module(module) && name == class),
            (None, Some(name)) => (name, false),
            // Keras 2.11 to 2.15 registered its optimizers in the package `Custom`.
            (None, None) => match class.strip_prefix("Custom>").filter(|name| OPTIMIZERS.contains(name)) {
                Some(name) => (name, true),
                None => (class, !class.contains('>')),
            },
        };
        let class = class.rsplit('>').next().unwrap_or(class);
        Some(Object { name, class, custom: !is_keras, config })
    }

    /// The name of the object in messages.
    pub(super) fn title(&self) -> String {
        if self.custom && !self.name.contains('>') { format!("a custom {}", self.name) } else { self.name.to_owned() }
    }
}

/// The configuration of an object of Keras.
pub(super) fn object(module: &str, class: &str, config: Config) -> Value {
    json!({"module": module, "class_name": class, "config": config, "registered_name": null})
}

/// A function, or a class without options. A name with a package belongs to a custom class or function.
fn named(name: &str, custom: bool) -> Object<'_> {
    Object { name, class: name, custom: custom || name.contains('>'), config: Config::new() }
}

/// The optimizers that Keras 2 wrote as `Custom>Adam`.
const OPTIMIZERS: [&str; 11] =
    ["Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam", "RMSprop", "SGD"];

/// Whether a Python module belongs to Keras, in any package that has contained it.
fn is_keras_module(module: &str) -> bool {
    let mut parts = module.split('.');
    match parts.next() {
        Some("keras" | "tf_keras" | "keras_core") => true,
        Some("tensorflow" | "tensorflow_core") => parts.any(|part| part == "keras"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_of_keras_are_distinguished_from_custom_ones_of_the_same_name() {
        let dense = |module: Value, registered: Value| json!({"module": module, "class_name": "Dense", "config": {"units": 3}, "registered_name": registered});
        let keras = [
            dense(json!("keras.layers"), Value::Null),
            dense(json!("keras.src.layers.core.dense"), json!("Dense")),
            dense(json!("tf_keras.src.layers.core.dense"), json!("Dense")),
            dense(json!("tensorflow.python.keras.layers.core"), json!("Dense")),
            json!({"class_name": "Dense", "config": {"units": 3}}),
            json!("Dense"),
        ];
        for value in &keras {
            let object = Object::read(value).unwrap();
            assert!(!object.custom && object.name == "Dense" && object.class == "Dense", "{value}");
        }
        let custom = [
            (dense(Value::Null, json!("mine>Dense")), "mine>Dense"),
            (dense(json!("keras.layers"), json!("mine>Dense")), "mine>Dense"),
            (dense(Value::Null, json!("Dense")), "a custom Dense"),
            (dense(json!("__main__"), json!("Dense")), "a custom Dense"),
            (dense(json!("keras_hub.layers"), Value::Null), "a custom Dense"),
            (json!({"class_name": "mine>Dense", "config": {"units": 3}}), "mine>Dense"),
            (json!({"class_name": "Custom>Dense", "config": {"units": 3}}), "Custom>Dense"),
        ];
        for (value, title) in &custom {
            let object = Object::read(value).unwrap();
            assert!(object.custom && object.class == "Dense" && object.title() == *title, "{value}: {object:?}");
        }
    }

    #[test]
    fn functions_and_optimizers_of_keras_2_are_read_by_name() {
        let function = |module: &str, name: &str| json!({"module": module, "class_name": "function", "config": name, "registered_name": "function"});
        let found = |value: Value| Object::read(&value).map(|object| (object.name.to_owned(), object.custom)).unwrap();
        assert_eq!(found(function("builtins", "relu")), ("relu".into(), false));
        assert_eq!(found(function("builtins", "mine>relu")), ("mine>relu".into(), true));
        assert_eq!(found(function("my.module", "relu")), ("relu".into(), true));
        assert_eq!(found(json!({"class_name": "Custom>Adam", "config": {}})), ("Adam".into(), false));
        let mine = json!({"module": null, "class_name": "Adam", "config": {}, "registered_name": "Custom>Adam"});
        assert_eq!(found(mine), ("Custom>Adam".into(), true));
        assert!(Object::read(&json!({"class_name": 3})).is_none() && Object::read(&json!([1])).is_none());
    }
}
