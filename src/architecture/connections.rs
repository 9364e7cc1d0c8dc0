//! How values pass through the layers of a network.

use super::ValueInfo;
use crate::axis_order::AxisOrder;
use crate::shape::Shape;

/// The calls that connect layers. Values are numbered: the inputs first, then the values of each call in order. A call takes
/// only values of smaller numbers, so there are no cycles.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Connections {
    /// Whether it is a `Sequential`'s: one input, each layer called once on the value before, one output.
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
    /// A call of a layer with one output.
    pub(crate) fn new(layer: usize, inputs: Vec<usize>) -> Call {
        Call { layer, inputs, values: 1 }
    }

    /// The number of the layer among those of the architecture.
    pub fn layer(&self) -> usize {
        self.layer
    }

    /// The numbers of the values that the layer is applied to.
    pub fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// The number of values that the call gives: the number of the layer's outputs.
    pub fn values(&self) -> usize {
        self.values
    }
}

/// An output of a network.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) value: usize,
    /// The order of a sample's axes in the file that the model was loaded from.
    pub(crate) axis_order: AxisOrder,
}

/// Which call gives which value.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    /// The number of each call's first value, and the number of all values.
    firsts: Vec<usize>,
}

impl Sources {
    /// The number of a call's first value.
    pub(super) fn first(&self, call: usize) -> usize {
        self.firsts[call]
    }

    /// The call that gives a value, and the value's position among those of the call; `None` for inputs, and for numbers
    /// that no value has.
    pub(super) fn call_of(&self, value: usize) -> Option<(usize, usize)> {
        let call = self.firsts.partition_point(|first| *first <= value).checked_sub(1)?;
        (call + 1 < self.firsts.len()).then(|| (call, value - self.firsts[call]))
    }
}

/// The names of the only input and output of a chain, which its files do not hold.
const CHAIN_INPUT: &str = "input";
const CHAIN_OUTPUT: &str = "output";

impl Output {
    /// An output whose samples have their channels last.
    pub(crate) fn new(name: impl Into<String>, value: usize) -> Output {
        Output { name: name.into(), value, axis_order: AxisOrder::CHANNELS_LAST }
    }
}

impl Connections {
    /// A chain of so many layers.
    pub(crate) fn chain(input: Shape, layers: usize) -> Connections {
        Connections {
            chain: true,
            inputs: vec![ValueInfo::new(CHAIN_INPUT, input)],
            calls: (0..layers).map(|layer| Call::new(layer, vec![layer])).collect(),
            outputs: vec![Output::new(CHAIN_OUTPUT, layers)],
        }
    }

    /// Which call gives which value.
    pub(super) fn sources(&self) -> Sources {
        let mut firsts = vec![self.inputs.len()];
        for call in &self.calls {
            firsts.push(firsts[firsts.len() - 1].saturating_add(call.values));
        }
        Sources { firsts }
    }
}
