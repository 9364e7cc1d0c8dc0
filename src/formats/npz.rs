//! NumPy's npz files: named arrays in a zip archive, one npy file each.

use super::npy::{self, NumpyArray};
use super::zip;
use crate::files::{read_whole, write_whole};
use crate::tape::Params;
use crate::{Error, Result, Shape};
use std::collections::BTreeMap;
use std::path::Path;

/// Reads every array of an npz file, as `numpy.savez` and `numpy.savez_compressed` write it.
///
/// # Errors
/// The file cannot be read or is damaged; an array holds other elements than numbers and truths.
pub fn read(path: impl AsRef<Path>) -> Result<BTreeMap<String, NumpyArray>> {
    let path = path.as_ref();
    decode(&read_whole(path)?).map_err(|problem| Error::Format { path: path.into(), problem })
}

/// The same for a file's bytes.
fn decode(bytes: &[u8]) -> Result<BTreeMap<String, NumpyArray>, String> {
    let archive = zip::Archive::read(bytes)?;
    let mut arrays = BTreeMap::new();
    for member in archive.names() {
        let array = NumpyArray::decode(&archive.get(member)?).map_err(|problem| format!("\"{member}\": {problem}"))?;
        arrays.insert(member.strip_suffix(".npy").unwrap_or(member).to_owned(), array);
    }
    Ok(arrays)
}

/// Writes every array of parameters under its name to an npz file, for `numpy.load`. Equal parameters are equal files.
///
/// ```
/// use gradus::formats::npz;
/// use gradus::tape::Params;
/// let mut params = Params::new();
/// params.add("dense/kernel", &ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]]))?;
/// let path = std::env::temp_dir().join("gradus-doc-params.npz");
/// npz::write_params(&path, &params)?;
/// assert_eq!(npz::read_params(&path)?.sha256(), params.sha256());
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// The file cannot be written, or would be larger than 4 GB.
pub fn write_params(path: impl AsRef<Path>, params: &Params) -> Result<()> {
    let path = path.as_ref();
    let member = |id| {
        let bytes = npy::encode(params.shape(id).sizes(), params.values(id).iter().copied());
        (format!("{}.npy", params.name(id)), bytes)
    };
    let members: Vec<(String, Vec<u8>)> = params.ids().map(member).collect();
    let members: Vec<(&str, &[u8])> = members.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let bytes = zip::write(&members).map_err(|problem| Error::Format { path: path.into(), problem })?;
    write_whole(path, &bytes)
}

/// Reads the arrays of an npz file as parameters, in the order of their names, each of them trainable.
/// [`Params::assign`] puts them into a model's parameters of the same names.
///
/// # Errors
/// The file cannot be read, is damaged, or holds elements that are not numbers.
pub fn read_params(path: impl AsRef<Path>) -> Result<Params> {
    let path = path.as_ref();
    let mut params = Params::new();
    for (name, array) in read(path)? {
        let wrong = |error: Error| Error::Format { path: path.into(), problem: format!("\"{name}\": {error}") };
        let shape = Shape::new(array.shape()).map_err(wrong)?;
        let values = array.into_floats().into_iter().collect();
        params.insert(&name, shape, values, true)?;
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_names_the_array() {
        let bytes = zip::write(&[("a/b.npy", b"nothing")]).unwrap();
        assert_eq!(decode(&bytes).unwrap_err(), "\"a/b.npy\": it is not an npy file, or was cut short");
        let bytes = zip::write(&[("x.npy", &npy::encode(&[2], [1.0, 2.0].into_iter()))]).unwrap();
        assert_eq!(decode(&bytes).unwrap()["x"], NumpyArray::Floats(ndarray::arr1(&[1.0, 2.0]).into_dyn()));
    }
}
