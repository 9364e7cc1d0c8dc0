//! Weights in files beside an ONNX file, as PyTorch writes them for its newer exporter and for large models.

use super::memory::raw_cost;
use super::proto::{self, EXTERNAL};
use super::size_limit::FileMemory;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

/// A part of a file.
struct Place {
    path: PathBuf,
    offset: u64,
    length: u64,
}

/// Reads the elements that are in other files into the initializers of a model. The files must be in `folder` or below it.
/// `memory` grows by their contents.
pub(super) fn read(model: &mut proto::Model, folder: &Path, memory: &mut FileMemory) -> Result<(), String> {
    let Some(graph) = &mut model.graph else { return Ok(()) };
    let (mut places, mut lengths) = (Vec::new(), BTreeMap::<PathBuf, u64>::new());
    for tensor in graph.initializer.iter_mut().filter(|tensor| tensor.data_location == Some(EXTERNAL)) {
        let name = tensor.name.clone().unwrap_or_default();
        let place = place(tensor, folder, &mut lengths).map_err(|problem| format!("constant \"{name}\": {problem}"))?;
        let cost = raw_cost(tensor.data_type.unwrap_or(0)).saturating_mul(place.length);
        memory.contents = memory.contents.saturating_add(cost);
        places.push((tensor, place));
    }
    let total = lengths.values().fold(0u64, |sum, length| sum.saturating_add(*length));
    memory.length = memory.length.saturating_add(usize::try_from(total).unwrap_or(usize::MAX));
    memory.limit.budget(memory.length).spend(memory.contents)?;
    for (tensor, place) in places {
        let bytes = place.read().map_err(|error| format!("{}: {error}", place.path.display()))?;
        (tensor.raw_data, tensor.data_location) = (Some(bytes), None);
        tensor.external_data.clear();
    }
    Ok(())
}

/// The part of a file in which the elements of a tensor are.
fn place(tensor: &proto::Tensor, folder: &Path, lengths: &mut BTreeMap<PathBuf, u64>) -> Result<Place, String> {
    let value = |key: &str| {
        let entry = tensor.external_data.iter().find(|entry| entry.key.as_deref() == Some(key));
        entry.and_then(|entry| entry.value.as_deref())
    };
    let number = |key: &str| match value(key) {
        None => Ok(None),
        Some(text) => text.parse::<u64>().map(Some).map_err(|_| format!("its {key} \"{text}\" is not a number")),
    };
    let location = Path::new(value("location").ok_or("the name of the file with its elements is missing")?);
    let is_below = location.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_below {
        return Err(format!("its elements are in {}, which is outside the folder of the file", location.display()));
    }
    let path = folder.join(location);
    let known = lengths.get(&path).copied();
    let of_file = match known {
        Some(length) => length,
        None => {
            let about = fs::metadata(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            if !about.is_file() {
                return Err(format!("{} is not a regular file", path.display()));
            }
            lengths.insert(path.clone(), about.len());
            about.len()
        }
    };
    let offset = number("offset")?.unwrap_or(0);
    let rest = of_file.checked_sub(offset);
    let length = number("length")?.or(rest).filter(|length| rest.is_some_and(|rest| *length <= rest));
    let length = length.ok_or_else(|| format!("{} ends before its elements", path.display()))?;
    Ok(Place { path, offset, length })
}

impl Place {
    fn read(&self) -> std::io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.take(self.length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::budget::MemoryLimit;

    fn model(entries: &[(&str, &str)]) -> proto::Model {
        let entry =
            |(key, value): &(&str, &str)| proto::Entry { key: Some((*key).into()), value: Some((*value).into()) };
        let tensor = proto::Tensor {
            dims: vec![2],
            data_type: Some(proto::element::FLOAT),
            data_location: Some(EXTERNAL),
            external_data: entries.iter().map(entry).collect(),
            ..Default::default()
        };
        proto::Model {
            graph: Some(proto::Graph { initializer: vec![tensor], ..Default::default() }),
            ..Default::default()
        }
    }

    fn read_from(entries: &[(&str, &str)], limit: u64) -> Result<Vec<u8>, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("weights.bin"), [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        let mut memory = FileMemory { limit: MemoryLimit::bytes(limit), ..FileMemory::default() };
        let mut model = model(entries);
        read(&mut model, folder.path(), &mut memory)?;
        Ok(model.graph.unwrap().initializer.remove(0).raw_data.unwrap())
    }

    #[test]
    fn elements_are_read_from_a_part_of_a_file() {
        let part = [("location", "weights.bin"), ("offset", "2"), ("length", "8")];
        assert_eq!(read_from(&part, 100).unwrap(), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(read_from(&part[..2], 100).unwrap().len(), 8, "up to the end");
    }

    #[test]
    fn other_places_are_rejected() {
        for (entries, message) in [
            (&[("location", "../weights.bin")][..], "outside the folder"),
            (&[("location", "/etc/passwd")], "outside the folder"),
            (&[("location", "missing.bin")], "missing.bin"),
            (&[("location", ".")], "not a regular file"),
            (&[("location", "weights.bin"), ("offset", "11")], "ends before"),
            (&[("location", "weights.bin"), ("length", "11")], "ends before"),
            (&[("location", "weights.bin"), ("offset", "-1")], "is not a number"),
            (&[("offset", "0")], "is missing"),
        ] {
            let problem = read_from(entries, 100).unwrap_err();
            assert!(problem.contains(message), "{problem}");
        }
        assert!(read_from(&[("location", "weights.bin")], 19).unwrap_err().contains("more memory"));
    }
}
