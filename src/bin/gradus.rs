//! The program `gradus`: see `gradus --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    gradus::cli::run(std::env::args_os().skip(1))
}
