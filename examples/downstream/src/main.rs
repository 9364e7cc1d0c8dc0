//! Trains the residual network on a table and says how much of the targets' variance it explains.
//!
//! ```sh
//! cargo run --manifest-path examples/downstream/Cargo.toml
//! ```

use downstream::{network, table};
use gradus::data::Dataset;
use gradus::{Fit, Result};

fn main() -> Result<()> {
    let (train, test) = (table::rows(2000, 1)?, table::rows(500, 2)?);
    let mut model = network::residual(3).compile(network::settings(7))?;
    println!("{}", model.summary());
    model.fit(&train, Fit::new().epochs(20).validation(&test))?;
    let (inputs, targets) = (test.rows(..)?.inputs()?, test.rows(..)?.targets()?);
    let errors = model.predict(&inputs)? - &targets;
    let squares: f64 = errors.iter().map(|error| f64::from(*error).powi(2)).sum();
    let explained = 1.0 - squares / (table::variance(&test)? * test.len() as f64);
    println!("explains {:.1} % of the variance of {} rows it has not seen", 100.0 * explained, test.len());
    println!("weights: sha256 {}", model.params().sha256());
    Ok(())
}
