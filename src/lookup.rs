//! Lookup of parts by the names that users write: class names, names in Keras, and abbreviations.

use crate::error::{Error, Result};
use crate::registry::{BUILT_IN, Part};
use crate::settings::spec_error;
use crate::spec::{Spec, SpecValue};

/// Creates a part from its name in `text`: a class in any case, with or without underscores, or an alias, optionally
/// followed by settings in parentheses, as in `Huber(delta=2)`. `defaults` has the spec of each class with its default
/// settings.
pub(crate) fn find<T: Part + ?Sized>(text: &str, defaults: Vec<Spec>, aliases: &[(&str, &str)]) -> Result<Box<T>> {
    let (name, settings) = match text.split_once('(') {
        None => (text.trim(), ""),
        Some((name, rest)) => {
            let settings = rest.trim_end().strip_suffix(')');
            (
                name.trim(),
                settings.ok_or_else(|| spec_error(&Spec::new(text), "the closing parenthesis is missing".into()))?,
            )
        }
    };
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    let class = aliases.iter().find(|(alias, _)| plain(alias) == plain(name)).map_or(name, |(_, class)| class);
    let known = || defaults.iter().map(|spec| spec.class().to_owned()).collect();
    let spec = defaults.iter().find(|spec| plain(spec.class()) == plain(class));
    let spec = spec.ok_or_else(|| Error::Unknown { kind: T::NAME, name: name.into(), known: known() })?;
    let settings: Vec<&str> = settings.split(',').map(str::trim).filter(|setting| !setting.is_empty()).collect();
    let first = BUILT_IN.make(&with(spec, &settings, false)?);
    // If the type of a setting is unknown, `2` may be an integer or a float: try both.
    first.or_else(|error| BUILT_IN.make(&with(spec, &settings, true)?).map_err(|_| error))
}

/// The spec with settings such as `delta=2` in place of the defaults. `numbers` reads integers as `Float`.
fn with(default: &Spec, settings: &[&str], numbers: bool) -> Result<Spec> {
    let mut values = default.settings().to_vec();
    for setting in settings {
        let wrong = || spec_error(default, format!("found \"{setting}\", expected name=value"));
        let (name, text) = setting.split_once('=').ok_or_else(wrong)?;
        let (name, text) = (name.trim(), text.trim());
        match values.iter_mut().find(|(known, _)| known == name) {
            Some((_, value)) => *value = read(text, matches!(value, SpecValue::Float(_))),
            None => values.push((name.to_owned().into(), read(text, numbers))),
        }
    }
    Ok(values.into_iter().fold(Spec::new(default.class()), |spec, (name, value)| spec.with(name, value)))
}

/// Parses the value of a setting. `numbers` reads integers as `Float`.
fn read(text: &str, numbers: bool) -> SpecValue {
    match text.parse::<usize>() {
        Ok(size) if !numbers => return SpecValue::UInt(size),
        _ => {}
    }
    match (text, text.parse::<f32>()) {
        ("true", _) => SpecValue::Bool(true),
        ("false", _) => SpecValue::Bool(false),
        (_, Ok(number)) => SpecValue::Float(number),
        (word, _) => SpecValue::Str(word.into()),
    }
}
