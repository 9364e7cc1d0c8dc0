//! `StringLookup` of Keras: converts strings to indices in a vocabulary.

use super::contract::Preprocessing;
use crate::error::{Error, Result, check_setting};
use crate::settings::{FromSpec, OptionValue, Settings, options};
use crate::shape::Shape;
use crate::spec::Spec;
use ndarray::{ArrayRef, Dimension};
use std::collections::{BTreeMap, BTreeSet};

options! {
    /// Replaces each string by its index in a vocabulary, like Keras' `StringLookup` with `output_mode="int"`. The output has
    /// the shape of the strings.
    ///
    /// If a mask token is set, it has index 0. The next index represents all strings outside the vocabulary. The strings of
    /// the vocabulary follow.
    ///
    /// ```
    /// use gradus::preprocessing::{Preprocessing, StringLookup};
    /// let lookup = StringLookup::new().vocabulary(["a", "b", "c", "d"])?;
    /// let mut numbers = [0.0; 3];
    /// lookup.write(&["d", "z", "b"], &mut numbers)?;
    /// assert_eq!(numbers, [4.0, 0.0, 2.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Debug, PartialEq)]
    #[must_use]
    pub struct StringLookup("StringLookup") {
        /// Maximum size of the vocabulary, including the special tokens. [`adapt`](StringLookup::adapt) keeps the most
        /// frequent strings, so set it before. Defaults to no limit.
        some max_tokens: usize,
        /// Number of indices for strings outside the vocabulary, 0 or 1. With 0, such a string is an error. Defaults to 1.
        /// Several indices, over which Keras distributes strings by a hash, are not supported.
        value num_oov_indices: usize = 1,
        /// Token of masked positions. Defaults to none.
        field mask_token: Option<String> = None,
        /// Token that represents strings outside the vocabulary in [`get_vocabulary`](StringLookup::get_vocabulary).
        /// Defaults to `[UNK]`.
        into oov_token: String = "[UNK]".into(),
        /// The vocabulary without the special tokens.
        field vocabulary: Vocabulary = Vocabulary::default(),
    }
}

/// The strings of a vocabulary.
#[derive(Clone, Debug, Default, PartialEq)]
struct Vocabulary {
    terms: Vec<String>,
    /// The position of each string in `terms`.
    positions: BTreeMap<String, usize>,
}

impl From<Vec<String>> for Vocabulary {
    fn from(terms: Vec<String>) -> Vocabulary {
        let positions = terms.iter().enumerate().map(|(position, term)| (term.clone(), position)).collect();
        Vocabulary { terms, positions }
    }
}

impl OptionValue for Vocabulary {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        self.terms.write(name, spec)
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<Vocabulary> {
        Vec::<String>::read(name, settings).map(Vocabulary::from)
    }

    /// Always `true`: a file without a vocabulary is damaged, and reading it reports the missing setting.
    fn is_in(_name: &'static str, _settings: &Settings<'_>) -> bool {
        true
    }
}

/// `f32` represents every integer up to this one.
const MAX_VOCABULARY: usize = 1 << 24;

impl StringLookup {
    /// Creates a lookup with one index for strings outside the vocabulary, no mask token, and an empty vocabulary. Before use,
    /// [set](StringLookup::vocabulary) the vocabulary or [adapt](StringLookup::adapt) it to data.
    pub fn new() -> StringLookup {
        StringLookup::with_defaults()
    }

    /// Sets the token of masked positions, which has index 0. It is often the empty string. Defaults to none.
    pub fn mask_token(mut self, token: impl Into<String>) -> StringLookup {
        self.mask_token = Some(token.into());
        self
    }

    /// Sets the vocabulary. It may begin with all special tokens, as [`get_vocabulary`](StringLookup::get_vocabulary) returns
    /// them, so set these before.
    ///
    /// # Errors
    /// Returns an error if a setting is out of range, the vocabulary is empty, a string occurs twice, a special token occurs
    /// among the other strings, or the vocabulary exceeds [`max_tokens`](StringLookup::max_tokens).
    pub fn vocabulary(mut self, terms: impl IntoIterator<Item = impl Into<String>>) -> Result<StringLookup> {
        let mut terms: Vec<String> = terms.into_iter().map(Into::into).collect();
        let special = self.special_tokens();
        if terms.starts_with(&special) {
            terms.drain(..special.len());
        }
        self.vocabulary = terms.into();
        self.check()?;
        Ok(self)
    }

    /// Sets the vocabulary to the strings in `data`, most frequent first. Strings that are equally frequent are in descending
    /// order.
    ///
    /// ```
    /// use gradus::preprocessing::StringLookup;
    /// let lookup = StringLookup::new().adapt(&ndarray::arr2(&[["a", "c", "d"], ["d", "z", "b"]]))?;
    /// assert_eq!(lookup.get_vocabulary(), ["[UNK]", "d", "z", "c", "b", "a"]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if a setting is out of range, or if `data` has no strings other than special tokens.
    pub fn adapt<S: AsRef<str>, D: Dimension>(self, data: &ArrayRef<S, D>) -> Result<StringLookup> {
        let special = [self.mask_token.as_deref(), Some(self.oov_token.as_str())];
        let mut counts = BTreeMap::<&str, usize>::new();
        for text in data.iter().map(AsRef::as_ref).filter(|text| !special.contains(&Some(*text))) {
            *counts.entry(text).or_default() += 1;
        }
        let mut terms: Vec<(usize, &str)> = counts.into_iter().map(|(text, count)| (count, text)).collect();
        terms.sort_unstable_by(|a, b| b.cmp(a));
        let most = self.max_tokens.map_or(usize::MAX, |most| most.saturating_sub(self.special_tokens().len()));
        let terms: Vec<String> = terms.into_iter().take(most).map(|(_, text)| text.to_owned()).collect();
        self.vocabulary(terms)
    }

