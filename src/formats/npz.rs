//! The npz format of NumPy: a zip archive with one npy file per named array.

use super::budget::{Budget, MemoryLimit};
use super::npy::{self, NumpyArray, Problem};
use super::zip;
use crate::files::{read_whole, unexpected, write_whole};
use crate::save::{check_ending, format_problem};
use crate::tape::Params;
use crate::{Error, Result, Shape};
use std::collections::BTreeMap;
use std::path::Path;

/// The contents of an npz file.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Npz {
    /// The numeric arrays by name.
    pub arrays: BTreeMap<String, NumpyArray>,
    /// The other members by name, such as arrays of strings, each with the reason why it was not read.
    pub skipped: BTreeMap<String, String>,
}

/// Reads every numeric array of an npz file that `numpy.savez` or `numpy.savez_compressed` wrote. Other members, such as
/// arrays of strings, are ignored; [`read_with`] lists them.
///
/// # Errors
/// Returns an error if the file cannot be read or is damaged, or if it has members but no numeric array.
pub fn read(path: impl AsRef<Path>) -> Result<BTreeMap<String, NumpyArray>> {
    Ok(read_with(path, MemoryLimit::default())?.arrays)
}

/// Reads an npz file like [`read`], with a limit on the memory for its contents, and lists the members that are not numeric
/// arrays.
///
/// # Errors
/// The errors of [`read`], and an error if the contents exceed the limit.
pub fn read_with(path: impl AsRef<Path>, limit: MemoryLimit) -> Result<Npz> {
    let path = path.as_ref();
    let bytes = read_whole(path)?;
    decode(&bytes, &limit.budget(bytes.len())).map_err(|problem| {
        let problem = format_problem(path, &bytes, &[".npz", ".keras"], problem);
        Error::Format { path: path.into(), problem }
    })
}

/// Decodes the bytes of an npz file.
fn decode(bytes: &[u8], budget: &Budget) -> Result<Npz, String> {
    if !bytes.starts_with(b"PK") {
        return Err(unexpected(bytes, "an npz file"));
    }
    let archive = zip::Archive::read(bytes, budget)?;
    let mut npz = Npz::default();
    for member in archive.names() {
        let name = member.strip_suffix(".npy").unwrap_or(member).to_owned();
        match NumpyArray::decode(&archive.get(member)?, budget) {
            Ok(array) => drop(npz.arrays.insert(name, array)),
            Err(Problem::Elements(problem)) => drop(npz.skipped.insert(name, problem)),
            // NumPy returns such a member as bytes.
            Err(Problem::File(problem)) if !member.ends_with(".npy") => drop(npz.skipped.insert(name, problem)),
            Err(Problem::File(problem)) => return Err(format!("\"{member}\": {problem}")),
        }
    }
    if npz.arrays.is_empty() && !npz.skipped.is_empty() {
        let skipped: Vec<String> = npz.skipped.iter().map(|(name, problem)| format!("\"{name}\": {problem}")).collect();
        return Err(format!("it has no numeric array; {}", skipped.join("; ")));
    }
    Ok(npz)
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

/// Reads the numeric arrays of an npz file as trainable parameters, in the order of their names. [`Params::assign`] copies
/// them to the parameters of a model with the same names.
///
/// # Errors
/// The errors of [`read`].
pub fn read_params(path: impl AsRef<Path>) -> Result<Params> {
    read_params_with(path, MemoryLimit::default())
}

/// Reads parameters like [`read_params`], with a limit on the memory for the contents of the file.
///
/// # Errors
/// The errors of [`read_with`].
pub fn read_params_with(path: impl AsRef<Path>, limit: MemoryLimit) -> Result<Params> {
    let path = path.as_ref();
    let mut params = Params::new();
    for (name, array) in read_with(path, limit)?.arrays {
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

    fn decoded(members: &[(&str, &[u8])]) -> Result<Npz, String> {
        let bytes = zip::write(members).unwrap();
        decode(&bytes, &MemoryLimit::default().budget(bytes.len()))
    }

    #[test]
    fn errors_name_the_array() {
        let text = decoded(&[("a/b.npy", b"nothing")]).unwrap_err();
        assert_eq!(text, "\"a/b.npy\": it is a text file, expected an npy file");
        let two = npy::encode(&[2], [1.0, 2.0].into_iter());
        let expected = NumpyArray::Floats(ndarray::arr1(&[1.0, 2.0]).into_dyn());
        assert_eq!(decoded(&[("x.npy", &two)]).unwrap().arrays["x"], expected);
    }

    #[test]
    fn other_members_are_skipped() {
        let two = npy::encode(&[2], [1.0, 2.0].into_iter());
        let mut words = two.clone();
        let at = words.windows(3).position(|three| three == b"<f4").unwrap();
        words[at..at + 3].copy_from_slice(b"<U1");
        let npz = decoded(&[("notes.txt", b"one"), ("words.npy", &words), ("x.npy", &two)]).unwrap();
        assert_eq!(npz.arrays.keys().collect::<Vec<_>>(), ["x"]);
        assert_eq!(npz.skipped.keys().collect::<Vec<_>>(), ["notes.txt", "words"]);
        let text = decoded(&[("words.npy", &words)]).unwrap_err();
        assert!(text.starts_with("it has no numeric array; \"words\": its elements are strings (<U1)"), "{text}");
        assert_eq!(decoded(&[]).unwrap(), Npz::default());
    }
}
