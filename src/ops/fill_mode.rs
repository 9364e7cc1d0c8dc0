//! The names of the modes that fill positions outside an image.

use crate::error::Result;
use crate::kernels::sampling::FillMode;
use crate::settings::Settings;

/// All modes, with their names in Keras.
const ALL: [(&str, FillMode); 4] = [
    ("constant", FillMode::Constant),
    ("reflect", FillMode::Reflect),
    ("wrap", FillMode::Wrap),
    ("nearest", FillMode::Nearest),
];

impl FillMode {
    /// The name in Keras.
    pub(crate) fn name(self) -> &'static str {
        ALL.iter().find(|(_, mode)| *mode == self).map_or("", |(name, _)| name)
    }

    /// Reads the setting `name` of a layer.
    pub(crate) fn read(settings: &mut Settings<'_>, name: &str) -> Result<FillMode> {
        settings.one_of(name, &ALL)
    }
}