    /// The vocabulary in the order of the indices, with the special tokens first.
    pub fn get_vocabulary(&self) -> Vec<String> {
        [self.special_tokens(), self.vocabulary.terms.clone()].concat()
    }

    /// The number of indices, including the special tokens: the first argument of an [`Embedding`](crate::layers::Embedding).
    pub fn vocabulary_size(&self) -> usize {
        self.first() + self.vocabulary.terms.len()
    }

    fn special_tokens(&self) -> Vec<String> {
        let unknown = std::iter::repeat_n(self.oov_token.clone(), self.num_oov_indices.min(1));
        self.mask_token.iter().cloned().chain(unknown).collect()
    }

    /// The index of the first string of the vocabulary.
    fn first(&self) -> usize {
        usize::from(self.mask_token.is_some()) + self.num_oov_indices.min(1)
    }

    fn wrong(problem: String) -> Error {
        Error::other(format!("StringLookup: {problem}"))
    }
}

impl Preprocessing for StringLookup {
    fn output_shape(&self, strings: Shape) -> Result<Shape> {
        Ok(strings)
    }

    fn write(&self, strings: &[&str], numbers: &mut [f32]) -> Result<()> {
        let unknown = usize::from(self.mask_token.is_some());
        for (text, number) in strings.iter().zip(numbers) {
            let index = match self.vocabulary.positions.get(*text) {
                _ if self.mask_token.as_deref() == Some(*text) => 0,
                Some(position) => self.first() + position,
                None if self.num_oov_indices > 0 => unknown,
                None => {
                    let problem = format!("\"{text}\" is not in the vocabulary, and num_oov_indices is 0; set it to 1");
                    return Err(StringLookup::wrong(problem));
                }
            };
            *number = index as f32;
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let indices = self.num_oov_indices;
        check_setting(indices <= 1, "StringLookup", "num_oov_indices", indices, "0 or 1")?;
        if self.vocabulary.terms.is_empty() {
            return Err(StringLookup::wrong("the vocabulary is empty; call vocabulary or adapt with strings".into()));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.vocabulary.terms.iter().find(|term| !seen.insert(*term)) {
            return Err(StringLookup::wrong(format!("\"{twice}\" occurs twice in the vocabulary; remove one")));
        }
        if let Some(special) = self.special_tokens().iter().find(|token| self.vocabulary.terms.contains(token)) {
            let remedy = "a vocabulary begins with all special tokens or has none";
            return Err(StringLookup::wrong(format!("the special token \"{special}\" is in the vocabulary; {remedy}")));
        }
        let (size, most) = (self.vocabulary_size(), self.max_tokens.unwrap_or(MAX_VOCABULARY).min(MAX_VOCABULARY));
        if size > most {
            return Err(StringLookup::wrong(format!("the vocabulary has {size} tokens, expected at most {most}")));
        }
        Ok(())
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ndarray::arr2;

    pub(crate) fn samples() -> Vec<(Box<dyn Preprocessing>, Vec<&'static str>)> {
        let lookup = StringLookup::new().vocabulary(["a", "b"]).unwrap();
        let masked = StringLookup::new().mask_token("").oov_token("?").max_tokens(9).vocabulary(["a", "true"]).unwrap();
        let strict = StringLookup::new().num_oov_indices(0).vocabulary(["a", "[UNK]"]).unwrap();
        vec![
            (Box::new(lookup), vec!["b", "z", "a"]),
            (Box::new(masked), vec!["", "true", "z"]),
            (Box::new(strict), vec!["[UNK]", "a"]),
        ]
    }

    fn indices(lookup: &StringLookup, strings: &[&str]) -> Result<Vec<f32>> {
        let mut numbers = vec![f32::NAN; strings.len()];
        lookup.write(strings, &mut numbers).map(|()| numbers)
    }

    #[test]
    fn invalid_vocabularies_and_settings_are_errors() {
        let message = |lookup: Result<StringLookup>| lookup.unwrap_err().to_string();
        let lookup = StringLookup::new;
        let empty = "StringLookup: the vocabulary is empty; call vocabulary or adapt with strings";
        assert_eq!(message(lookup().vocabulary(Vec::<String>::new())), empty);
        assert_eq!(message(lookup().adapt(&arr2(&[["[UNK]"]]))), empty);
        assert_eq!(lookup().check().unwrap_err().to_string(), empty);
        let twice = "StringLookup: \"a\" occurs twice in the vocabulary; remove one";
        assert_eq!(message(lookup().vocabulary(["a", "b", "a"])), twice);
        let special = message(lookup().vocabulary(["a", "[UNK]"]));
        assert!(special.starts_with("StringLookup: the special token \"[UNK]\" is in the vocabulary; "), "{special}");
        let many = message(lookup().max_tokens(2).vocabulary(["a", "b"]));
        assert_eq!(many, "StringLookup: the vocabulary has 3 tokens, expected at most 2");
        let several = message(lookup().num_oov_indices(2).vocabulary(["a"]));
        assert_eq!(several, "StringLookup: num_oov_indices must be 0 or 1, got 2");
        let strict = lookup().num_oov_indices(0).vocabulary(["a"]).unwrap();
        let unknown = indices(&strict, &["a", "z"]).unwrap_err().to_string();
        assert_eq!(unknown, "StringLookup: \"z\" is not in the vocabulary, and num_oov_indices is 0; set it to 1");
    }
}
