//! Import of graphs with symbolic sizes, which become open axes.
//!
//! The graph is imported for several sizes of all symbolic axes. If all give the same layers, these accept all sizes. Otherwise
//! some settings or constants depend on the size, and the graph becomes a single `OnnxGraph` layer, which computes them for
//! each size. Sizes with the same symbol are not compared: the layers decide which sizes fit together.

use super::import::{Imported, NEEDS_ROWS, graph_input, rows, single_layer};
use super::network::Network;
use super::operators;
use super::run::Graph;
use super::state_rows::with_rows_first;
use super::stored_graph::{CLASS, INPUT_SHAPE};
use crate::{Result, SampleShape, Spec, SpecValue, ValueInfo};

/// The sizes that are tried. Images need at least the reach of their kernels and strides.
const SIZES: [usize; 12] = [8, 16, 32, 64, 128, 256, 512, 1, 2, 3, 5, 7];

/// The other sizes for which a graph that accepts `size` is imported: some with another remainder, as the padding of windows
/// depends on the remainder by the stride, and multiples for graphs that accept only these.
fn further(size: usize) -> [usize; 6] {
    [size + 1, size + 2, size + 3, size + 5, 2 * size, 3 * size]
}

impl Graph {
    /// Converts a graph with symbolic sizes, which become open axes.
    ///
    /// # Errors
    /// The error about unknown sizes if the graph accepts none of those that are tried.
    pub(super) fn import_open(&self) -> Result<Imported> {
        let tried: Vec<_> = SIZES.iter().map(|size| (*size, self.bound(*size))).collect();
        let mut errors = Vec::new();
        let found = tried.into_iter().find_map(|(size, graph)| match graph.import_fixed() {
            Ok(imported) => Some((size, imported)),
            Err(error) => {
                errors.push(error);
                None
            }
        });
        let Some((size, first)) = found else {
            // An error about rows says more than the one about unknown sizes.
            let of_rows = errors.into_iter().find(|error| error.to_string().contains(NEEDS_ROWS));
            return of_rows.map_or_else(|| self.import_fixed(), Err);
        };
        let others: Vec<Imported> =
            further(size).iter().filter_map(|size| self.bound(*size).import_fixed().ok()).collect();
        let network = match others.iter().all(|other| alike(&first.0, &other.0)) {
            _ if others.is_empty() => return self.import_fixed(),
            true => first.0,
            false => match self.single_layer(size, &first.0) {
                Some(network) => network,
                None => return self.import_fixed(),
            },
        };
        let imported = Imported(self.opened(network));
        // The layers may accept no other sizes.
        if imported.architecture().is_err() { self.import_fixed() } else { Ok(imported) }
    }

    /// The graph with this size for each symbolic size except the number of rows.
    fn bound(&self, size: usize) -> Graph {
        let mut graph = self.clone();
        for input in &mut graph.nodes.inputs {
            let sizes = input.sizes.iter_mut().flatten().skip(1);
            sizes.filter(|found| found.is_none()).for_each(|found| *found = Some(size));
        }
        graph
    }

    /// The network of a single layer with the outputs of a network for this size.
    fn single_layer(&self, size: usize, network: &Network) -> Option<Network> {
        // The layer would have the branch for this size.
        if self.nodes.nodes.iter().any(operators::is_conditional) {
            return None;
        }
        let graph = self.bound(size);
        let names: Vec<&str> = network.outputs.iter().map(|output| output.name.as_str()).collect();
        let nodes = graph.nodes.needed_for(&names);
        let nodes = with_rows_first(&nodes).unwrap_or(nodes);
        let given = nodes.inputs.iter().map(|input| graph_input(&nodes, input).ok()).collect::<Option<Vec<_>>>()?;
        let (rows, outputs) = (nodes.inputs.iter().find_map(rows), network.outputs.iter());
        let outputs = outputs.map(|output| (output.name.clone(), output.axis_order)).collect();
        single_layer(nodes, given, rows, outputs).ok()
    }

    /// The network with open axes for the symbolic sizes of its inputs.
    fn opened(&self, mut network: Network) -> Network {
        for value in &mut network.inputs {
            let declared = self.nodes.inputs.iter().find(|input| input.name == value.name());
            let Some(sizes) = declared.and_then(|input| input.sizes.as_ref()) else { continue };
            // The axis in the model of each axis in the file.
            let (order, fixed) = (value.axis_order(), value.shape());
            let places = order.shape_in_file(SampleShape::new(&axes(fixed.rank())).unwrap_or(fixed));
            let mut opened = fixed.sizes().to_vec();
            for (size, place) in sizes.iter().skip(1).zip(places.sizes()) {
                if let (None, Some(place)) = (size, place) {
                    opened[*place] = None;
                }
            }
            let shape = SampleShape::new(&opened).unwrap_or(fixed);
            *value = ValueInfo::new(value.name(), shape).with_axis_order(order);
        }
        network
    }
}

/// The numbers of axes, as sizes.
fn axes(rank: usize) -> Vec<Option<usize>> {
    (0..rank).map(Some).collect()
}

/// Whether two networks have the same layers, except for the sizes of samples in `OnnxGraph` layers.
fn alike(a: &Network, b: &Network) -> bool {
    let layers = |network: &Network| -> Vec<(Spec, Vec<usize>, usize)> {
        let layers = network.layers.iter();
        layers.map(|layer| (without_sizes(layer.layer.spec()), layer.inputs.clone(), layer.outputs)).collect()
    };
    let outputs = |network: &Network| -> Vec<_> {
        network.outputs.iter().map(|output| (output.name.clone(), output.value, output.axis_order)).collect()
    };
    let orders = |network: &Network| -> Vec<_> { network.inputs.iter().map(ValueInfo::axis_order).collect() };
    layers(a) == layers(b) && outputs(a) == outputs(b) && orders(a) == orders(b) && a.arrays == b.arrays
}

/// The settings of a layer without the shapes of samples in the inputs of an `OnnxGraph`.
fn without_sizes(spec: Spec) -> Spec {
    if spec.class() != CLASS {
        return spec;
    }
    let kept = |inner: &Spec| {
        let settings = inner.settings().iter().filter(|(name, _)| name != INPUT_SHAPE);
        settings.fold(Spec::new(inner.class()), |spec, (name, value)| spec.with(name.clone(), value.clone()))
    };
    spec.settings().iter().fold(Spec::new(spec.class()), |found, (name, value)| match value {
        SpecValue::Nested(inner) => found.with(name.clone(), kept(inner)),
        value => found.with(name.clone(), value.clone()),
    })
}
