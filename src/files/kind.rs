//! The kinds of files: the first bytes that identify them, and the file formats with such contents.

/// A file format of models or arrays, which may be behind a feature.
#[derive(Debug)]
pub(crate) struct FileFormat {
    /// The end of the file name.
    pub(crate) ending: &'static str,
    pub(crate) writer: &'static str,
    pub(crate) reader: &'static str,
}

/// A kind of file.
#[derive(Debug)]
pub(crate) struct Kind {
    /// The name with an article.
    name: &'static str,
    /// What to do with the file before it can be read; empty for most kinds.
    remedy: &'static str,
    signature: Signature,
    /// The formats with such contents. The first is assumed if the file name has another ending.
    pub(crate) formats: &'static [FileFormat],
}

/// The bytes at the start of a file that identify its kind.
#[derive(Debug)]
enum Signature {
    OneOf(&'static [&'static [u8]]),
    Test(fn(&[u8]) -> bool),
    /// Files of this kind are recognized only by their names.
    None,
}

const fn format(ending: &'static str, writer: &'static str, reader: &'static str) -> FileFormat {
    FileFormat { ending, writer, reader }
}

const fn kind(name: &'static str, signature: Signature, formats: &'static [FileFormat]) -> Kind {
    Kind { name, remedy: "", signature, formats }
}

/// A kind of file that is never read.
const fn foreign(name: &'static str, starts: &'static [&'static [u8]], remedy: &'static str) -> Kind {
    Kind { name, remedy, signature: Signature::OneOf(starts), formats: &[] }
}

/// All kinds. Those that are recognized by more than their first bytes are last.
pub(crate) const KINDS: &[Kind] = &[
    kind(
        "an HDF5 file",
        Signature::OneOf(&[b"\x89HDF\r\n\x1a\n"]),
        &[
            format(".h5", "formats::keras::save", "formats::keras::load"),
            format(".hdf5", "formats::keras::save", "formats::keras::load"),
            format(".weights.h5", "formats::keras::save_weights", "formats::keras::load_weights"),
        ],
    ),
    kind(
        "a zip archive",
        Signature::OneOf(&[b"PK\x03\x04"]),
        &[
            format(".keras", "formats::keras::save", "formats::keras::load"),
            format(".npz", "formats::npz::write_params", "formats::npz::read_params"),
        ],
    ),
    kind(
        "an npy file",
        Signature::OneOf(&[b"\x93NUMPY"]),
        &[format(".npy", "formats::npy::write", "formats::npy::read")],
    ),
    kind("an ONNX file", Signature::None, &[format(".onnx", "formats::onnx::export", "formats::onnx::import")]),
    foreign("an empty zip archive", &[b"PK\x05\x06"], ""),
    foreign("a PNG picture", &[b"\x89PNG\r\n\x1a\n"], ""),
    foreign("a JPEG picture", &[b"\xff\xd8\xff"], ""),
    foreign("a GIF picture", &[b"GIF8"], ""),
    foreign("a PDF document", &[b"%PDF"], ""),
    foreign("a gzip archive", &[b"\x1f\x8b"], "unpack it first"),
    foreign("a bzip2 archive", &[b"BZh"], "unpack it first"),
    foreign("an xz archive", &[b"\xfd7zXZ"], "unpack it first"),
    foreign("a Python pickle", &[b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"], ""),
    foreign("a Git LFS pointer", &[b"version https://git-lfs"], "fetch the file with git lfs pull"),
    foreign("a web page", &[b"<!DOCTYPE", b"<!doctype", b"<html"], ""),
    kind("JSON text", Signature::Test(is_json), &[]),
    kind(
        "a safetensors file",
        Signature::Test(is_safetensors),
        &[format(".safetensors", "Model::save", "Model::load")],
    ),
    kind("a text file", Signature::Test(is_text), &[]),
];

/// Returns the message for a file of another kind than `expected`: that it is empty, or what kind it is.
///
/// ```
/// use gradus::files::unexpected;
/// assert_eq!(unexpected(b"", "an HDF5 file"), "it is empty, expected an HDF5 file");
/// assert_eq!(unexpected(b"GIF89a", "an HDF5 file"), "it is a GIF picture, expected an HDF5 file");
/// ```
#[must_use]
pub fn unexpected(bytes: &[u8], expected: &str) -> String {
    match Kind::of(bytes) {
        _ if bytes.is_empty() => format!("it is empty, expected {expected}"),
        Some(Kind { name, remedy: "", .. }) => format!("it is {name}, expected {expected}"),
        Some(Kind { name, remedy, .. }) => format!("it is {name}, expected {expected}; {remedy}"),
        None => format!("it is not {expected}, or it is truncated or damaged"),
    }
}

impl Kind {
    /// The kind of a file by its first bytes; `None` if it is unknown.
    pub(crate) fn of(bytes: &[u8]) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| match kind.signature {
            Signature::OneOf(starts) => starts.iter().any(|start| bytes.starts_with(start)),
            Signature::Test(test) => test(bytes),
            Signature::None => false,
        })
    }
}

fn is_json(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{") && is_text(bytes)
}

/// Whether the bytes start like a safetensors file: with the length of the header and a JSON object.
fn is_safetensors(bytes: &[u8]) -> bool {
    bytes.get(5..8) == Some(&[0; 3]) && bytes.get(8) == Some(&b'{')
}

/// Whether the first bytes are printable ASCII.
fn is_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(64)];
    !start.is_empty() && start.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::unexpected;

    #[test]
    fn messages_name_the_kind() {
        let cases: [(&[u8], &str); 9] = [
            (b"", "it is empty, expected an npy file"),
            (b"\x89PNG\r\n\x1a\nabc", "it is a PNG picture, expected an npy file"),
            (b"\x1f\x8b\x08", "it is a gzip archive, expected an npy file; unpack it first"),
            (b" {\"a\": 1}", "it is JSON text, expected an npy file"),
            (b"some words", "it is a text file, expected an npy file"),
            (b"\x40\0\0\0\0\0\0\0{}", "it is a safetensors file, expected an npy file"),
            (
                b"version https://git-lfs.github.com/spec/v1",
                "it is a Git LFS pointer, expected an npy file; fetch the file with git lfs pull",
            ),
            (b"\x08\x07\x12", "it is not an npy file, or it is truncated or damaged"),
            (b"\x80\x02}q", "it is a Python pickle, expected an npy file"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(unexpected(bytes, "an npy file"), expected);
        }
    }
}
