//! What people look at: arrays and predictions as tables, pictures, charts, and a whole run as one page.
//!
//! Charts are SVG and plain text; pictures are shown in a terminal and written as PNG. [`Page`] is a self-contained HTML
//! file, and [`Notebook`] shows a run on standard output and as a page.

mod bars;
mod chart;
mod general;
mod heatmap;
mod matrix;
mod notebook;
mod page;
mod picture;
mod png;
mod predictions;
mod svg;
mod terminal;

pub use bars::Bars;
pub use chart::Chart;
pub use general::general;
pub use heatmap::Heatmap;
pub use matrix::matrix;
pub use notebook::Notebook;
pub use page::Page;
pub use picture::{Brightness, Picture};
pub use predictions::Predictions;
pub use terminal::{Colours, Terminal};
