//! An object in a configuration: its class, who defined the class, and its options.

use serde_json::{Map, Value, json};

/// Options by name.
pub(super) type Config = Map<String, Value>;

/// An object as a configuration describes it: a class with its options, a function, or the name of either.
#[derive(Debug)]
pub(super) struct Object<'a> {
    /// The name that the object is registered under, which custom classes may choose: `Dense`, or `mine>Dense`.
    pub(super) name: &'a str,
    /// The name of its class in Python, from which Keras makes the paths of weights.
    pub(super) class: &'a str,
    /// Whether the class or function is one of another package than Keras, whatever its name.
    pub(super) custom: bool,
    pub(super) config: Config,
}

impl<'a> Object<'a> {
    /// Reads an object; `None` where the value describes none.
    ///
    /// Keras 3 writes `module`, `class_name`, `config` and `registered_name`. The last of these is null for its own
    /// public classes, and `module` is null for those that a user defines. Versions before 2.13 wrote only the class and its options.
    pub(super) fn read(value: &'a Value) -> Option<Object<'a>> {
        let (class, config) = match value {
            Value::String(name) => return Some(named(name, false)),
            Value::Object(_) => (value["class_name"].as_str()?, &value["config"]),
            _ => return None,
        };
        let module = value["module"].as_str();
        if let ("function", Value::String(name)) = (class, config) {
            return Some(named(name, module.is_some_and(|module| module != "builtins" && !of_keras(module))));
        }
        let config = match config {
            Value::Object(config) => config.clone(),
            Value::Null => Config::new(),
            _ => return None,
        };
        let registered = value["registered_name"].as_str();
        let (name, own) = match (module, registered) {
            // Classes of Keras that are not public are registered under their own name.
            (Some(module), None) => (class, of_keras(module) && !class.contains('>')),
            (Some(module), Some(name)) => (name, of_keras(module) && name == class),
            (None, Some(name)) => (name, false),
            // Keras 2.11 to 2.15 registered its own optimizers in the package of users' classes.
            (None, None) => match class.strip_prefix("Custom>").filter(|name| OPTIMIZERS.contains(name)) {
                Some(name) => (name, true),
                None => (class, !class.contains('>')),
            },
        };
        let class = class.rsplit('>').next().unwrap_or(class);
        Some(Object { name, class, custom: !own, config })
    }

    /// What to call the object in a message.
    pub(super) fn title(&self) -> String {
        if self.custom && !self.name.contains('>') { format!("a custom {}", self.name) } else { self.name.to_owned() }
    }
}

/// An object as Keras writes it: a class and its options.
pub(super) fn object(module: &str, class: &str, config: Config) -> Value {
    json!({"module": module, "class_name": class, "config": config, "registered_name": null})
}

/// A function, or a class without options. A name with a package is that of a custom one.
fn named(name: &str, custom: bool) -> Object<'_> {
    Object { name, class: name, custom: custom || name.contains('>'), config: Config::new() }
}

/// The optimizers that Keras 2 wrote as `Custom>Adam`.
const OPTIMIZERS: [&str; 11] =
    ["Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam", "RMSprop", "SGD"];

/// Whether a module belongs to Keras, in any of the packages that it has been part of.
fn of_keras(module: &str) -> bool {
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
    fn objects_of_keras_are_told_from_others_of_the_same_name() {
        let dense = |module: Value, registered: Value| json!({"module": module, "class_name": "Dense", "config": {"units": 3}, "registered_name": registered});
        let own = [
            dense(json!("keras.layers"), Value::Null),
            dense(json!("keras.src.layers.core.dense"), json!("Dense")),
            dense(json!("tf_keras.src.layers.core.dense"), json!("Dense")),
            dense(json!("tensorflow.python.keras.layers.core"), json!("Dense")),
            json!({"class_name": "Dense", "config": {"units": 3}}),
            json!("Dense"),
        ];
        for value in &own {
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
