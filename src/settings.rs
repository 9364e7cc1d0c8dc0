//! Making parts from specs: settings are read by name and type, and each must be read.

#[cfg(test)]
pub(crate) mod check_options;
mod option_value;
mod options;
#[cfg(test)]
mod tests;

pub(crate) use option_value::OptionValue;
pub(crate) use options::{option, options};

use crate::error::{Error, Result};
use crate::registry::{BUILT_IN, ClassRegistry, Part};
use crate::spec::{Spec, SpecValue};

/// A part that can be made from its [`Spec`], so that models with it can be loaded from files.
///
/// ```
/// use gradus::{FromSpec, Result, Settings, Spec};
///
/// #[derive(Debug, PartialEq)]
/// struct Scaling { factor: f32 }
///
/// impl Scaling {
///     fn spec(&self) -> Spec {
///         Spec::new(Self::CLASS).with("factor", self.factor)
///     }
/// }
///
/// impl FromSpec for Scaling {
///     const CLASS: &'static str = "Scaling";
///     fn from_spec(settings: &mut Settings<'_>) -> Result<Scaling> {
///         Ok(Scaling { factor: settings.float("factor")? })
///     }
/// }
///
/// let scaling = Scaling { factor: 0.5 };
/// assert_eq!(scaling.spec().make::<Scaling>()?, scaling);
/// # Ok::<(), gradus::Error>(())
/// ```
pub trait FromSpec: Sized {
    /// The class of the part's spec.
    const CLASS: &'static str;

    /// Creates the part. Reads every setting that the part's spec has.
    ///
    /// # Errors
    /// A setting is missing or of another type, as the methods of [`Settings`] report.
    fn from_spec(settings: &mut Settings<'_>) -> Result<Self>;

    /// The names of all settings that the spec may have, for the message about an unknown setting. Defaults to none, and
    /// the message then lists no names.
    fn setting_names() -> Vec<&'static str> {
        Vec::new()
    }
}

/// The setting that the spec of a frozen layer has in addition to the settings of its class.
pub(crate) const TRAINABLE: &str = "trainable";

/// The setting that the spec of a layer with a penalty on its outputs has in addition to the settings of its class.
pub(crate) const ACTIVITY_REGULARIZER: &str = "activity_regularizer";

/// The settings of a [`Spec`], read by name and type. Each method marks its setting as read; settings that remain unread
/// are an error.
#[derive(Debug)]
pub struct Settings<'a> {
    spec: &'a Spec,
    pub(crate) classes: &'a ClassRegistry,
    taken: Vec<bool>,
    /// The first setting that was read and is missing.
    missing: Option<String>,
}

impl Spec {
    /// Creates the part of type `T` that this spec describes.
    ///
    /// # Errors
    /// [`Error::Spec`] for a spec of another class, and for settings that are missing, unknown or of another type.
    pub fn make<T: FromSpec>(&self) -> Result<T> {
        self.make_with(&BUILT_IN)
    }

    /// Creates the part of type `T` that this spec describes, looking up nested parts in `classes`.
    pub(crate) fn make_with<T: FromSpec>(&self, classes: &ClassRegistry) -> Result<T> {
        if self.class() != T::CLASS {
            return Err(self.not_of(T::CLASS));
        }
        self.read(classes, T::from_spec, T::setting_names)
    }

    fn not_of(&self, class: &str) -> Error {
        spec_error(self, format!("expected class {class}"))
    }

    /// Calls `read` with the settings, and checks that it reads all of them. `names` returns the names of all settings of
    /// the class.
    fn read<T>(
        &self,
        classes: &ClassRegistry,
        read: impl FnOnce(&mut Settings<'_>) -> Result<T>,
        names: fn() -> Vec<&'static str>,
    ) -> Result<T> {
        let mut settings = Settings::new(self, classes);
        let part = read(&mut settings);
        match settings.problems(part.is_ok(), names) {
            None => part,
            Some(problems) => Err(problems),
        }
    }
}

impl<'a> Settings<'a> {
    /// The settings of a spec, all unread.
    pub(crate) fn new(spec: &'a Spec, classes: &'a ClassRegistry) -> Settings<'a> {
        Settings { spec, classes, taken: vec![false; spec.settings().len()], missing: None }
    }

