//! Recognition of files of other formats, so that messages can name the functions that read and write them.

use crate::error::{Error, Result};
use crate::files;
use std::path::Path;

/// A file format, which may be behind a feature.
struct FileFormat {
    /// The end of the file name.
    ending: &'static str,
    /// The kind of file, recognized by its first bytes; `None` if they do not identify it or are the same as in a format above.
    kind: Option<&'static str>,
    writer: &'static str,
    reader: &'static str,
}

/// The known formats. An ending that contains another one is before it.
const FORMATS: [FileFormat; 8] = [
    FileFormat {
        ending: ".safetensors",
        kind: Some("a safetensors file"),
        writer: "Model::save",
        reader: "Model::load",
    },
    FileFormat {
        ending: ".weights.h5",
        kind: None, // same as .h5
        writer: "formats::keras::save_weights",
        reader: "formats::keras::load_weights",
    },
    FileFormat {
        ending: ".keras",
        kind: Some("a zip archive"),
        writer: "formats::keras::save",
        reader: "formats::keras::load",
    },
    FileFormat {
        ending: ".h5",
        kind: Some("an HDF5 file"),
        writer: "formats::keras::save",
        reader: "formats::keras::load",
    },
    FileFormat {
        ending: ".hdf5",
        kind: None, // same as .h5, which messages name
        writer: "formats::keras::save",
        reader: "formats::keras::load",
    },
    FileFormat {
        ending: ".onnx",
        kind: None, // the format has no signature
        writer: "formats::onnx::export",
        reader: "formats::onnx::import",
    },
    FileFormat {
        ending: ".npz",
        kind: None, // same as .keras: both are zip archives
        writer: "formats::npz::write_params",
        reader: "formats::npz::read_params",
    },
    FileFormat {
        ending: ".npy",
        kind: Some("an npy file"),
        writer: "formats::npy::write",
        reader: "formats::npy::read",
    },
];

impl FileFormat {
    /// The format of a file name by its ending, case-insensitive.
    fn by_name(path: &Path) -> Option<&'static FileFormat> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        FORMATS.iter().find(|format| name.ends_with(format.ending))
    }
}

/// Checks that a file name does not have the ending of another known format than `own`, the ending of the format to write.
/// Every function that writes a format calls it.
///
/// ```
/// use gradus::save::check_ending;
/// use std::path::Path;
/// assert!(check_ending(Path::new("model.onnx"), ".onnx").is_ok() && check_ending(Path::new("model"), ".onnx").is_ok());
/// let message = check_ending(Path::new("model.keras"), ".onnx").unwrap_err().to_string();
/// assert!(message.contains("use formats::keras::save for this ending"));
/// ```
///
/// # Errors
/// [`Error::Format`] that names the function for the ending.
pub fn check_ending(path: &Path, own: &str) -> Result<()> {
    match FileFormat::by_name(path) {
        Some(FileFormat { ending, writer, .. }) if *ending != own => {
            let problem = format!(
                "the contents are of a {own} file, and the name ends in {ending}; use {writer} for this ending, or \
                 another name"
            );
            Err(Error::Format { path: path.into(), problem })
        }
        _ => Ok(()),
    }
}

/// The problem of a file that could not be read as one of the formats with the endings `own`. If the contents, or else the
/// name, are of another known format, it names the function that reads that format; otherwise it is `problem`.
///
/// ```
/// use gradus::save::format_problem;
/// let problem = |bytes| format_problem("model.txt".as_ref(), bytes, &[".txt"], "line 1 is empty".into());
/// assert_eq!(problem(b"PK\x03\x04"), "it is a .keras file, expected .txt; read it with formats::keras::load");
/// assert_eq!(problem(b"\n"), "line 1 is empty");
/// ```
pub fn format_problem(path: &Path, bytes: &[u8], own: &[&str], problem: String) -> String {
    let kind = files::kind(bytes);
    let signed = FORMATS.iter().find(|format| format.kind.is_some() && format.kind == kind);
    let named = FileFormat::by_name(path);
    // A zip archive whose name does not end in .npz is assumed to be a Keras file.
    let found = match (signed, named) {
        (Some(signed), Some(named)) if signed.ending == ".keras" && named.ending == ".npz" => Some(named),
        (Some(signed), Some(named)) if signed.reader == named.reader => Some(named),
        (Some(signed), _) => Some(signed),
        (None, named) => named,
    };
    match found {
        Some(FileFormat { ending, reader, .. }) if !own.contains(ending) => {
            format!("it is a {ending} file, expected {}; read it with {reader}", own.join(" or "))
        }
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_formats_are_rejected_with_their_writer() {
        let message = |name: &str| check_ending(Path::new(name), ".safetensors").unwrap_err().to_string();
        let text = "a/Model.KERAS: the contents are of a .safetensors file, and the name ends in .keras; use \
                    formats::keras::save for this ending, or another name";
        assert_eq!(message("a/Model.KERAS"), text);
        assert!(message("x.weights.h5").contains("use formats::keras::save_weights "));
        for (name, writer) in [("x.h5", "keras::save "), ("x.onnx", "onnx::export "), ("x.npz", "npz::write_params ")] {
            assert!(message(name).contains(writer), "{name}");
        }
        for name in ["model", "model.safetensors", "model.keras.safetensors", "keras", "model.again"] {
            check_ending(Path::new(name), ".safetensors").unwrap();
        }
    }

    #[test]
    fn contents_of_other_formats_are_recognized_with_their_reader() {
        let own = [".safetensors"];
        let problem = |name: &str, bytes: &[u8]| format_problem(Path::new(name), bytes, &own, "damaged".into());
        let text = "it is a .keras file, expected .safetensors; read it with formats::keras::load";
        assert_eq!(problem("x.safetensors", b"PK\x03\x04"), text);
        assert!(problem("x.npz", b"PK\x03\x04").ends_with("; read it with formats::npz::read_params"));
        assert!(problem("x", b"\x89HDF\r\n\x1a\n").starts_with("it is a .h5 file, "));
        assert!(problem("x.onnx", b"\x08\x07").ends_with("; read it with formats::onnx::import"));
        assert_eq!(problem("x.safetensors", b"text"), "damaged");
        assert_eq!(problem("x", b""), "damaged");
        let keras = format_problem(Path::new("x"), b"\x10\0\0\0\0\0\0\0{", &[".keras", ".h5"], "damaged".into());
        assert_eq!(keras, "it is a .safetensors file, expected .keras or .h5; read it with Model::load");
    }
}
