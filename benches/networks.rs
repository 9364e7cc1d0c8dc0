//! The networks of `networks.txt`, which are trained on random data.

use gradus::architecture::Node;
use gradus::data::Arrays;
use gradus::initializers::{Initializer, RandomNormal, RandomUniform};
use gradus::layers::{
    Activation, Add, BatchNorm, Conv1d, Conv2d, Dense, DepthwiseConv2d, Embedding, Flatten, GlobalAveragePool1d,
    GlobalAveragePool2d, Gru, Lstm, MaxPool2d, Padding,
};
use gradus::losses::{MeanSquaredError, SparseCategoricalCrossentropy};
use gradus::optimizers::Adam;
use gradus::{Compile, Error, Graph, Key, Model, Result, Shape};
use ndarray::{Array, Array1};

/// A network and the data that it is trained on.
#[derive(Clone, Debug)]
pub struct Network {
    /// Name in the file.
    pub name: &'static str,
    /// Shape of a sample.
    pub input: Vec<usize>,
    /// Batch size.
    pub batch_size: usize,
    /// Number of steps in an epoch.
    pub steps: usize,
    layers: Vec<(&'static str, Vec<usize>)>,
}

impl Network {
    /// All networks of the file.
    pub fn all() -> Vec<Network> {
        let lines = include_str!("networks.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(Network::parse).collect()
    }

    fn parse(line: &'static str) -> Network {
        let number = |word: &str| word.parse().unwrap_or_else(|_| panic!("{word} in networks.txt is not a number"));
        let mut words = line.split_whitespace();
        let mut next = || words.next().unwrap_or_else(|| panic!("networks.txt: a word is missing in {line}"));
        let (name, input) = (next(), next().split('x').map(number).collect());
        let (batch_size, steps) = (number(next()), number(next()));
        let layer = |word: &'static str| {
            let (class, sizes) = word.split_once(':').unwrap_or((word, ""));
            (class, sizes.split(':').filter(|size| !size.is_empty()).map(number).collect())
        };
        Network { name, input, batch_size, steps, layers: words.map(layer).collect() }
    }

    fn reproduces(&self) -> bool {
        self.layers.iter().any(|(class, _)| *class == "reproduce")
    }

    /// The number of classes: the units of the last layer.
    fn classes(&self) -> usize {
        self.layers.last().map_or(1, |(_, sizes)| sizes[0])
    }

    /// Random inputs and targets of one epoch.
    ///
    /// # Errors
    /// Returns an error if the file is wrong.
    pub fn data(&self) -> Result<Arrays> {
        let rows = self.batch_size * self.steps;
        let sizes: Vec<usize> = std::iter::once(rows).chain(self.input.iter().copied()).collect();
        let (shape, key) = (Shape::new(&sizes)?, Key::from_seed(1));
        let values = match &*self.layers {
            [("embedding", sizes), ..] => {
                let words = RandomUniform::new(0.0, sizes[0] as f32 - 1.0).values(shape, key)?;
                words.into_iter().map(f32::floor).collect()
            }
            _ => RandomNormal::new(0.0, 1.0).values(shape, key)?,
        };
        let inputs = Array::from_shape_vec(sizes, values).map_err(Error::other)?;
        if self.reproduces() {
            return Arrays::new(inputs.clone(), inputs);
        }
        let labels = RandomUniform::new(0.0, self.classes() as f32).values(Shape::new(&[rows])?, Key::from_seed(2))?;
        let last = self.classes() - 1;
        Arrays::new(inputs, labels.iter().map(|label| last.min(*label as usize) as i64).collect::<Array1<i64>>())
    }

    /// The model, ready to train with this number of threads.
    ///
    /// # Errors
    /// Returns an error if the file is wrong.
    pub fn model(&self, threads: usize) -> Result<Model> {
        let mut graph = Graph::new();
        let mut x = graph.input("x", Shape::new(&self.input)?);
        let mut channels = *self.input.last().expect("a shape has axes");
        for (class, sizes) in &self.layers {
            x = apply(&mut graph, x, class, sizes, &mut channels, self.input.len());
        }
        graph.output("y", x);
        let adam = Adam::default();
        let settings = if self.reproduces() {
            Compile::new(adam, MeanSquaredError)
        } else {
            Compile::new(adam, SparseCategoricalCrossentropy::new().from_logits(true))
        };
        graph.compile(settings.threads(threads))
    }
}

/// Adds a layer of the file to the graph. `channels` is the size of the last axis, and `axes` the number of axes of the input.
fn apply(graph: &mut Graph, x: Node, class: &str, sizes: &[usize], channels: &mut usize, axes: usize) -> Node {
    let stride = |at: usize| sizes.get(at).copied().unwrap_or(1);
    let convolution =
        |filters: usize, side: usize, stride: usize| Conv2d::new(filters, side).strides(stride).padding(Padding::Same);
    match class {
        "dense" => graph.apply(Dense::new(sizes[0]), x),
        "relu" => graph.apply(Activation::Relu, x),
        "tanh" => graph.apply(Activation::Tanh, x),
        "norm" => graph.apply(BatchNorm::new(), x),
        "pool" => graph.apply(MaxPool2d::new(2), x),
        "flatten" => graph.apply(Flatten, x),
        "reproduce" => x,
        "global" if axes == 2 => graph.apply(GlobalAveragePool1d::new(), x),
        "global" => graph.apply(GlobalAveragePool2d::new(), x),
        "embedding" => graph.apply(Embedding::new(sizes[0], sizes[1]), x),
        "lstm" => graph.apply(Lstm::new(sizes[0]), x),
        "gru" => graph.apply(Gru::new(sizes[0]), x),
        "conv1d" => graph.apply(Conv1d::new(sizes[0], sizes[1]).padding(Padding::Same), x),
        "depthwise" => graph.apply(DepthwiseConv2d::new(sizes[0]).strides(stride(1)).padding(Padding::Same), x),
        "conv" => {
            *channels = sizes[0];
            graph.apply(convolution(sizes[0], sizes[1], stride(2)), x)
        }
        "block" => {
            let [filters, step] = [sizes[0], sizes[1]];
            let first = graph.apply(convolution(filters, 3, step), x);
            let first = graph.apply(BatchNorm::new(), first);
            let first = graph.apply(Activation::Relu, first);
            let second = graph.apply(convolution(filters, 3, 1), first);
            let second = graph.apply(BatchNorm::new(), second);
            let shortcut = if step == 1 && *channels == filters {
                x
            } else {
                let narrow = graph.apply(convolution(filters, 1, step), x);
                graph.apply(BatchNorm::new(), narrow)
            };
            *channels = filters;
            let sum = graph.apply(Add, [second, shortcut]);
            graph.apply(Activation::Relu, sum)
        }
        _ => panic!("networks.txt: unknown layer {class}"),
    }
}
