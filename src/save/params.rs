//! Files of arrays, for networks on the tape and for weights of other programs.

use super::file;
use crate::error::{Error, Result};
use crate::tape::Params;
use std::path::Path;

impl Params {
    /// Writes every array under its name to a safetensors file, atomically. Creates missing folders.
    ///
    /// ```
    /// use gradus::tape::Params;
    /// let mut params = Params::new();
    /// params.add("weight", &ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]]))?;
    /// let path = std::env::temp_dir().join("gradus-doc-params.safetensors");
    /// params.save(&path)?;
    /// assert_eq!(Params::load(&path)?.sha256(), params.sha256());
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// The file cannot be written, or its name ends like a file of another format, as in `weights.npz`.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        file::Store { params: self, optimizer: Vec::new(), model: None, record: None }.write(path.as_ref())
    }

    /// Reads the arrays of a safetensors file, in the order of the file. [`save`](Params::save),
    /// [`Model::save`](crate::Model::save) or another program may have written it. All arrays of other programs are
    /// trainable.
    ///
    /// # Errors
    /// The file cannot be read, is damaged, has a newer format version, or has elements other than float32.
    pub fn load(path: impl AsRef<Path>) -> Result<Params> {
        Ok(file::read(path.as_ref())?.params)
    }

    /// Sets every array to the array of the same name in a file read by [`load`](Params::load). On an error, nothing
    /// changes.
    ///
    /// # Errors
    /// Those of [`load`](Params::load). An array is missing from the file or from these parameters, or its shape
    /// differs. To assign only some arrays of a file, use [`assign`](Params::assign).
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let given = Params::load(path)?;
        let wrong = |problem| Err(Error::Format { path: path.into(), problem });
        for id in self.ids() {
            let (name, shape) = (self.name(id), self.shape(id));
            match given.id(name).map(|given_id| given.shape(given_id)) {
                Ok(found) if found == shape => {}
                Ok(found) => return wrong(format!("\"{name}\" is {found} in the file and {shape} in the model")),
                Err(error) => return wrong(error.to_string()),
            }
        }
        match given.iter().find(|(name, _)| self.id(name).is_err()) {
            Some((name, _)) => wrong(format!(
                "\"{name}\" is in the file but not in the model; to load part of a file, use Params::load and assign"
            )),
            None => self.assign(&given),
        }
    }
}
