//! Transformed values of the tiles of a block: a plane for each element of a patch, a row of channels for each tile.

use super::PLANES;

/// The layout of the planes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planes {
    /// Number of channels.
    pub(super) channels: usize,
    /// Elements between planes.
    pub(super) stride: usize,
}

impl Planes {
    /// Planes for `tiles` tiles.
    pub(super) fn new(tiles: usize, channels: usize) -> Planes {
        let length = (tiles * channels).next_multiple_of(16);
        // With strides of a multiple of 4 KB, the same channels of all planes would share a few lines of the first cache.
        Planes { channels, stride: if length.is_multiple_of(1024) { length + 16 } else { length } }
    }

    /// Elements of all planes.
    pub(super) fn len(self) -> usize {
        PLANES * self.stride
    }

    /// Elements of a patch.
    pub(super) fn patch(self) -> usize {
        PLANES * self.channels
    }

    /// The offset of a tile's channels, starting with `channel`.
    #[inline(always)]
    pub(super) fn at(self, plane: usize, tile: usize, channel: usize) -> usize {
        plane * self.stride + tile * self.channels + channel
    }
}

/// The layouts of the transformed input channels and filters of some tiles.
pub(super) fn block(channels: usize, filters: usize, tiles: usize) -> (Planes, Planes) {
    (Planes::new(tiles, channels), Planes::new(tiles, filters))
}