    /// Returns an error that lists all settings that are missing, unknown or given twice, if there are any. `complete` says
    /// whether reading succeeded. Not generic, as it would be compiled for every class.
    fn problems(&self, complete: bool, names: fn() -> Vec<&'static str>) -> Option<Error> {
        let given = |at: usize| &*self.spec.settings()[at].0;
        let mut unread: Vec<usize> = (0..self.taken.len()).filter(|at| !self.taken[*at]).collect();
        let (mut problems, mut names_unknown) = (Vec::new(), false);
        if complete && unread.is_empty() {
            return None;
        }
        let names = names();
        if !complete {
            // Reading ended early: only the names tell which of the unread settings are unknown.
            problems.push(format!("missing setting \"{}\"", self.missing.as_ref()?));
            unread.retain(|at| !names.is_empty() && !names.contains(&given(*at)));
        }
        for at in unread {
            let twice = self.spec.settings()[..at].iter().any(|(name, _)| name == given(at));
            names_unknown |= !twice;
            problems.push(match given(at) {
                name if twice => format!("setting \"{name}\" is given twice"),
                TRAINABLE => "unknown setting \"trainable\"; Registry::make_layer makes frozen layers".into(),
                ACTIVITY_REGULARIZER => {
                    "unknown setting \"activity_regularizer\"; Registry::make_layer makes layers with it".into()
                }
                name => format!("unknown setting \"{name}\""),
            });
        }
        let listed = names_unknown && !names.is_empty();
        let available = if listed { format!("; available: {}", names.join(", ")) } else { String::new() };
        Some(spec_error(self.spec, format!("{}{available}", problems.join("; "))))
    }

    /// Reads a boolean.
    ///
    /// # Errors
    /// [`Error::Spec`] when the setting is missing or of another type.
    pub fn bool(&mut self, name: &str) -> Result<bool> {
        match self.take(name)? {
            SpecValue::Bool(flag) => Ok(*flag),
            other => Err(self.wrong_type(name, other, "true or false")),
        }
    }

    /// Reads an integer ≥ 0.
    ///
    /// # Errors
    /// [`Error::Spec`] when the setting is missing or of another type.
    pub fn uint(&mut self, name: &str) -> Result<usize> {
        match self.take(name)? {
            SpecValue::UInt(size) => Ok(*size),
            other => Err(self.wrong_type(name, other, "an integer ≥ 0")),
        }
    }

    /// Reads an axis: an integer, negative if counted from the end.
    ///
    /// # Errors
    /// [`Error::Spec`] when the setting is missing or of another type.
    pub fn axis(&mut self, name: &str) -> Result<isize> {
        let value = self.take(name)?;
        let axis = match value {
            SpecValue::UInt(size) => isize::try_from(*size).ok(),
            SpecValue::Int(number) => Some(*number),
            _ => None,
        };
        axis.ok_or_else(|| self.wrong_type(name, value, "an integer"))
    }

    /// Reads a setting with `read`, or returns `default` if it is missing, as in files that are older than the setting.
    ///
    /// # Errors
    /// The errors of `read`.
    pub fn or<T>(
        &mut self,
        name: &str,
        default: T,
        read: impl FnOnce(&mut Settings<'a>, &str) -> Result<T>,
    ) -> Result<T> {
        match self.spec.settings().iter().any(|(known, _)| known == name) {
            true => read(self, name),
            false => Ok(default),
        }
    }

    /// Reads a list of integers ≥ 0.
    ///
    /// # Errors
    /// [`Error::Spec`] when the setting is missing or of another type.
    pub fn uints(&mut self, name: &str) -> Result<&'a [usize]> {
        match self.take(name)? {
            SpecValue::UInts(sizes) => Ok(sizes),
            other => Err(self.wrong_type(name, other, "a list of integers ≥ 0")),
        }
    }

    /// Reads a list of axes, which are negative if counted from the end. One axis is a list too.
    ///
    /// # Errors
    /// [`Error::Spec`] when the setting is missing or of another type.
    pub fn axes(&mut self, name: &str) -> Result<Vec<isize>> {
        let value = self.take(name)?;
        let axes = match value {
            SpecValue::UInt(_) | SpecValue::Int(_) => return self.axis(name).map(|axis| vec![axis]),
            SpecValue::UInts(axes) => axes.iter().map(|axis| isize::try_from(*axis).ok()).collect(),
            SpecValue::Ints(axes) => Some(axes.clone()),
            _ => None,
        };
        axes.ok_or_else(|| self.wrong_type(name, value, "a list of integers"))
    }

    /// Reads two integers ≥ 0, such as the height and the width of a kernel.
    ///
    /// # Errors
    /// [`Error::Spec`] when the setting is missing or of another type.
    pub fn pair(&mut self, name: &str) -> Result<[usize; 2]> {
        let sizes = self.uints(name)?;
        sizes.try_into().map_err(|_| self.wrong_type(name, &SpecValue::UInts(sizes.to_vec()), "two integers ≥ 0"))
    }

