//! Conversion of the settings of a spec to options of Keras.

use super::families::Family;
use super::kind::Kind;
use super::object::{Config, object};
use super::options::DATA_FORMAT;
use super::result::Result;
use crate::save::number_to_json;
use crate::{Spec, SpecValue};
use serde_json::{Value, json};
use std::borrow::Cow;

impl Kind {
    /// Converts the settings of a spec to options of Keras.
    pub(super) fn config(&self, spec: &Spec) -> Result<Config> {
        let setting = |(name, value): &(Cow<'static, str>, SpecValue)| {
            if let Some(number) = not_finite(value) {
                let problem = format!("{name} is {number}, and configurations in JSON have only finite numbers");
                return Err(format!("{}: {problem}", self.class));
            }
            Ok((name.to_string(), to_json(name, value)?))
        };
        let mut config = spec.settings().iter().map(setting).collect::<Result<Config>>()?;
        // Without it, layers of Keras have the order of the user's settings.
        let has_data_format = self.inactive.iter().any(|option| option.name == DATA_FORMAT.name);
        if has_data_format && !ONLY_IN_KERAS_2.contains(&self.class) {
            config.insert(DATA_FORMAT.name.into(), json!("channels_last"));
        }
        (self.to_keras)(&mut config).map_err(|problem| format!("{} {problem}", self.class))?;
        Ok(config)
    }
}

/// The layers that have the option `data_format` in files of Keras 2 only.
const ONLY_IN_KERAS_2: [&str; 7] = [
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "RandomBrightness",
    "RandomContrast",
    "SpatialDropout1D",
];

/// The first number of a setting that is infinite or NaN.
fn not_finite(value: &SpecValue) -> Option<f32> {
    match value {
        SpecValue::Float(number) => Some(*number).filter(|number| !number.is_finite()),
        SpecValue::Floats(numbers) => numbers.iter().copied().find(|number| !number.is_finite()),
        _ => None,
    }
}

fn to_json(name: &str, value: &SpecValue) -> Result<Value> {
    Ok(match value {
        SpecValue::Bool(flag) => json!(flag),
        SpecValue::UInt(size) => json!(size),
        SpecValue::Int(number) => json!(number),
        SpecValue::UInts(sizes) => json!(sizes),
        SpecValue::Ints(numbers) => match &numbers[..] {
            [number] => json!(number),
            numbers => json!(numbers),
        },
        SpecValue::Float(number) => number_to_json(*number),
        SpecValue::Floats(numbers) => numbers.iter().map(|number| number_to_json(*number)).collect(),
        SpecValue::Str(word) => json!(word),
        SpecValue::Strs(words) => json!(words),
        SpecValue::Nested(spec) => {
            let family = Family::of_setting(name);
            let kind = family.find(spec.class());
            let kind = kind.ok_or_else(|| format!("{} ({name}) has no equivalent in Keras", spec.class()))?;
            object(family.module, spec.class(), kind.config(spec)?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::families::LAYER;
    use super::super::object::Object;
    use super::super::reader::Reader;
    use super::*;
    use crate::layers::{Activation, Dense, Layer, Normalization, Rescaling};
    use crate::save::Registry;

    #[test]
    fn numbers_that_json_lacks_are_rejected_before_writing() {
        for scale in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            let problem = LAYER.find("Rescaling").unwrap().config(&Rescaling::new(scale).spec()).unwrap_err();
            assert_eq!(
                problem,
                format!("Rescaling: scale is {scale}, and configurations in JSON have only finite numbers")
            );
        }
        let spec = Normalization::new().mean(vec![0.0, f32::NAN]).spec();
        assert!(
            LAYER.find("Normalization").unwrap().config(&spec).unwrap_err().starts_with("Normalization: mean is NaN")
        );
    }

    fn read(config: Value) -> Result<String> {
        let registry = Registry::new();
        let mut reader = Reader::new(&registry);
        let value = json!({"module": "keras.layers", "class_name": "Dense", "config": config, "registered_name": null});
        let spec = reader.object(&LAYER, "layer \"d\"", &value, Object::read(&value).unwrap(), None);
        reader.finish().map(|()| spec.unwrap().to_string())
    }

    #[test]
    fn layers_round_trip() {
        let init = crate::initializers::Constant::new(-1.5);
        let spec = Dense::new(3).activation(Activation::Relu).use_bias(false).kernel_initializer(init).spec();
        let config = LAYER.find("Dense").unwrap().config(&spec).unwrap();
        assert_eq!(read(Value::Object(config)).unwrap(), spec.to_string());
    }

    #[test]
    fn missing_options_have_their_defaults_and_all_notations_are_read() {
        let spec = read(json!({"units": 2.0, "activation": {"class_name": "function", "config": "relu"}})).unwrap();
        let default = Dense::new(2).activation(Activation::Relu).spec();
        assert_eq!(spec, default.to_string());
        let constant = read(json!({"units": 2, "activation": null, "bias_initializer": "constant"})).unwrap();
        assert!(constant.ends_with("bias_initializer=Constant(value=0))"), "{constant}");
        let scaling = json!({"class_name": "OtherScaling", "config": {"scale": 2.0}});
        let custom =
            json!({"module": null, "class_name": "HeNormal", "config": {}, "registered_name": "mine>HeNormal"});
        for unknown in [scaling, custom] {
            let read = read(json!({"units": 2, "kernel_initializer": unknown})).unwrap();
            assert_eq!(read, Dense::new(2).spec().to_string());
        }
    }

    #[test]
    fn every_problem_is_reported() {
        let place = "layer \"d\" (Dense)";
        assert_eq!(read(json!({})).unwrap_err(), format!("{place}: units is missing"));
        let several =
            read(json!({"units": -1, "use_bias": null, "seeds": 0, "kernel_constraint": "none", "lora_rank": 0}));
        let expected = format!(
            "5 problems: {place}: units is -1, expected an integer ≥ 0; \
             {place}: use_bias is null, expected true or false; \
             {place}: kernel_constraint: none is not a supported constraint; \
             {place}: lora_rank is 0, and only null is supported; \
             {place}: unknown option \"seeds\". To add a class, pass a Registry to keras::load_with"
        );
        assert_eq!(several.unwrap_err(), expected);
    }
}
