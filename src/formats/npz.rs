//! The npz format of NumPy: a zip archive with one npy file per named array.

use super::npy::{self, NumpyArray};
use super::zip;
use crate::files::{read_whole, write_whole};
use crate::save::{check_ending, format_problem};
use crate::tape::Params;
use crate::{Error, Result, Shape};
use std::collections::BTreeMap;
use std::path::Path;

/// Reads every array of an npz file that `numpy.savez` or `numpy.savez_compressed` wrote.
///
/// # Errors
/// Returns an error if the file cannot be read or is damaged, or if an array has elements that are neither numbers nor
/// booleans.
pub fn read(path: impl AsRef<Path>) -> Result<BTreeMap<String, NumpyArray>> {
    let path = path.as_ref();
    let bytes = read_whole(path)?;
    decode(&bytes).map_err(|problem| {
        let problem = format_problem(path, &bytes, &[".npz", ".keras"], problem);
        Error::Format { path: path.into(), problem }
    })
}

/// Decodes the bytes of an npz file.
fn decode(bytes: &[u8]) -> Result<BTreeMap<String, NumpyArray>, String> {
    let archive = zip::Archive::read(bytes)?;
    let mut arrays = BTreeMap::new();
    for member in archive.names() {
        let array = NumpyArray::decode(&archive.get(member)?).map_err(|problem| format!("\"{member}\": {problem}"))?;
        arrays.insert(member.strip_suffix(".npy").unwrap_or(member).to_owned(), array);
    }
    Ok(arrays)
}

/// Writes parameters to an npz file atomically, one array per parameter name, for `numpy.load`. Equal parameters give equal
/// files.
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
/// Returns an error if the file cannot be written or would exceed 4 GB.
pub fn write_params(path: impl AsRef<Path>, params: &Params) -> Result<()> {
    let path = path.as_ref();
    check_ending(path, ".npz")?;
    let member = |id| {
        let bytes = npy::encode(params.shape(id).sizes(), params.values(id).iter().copied());
        (format!("{}.npy", params.name(id)), bytes)
    };
    let members: Vec<(String, Vec<u8>)> = params.ids().map(member).collect();
    let members: Vec<(&str, &[u8])> = members.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let bytes = zip::write(&members).map_err(|problem| Error::Format { path: path.into(), problem })?;
    write_whole(path, &bytes)
}

/// Reads the arrays of an npz file as trainable parameters, in the order of their names. [`Params::assign`] copies them to the
/// parameters of a model with the same names.
///
/// # Errors
/// Returns an error if the file cannot be read or is damaged, or if an array has elements that are neither numbers nor
/// booleans.
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
    fn errors_name_the_array() {
        let bytes = zip::write(&[("a/b.npy", b"nothing")]).unwrap();
        assert_eq!(decode(&bytes).unwrap_err(), "\"a/b.npy\": it is not an npy file, or it is truncated");
        let bytes = zip::write(&[("x.npy", &npy::encode(&[2], [1.0, 2.0].into_iter()))]).unwrap();
        assert_eq!(decode(&bytes).unwrap()["x"], NumpyArray::Floats(ndarray::arr1(&[1.0, 2.0]).into_dyn()));
    }
}
