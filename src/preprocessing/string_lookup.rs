//! Keras' `StringLookup`: strings to indices by a vocabulary.

use super::contract::Preprocessing;
use crate::error::{Error, Result, check_setting};
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::{Spec, SpecValue};
use ndarray::{ArrayRef, Dimension};
use std::collections::{BTreeMap, BTreeSet};

/// Replaces each string by its index in a vocabulary: Keras' `StringLookup` with `output_mode="int"`. The shape stays.
///
/// Index 0 is the mask token, if there is one. The next index stands for all strings outside the vocabulary. The strings of the
/// vocabulary follow.
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
pub struct StringLookup {
    max_tokens: Option<usize>,
    num_oov_indices: usize,
    mask_token: Option<String>,
    oov_token: String,
    /// The vocabulary without the special tokens.
    terms: Vec<String>,
    indices: BTreeMap<String, f32>,
}

/// `f32` holds every whole number up to this one.
const MAX_VOCABULARY: usize = 1 << 24;

impl Default for StringLookup {
    fn default() -> StringLookup {
        StringLookup::new()
    }
}

impl StringLookup {
    /// One index for strings outside the vocabulary, no mask token, a vocabulary of any size, which is empty and still has to be
    /// [given](StringLookup::vocabulary) or [adapted](StringLookup::adapt).
    pub fn new() -> StringLookup {
        StringLookup {
            max_tokens: None,
            num_oov_indices: 1,
            mask_token: None,
            oov_token: "[UNK]".into(),
            terms: Vec::new(),
            indices: BTreeMap::new(),
        }
    }

    /// Largest size of a vocabulary that is adapted to data, the special tokens included. The most frequent strings are kept.
    /// Set it before the vocabulary is adapted.
    pub fn max_tokens(mut self, tokens: usize) -> StringLookup {
        self.max_tokens = Some(tokens);
        self
    }

    /// Number of indices for strings outside the vocabulary, 1 by default. With 0, such a string is an error. Keras spreads
    /// strings over several indices by a hash, which is not supported.
    pub fn num_oov_indices(mut self, indices: usize) -> StringLookup {
        self.num_oov_indices = indices;
        self.number()
    }

    /// A string that stands for masked positions and gets index 0, often the empty string. By default there is none.
    pub fn mask_token(mut self, token: impl Into<String>) -> StringLookup {
        self.mask_token = Some(token.into());
        self.number()
    }

    /// The token that stands for strings outside the vocabulary in [`get_vocabulary`](StringLookup::get_vocabulary), `[UNK]` by
    /// default.
    pub fn oov_token(mut self, token: impl Into<String>) -> StringLookup {
        self.oov_token = token.into();
        self
    }

    /// Sets the vocabulary. It may begin with all special tokens, as [`get_vocabulary`](StringLookup::get_vocabulary) returns
    /// them, so set these before.
    ///
    /// # Errors
    /// Settings out of range, an empty vocabulary, a string that occurs twice, a special token between other strings, or more
    /// strings than [`max_tokens`](StringLookup::max_tokens).
    pub fn vocabulary(mut self, terms: impl IntoIterator<Item = impl Into<String>>) -> Result<StringLookup> {
        let mut terms: Vec<String> = terms.into_iter().map(Into::into).collect();
        let special = self.special_tokens();
        if terms.starts_with(&special) {
            terms.drain(..special.len());
        }
        self.terms = terms;
        let lookup = self.number();
        lookup.check()?;
        Ok(lookup)
    }

    /// Makes the vocabulary of the strings in `data`: the most frequent first, and strings that occur equally often in
    /// descending order.
    ///
    /// ```
    /// use gradus::preprocessing::StringLookup;
    /// let lookup = StringLookup::new().adapt(&ndarray::arr2(&[["a", "c", "d"], ["d", "z", "b"]]))?;
    /// assert_eq!(lookup.get_vocabulary(), ["[UNK]", "d", "z", "c", "b", "a"]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// Settings out of range, or no string but special tokens.
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

    /// The vocabulary by index: the special tokens first.
    pub fn get_vocabulary(&self) -> Vec<String> {
        [self.special_tokens(), self.terms.clone()].concat()
    }

