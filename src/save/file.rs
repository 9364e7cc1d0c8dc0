//! gradus' own use of safetensors: which texts and arrays a file holds, and how it proves that it is undamaged.

use super::container::{NamedArray, SafeTensors};
use super::describe::Description;
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

/// The newest version of the format that is read. Version 2 has models without training.
const NEWEST: u64 = 2;

/// What the keys of the library's own metadata begin with.
const OWN: &str = "gradus.";

/// What the names of the optimizer's arrays begin with.
const OPTIMIZER: &str = "optimizer/";

/// What the names of callbacks' arrays begin with.
const CALLBACK: &str = "callback/";

/// What a file holds.
#[derive(Debug)]
pub(crate) struct Stored {
    /// The weights and running statistics.
    pub(crate) params: Params,
    /// The optimizer's arrays, by `0/dense/kernel`.
    pub(crate) optimizer: StoredArrays,
    /// The model, unless the file holds arrays alone.
    pub(crate) model: Option<Description>,
    /// Where training stands, in a checkpoint.
    pub(crate) record: Option<Record>,
}

/// What is to be written.
#[derive(Debug)]
pub(crate) struct Store<'a> {
    pub(crate) params: &'a Params,
    /// The optimizer's arrays, where there is one.
    pub(crate) optimizer: Vec<StateArray<'a>>,
    pub(crate) model: Option<&'a Description>,
    pub(crate) record: Option<&'a Record>,
}

impl Store<'_> {
    /// Writes the file, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        write_whole(path, &self.encode(path)?)
    }

    /// The bytes of the file, for `path`.
    pub(crate) fn encode(&self, path: &Path) -> Result<Vec<u8>> {
        let prefixes = reserved(self.model.is_some(), self.record.is_some());
        let taken = |name: &str| name == "__metadata__" || prefixes.iter().any(|prefix| name.starts_with(prefix));
        if let Some(id) = self.params.ids().find(|id| taken(self.params.name(*id))) {
            let name = self.params.name(id);
            let problem = format!("\"{name}\" is a name that the format keeps for itself; call it otherwise");
            return Err(Error::Format { path: path.into(), problem });
        }
        let mut contents = SafeTensors { metadata: self.metadata(), arrays: self.arrays() };
        let checksum = checksum(&contents);
        contents.metadata.insert(format!("{OWN}sha256"), checksum);
        Ok(contents.encode())
    }

    fn arrays(&self) -> Vec<NamedArray> {
        let optimizer = self.optimizer.iter().map(|array| {
            let name = format!("{OPTIMIZER}{}", array.name);
            NamedArray { name, shape: array.shape, values: array.values.into() }
        });
        let states = self.record.iter().flat_map(|record| &record.states).enumerate();
        let states = states.flat_map(|(at, state)| named(&state.params, format!("{CALLBACK}{at}/")));
        named(self.params, String::new()).chain(optimizer).chain(states).collect()
    }

    fn metadata(&self) -> BTreeMap<String, String> {
        let ids = self.params.ids().filter(|id| !self.params.trainable(*id));
        let state: Vec<&str> = ids.map(|id| self.params.name(id)).collect();
        // What version 1 can say is written as such, so that earlier versions of the library read it.
        let version = if self.model.is_some_and(|model| model.training.is_none()) { NEWEST } else { 1 };
        let version = Some(("version", version.to_string()));
        let state = Some(("state", serde_json::json!(state).to_string()));
        let model = self.model.map(|model| ("model", model.to_json()));
        let training = self.record.map(|record| ("training", record.to_json()));
        let mut texts = BTreeMap::new();
        for (key, value) in [version, state, model, training].into_iter().flatten() {
            texts.insert(format!("{OWN}{key}"), value);
        }
        texts
    }
}

/// What the names of arrays that are no parameters begin with.
fn reserved(model: bool, record: bool) -> &'static [&'static str] {
    match (model, record) {
        (_, true) => &[OPTIMIZER, CALLBACK],
        (true, false) => &[OPTIMIZER],
        (false, false) => &[],
    }
}

