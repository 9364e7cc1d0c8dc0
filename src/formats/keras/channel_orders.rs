//! The order of the axes of values in files with `data_format` `channels_first`.

use std::collections::BTreeMap;

/// The values whose channels are last, but not in the file.
#[derive(Debug, Default)]
pub(super) struct ChannelOrders {
    /// The axis of the channels of a sample in the file.
    pub(super) axes: BTreeMap<usize, usize>,
    /// The values with the same elements in another order: with channels last for an axis in the file, or in the order of the
    /// file for none.
    pub(super) reordered: BTreeMap<(usize, Option<usize>), usize>,
    /// Number of layers that reorder axes.
    pub(super) layers: usize,
}
