//! Predictions of an ONNX file: `predictions FILE [--rows N] [--threads N]` prints the median and the minimum time in seconds.

use gradus::formats::onnx;
use gradus_benches::Options;
use ndarray::{ArrayD, IxDyn};
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::given();
    let (rows, threads) = (options.number("--rows", 1)?, options.number("--threads", 2)?);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let model = onnx::import(options.first())?.into_model()?;
    let input = model.input_shapes().remove(0);
    let sample = input.fixed().ok_or("the input has open axes")?;
    let shape: Vec<usize> = [&[rows], sample.sizes()].concat();
    let values = (0..shape.iter().product()).map(|i: usize| (i % 17) as f32 / 8.0 - 1.0).collect();
    let x = ArrayD::from_shape_vec(IxDyn(&shape), values)?;
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < 4 || start.elapsed() < Duration::from_secs(3) {
        let start = Instant::now();
        black_box(model.predict(&x)?);
        times.push(start.elapsed().as_secs_f64());
    }
    times.remove(0);
    times.sort_by(f64::total_cmp);
    println!("{:.6} {:.6}", times[times.len() / 2], times[0]);
    Ok(())
}
