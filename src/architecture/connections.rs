//! The connections between the layers of a network.

use super::ValueInfo;
use crate::axis_order::AxisOrder;
use crate::sample_shape::SampleShape;

/// The inputs, calls and outputs of a network. Values are numbered: the inputs first, then the outputs of each call in
/// order. The inputs of a call have smaller numbers than its outputs, so a network has no cycles.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Connections {
    /// Whether the network was described as a `Sequential`: one input, one call of each layer on the previous value, one
    /// output.
    pub(crate) chain: bool,
    pub(crate) inputs: Vec<ValueInfo>,
    pub(crate) calls: Vec<Call>,
    pub(crate) outputs: Vec<Output>,
}

/// A layer applied to values, in an [`Architecture`](super::Architecture).
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub(crate) layer: usize,
    pub(crate) inputs: Vec<usize>,
    pub(crate) values: usize,
}

impl Call {
    /// Creates a call of a layer with one output.
    pub(crate) fn new(layer: usize, inputs: Vec<usize>) -> Call {
        Call { layer, inputs, values: 1 }
    }

    /// The number of the layer in the architecture.
    pub fn layer(&self) -> usize {
        self.layer
    }

    /// The numbers of the values to which the layer is applied.
    pub fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// Number of outputs.
    pub fn values(&self) -> usize {
        self.values
    }
}

/// An output of a network.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) value: usize,
    /// The order of a sample's axes in the file from which the model was loaded.
    pub(crate) axis_order: AxisOrder,
}

/// Maps each value to the call that computes it.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    /// The number of the first value of each call, and the total number of values.
    firsts: Vec<usize>,
}

impl Sources {
    /// The number of the first value of a call.
    pub(super) fn first(&self, call: usize) -> usize {
        self.firsts[call]
    }

    /// The call of which a value is an output, and the value's position among the outputs; `None` for inputs and for
    /// numbers of no value.
    pub(super) fn call_of(&self, value: usize) -> Option<(usize, usize)> {
        let call = self.firsts.partition_point(|first| *first <= value).checked_sub(1)?;
        (call + 1 < self.firsts.len()).then(|| (call, value - self.firsts[call]))
    }
}

/// The names of the input and the output of a sequential network. Its files do not contain them.
const CHAIN_INPUT: &str = "input";
const CHAIN_OUTPUT: &str = "output";

impl Output {
    /// Creates an output whose axis order is channels last.
    pub(crate) fn new(name: impl Into<String>, value: usize) -> Output {
        Output { name: name.into(), value, axis_order: AxisOrder::CHANNELS_LAST }
    }
}

impl Connections {
    /// The connections of a sequential network with this number of layers.
    pub(crate) fn chain(input: impl Into<SampleShape>, layers: usize) -> Connections {
        Connections {
            chain: true,
            inputs: vec![ValueInfo::new(CHAIN_INPUT, input)],
            calls: (0..layers).map(|layer| Call::new(layer, vec![layer])).collect(),
            outputs: vec![Output::new(CHAIN_OUTPUT, layers)],
        }
    }

    /// Maps each value to the call that computes it.
    pub(super) fn sources(&self) -> Sources {
        let mut firsts = vec![self.inputs.len()];
        for call in &self.calls {
            firsts.push(firsts[firsts.len() - 1].saturating_add(call.values));
        }
        Sources { firsts }
    }
}
