//! The strings and arrays of gradus in a safetensors file, and its checksum.

use super::container::{FORMAT, NamedArray, SafeTensors};
use super::describe::Description;
use super::other_formats::{check_ending, format_problem};
use super::record::Record;
use super::state::CallbackState;
use crate::error::{Error, Result};
use crate::files::{read_whole, write_whole};
use crate::optimizers::{StateArray, StoredArrays};
use crate::shape::Shape;
use crate::tape::Params;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// Newest supported version of the format. Version 2 added models without training state.
const NEWEST_VERSION: u64 = 2;

/// Prefix of the library's metadata keys.
const KEY_PREFIX: &str = "gradus.";

/// Prefix of the names of optimizer arrays.
const OPTIMIZER_PREFIX: &str = "optimizer/";

/// Prefix of the names of callback arrays.
const CALLBACK_PREFIX: &str = "callback/";

/// The contents of a file that was read.
#[derive(Debug)]
pub(crate) struct Stored {
    /// The weights and running statistics.
    pub(crate) params: Params,
    /// The optimizer's arrays, with names such as `0/dense/kernel`.
    pub(crate) optimizer: StoredArrays,
    /// The description of the model, or `None` in a file of arrays.
    pub(crate) model: Option<Description>,
    /// The state of training, in a checkpoint.
    pub(crate) record: Option<Record>,
}

/// The contents of a file to write.
#[derive(Debug)]
pub(crate) struct Store<'a> {
    pub(crate) params: &'a Params,
    /// The optimizer's arrays; empty without an optimizer.
    pub(crate) optimizer: Vec<StateArray<'a>>,
    pub(crate) model: Option<&'a Description>,
    pub(crate) record: Option<&'a Record>,
}

impl Store<'_> {
    /// Writes the file atomically.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        write_whole(path, &self.encode(path)?)
    }

    /// Encodes the file as bytes. `path` is its name, which must not have the ending of another format.
    pub(crate) fn encode(&self, path: &Path) -> Result<Vec<u8>> {
        check_ending(path, FORMAT)?;
        self.model.map_or(Ok(()), Description::check_closures)?;
        let prefixes = reserved(self.model.is_some(), self.record.is_some());
        let taken = |name: &str| name == "__metadata__" || prefixes.iter().any(|prefix| name.starts_with(prefix));
        if let Some(id) = self.params.ids().find(|id| taken(self.params.name(*id))) {
            let name = self.params.name(id);
            let problem = format!("\"{name}\" is a reserved name; choose another name");
            return Err(Error::Format { path: path.into(), problem });
        }
        let mut contents = SafeTensors { metadata: self.metadata(), arrays: self.arrays() };
        let checksum = checksum(&contents);
        contents.metadata.insert(format!("{KEY_PREFIX}sha256"), checksum);
        Ok(contents.encode())
    }

    fn arrays(&self) -> Vec<NamedArray> {
        let optimizer = self.optimizer.iter().map(|array| {
            let name = format!("{OPTIMIZER_PREFIX}{}", array.name);
            NamedArray { name, shape: array.shape, values: array.values.into() }
        });
        let states = self.record.iter().flat_map(|record| &record.states).enumerate();
        let states = states.flat_map(|(at, state)| named(&state.params, format!("{CALLBACK_PREFIX}{at}/")));
        named(self.params, String::new()).chain(optimizer).chain(states).collect()
    }

    fn metadata(&self) -> BTreeMap<String, String> {
        let ids = self.params.ids().filter(|id| !self.params.trainable(*id));
        let state: Vec<&str> = ids.map(|id| self.params.name(id)).collect();
        // Contents that version 1 supports are written as version 1, so that earlier versions of the library can read
        // them.
        let version = if self.model.is_some_and(|model| model.training.is_none()) { NEWEST_VERSION } else { 1 };
        let version = Some(("version", version.to_string()));
        let state = Some(("state", serde_json::json!(state).to_string()));
        let model = self.model.map(|model| ("model", model.to_json()));
        let training = self.record.map(|record| ("training", record.to_json()));
        let mut texts = BTreeMap::new();
        for (key, value) in [version, state, model, training].into_iter().flatten() {
            texts.insert(format!("{KEY_PREFIX}{key}"), value);
        }
        texts
    }
}

/// Name prefixes of arrays that are not parameters.
fn reserved(model: bool, record: bool) -> &'static [&'static str] {
    match (model, record) {
        (_, true) => &[OPTIMIZER_PREFIX, CALLBACK_PREFIX],
        (true, false) => &[OPTIMIZER_PREFIX],
        (false, false) => &[],
    }
}

/// The parameters as arrays of a file, with prefixed names.
fn named(params: &Params, prefix: String) -> impl Iterator<Item = NamedArray> {
    params.ids().map(move |id| NamedArray {
        name: format!("{prefix}{}", params.name(id)),
        shape: params.shape(id),
        values: params.values(id).into(),
    })
}

/// Reads a file of this library, or the arrays of any safetensors file.
pub(crate) fn read(path: &Path) -> Result<Stored> {
    decode(path, &read_whole(path)?)
}

