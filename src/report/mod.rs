//! Reports of training runs: tables of predictions, pictures, charts, and a self-contained HTML page.
//!
//! Charts ([`Chart`], [`Bars`], [`Heatmap`]) are rendered as SVG or as text. A [`Picture`] is shown in a terminal or
//! written as PNG. A [`Page`] is a self-contained HTML file. A [`Notebook`] prints a run on standard output and collects
//! it on a page.

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
pub use terminal::{Colors, Terminal};
