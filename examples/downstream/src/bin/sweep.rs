//! Trains the residual network with three optimizers and reports the best.
//!
//! ```sh
//! cargo run --manifest-path examples/downstream/Cargo.toml --bin sweep
//! ```

use downstream::{network, sweep, table};
use gradus::Result;

fn main() -> Result<()> {
    let trials = sweep::run(&network::residual(1), &sweep::optimizers(), &table::rows(500, 1)?, &table::rows(200, 2)?)?;
    print!("{}", sweep::table(&trials));
    match sweep::best(&trials) {
        Some(best) => println!("best: {}", best.optimizer),
        None => println!("best: none, as every optimizer diverged"),
    }
    Ok(())
}