/// Decodes the contents of the file `path`.
pub(crate) fn decode(path: &Path, bytes: &[u8]) -> Result<Stored> {
    let wrong = |problem| Error::Format { path: path.into(), problem };
    let contents = SafeTensors::decode(bytes);
    let contents = contents.map_err(|problem| wrong(format_problem(path, bytes, &[FORMAT], problem)))?;
    if contents.metadata.keys().any(|key| key.starts_with(KEY_PREFIX)) {
        check(&contents).map_err(wrong)?;
    }
    store(contents).map_err(wrong)
}

/// Checks the version and the checksum.
fn check(contents: &SafeTensors) -> Result<(), String> {
    let text = |key: &str| contents.metadata.get(&format!("{KEY_PREFIX}{key}")).map(String::as_str);
    let version = text("version").and_then(|version| version.parse::<u64>().ok());
    match version {
        Some(1..=NEWEST_VERSION) => {}
        Some(newer) if newer > NEWEST_VERSION => {
            return Err(format!(
                "its format is version {newer}, and this version of gradus reads up to {NEWEST_VERSION}; update gradus"
            ));
        }
        _ => return Err("it is damaged: it has no format version; use another copy".into()),
    }
    if text("sha256") != Some(&checksum(contents)) {
        return Err("it is damaged: its checksum does not match; use another copy".into());
    }
    Ok(())
}

fn store(contents: SafeTensors) -> Result<Stored, String> {
    let text = |key: &str| contents.metadata.get(&format!("{KEY_PREFIX}{key}"));
    let described = |json: &String| Description::from_json(json).ok_or("its description of the model is invalid");
    let recorded = |json: &String| Record::from_json(json).ok_or("its training state is invalid");
    let state: Vec<String> = match text("state") {
        Some(names) => serde_json::from_str(names).map_err(|_| "its list of running statistics is invalid")?,
        None => Vec::new(),
    };
    let mut stored = Stored {
        params: Params::new(),
        optimizer: BTreeMap::new(),
        model: text("model").map(described).transpose()?,
        record: text("training").map(recorded).transpose()?,
    };
    let prefixes = reserved(stored.model.is_some(), stored.record.is_some());
    for NamedArray { name, shape, values } in contents.arrays {
        let kind = prefixes.iter().find(|prefix| name.starts_with(**prefix));
        match (kind, &mut stored.record) {
            (None, _) => stored.params.insert(&name, shape, values, !state.contains(&name)).map(drop),
            (Some(&CALLBACK_PREFIX), Some(record)) => add_callback_array(&mut record.states, &name, shape, values),
            (Some(prefix), _) => {
                stored.optimizer.insert(name[prefix.len()..].into(), (shape, values));
                Ok(())
            }
        }
        .map_err(|error| error.to_string())?;
    }
    Ok(stored)
}

/// Adds the array with the file name `callback/number/name` to the state of its callback.
fn add_callback_array(states: &mut [CallbackState], name: &str, shape: Shape, values: Vec<f32>) -> Result<()> {
    let place = name[CALLBACK_PREFIX.len()..].split_once('/');
    let place = place.and_then(|(number, own)| Some((states.get_mut(number.parse::<usize>().ok()?)?, own)));
    let (state, own) = place.ok_or_else(|| Error::other(format!("\"{name}\" belongs to no callback")))?;
    state.params.insert(own, shape, values, true).map(drop)
}

/// The SHA-256 digest of everything except itself. Each string is preceded by its length.
fn checksum(contents: &SafeTensors) -> String {
    let mut hasher = Sha256::new();
    let own = format!("{KEY_PREFIX}sha256");
    for (key, value) in contents.metadata.iter().filter(|(key, _)| **key != own) {
        hash_text(&mut hasher, key);
        hash_text(&mut hasher, value);
    }
    for array in &contents.arrays {
        hash_text(&mut hasher, &array.name);
        hash_text(&mut hasher, &array.shape.to_string());
        for values in array.values.chunks(1024) {
            let mut bytes = [0; 4096];
            bytes.as_chunks_mut().0.iter_mut().zip(values).for_each(|(four, value)| *four = value.to_le_bytes());
            hasher.update(&bytes[..4 * values.len()]);
        }
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash_text(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_le_bytes());
    hasher.update(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr1;

    fn alone(params: &Params) -> Store<'_> {
        Store { params, optimizer: Vec::new(), model: None, record: None }
    }

    #[test]
    fn reserved_names_are_rejected_before_writing() {
        let mut params = Params::new();
        params.add("__metadata__", &arr1(&[1.0])).unwrap();
        let message = alone(&params).write(Path::new("never.safetensors")).unwrap_err().to_string();
        let expected = "never.safetensors: \"__metadata__\" is a reserved name; choose another name";
        assert_eq!(message, expected);
        assert!(!Path::new("never.safetensors").exists());
    }

    #[test]
    fn trainable_flags_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let mut params = Params::new();
        params.add("optimizer/0", &arr1(&[1.0])).unwrap(); // allowed without an optimizer
        params.add_state("mean", &arr1(&[2.0, 3.0])).unwrap();
        alone(&params).write(&path).unwrap();
        let read = read(&path).unwrap().params;
        let flags: Vec<(&str, bool)> = read.ids().map(|id| (read.name(id), read.trainable(id))).collect();
        assert_eq!(flags, [("optimizer/0", true), ("mean", false)]);
    }
}