    /// The number of indices, special tokens included: the first argument of an [`Embedding`](crate::layers::Embedding).
    pub fn vocabulary_size(&self) -> usize {
        self.first() + self.terms.len()
    }

    fn special_tokens(&self) -> Vec<String> {
        let unknown = std::iter::repeat_n(self.oov_token.clone(), self.num_oov_indices.min(1));
        self.mask_token.iter().cloned().chain(unknown).collect()
    }

    /// The index of the first string of the vocabulary.
    fn first(&self) -> usize {
        usize::from(self.mask_token.is_some()) + self.num_oov_indices.min(1)
    }

    /// Gives each string its index.
    fn number(mut self) -> StringLookup {
        let first = self.first();
        self.indices = self.terms.iter().enumerate().map(|(at, term)| (term.clone(), (first + at) as f32)).collect();
        self.indices.extend(self.mask_token.iter().map(|token| (token.clone(), 0.0)));
        self
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
        let unknown = f32::from(u8::from(self.mask_token.is_some()));
        for (text, number) in strings.iter().zip(numbers) {
            *number = match self.indices.get(*text) {
                Some(index) => *index,
                None if self.num_oov_indices > 0 => unknown,
                None => {
                    let problem = format!("\"{text}\" is not in the vocabulary, and num_oov_indices is 0; set it to 1");
                    return Err(StringLookup::wrong(problem));
                }
            };
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let indices = self.num_oov_indices;
        check_setting(indices <= 1, "StringLookup", "num_oov_indices", indices, "0 or 1")?;
        if self.terms.is_empty() {
            return Err(StringLookup::wrong("the vocabulary is empty; call vocabulary or adapt with strings".into()));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.terms.iter().find(|term| !seen.insert(*term)) {
            return Err(StringLookup::wrong(format!("\"{twice}\" occurs twice in the vocabulary; leave one out")));
        }
        if let Some(special) = self.special_tokens().iter().find(|token| self.terms.contains(token)) {
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
        let spec = Spec::new(Self::CLASS);
        let spec = self.max_tokens.into_iter().fold(spec, |spec, tokens| spec.with("max_tokens", tokens));
        let spec = spec.with("num_oov_indices", self.num_oov_indices);
        let mask = self.mask_token.iter();
        let spec = mask.fold(spec, |spec, token| spec.with("mask_token", token.as_str()));
        spec.with("oov_token", self.oov_token.as_str()).with("vocabulary", SpecValue::Words(self.terms.clone()))
    }
}

impl FromSpec for StringLookup {
    const CLASS: &'static str = "StringLookup";

    fn from_spec(settings: &mut Settings<'_>) -> Result<StringLookup> {
        let max_tokens = settings.or("max_tokens", None, |settings, name| settings.size(name).map(Some))?;
        let mask_token = settings.or("mask_token", None, |settings, name| settings.word(name).map(Some))?;
        let lookup = StringLookup {
            max_tokens,
            num_oov_indices: settings.size("num_oov_indices")?,
            mask_token: mask_token.map(str::to_owned),
            oov_token: settings.word("oov_token")?.to_owned(),
            terms: settings.words("vocabulary")?,
            indices: BTreeMap::new(),
        };
        Ok(lookup.number())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ndarray::arr2;

    pub(crate) fn samples() -> Vec<(Box<dyn Preprocessing>, Vec<&'static str>)> {
        let lookup = StringLookup::new().vocabulary(["a", "b"]).unwrap();
        let masked = StringLookup::new().mask_token("").max_tokens(9).vocabulary(["a", "true"]).unwrap();
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
    fn mistakes_are_errors() {
        let message = |lookup: Result<StringLookup>| lookup.unwrap_err().to_string();
        let lookup = StringLookup::new;
        let empty = "StringLookup: the vocabulary is empty; call vocabulary or adapt with strings";
        assert_eq!(message(lookup().vocabulary(Vec::<String>::new())), empty);
        assert_eq!(message(lookup().adapt(&arr2(&[["[UNK]"]]))), empty);
        assert_eq!(lookup().check().unwrap_err().to_string(), empty);
        let twice = "StringLookup: \"a\" occurs twice in the vocabulary; leave one out";
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
