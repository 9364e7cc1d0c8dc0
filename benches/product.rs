//! FLOP/s of one large product, for the lower bounds: `product [--threads N]` prints `product F`.

use gradus::bench_kernels::matmul::{Epilogue, Matrix, matmul};
use gradus_benches::{Options, median};
use rayon::ThreadPoolBuilder;
use std::error::Error;
use std::time::Instant;

const SIDE: usize = 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let pool = ThreadPoolBuilder::new().num_threads(Options::given().number("--threads", 2)?).build()?;
    let numbers =
        |seed: usize| -> Vec<f32> { (0..SIDE * SIDE).map(|i| ((i * seed) % 2003) as f32 / 1001.0 + 0.001).collect() };
    let (a, b, mut c) = (numbers(7919), numbers(104_729), vec![0.0; SIDE * SIDE]);
    let mut multiply = || {
        let start = Instant::now();
        matmul(Matrix::new(&a, SIDE, SIDE), Matrix::new(&b, SIDE, SIDE), &mut c, Epilogue::None);
        start.elapsed().as_secs_f64()
    };
    let times: Vec<f64> = pool.install(|| (0..25).map(|_| multiply()).skip(5).collect());
    println!("product {:.4e}", 2.0 * (SIDE * SIDE * SIDE) as f64 / median(&times));
    Ok(())
}