    /// Reads a number. The strings `NaN`, `inf` and `-inf` are numbers as well, since JSON has no such numbers.
    ///
    /// # Errors
    /// [`Error::Spec`] when the setting is missing or of another type.
    pub fn float(&mut self, name: &str) -> Result<f32> {
        match self.take(name)? {
            SpecValue::Float(number) => Ok(*number),
            SpecValue::Str(text) if text == "NaN" => Ok(f32::NAN),
            SpecValue::Str(text) if text == "inf" => Ok(f32::INFINITY),
            SpecValue::Str(text) if text == "-inf" => Ok(f32::NEG_INFINITY),
            other => Err(self.wrong_type(name, other, "a number")),
        }
    }

    /// Reads a list of numbers.
    ///
    /// # Errors
    /// [`Error::Spec`] when the setting is missing or of another type.
    pub fn floats(&mut self, name: &str) -> Result<&'a [f32]> {
        match self.take(name)? {
            SpecValue::Floats(numbers) => Ok(numbers),
            // The type of the elements of an empty list is not known when it is read from a file.
            SpecValue::UInts(sizes) if sizes.is_empty() => Ok(&[]),
            other => Err(self.wrong_type(name, other, "a list of numbers")),
        }
    }

    /// Whether the spec has this setting. Parts omit settings that are not set, so that earlier versions read their files.
    pub fn has(&self, name: &str) -> bool {
        self.spec.settings().iter().any(|(known, _)| known == name)
    }

    /// Whether the spec has this setting and its value is a nested spec.
    pub fn has_nested(&self, name: &str) -> bool {
        self.spec.settings().iter().any(|(known, value)| known == name && matches!(value, SpecValue::Nested(_)))
    }

    /// Reads a string.
    ///
    /// # Errors
    /// [`Error::Spec`] when the setting is missing or of another type.
    pub fn str(&mut self, name: &str) -> Result<&'a str> {
        match self.take(name)? {
            SpecValue::Str(text) => Ok(text),
            other => Err(self.wrong_type(name, other, "a string")),
        }
    }

    /// Reads a list of strings.
    ///
    /// # Errors
    /// [`Error::Spec`] when the setting is missing or of another type.
    pub fn strs(&mut self, name: &str) -> Result<Vec<String>> {
        match self.take(name)? {
            SpecValue::Strs(texts) => Ok(texts.clone()),
            // A list of these strings is read from a file as numbers.
            SpecValue::Floats(numbers) if numbers.iter().all(|number| !number.is_finite()) => {
                Ok(numbers.iter().map(f32::to_string).collect())
            }
            // The type of the elements of an empty list is not known when it is read from a file.
            SpecValue::UInts(sizes) if sizes.is_empty() => Ok(Vec::new()),
            other => Err(self.wrong_type(name, other, "a list of strings")),
        }
    }

    /// Reads one of several strings and returns its value in `known`.
    ///
    /// # Errors
    /// [`Error::Spec`] when the setting is missing, of another type, or not in `known`.
    pub fn one_of<T: Copy>(&mut self, name: &str, known: &[(&str, T)]) -> Result<T> {
        let text = self.str(name)?;
        let found = known.iter().find(|(known, _)| *known == text);
        let texts = || known.iter().map(|(text, _)| *text).collect::<Vec<_>>().join(", ");
        found
            .map(|(_, value)| *value)
            .ok_or_else(|| spec_error(self.spec, format!("unknown {name} \"{text}\"; available: {}", texts())))
    }

    /// Reads a nested spec, such as that of an initializer.
    ///
    /// # Errors
    /// [`Error::Spec`] when the setting is missing or of another type.
    pub fn nested(&mut self, name: &str) -> Result<&'a Spec> {
        match self.take(name)? {
            SpecValue::Nested(spec) => Ok(spec),
            other => Err(self.wrong_type(name, other, "a nested spec")),
        }
    }

    /// Reads a nested spec and makes its part, whose class is looked up in the registry.
    pub(crate) fn make_nested<T: Part + ?Sized>(&mut self, name: &str) -> Result<Box<T>> {
        self.classes.make(self.nested(name)?)
    }

    /// Returns a setting and marks it as read.
    fn take(&mut self, name: &str) -> Result<&'a SpecValue> {
        let at = self.spec.settings().iter().position(|(known, _)| known == name);
        let at = at.ok_or_else(|| {
            self.missing.get_or_insert(name.into());
            spec_error(self.spec, format!("missing setting \"{name}\""))
        })?;
        self.taken[at] = true;
        Ok(&self.spec.settings()[at].1)
    }

    /// The error about a setting of another type.
    pub(crate) fn wrong_type(&self, name: &str, found: &SpecValue, expected: &str) -> Error {
        spec_error(self.spec, format!("{name} is {found}, expected {expected}"))
    }
}

/// The error about a spec.
pub(crate) fn spec_error(spec: &Spec, problem: String) -> Error {
    Error::Spec { class: spec.class().into(), problem }
}