/// Every parameter as an array of a file.
fn named(params: &Params, prefix: String) -> impl Iterator<Item = NamedArray> {
    params.ids().map(move |id| NamedArray {
        name: format!("{prefix}{}", params.name(id)),
        shape: params.shape(id),
        values: params.values(id).into(),
    })
}

/// Reads a file of ours, or the arrays of any safetensors file.
pub(crate) fn read(path: &Path) -> Result<Stored> {
    let wrong = |problem| Error::Format { path: path.into(), problem };
    let contents = SafeTensors::decode(&read_whole(path)?).map_err(wrong)?;
    if contents.metadata.keys().any(|key| key.starts_with(OWN)) {
        check(&contents).map_err(wrong)?;
    }
    store(contents).map_err(wrong)
}

/// Whether this version can read the file, and the file is as it was written.
fn check(contents: &SafeTensors) -> Result<(), String> {
    let text = |key: &str| contents.metadata.get(&format!("{OWN}{key}")).map(String::as_str);
    let version = text("version").and_then(|version| version.parse::<u64>().ok());
    match version {
        Some(1..=NEWEST) => {}
        Some(newer) if newer > NEWEST => {
            return Err(format!(
                "its format is version {newer}, and this version of gradus reads up to {NEWEST}; update gradus"
            ));
        }
        _ => return Err("it is damaged: it does not say the version of its format".into()),
    }
    if text("sha256") != Some(&checksum(contents)) {
        return Err("it is damaged: its checksum does not match; use another copy".into());
    }
    Ok(())
}

fn store(contents: SafeTensors) -> Result<Stored, String> {
    let text = |key: &str| contents.metadata.get(&format!("{OWN}{key}"));
    let described = |json: &String| Description::from_json(json).ok_or("its description of the model cannot be read");
    let recorded = |json: &String| Record::from_json(json).ok_or("its record of the training cannot be read");
    let state: Vec<String> = match text("state") {
        Some(names) => serde_json::from_str(names).map_err(|_| "its list of running statistics cannot be read")?,
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
            (Some(&CALLBACK), Some(record)) => give_back(&mut record.states, &name, shape, values),
            (Some(prefix), _) => {
                stored.optimizer.insert(name[prefix.len()..].into(), (shape, values));
                Ok(())
            }
        }
        .map_err(|error| error.to_string())?;
    }
    Ok(stored)
}

/// Gives a callback's state the array that the file has as `callback/number/name`.
fn give_back(states: &mut [CallbackState], name: &str, shape: Shape, values: Vec<f32>) -> Result<()> {
    let place = name[CALLBACK.len()..].split_once('/');
    let place = place.and_then(|(number, own)| Some((states.get_mut(number.parse::<usize>().ok()?)?, own)));
    let (state, own) = place.ok_or_else(|| Error::other(format!("\"{name}\" belongs to no callback")))?;
    state.params.insert(own, shape, values, true).map(drop)
}

/// The sha256 of everything but itself, each text with its length before it.
fn checksum(contents: &SafeTensors) -> String {
    let mut hasher = Sha256::new();
    let own = format!("{OWN}sha256");
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
    fn names_that_the_format_needs_are_refused_before_anything_is_written() {
        let mut params = Params::new();
        params.add("__metadata__", &arr1(&[1.0])).unwrap();
        let message = alone(&params).write(Path::new("never.safetensors")).unwrap_err().to_string();
        let expected =
            "never.safetensors: \"__metadata__\" is a name that the format keeps for itself; call it otherwise";
        assert_eq!(message, expected);
        assert!(!Path::new("never.safetensors").exists());
    }

    #[test]
    fn which_arrays_are_trainable_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let mut params = Params::new();
        params.add("optimizer/0", &arr1(&[1.0])).unwrap(); // a fine name where there is no optimizer
        params.add_state("mean", &arr1(&[2.0, 3.0])).unwrap();
        alone(&params).write(&path).unwrap();
        let read = read(&path).unwrap().params;
        let flags: Vec<(&str, bool)> = read.ids().map(|id| (read.name(id), read.trainable(id))).collect();
        assert_eq!(flags, [("optimizer/0", true), ("mean", false)]);
    }
}
