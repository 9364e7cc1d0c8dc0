//! The way back from a spec to the part it describes: settings read by name and kind, with nothing left over.

use crate::error::{Error, Result};
use crate::registry::{BUILT_IN, Known, Part};
use crate::spec::{Spec, SpecValue};

/// A part that can be made again from what its `spec` says, so that a model holding it can be loaded from a file.
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
///         Ok(Scaling { factor: settings.number("factor")? })
///     }
/// }
///
/// let scaling = Scaling { factor: 0.5 };
/// assert_eq!(scaling.spec().make::<Scaling>()?, scaling);
/// # Ok::<(), gradus::Error>(())
/// ```
pub trait FromSpec: Sized {
    /// The class that `spec` names.
    const CLASS: &'static str;

    /// Makes the part. Every setting that `spec` writes is to be read.
    ///
    /// # Errors
    /// A setting is missing or of another kind: what [`Settings`]' methods say.
    fn from_spec(settings: &mut Settings<'_>) -> Result<Self>;
}

/// The settings of a [`Spec`], taken out one by one.
#[derive(Debug)]
pub struct Settings<'a> {
    spec: &'a Spec,
    known: &'a Known,
    taken: Vec<bool>,
}

impl Spec {
    /// Makes the part of type `T` that this spec describes.
    ///
    /// # Errors
    /// The spec is of another class, or its settings are not those of `T`.
    pub fn make<T: FromSpec>(&self) -> Result<T> {
        self.make_of(&BUILT_IN)
    }

    /// The same where parts within it are made of those that are known.
    pub(crate) fn make_of<T: FromSpec>(&self, known: &Known) -> Result<T> {
        if self.class() != T::CLASS {
            return Err(unfit(self, format!("is not a {}", T::CLASS)));
        }
        self.read(known, T::from_spec)
    }

    /// What `read` makes of the settings, once it has read every one.
    pub(crate) fn read<T>(&self, known: &Known, read: impl FnOnce(&mut Settings<'_>) -> Result<T>) -> Result<T> {
        let mut settings = Settings::new(self, known);
        let part = read(&mut settings)?;
        match settings.taken.iter().position(|taken| !taken) {
            Some(at) => Err(unfit(self, format!("has a setting \"{}\" that is not known", self.settings()[at].0))),
            None => Ok(part),
        }
    }
}

impl<'a> Settings<'a> {
    /// The settings of a spec, none of them read yet.
    pub(crate) fn new(spec: &'a Spec, known: &'a Known) -> Settings<'a> {
        Settings { spec, known, taken: vec![false; spec.settings().len()] }
    }

    /// A setting that is yes or no.
    ///
    /// # Errors
    /// Here and below: the setting is missing or of another kind.
    pub fn flag(&mut self, name: &str) -> Result<bool> {
        match self.take(name)? {
            SpecValue::Flag(flag) => Ok(*flag),
            other => Err(self.kind(name, other, "true or false")),
        }
    }

    /// A whole number.
    pub fn size(&mut self, name: &str) -> Result<usize> {
        match self.take(name)? {
            SpecValue::Size(size) => Ok(*size),
            other => Err(self.kind(name, other, "a whole number")),
        }
    }

    /// An axis: a whole number, below 0 where it is counted from the last.
    pub fn axis(&mut self, name: &str) -> Result<isize> {
        let value = self.take(name)?;
        let axis = match value {
            SpecValue::Size(size) => isize::try_from(*size).ok(),
            SpecValue::Below(number) => Some(*number),
            _ => None,
        };
        axis.ok_or_else(|| self.kind(name, value, "an axis"))
    }

    /// What `read` makes of a setting, or `default` where there is none, as in files that are older than the setting.
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

