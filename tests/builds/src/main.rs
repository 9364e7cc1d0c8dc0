//! Compares the digests of this build with those of the repository, and searches for calls of the system's mathematics
//! library.

#[path = "../../notebooks/mod.rs"]
mod notebooks;
mod symbols;

use gradus::data::mnist;
use gradus::{Model, Result, Sequential};
use notebooks::{Size, digests};
use std::hint::black_box;
use std::process::ExitCode;

/// The golden digests.
const GOLDEN: &str = include_str!("../../golden/digests.txt");

fn main() -> ExitCode {
    let kind = if cfg!(debug_assertions) { "debug" } else { "release" };
    let fma = if cfg!(any(target_feature = "fma", target_arch = "aarch64")) { "with" } else { "without" };
    let digits = mnist::load(None).expect("the digits are in the repository");
    let found = digests(&digits, Size::Small, 2);
    if !GOLDEN.replace("\r\n", "\n").contains(&found) {
        eprintln!("a {kind} build {fma} fused multiply-add gives other bits:\n{found}");
        return ExitCode::FAILURE;
    }
    link_everything();
    // Without optimization, a fused multiply-add is a call, which is also rounded once.
    let allowed = |name: &String| cfg!(debug_assertions) && ["fma", "fmaf"].contains(&name.as_str());
    let called: Vec<String> = symbols::libm().into_iter().flatten().filter(|name| !allowed(name)).collect();
    if !called.is_empty() {
        eprintln!("this {kind} build calls {}", called.join(", "));
        return ExitCode::FAILURE;
    }
    println!("a {kind} build {fma} fused multiply-add: the digests of the repository");
    ExitCode::SUCCESS
}

/// Functions that are never called are not linked and would not be checked. All layers, losses, metrics and optimizers
/// are reachable through `load`, and all operations through the toolbox.
fn link_everything() {
    let load: fn(&str) -> Result<Model> = |path| Model::load(path);
    let toolbox: fn() -> Sequential = notebooks::toolbox;
    black_box((load, toolbox));
}
