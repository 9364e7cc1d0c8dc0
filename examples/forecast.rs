//! Forecast of a time series: `cargo run --example forecast`.
//!
//! A recurrent network reads the numbers of sunspots of 22 years, two cycles of the sun, and predicts that of the next year. Two
//! naive forecasts show what that is worth.

use gradus::data::Arrays;
use gradus::layers::{Dense, Gru};
use gradus::losses::MeanSquaredError;
use gradus::metrics::MeanAbsoluteError;
use gradus::optimizers::Adam;
use gradus::report::{Chart, Notebook};
use gradus::run::{Interrupt, Options, Program};
use gradus::{Compile, Sequential};
use ndarray::{Array2, Array3};
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

/// Years in a window.
const WINDOW: usize = 22;

/// The first year to predict that is not learned.
const FIRST_TEST_YEAR: usize = 1921;

fn main() -> ExitCode {
    Program::new("forecast", "Forecast of sunspots").epochs(150).seed(1).run(train)
}

fn train(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut notebook = Notebook::new("Forecast of the yearly number of sunspots");

    notebook.heading("Load the series");
    let repository = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/sunspots");
    let path = options.data.clone().unwrap_or_else(repository).join("sunspots.csv");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let rows = text.lines().skip(1).map(|line| line.split_once(',').ok_or("a line without a number"));
    let (mut years, mut counts) = (Vec::<usize>::new(), Vec::<f32>::new());
    for row in rows {
        let (year, count) = row?;
        years.push(year.parse()?);
        counts.push(count.parse()?);
    }
    let points: Vec<(f64, f64)> =
        years.iter().zip(&counts).map(|(year, count)| (*year as f64, f64::from(*count))).collect();
    notebook.chart(&Chart::new("Sunspots").x_label("year").y_label("number").points("number of sunspots", &points));

    notebook.heading("Cut it into windows and the year after each"); // the test years come last, and their numbers are never learned
    let learned = years.iter().take_while(|year| **year < FIRST_TEST_YEAR).count();
    let mean = counts[..learned].iter().sum::<f32>() / learned as f32;
    let variance = counts[..learned].iter().map(|count| (count - mean).powi(2)).sum::<f32>() / learned as f32;
    let scale = variance.sqrt();
    let windows = |targets: std::ops::Range<usize>| {
        let value = |at: usize| (counts[at] - mean) / scale;
        let x = Array3::from_shape_fn((targets.len(), WINDOW, 1), |(row, step, _)| {
            value(targets.start + row + step - WINDOW)
        });
        (x, Array2::from_shape_fn((targets.len(), 1), |(row, _)| value(targets.start + row)))
    };
    let last = learned.min(WINDOW.saturating_add(options.limit));
    let ((x, y), (test_x, test_y)) = (windows(WINDOW..last), windows(learned..counts.len()));
    notebook.show(format!("{} windows for training, {} for the test", x.dim().0, test_x.dim().0));

    notebook.heading("Train");
    let network = Sequential::new((None, 1)).add(Gru::new(32)).add(Dense::new(1)); // windows of any length
    notebook.show(network.summary()?);
    let settings = Compile::new(Adam::new(0.003), MeanSquaredError).metric(MeanAbsoluteError);
    let mut model = network.compile(options.compile(settings))?;
    let mut interrupt = Interrupt::new()?;
    let history = model.fit(&Arrays::new(&x, &y)?, options.fit().batch_size(16).callback(&mut interrupt))?;
    notebook.history(&history);

    notebook.heading("Forecast the test years");
    let predicted: Vec<f32> = model.predict(&test_x)?.iter().map(|value| value * scale + mean).collect();
    let actual = &counts[learned..];
    let error = |forecast: &dyn Fn(usize) -> f32| {
        let errors = actual.iter().enumerate().map(|(row, actual)| (actual - forecast(row)).abs());
        errors.sum::<f32>() / actual.len() as f32
    };
    notebook.show(format!(
        "Mean absolute error in sunspots: network {:.1}, number of the year before {:.1}, of 11 years before {:.1}",
        error(&|row| predicted[row]),
        error(&|row| counts[learned + row - 1]),
        error(&|row| counts[learned + row - 11]),
    ));
    let forecast: Vec<(f64, f64)> =
        years[learned..].iter().zip(&predicted).map(|(year, count)| (*year as f64, f64::from(*count))).collect();
    let chart = Chart::new("Forecasts of one year").x_label("year").y_label("number");
    notebook.chart(&chart.points("number of sunspots", &points[learned..]).points("forecast", &forecast));

    let scores = model.evaluate(&Arrays::new(&test_x, &test_y)?)?;
    model.save(options.out.join("model.safetensors"))?;
    history.write_csv(options.out.join("history.csv"))?;
    notebook.write(options.out.join("report.html"))?;
    println!("\ntest {scores}\nweights: sha256 {}", model.params().sha256());
    Ok(())
}
