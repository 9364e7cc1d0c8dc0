//! Compares the digests of this build with those of the repository, and looks for calls of the system's mathematics.

#[path = "../../notebooks/mod.rs"]
mod notebooks;

use gradus::data::mnist;
use notebooks::{Size, digests};
use std::process::ExitCode;

/// The golden digests.
const GOLDEN: &str = include_str!("../../golden/digests.txt");

/// Functions of libm, each also with `f` and `l` behind it; a fused multiply-add is one where it is no instruction. In one
/// text, as names of their own would be found in this program.
const LIBM: &str = "acos asin atan atan2 cbrt cos cosh erf exp exp10 exp2 expm1 fma hypot log log10 log1p log2 pow sin sincos \
                    sinh tan tanh tgamma";

fn main() -> ExitCode {
    let kind = if cfg!(debug_assertions) { "debug" } else { "release" };
    let fma = if cfg!(target_feature = "fma") { "with" } else { "without" };
    let digits = mnist::load(None).expect("the digits lie in the repository");
    let found = digests(&digits, Size::Small, 2);
    if !GOLDEN.replace("\r\n", "\n").contains(&found) {
        eprintln!("a {kind} build {fma} fused multiply-add gives other bits:\n{found}");
        return ExitCode::FAILURE;
    }
    // Without optimisation, what fuses is a call; it is rounded once all the same.
    let called = if cfg!(debug_assertions) { Vec::new() } else { libm_calls() };
    if !called.is_empty() {
        eprintln!("this {kind} build calls {}", called.join(", "));
        return ExitCode::FAILURE;
    }
    println!("a {kind} build {fma} fused multiply-add: the digests of the repository");
    ExitCode::SUCCESS
}

/// The functions of libm that this program links to: their names, between zeros, in the table that the loader reads.
fn libm_calls() -> Vec<String> {
    let program = std::env::current_exe().and_then(std::fs::read).expect("a program can read itself");
    let linked = |name: &str| {
        let symbol = format!("\0{name}\0");
        program.windows(symbol.len()).any(|window| window == symbol.as_bytes())
    };
    assert!(linked("malloc") || !cfg!(target_os = "linux"), "the names of what the loader has to find are in the file");
    let names = LIBM.split(' ').flat_map(|name| ["", "f", "l"].map(|kind| format!("{name}{kind}")));
    names.filter(|name| linked(name)).collect()
}