    /// Sizes of several axes.
    pub fn sizes(&mut self, name: &str) -> Result<&'a [usize]> {
        match self.take(name)? {
            SpecValue::Sizes(sizes) => Ok(sizes),
            other => Err(self.kind(name, other, "a list of whole numbers")),
        }
    }

    /// Sizes of two axes: rows and columns.
    pub fn pair(&mut self, name: &str) -> Result<[usize; 2]> {
        let sizes = self.sizes(name)?;
        sizes.try_into().map_err(|_| self.kind(name, &SpecValue::Sizes(sizes.to_vec()), "two whole numbers"))
    }

    /// A number.
    pub fn number(&mut self, name: &str) -> Result<f32> {
        match self.take(name)? {
            SpecValue::Number(number) => Ok(*number),
            // What files without such numbers write instead.
            SpecValue::Word(word) if word == "NaN" => Ok(f32::NAN),
            SpecValue::Word(word) if word == "inf" => Ok(f32::INFINITY),
            SpecValue::Word(word) if word == "-inf" => Ok(f32::NEG_INFINITY),
            other => Err(self.kind(name, other, "a number")),
        }
    }

    /// Several numbers.
    pub fn numbers(&mut self, name: &str) -> Result<&'a [f32]> {
        match self.take(name)? {
            SpecValue::Numbers(numbers) => Ok(numbers),
            other => Err(self.kind(name, other, "a list of numbers")),
        }
    }

    /// Whether there is such a setting. Parts leave out what is not set, so that earlier versions read their files.
    pub fn has(&self, name: &str) -> bool {
        self.spec.settings().iter().any(|(known, _)| known == name)
    }

    /// Whether there is such a setting, and it is a part of its own.
    pub fn has_part(&self, name: &str) -> bool {
        self.spec.settings().iter().any(|(known, value)| known == name && matches!(value, SpecValue::Part(_)))
    }

    /// A word.
    pub fn word(&mut self, name: &str) -> Result<&'a str> {
        match self.take(name)? {
            SpecValue::Word(word) => Ok(word),
            other => Err(self.kind(name, other, "a word")),
        }
    }

    /// Several words.
    ///
    /// # Errors
    /// The setting is missing or of another kind.
    pub fn words(&mut self, name: &str) -> Result<Vec<String>> {
        match self.take(name)? {
            SpecValue::Words(words) => Ok(words.clone()),
            // An empty list in a file does not say of what it is.
            SpecValue::Sizes(none) if none.is_empty() => Ok(Vec::new()),
            other => Err(self.kind(name, other, "a list of words")),
        }
    }

    /// One of several words, and what it stands for.
    pub fn one_of<T: Copy>(&mut self, name: &str, known: &[(&str, T)]) -> Result<T> {
        let word = self.word(name)?;
        let found = known.iter().find(|(known, _)| *known == word);
        let words = || known.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        found.map(|(_, value)| *value).ok_or_else(|| {
            unfit(self.spec, format!("has a {name} \"{word}\" that is not known; known are {}", words()))
        })
    }

    /// A part of its own.
    pub fn part(&mut self, name: &str) -> Result<&'a Spec> {
        match self.take(name)? {
            SpecValue::Part(spec) => Ok(spec),
            other => Err(self.kind(name, other, "a part with a class")),
        }
    }

    /// A part of its own, made of the classes that are known.
    pub(crate) fn part_of<T: Part + ?Sized>(&mut self, name: &str) -> Result<Box<T>> {
        self.known.make(self.part(name)?)
    }

    fn take(&mut self, name: &str) -> Result<&'a SpecValue> {
        let at = self.spec.settings().iter().position(|(known, _)| known == name);
        let at = at.ok_or_else(|| unfit(self.spec, format!("has no setting \"{name}\"")))?;
        self.taken[at] = true;
        Ok(&self.spec.settings()[at].1)
    }

    fn kind(&self, name: &str, found: &SpecValue, expected: &str) -> Error {
        unfit(self.spec, format!("has a {name} of {found}, expected {expected}"))
    }
}

/// A spec that does not describe what it should.
pub(crate) fn unfit(spec: &Spec, problem: String) -> Error {
    Error::Spec { class: spec.class().into(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Part;

    impl FromSpec for Part {
        const CLASS: &'static str = "Part";
        fn from_spec(settings: &mut Settings<'_>) -> Result<Part> {
            settings.size("units")?;
            settings.one_of("padding", &[("same", 1), ("valid", 2)])?;
            settings.pair("strides").map(|_| Part)
        }
    }

    fn message(spec: Spec) -> String {
        spec.make::<Part>().unwrap_err().to_string()
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let units = || Spec::new("Part").with("units", 3);
        let padded = || units().with("padding", "same");
        assert!(padded().with("strides", &[1, 2][..]).make::<Part>().is_ok());
        assert_eq!(message(Spec::new("Other")), "Other is not a Part");
        assert_eq!(message(Spec::new("Part")), "Part has no setting \"units\"");
        assert_eq!(message(Spec::new("Part").with("units", true)), "Part has a units of true, expected a whole number");
        assert_eq!(
            message(units().with("padding", "all")),
            "Part has a padding \"all\" that is not known; known are same, valid"
        );
        assert_eq!(
            message(padded().with("strides", &[1][..])),
            "Part has a strides of [1], expected two whole numbers"
        );
        let axis = |spec: Spec| {
            spec.read(&BUILT_IN, |settings| settings.or("axis", -1, Settings::axis)).map_err(|e| e.to_string())
        };
        assert_eq!(axis(Spec::new("Part")), Ok(-1));
        assert_eq!(axis(Spec::new("Part").with("axis", 2)), Ok(2));
        assert_eq!(axis(Spec::new("Part").with("axis", SpecValue::axis(-3))), Ok(-3));
        assert_eq!(axis(Spec::new("Part").with("axis", 0.5)), Err("Part has a axis of 0.5, expected an axis".into()));
        let more = padded().with("strides", &[1, 2][..]).with("rate", 0.5);
        assert_eq!(message(more), "Part has a setting \"rate\" that is not known");
    }
}
