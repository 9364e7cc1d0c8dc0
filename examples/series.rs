//! Classification of time series: `cargo run --example series`.
//!
//! The convolutional networks are from Wang, Yan and Oates, "Time Series Classification from Scratch with Deep Neural
//! Networks" (2017). The series are from the dataset GunPoint: a hand either draws a gun or points.

use gradus::architecture::Node;
use gradus::callbacks::ReduceLrOnPlateau;
use gradus::data::Arrays;
use gradus::layers::*;
use gradus::losses::SparseCategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::Adam;
use gradus::report::{Chart, Notebook, Predictions};
use gradus::run::{Interrupt, Options, Program};
use gradus::{Compile, Graph, Sequential};
use ndarray::{Array1, Array3};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const STEPS: usize = 150;

fn main() -> ExitCode {
    let program = Program::new("series", "Time series of GunPoint").epochs(300).seed(1);
    program.choice("network", "the network to train", &["fcn", "resnet", "lstm"]).run(train)
}

fn train(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut notebook = Notebook::new("Classification of the time series of GunPoint");

    notebook.heading("Load the series and their labels");
    let repository = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/gunpoint");
    let folder = options.data.clone().unwrap_or_else(repository);
    let (x, labels) = read(&folder.join("GunPoint_TRAIN.ts"), options.limit)?;
    let (test_x, test_labels) = read(&folder.join("GunPoint_TEST.ts"), usize::MAX)?;
    notebook.text(format!("{} training and {} test series of {STEPS} steps", labels.len(), test_labels.len()));
    let mut chart = Chart::new("The first training series").x_label("step").y_label("horizontal position");
    for (row, label) in labels.iter().enumerate().take(4) {
        let series: Vec<f64> = x.slice(ndarray::s![row, .., 0]).mapv(f64::from).to_vec();
        chart = chart.series(format!("{} {}", ["gun", "point"][usize::from(*label)], row + 1), &series);
    }
    notebook.chart(&chart);
    let (train, test) = (Arrays::new(&x, &labels)?, Arrays::new(&test_x, &test_labels)?);

    notebook.heading("Define the network"); // for series of any length
    let settings = Compile::new(Adam::new(0.001), SparseCategoricalCrossentropy::new()).metric(Accuracy);
    let mut model = match options.choice {
        "resnet" => resnet().compile(options.compile(settings))?,
        "lstm" => lstm().compile(options.compile(settings))?,
        _ => fcn().compile(options.compile(settings))?,
    };
    notebook.show(model.summary());

    notebook.heading("Train"); // the learning rate is halved where the loss stops falling
    let mut plateau = ReduceLrOnPlateau::new("loss").factor(0.5).patience(50).min_learning_rate(1e-4);
    let mut interrupt = Interrupt::new()?;
    let batch = (labels.len() / 10).clamp(1, 16);
    let fit = options.fit().batch_size(batch).callback(&mut plateau).callback(&mut interrupt);
    let history = model.fit(&train, fit)?;
    notebook.history(&history);

    notebook.heading("Evaluate on the test series");
    let classes: Vec<usize> = test_labels.iter().map(|label| usize::from(*label)).collect();
    let predictions = Predictions::new(&classes, &model.predict(&test_x)?)?;
    notebook.confusion(&predictions)?;
    options.finish(&mut notebook, &model, &history, &test, &predictions)?;
    Ok(())
}

/// The fully convolutional network.
fn fcn() -> Sequential {
    let mut network = Sequential::new((None, 1));
    for (filters, kernel) in [(128, 8), (256, 5), (128, 3)] {
        let convolution = Conv1d::new(filters, kernel).padding(Padding::Same);
        network = network.add(convolution).add(BatchNorm::new()).add(Activation::Relu);
    }
    network.add(GlobalAveragePool1d::new()).add(Dense::new(2).activation(Activation::Softmax))
}

/// The residual network: three blocks of three convolutions, and a shortcut around each.
fn resnet() -> Graph {
    let mut graph = Graph::new();
    let mut x = graph.input("series", (None, 1));
    let normalized = |graph: &mut Graph, x: Node, filters: usize, kernel: usize| {
        let y = graph.apply(Conv1d::new(filters, kernel).padding(Padding::Same), x);
        graph.apply(BatchNorm::new(), y)
    };
    for (block, filters) in [64, 128, 128].into_iter().enumerate() {
        let mut y = x;
        for kernel in [8, 5] {
            y = normalized(&mut graph, y, filters, kernel);
            y = graph.apply(Activation::Relu, y);
        }
        y = normalized(&mut graph, y, filters, 3);
        // The last block keeps its number of channels, so its shortcut needs no convolution.
        let shortcut = if block < 2 { normalized(&mut graph, x, filters, 1) } else { graph.apply(BatchNorm::new(), x) };
        let sum = graph.apply(Add, [y, shortcut]);
        x = graph.apply(Activation::Relu, sum);
    }
    let average = graph.apply(GlobalAveragePool1d::new(), x);
    let classes = graph.apply(Dense::new(2).activation(Activation::Softmax), average);
    graph.output("class", classes);
    graph
}

/// Two recurrent layers, of which the second returns its last output.
fn lstm() -> Sequential {
    let network = Sequential::new((None, 1)).add(Lstm::new(32).return_sequences(true)).add(Lstm::new(32));
    network.add(Dense::new(2).activation(Activation::Softmax))
}

/// Reads at most `limit` series, rows × steps × 1, and their labels from 0. A line holds numbers, a colon and a label from 1.
fn read(path: &Path, limit: usize) -> Result<(Array3<f32>, Array1<u8>), Box<dyn Error>> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '@'])).take(limit);
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for row in rows {
        let (series, label) = row.split_once(':').ok_or("a series without a label")?;
        let numbers = series.split(',').map(str::parse).collect::<Result<Vec<f32>, _>>()?;
        values.extend(numbers);
        labels.push(label.trim().parse::<u8>()?.checked_sub(1).ok_or("labels begin at 1")?);
    }
    Ok((Array3::from_shape_vec((labels.len(), STEPS, 1), values)?, labels.into()))
}
