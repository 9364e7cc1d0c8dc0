//! From a file to a network that can be trained on.

use super::chain::{Chain, chain};
use super::check::{Checked, Fact, check, check_size};
use super::graph::{Input, Nodes};
use super::layer::OnnxGraph;
use super::node::Node;
use super::operators;
use super::order;
use super::run::Graph;
use crate::error::{Error, Result};
use crate::model::{Compile, Model, Sequential};
use crate::shape::Shape;
use std::path::Path;
use std::sync::Arc;

/// Reads an ONNX file as a network with its weights. Where a file has several outputs, choose one with
/// [`Graph::output`] and [`Graph::import`].
///
/// ```no_run
/// use gradus::{Compile, formats::onnx, losses::SparseCategoricalCrossentropy, optimizers::Adam};
/// let settings = Compile::new(Adam::default(), SparseCategoricalCrossentropy::new());
/// let model = onnx::import("model.onnx")?.compile(settings)?;
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// Those of [`Graph::load`] and [`Graph::import`].
pub fn import(path: impl AsRef<Path>) -> Result<Imported> {
    Graph::load(path)?.import()
}

/// A network from a file, with its weights.
#[derive(Clone, Debug)]
pub struct Imported {
    network: Sequential,
    /// The weights, in the order in which the layers declare them.
    arrays: Vec<Vec<f32>>,
}

impl Imported {
    /// The layers.
    pub fn network(&self) -> &Sequential {
        &self.network
    }

    /// A model with the file's weights, to predict or to be trained on.
    ///
    /// # Errors
    /// Those of [`Sequential::compile`].
    pub fn compile(&self, settings: Compile) -> Result<Model> {
        let mut model = self.network.compile(settings)?;
        let ids: Vec<_> = model.params().ids().collect();
        let fits = ids.len() == self.arrays.len()
            && ids.iter().zip(&self.arrays).all(|(id, values)| model.params().shape(*id).len() == values.len());
        if !fits {
            return Err(Error::other("the layers declare other weights than the file has"));
        }
        for (id, values) in ids.into_iter().zip(&self.arrays) {
            model.params_mut().values_mut(id).copy_from_slice(values);
        }
        Ok(model)
    }
}

/// The rows that a graph is tried with where the file fixes none; more than 1, so that an axis of 1 is not taken for them.
const ROWS: usize = 2;

impl Graph {
    /// The graph as a network: a chain of this library's layers where there is one for each node, and otherwise an
    /// [`OnnxGraph`], which is one layer. Its images are channels last where convolutions, pooling or normalisation of channels
    /// read them.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with every node that cannot be run, and [`Error::Format`] where the graph has not one input
    /// and one output of floats with a row for each sample.
    pub fn import(&self) -> Result<Imported> {
        let wrong = |problem: String| Error::Format { path: self.path.clone(), problem };
        let unsupported = |parts| Error::Unsupported { path: self.path.clone(), parts };
        let prediction = self.prediction().map_err(|problem| match self.unknown() {
            unknown if unknown.is_empty() => wrong(problem),
            unknown => unsupported(unknown),
        })?;
        let nodes = self.nodes.needed_for(&[&prediction]);
        let [input] = &nodes.inputs[..] else {
            return Err(wrong(format!("its output depends on {} inputs, expected one", nodes.inputs.len())));
        };
        let (sample, order, rows) = sample(input, wants_channels_last(&nodes, &input.name, 0)).map_err(wrong)?;
        let batch = sample.batch(rows.unwrap_or(ROWS)).map_err(|error| wrong(error.to_string()))?;
        check_size(batch.len()).map_err(wrong)?;
        let fact = Fact::Computed(batch, order.clone());
        let rows_here = rows.map(|rows| [rows, rows]);
        let checked = check(&nodes, &[(input.name.clone(), fact)], rows_here);
        if !checked.unsupported.is_empty() {
            return Err(unsupported(checked.unsupported));
        }
        let output = output(&nodes, &checked, batch.axis(0)).map_err(wrong)?;
        if let Some(Chain { network, arrays }) = chain(&nodes, &checked, sample) {
            return Ok(Imported { network, arrays });
        }
        let arrays = checked.weights.iter().map(|weight| weight.values.clone()).collect();
        let (nodes, weights) = (Arc::new(nodes), Arc::new(checked.weights));
        let layer = OnnxGraph { nodes, weights, input: (sample, order), output, rows };
        Ok(Imported { network: Sequential::new(sample).add(layer), arrays })
    }

