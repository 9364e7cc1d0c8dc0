//! gradus' own use of safetensors: which texts and arrays a file holds, and how it proves that it is undamaged.

use super::container::{Contents, Named};
use super::describe::Description;
use crate::error::{Error, Result};
use crate::files::{read_whole, write_whole};
use crate::shape::Shape;
use crate::tape::Params;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// The version of the format that is written, and the newest that is read.
const VERSION: u64 = 1;

/// What the keys of the library's own metadata begin with.
const OWN: &str = "gradus.";

/// What the names of the optimizer's arrays begin with.
const MEMORY: &str = "optimizer/";

/// What a file holds.
#[derive(Debug)]
pub(crate) struct Stored {
    /// The weights and running statistics.
    pub(crate) params: Params,
    /// The optimizer's arrays, by `0/dense/kernel`.
    pub(crate) memory: BTreeMap<String, (Shape, Vec<f32>)>,
    /// The model, unless the file holds arrays alone.
    pub(crate) model: Option<Description>,
}

/// One of the optimizer's arrays: its number, the parameter that it belongs to, and its elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryArray<'a> {
    pub(crate) number: usize,
    pub(crate) parameter: &'a str,
    pub(crate) shape: Shape,
    pub(crate) values: &'a [f32],
}

impl MemoryArray<'_> {
    /// The name under which [`Stored::memory`] has it.
    pub(crate) fn name(number: usize, parameter: &str) -> String {
        format!("{number}/{parameter}")
    }
}

/// Writes parameters, and with them a model and what its optimizer remembers.
pub(crate) fn write(
    path: &Path,
    params: &Params,
    memory: &[MemoryArray<'_>],
    model: Option<&Description>,
) -> Result<()> {
    let reserved = |name: &str| name == "__metadata__" || (model.is_some() && name.starts_with(MEMORY));
    if let Some(id) = params.ids().find(|id| reserved(params.name(*id))) {
        let problem = format!("\"{}\" is a name that the format keeps for itself; call it otherwise", params.name(id));
        return Err(Error::Format { path: path.into(), problem });
    }
    let ids = params.ids();
    let weights =
        ids.map(|id| Named { name: params.name(id).into(), shape: params.shape(id), values: params.values(id).into() });
    let memory = memory.iter().map(|array| {
        let name = format!("{MEMORY}{}", MemoryArray::name(array.number, array.parameter));
        Named { name, shape: array.shape, values: array.values.into() }
    });
    let mut contents = Contents { metadata: BTreeMap::new(), arrays: weights.chain(memory).collect() };
    let state: Vec<&str> = params.ids().filter(|id| !params.trainable(*id)).map(|id| params.name(id)).collect();
    let mut put = |key: &str, value: String| contents.metadata.insert(format!("{OWN}{key}"), value);
    put("version", VERSION.to_string());
    put("state", serde_json::json!(state).to_string());
    if let Some(model) = model {
        put("model", model.to_json());
    }
    let checksum = checksum(&contents);
    contents.metadata.insert(format!("{OWN}sha256"), checksum);
    write_whole(path, &contents.encode())
}

/// Reads a file of ours, or the arrays of any safetensors file.
pub(crate) fn read(path: &Path) -> Result<Stored> {
    let wrong = |problem| Error::Format { path: path.into(), problem };
    let contents = Contents::decode(&read_whole(path)?).map_err(wrong)?;
    if contents.metadata.keys().any(|key| key.starts_with(OWN)) {
        check(&contents).map_err(wrong)?;
    }
    store(contents).map_err(wrong)
}

/// Whether this version can read the file, and the file is as it was written.
fn check(contents: &Contents) -> Result<(), String> {
    let text = |key: &str| contents.metadata.get(&format!("{OWN}{key}")).map(String::as_str);
    let version = text("version").and_then(|version| version.parse::<u64>().ok());
    match version {
        Some(VERSION) => {}
        Some(newer) if newer > VERSION => {
            return Err(format!(
                "its format is version {newer}, and this version of gradus reads up to {VERSION}; update gradus"
            ));
        }
        _ => return Err("it is damaged: it does not say the version of its format".into()),
    }
    if text("sha256") != Some(&checksum(contents)) {
        return Err("it is damaged: its checksum does not match; use another copy".into());
    }
    Ok(())
}

fn store(contents: Contents) -> Result<Stored, String> {
    let text = |key: &str| contents.metadata.get(&format!("{OWN}{key}"));
    let described = |json: &String| Description::from_json(json).ok_or("its description of the model cannot be read");
    let model = text("model").map(described).transpose()?;
    let state: Vec<String> = match text("state") {
        Some(names) => serde_json::from_str(names).map_err(|_| "its list of running statistics cannot be read")?,
        None => Vec::new(),
    };
    let mut stored = Stored { params: Params::new(), memory: BTreeMap::new(), model };
    for Named { name, shape, values } in contents.arrays {
        match name.strip_prefix(MEMORY).filter(|_| stored.model.is_some()) {
            Some(name) => drop(stored.memory.insert(name.into(), (shape, values))),
            None => {
                let inserted = stored.params.insert(&name, shape, values, !state.contains(&name));
                inserted.map_err(|error| error.to_string())?;
            }
        }
    }
    Ok(stored)
}

/// The sha256 of everything but itself, each text with its length before it.
fn checksum(contents: &Contents) -> String {
    let mut hasher = Sha256::new();
    let own = format!("{OWN}sha256");
    for (key, value) in contents.metadata.iter().filter(|(key, _)| **key != own) {
        hash_text(&mut hasher, key);
        hash_text(&mut hasher, value);
    }
    for array in &contents.arrays {
        hash_text(&mut hasher, &array.name);
        hash_text(&mut hasher, &array.shape.to_string());
        array.values.iter().for_each(|value| hasher.update(value.to_le_bytes()));
    }
    format!("{:x}", hasher.finalize())
}

fn hash_text(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_le_bytes());
    hasher.update(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr1;

    #[test]
    fn names_that_the_format_needs_are_refused_before_anything_is_written() {
        let mut params = Params::new();
        params.add("__metadata__", &arr1(&[1.0])).unwrap();
        let message = write(Path::new("never.safetensors"), &params, &[], None).unwrap_err().to_string();
        let expected =
            "never.safetensors: \"__metadata__\" is a name that the format keeps for itself; call it otherwise";
        assert_eq!(message, expected);
        assert!(!Path::new("never.safetensors").exists());
    }

    #[test]
    fn which_arrays_are_trainable_is_kept() {
        let path = std::env::temp_dir().join(format!("gradus-state-{}.safetensors", std::process::id()));
        let mut params = Params::new();
        params.add("optimizer/0", &arr1(&[1.0])).unwrap(); // a fine name where there is no optimizer
        params.add_state("mean", &arr1(&[2.0, 3.0])).unwrap();
        write(&path, &params, &[], None).unwrap();
        let read = read(&path).unwrap().params;
        let flags: Vec<(&str, bool)> = read.ids().map(|id| (read.name(id), read.trainable(id))).collect();
        assert_eq!(flags, [("optimizer/0", true), ("mean", false)]);
        std::fs::remove_file(path).unwrap();
    }
}
