//! The functions of the system's mathematics library that a program contains or calls, from the symbol tables of its
//! file.

/// Functions of libm whose last bits differ between systems, also with the suffixes `f` and `l`. A fused multiply-add
/// is one of them if it is not an instruction.
const LIBM: &str = "acos acosh asin asinh atan atan2 atanh cbrt cos cosh erf erfc exp exp10 exp2 expm1 fma hypot lgamma log \
                    log10 log1p log2 pow powi sin sincos sinh tan tanh tgamma";

/// Returns the functions in the file of this process, or `None` unless it is a 64-bit ELF file, the only supported
/// format.
pub(crate) fn libm() -> Option<Vec<String>> {
    let program = std::env::current_exe().and_then(std::fs::read).expect("a program can read itself");
    let names = names(&program)?;
    // The symbols for the loader include them on any system.
    assert!(names.iter().any(|name| name == "malloc"), "the file has the names of called functions");
    let all: Vec<String> =
        LIBM.split(' ').flat_map(|name| ["", "f", "l"].map(|kind| format!("{name}{kind}"))).collect();
    Some(all.into_iter().filter(|name| names.contains(name)).collect())
}

/// Types of sections with symbols: those of the linker, which a stripped file lacks, and those of the loader.
const SYMBOLS: [u64; 2] = [2, 11];

/// The names in all symbol tables, without versions such as that of `expf@GLIBC_2.27`.
fn names(file: &[u8]) -> Option<Vec<String>> {
    if !file.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let number = |at: usize, length: usize| -> Option<u64> {
        let bytes = file.get(at..at + length)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let (headers, size, count) = (number(0x28, 8)? as usize, number(0x3a, 2)? as usize, number(0x3c, 2)? as usize);
    // The offset and length of a section, and the section with its names.
    let section = |at: usize| -> Option<[usize; 3]> {
        let header = headers + at * size;
        Some([
            number(header + 0x18, 8)? as usize,
            number(header + 0x20, 8)? as usize,
            number(header + 0x28, 4)? as usize,
        ])
    };
    let mut names = Vec::new();
    for table in 0..count {
        if !SYMBOLS.contains(&number(headers + table * size + 4, 4)?) {
            continue;
        }
        let [start, length, texts] = section(table)?;
        let [texts, _, _] = section(texts)?;
        for symbol in (start..start + length).step_by(24) {
            let text = file.get(texts + number(symbol, 4)? as usize..)?;
            let end = text.iter().position(|byte| [0, b'@'].contains(byte))?;
            names.push(String::from_utf8_lossy(&text[..end]).into_owned());
        }
    }
    Some(names)
}
