//! The networks of `networks.txt`.

use crate::Result;

const FILE: &str = include_str!("../../../networks.txt");

/// A network that is trained on random data.
pub struct Network {
    /// The shape of a sample, channels last.
    pub shape: Vec<usize>,
    /// The number of rows in a batch.
    pub batch: usize,
    /// The number of steps in an epoch.
    pub steps: usize,
    pub layers: Vec<Layer>,
}

/// A layer: its kind and its sizes.
pub struct Layer {
    pub kind: String,
    pub sizes: Vec<usize>,
}

impl Network {
    /// Finds a network by its name.
    pub fn named(name: &str) -> Result<Network> {
        let words = |line: &'static str| line.split_whitespace();
        let line = FILE.lines().find(|line| words(line).next() == Some(name));
        let mut words = words(line.ok_or_else(|| format!("unknown network {name}"))?).skip(1);
        let mut next = || words.next().ok_or("its line in networks.txt is too short");
        let (shape, batch, steps) = (numbers(next()?, 'x')?, next()?.parse()?, next()?.parse()?);
        Ok(Network { shape, batch, steps, layers: words.map(layer).collect::<Result<_>>()? })
    }

    /// Whether the loss compares the output with the input.
    pub fn reproduces(&self) -> bool {
        self.layers.last().is_some_and(|layer| layer.kind == "reproduce")
    }
}

fn layer(text: &str) -> Result<Layer> {
    let (kind, sizes) = text.split_once(':').unwrap_or((text, ""));
    let sizes = if sizes.is_empty() { Vec::new() } else { numbers(sizes, ':')? };
    Ok(Layer { kind: kind.to_owned(), sizes })
}

fn numbers(text: &str, separator: char) -> Result<Vec<usize>> {
    text.split(separator).map(|number| Ok(number.parse()?)).collect()
}
