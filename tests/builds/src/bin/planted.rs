//! Calls the system's mathematics library, to test that such calls are found.

#[path = "../symbols.rs"]
mod symbols;

use std::hint::black_box;
use std::process::ExitCode;

fn main() -> ExitCode {
    let x: f32 = black_box(0.5);
    println!("{} {} {} {}", x.exp(), x.powf(x), f64::from(x).sin(), x.mul_add(x, x));
    // If the processor's instruction is available, it is not a call.
    let fused: &[&str] = if cfg!(target_feature = "fma") { &[] } else { &["fmaf"] };
    let planted = [&["expf", "powf", "sin"], fused].concat();
    let Some(found) = symbols::libm() else { return ExitCode::SUCCESS };
    let missed: Vec<&&str> = planted.iter().filter(|name| !found.iter().any(|found| found == **name)).collect();
    if !missed.is_empty() {
        eprintln!("this program calls {planted:?}, but the search found only {found:?}");
        return ExitCode::FAILURE;
    }
    println!("planted calls of {planted:?} are found");
    ExitCode::SUCCESS
}
