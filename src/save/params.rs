//! Arrays alone in a file: for networks on the tape, and for weights from elsewhere.

use super::file;
use crate::error::{Error, Result};
use crate::tape::Params;
use std::path::Path;

impl Params {
    /// Writes every array under its name to a safetensors file, whole or not at all.
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
    /// The file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        file::Store { params: self, optimizer: Vec::new(), model: None, record: None }.write(path.as_ref())
    }

    /// The arrays of a safetensors file, in the order of the file: one that [`save`](Params::save) or
    /// [`Model::save`](crate::Model::save) has written, or another program. In the latter's every array is trainable.
    ///
    /// # Errors
    /// The file cannot be read, is damaged or of a newer version, or holds elements other than float32.
    pub fn load(path: impl AsRef<Path>) -> Result<Params> {
        Ok(file::read(path.as_ref())?.params)
    }

    /// Sets every array from the one of the same name in a file, as [`load`](Params::load) reads it. Nothing changes if
    /// it fails.
    ///
    /// # Errors
    /// As for [`load`](Params::load); an array that is missing in the file or in these parameters, or has another shape.
    /// [`assign`](Params::assign) takes what it needs and leaves the rest.
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
                "\"{name}\" is in the file, but not in the model; Params::load and assign take a part of a file"
            )),
            None => self.assign(&given),
        }
    }
}
