//! The training digits from the repository.

use crate::{Model, Options, Result};
use flate2::read::GzDecoder;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// 60,000 images or the first of them, and their labels, in memory, with a generator that shuffles them for each epoch.
pub struct Digits {
    /// 784 pixels per image: divided by 255, or unchanged for models that normalize them.
    pub pixels: Vec<f32>,
    pub labels: Vec<u8>,
    random: StdRng,
}

impl Digits {
    pub fn load(options: &Options) -> Result<Digits> {
        let scale = if Model::named(&options.model)? == Model::DeepSigmoid { 1.0 } else { 255.0 };
        let mut labels = idx("train-labels-idx1-ubyte.gz", 8)?;
        labels.truncate(options.limit);
        let pixels = idx("train-images-idx3-ubyte.gz", 16)?.into_iter().take(784 * labels.len());
        let pixels = pixels.map(|pixel| f32::from(pixel) / scale).collect();
        Ok(Digits { pixels, labels, random: StdRng::seed_from_u64(12345) })
    }

    /// All rows in a new order.
    pub fn permutation(&mut self) -> Vec<u32> {
        let mut rows: Vec<u32> = (0..self.labels.len() as u32).collect();
        rows.shuffle(&mut self.random);
        rows
    }
}

/// The contents of an IDX file after its header.
fn idx(name: &str, header: usize) -> Result<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../data/mnist").join(name);
    let file = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut bytes = Vec::new();
    GzDecoder::new(file).read_to_end(&mut bytes)?;
    Ok(bytes.split_off(header))
}
