//! Trains the residual network on tabular data and prints its R² score, the proportion of the targets' variance that it
//! explains.
//!
//! ```sh
//! cargo run --manifest-path examples/downstream/Cargo.toml
//! ```

use downstream::{network, table};
use gradus::data::Dataset;
use gradus::{Fit, Result};

fn main() -> Result<()> {
    // A different seed gives different rows, which the model has not seen.
    let (train, test) = (table::rows(2000, 1)?, table::rows(500, 2)?);
    let mut model = network::residual(3).compile(network::settings(7))?;
    println!("{}", model.summary());
    model.fit(&train, Fit::new().epochs(20).validation(&test))?;
    let explained = 100.0 * model.evaluate(&test)?.get("r2_score").unwrap_or(f64::NAN);
    println!("explained variance: {explained:.1} % on {} test rows", test.len());
    println!("weights: sha256 {}", model.params().sha256()); // equal on any number of threads
    Ok(())
}
