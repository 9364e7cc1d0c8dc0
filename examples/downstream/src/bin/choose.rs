//! Trains a small network whose middle layer is named on the command line.
//!
//! ```sh
//! cargo run --manifest-path examples/downstream/Cargo.toml --bin choose isru
//! ```

use downstream::{choice, network, table};
use gradus::{Fit, Progress, Result};

fn main() -> Result<()> {
    let word = std::env::args().nth(1).unwrap_or_default();
    let mut model = choice::network(choice::layer(&word)?).compile(network::settings(7))?;
    println!("{}", model.summary());
    let data = table::rows(500, 1)?;
    model.fit(&data, Fit::new().epochs(5).progress(Progress::Quiet))?;
    println!("{}", model.evaluate(&data)?);
    Ok(())
}
