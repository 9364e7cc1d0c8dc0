//! What people look at: arrays and predictions as tables, pictures, charts, and a whole run as one page.
//!
//! Charts are SVG and plain text; pictures are shown in a terminal and, with the feature `report`, written as PNG. With it
//! come also `Page`, a self-contained HTML file, and `Notebook`, which shows a run on standard output and as a page.

mod bars;
mod chart;
mod general;
mod heatmap;
mod matrix;
#[cfg(feature = "report")]
mod notebook;
#[cfg(feature = "report")]
mod page;
mod picture;
#[cfg(feature = "report")]
mod png;
mod predictions;
mod svg;
mod terminal;

pub use bars::Bars;
pub use chart::Chart;
pub use general::general;
pub use heatmap::Heatmap;
pub use matrix::matrix;
#[cfg(feature = "report")]
pub use notebook::Notebook;
#[cfg(feature = "report")]
pub use page::Page;
pub use picture::{Brightness, Picture};
pub use predictions::Predictions;
pub use terminal::{Colours, Terminal};
