//! The kind of a file from its first bytes, for error messages.

/// First bytes of common files, and their kinds.
const KINDS: &[(&[u8], &str)] = &[
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x93NUMPY", "an npy file"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
    (b"\xfd7zXZ", "an xz archive; unpack it first"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the file with git lfs pull"),
    (b"<!DOCTYPE", "a web page"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
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
    match kind(bytes).map(|kind| kind.split_once(';').unwrap_or((kind, ""))) {
        _ if bytes.is_empty() => format!("it is empty, expected {expected}"),
        Some((kind, "")) => format!("it is {kind}, expected {expected}"),
        Some((kind, remedy)) => format!("it is {kind}, expected {expected};{remedy}"),
        None => format!("it is not {expected}, or it is truncated or damaged"),
    }
}

/// The kind of a file, with an article, followed by a semicolon and a remedy for some kinds; `None` if it is unknown.
pub(crate) fn kind(bytes: &[u8]) -> Option<&'static str> {
    match KINDS.iter().find(|(start, _)| bytes.starts_with(start)) {
        Some((_, kind)) => Some(kind),
        None if is_json(bytes) => Some("JSON text"),
        None if is_safetensors(bytes) => Some("a safetensors file"),
        None if is_text(bytes) && !bytes.is_empty() => Some("a text file"),
        None => None,
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
    start.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
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