    /// The nodes whose operators are not known.
    fn unknown(&self) -> Vec<String> {
        self.nodes.nodes.iter().filter(|node| operators::find(node).is_none()).map(Node::to_string).collect()
    }

    /// The output that a model is trained for: the only one of floats. Behind scikit-learn's table of classes
    /// (`ZipMap`) it is what the table is made of.
    fn prediction(&self) -> Result<String, String> {
        let zipped = |name: &str| {
            let node = self.nodes.source(name).filter(|node| node.operator == "ZipMap")?;
            node.inputs.first().cloned()
        };
        let candidates: Vec<String> = self
            .nodes
            .outputs
            .iter()
            .filter_map(|output| if output.floats { Some(output.name.clone()) } else { zipped(&output.name) })
            .collect();
        match &candidates[..] {
            [only] => Ok(only.clone()),
            [] => Err("none of its outputs is an array of floats; choose a value with Graph::output".into()),
            several => Err(format!("it has the outputs {}; choose one with Graph::output", several.join(", "))),
        }
    }
}

/// The shape of one sample, the order in which the axes of a batch lie, and the number of rows if it is fixed.
fn sample(input: &Input, channels_last: bool) -> Result<(Shape, Vec<usize>, Option<usize>), String> {
    let name = &input.name;
    let sizes = input.sizes.as_ref().ok_or_else(|| format!("the shape of its input \"{name}\" is open; fix it"))?;
    let Some((rows, sizes)) = sizes.split_first() else {
        return Err(format!("its input \"{name}\" is one number, expected rows"));
    };
    let open =
        || format!("its input \"{name}\" has an open size beside the number of rows; export it with fixed sizes");
    let sizes = sizes.iter().copied().collect::<Option<Vec<usize>>>().ok_or_else(open)?;
    let order = if channels_last { order::channels_last(sizes.len() + 1) } else { (0..=sizes.len()).collect() };
    let lying: Vec<usize> = order[1..].iter().map(|axis| sizes[axis - 1]).collect();
    Ok((Shape::new(&lying).map_err(|error| error.to_string())?, order, *rows))
}

/// Whether what reads a value wants its channels last: directly, or behind operators that work on single elements.
fn wants_channels_last(nodes: &Nodes, name: &str, depth: usize) -> bool {
    const IMAGES: [&str; 6] =
        ["Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization"];
    const ELEMENTS: [&str; 10] = ["Add", "Sub", "Mul", "Div", "Relu", "Sigmoid", "Tanh", "Identity", "Cast", "Dropout"];
    depth < 8
        && nodes.readers(name).any(|node| {
            let operator = node.operator.as_str();
            let next = || node.outputs.iter().any(|output| wants_channels_last(nodes, output, depth + 1));
            IMAGES.contains(&operator) || (ELEMENTS.contains(&operator) && next())
        })
}

/// The shape of one sample of what comes out, which must have a row for each that comes in.
fn output(nodes: &Nodes, checked: &Checked, rows: usize) -> Result<Shape, String> {
    let name = nodes.outputs.first().map_or("", |output| output.name.as_str());
    match checked.facts.get(name) {
        Some(Fact::Computed(shape, order)) if order.first() == Some(&0) && shape.axis(0) == rows => Ok(shape.sample()),
        Some(Fact::Computed(shape, _)) => {
            Err(format!("its output \"{name}\" is {shape} for {rows} rows; it has not a row for each"))
        }
        _ => Err(format!("its output \"{name}\" does not depend on its input")),
    }
}
