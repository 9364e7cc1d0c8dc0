//! The examples as users run them, with cargo.

use crate::notebooks::{BasicNn, Notebook};
use gradus::data::mnist;
use gradus::tape::Params;
use gradus::{Fit, Model, Progress};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::tempdir;

fn run(example: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--example", example, "--"]).args(arguments);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn has_four_decimals(number: &str) -> bool {
    number.parse::<f64>().is_ok() && number.split_once('.').is_some_and(|(_, decimals)| decimals.len() == 4)
}

/// Columns: index, label, the class of the largest probability, ten probabilities.
fn check_prediction(index: usize, line: &str) {
    let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
    let (head, probabilities) = cells.split_at(3);
    assert_eq!((head[0], probabilities.len()), (index as f64, 10), "{line}");
    assert!((0.0..10.0).contains(&head[1]) && head[1].fract() == 0.0, "{line}");
    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{line}");
    assert!(probabilities.iter().all(|p| *p <= probabilities[head[2] as usize]), "{line}");
}

/// Returns the digest in the last line.
fn check_last_lines(shown: &str) -> &str {
    let last: Vec<&str> = shown.lines().rev().take(2).collect();
    let scores = last[1].strip_prefix("test loss: ").and_then(|line| line.split_once(" - test accuracy: "));
    let fits = scores.is_some_and(|(loss, accuracy)| has_four_decimals(loss) && has_four_decimals(accuracy));
    assert!(fits, "{}", last[1]);
    let digest = last[0].strip_prefix("weights: sha256 ").unwrap();
    assert!(digest.len() == 64 && digest.chars().all(|letter| "0123456789abcdef".contains(letter)), "{digest}");
    digest
}

fn check_tables(out: &Path, unit: &str, rows: usize, validated: bool) {
    let history = fs::read_to_string(out.join("history.csv")).unwrap();
    let header = format!("{unit},loss,accuracy,val_loss,val_accuracy,seconds,learning_rate");
    assert_eq!((history.lines().next(), history.lines().count()), (Some(&*header), rows + 1));
    for line in history.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let numbers = cells.iter().enumerate().filter(|(at, _)| validated || ![3, 4].contains(at));
        assert!(numbers.clone().all(|(_, cell)| cell.parse::<f64>().is_ok_and(f64::is_finite)), "{line}");
        assert!(validated || cells[3..5] == ["", ""], "{line}");
    }
    let predictions = fs::read_to_string(out.join("predictions.csv")).unwrap();
    assert_eq!(predictions.lines().count(), 10_001);
    assert!(predictions.starts_with("index,label,predicted,p0,p1,p2,p3,p4,p5,p6,p7,p8,p9\n0,7,"));
    predictions.lines().skip(1).enumerate().for_each(|(index, line)| check_prediction(index, line));
}

/// Checks that the page is well-formed, has all parts, and refers to nothing outside itself.
fn check_report(out: &Path) {
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    let page = page.strip_prefix("<!DOCTYPE html>\n").unwrap();
    let document = roxmltree::Document::parse(page).unwrap();
    let count = |tag: &str| document.descendants().filter(|node| node.has_tag_name(tag)).count();
    assert!(count("h2") >= 4 && count("pre") >= 1 && count("table") == 1 && count("dl") == 1);
    assert!(count("svg") >= 4, "two curves, a prediction's bars, the confusion matrix");
    assert!(count("img") > 20, "digits, and the mistakes");
    assert_eq!(count("script"), 0);
    for node in document.descendants() {
        let links =
            node.attributes().filter(|attribute| ["src", "href", "srcset", "action"].contains(&attribute.name()));
        assert!(links.map(|link| link.value()).all(|link| link.starts_with("data:")), "{:?}", node.tag_name());
        assert!(!node.text().unwrap_or("").contains("url("), "{:?}", node.text());
    }
    for chart in ["loss.svg", "accuracy.svg", "confusion.svg"] {
        roxmltree::Document::parse(&fs::read_to_string(out.join(chart)).unwrap()).unwrap();
    }
}

/// The digest of the weights after an equal training run with the network that other tests have for this example, or `None`
/// if they have none.
fn trained_here(example: &str, arguments: &[&str]) -> Option<String> {
    let number = |name: &str| {
        let at = arguments.iter().position(|word| *word == name).unwrap();
        arguments[at + 1].parse::<usize>().unwrap()
    };
    let (digits, limit) = (mnist::load(None).unwrap().train, number("--limit"));
    if example == "basic_nn" {
        let data = digits.normalized().unwrap().reshaped([784]).unwrap().one_hot(10).unwrap();
        let (rows, mut network) = (data.rows(5000..5000 + limit).unwrap(), BasicNn::new(limit, 1000));
        (0..number("--steps")).for_each(|_| assert!(network.step(&rows).is_finite()));
        return Some(network.params.sha256());
    }
    let notebook = Notebook::ALL.iter().find(|notebook| notebook.name == example)?;
    let (data, mut model) = (notebook.data(&digits.first(limit)), notebook.model(2));
    let settings = Fit::new().epochs(number("--epochs")).batch_size(notebook.batch_size).progress(Progress::Quiet);
    model.fit(&data, settings).unwrap();
    Some(model.params().sha256())
}

/// The file that the notebook saves, which Keras opens.
fn check_keras_file(out: &Path, digest: &str) {
    let model = gradus::formats::keras::load(out.join("mnist_dnn_v1.h5")).unwrap();
    assert_eq!(model.params().sha256(), digest);
}

/// Checks the output and the files of an example, and returns the output.
fn check_run(example: &str, more: &[&str], rows: usize, validated: bool) -> String {
    let folder = tempdir().unwrap();
    let out = folder.path();
    let arguments = [&["--threads", "1", "--out", out.to_str().unwrap()], more].concat();
    let output = run(example, &arguments);
    let (shown, progress) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{progress}");
    let printable = |letter: char| letter == '\n' || !letter.is_control();
    assert!(shown.chars().chain(progress.chars()).all(printable), "piped output has no control characters");
    let digest = check_last_lines(&shown);
    let unit = if example == "basic_nn" { "step" } else { "epoch" };
    check_tables(out, unit, rows, validated);
    check_report(out);
    let model = out.join("model.safetensors");
    let saved = match example {
        "basic_nn" => Params::load(model).unwrap().sha256(),
        _ => {
            assert_eq!(progress.lines().count(), rows, "a line for each epoch: {progress}");
            assert!(progress.starts_with("Epoch 1/") && progress.contains("s - loss: "), "{progress}");
            Model::load(model).unwrap().params().sha256()
        }
    };
    assert_eq!(saved, digest, "the file holds the weights whose digest is shown");
    assert_eq!(trained_here(example, more).unwrap_or(saved), digest, "tests take this network for the example's");
    if example == "deep_sigmoid" {
        check_keras_file(out, digest);
    }
    let again = run(example, &[&["--threads=2", "--quiet", "--out", out.to_str().unwrap()], more].concat());
    assert_eq!(check_last_lines(&text(&again.stdout)), digest, "threads do not change a bit");
    assert_eq!(text(&again.stderr), "", "--quiet is quiet");
    shown
}

fn check_shows(shown: &str, parts: &[&str]) {
    for part in parts {
        assert!(shown.contains(part), "{part:?} is missing in\n{shown}");
    }
}

#[test]
fn dense_linear_prints_the_results_of_its_notebook() {
    let shown = check_run("dense_linear", &["--epochs", "1", "--limit", "500"], 1, false);
    let encoded = "encoded [[0.   0.   0.   0.   0.   1.   0.   0.   0.   0.  ]";
    check_shows(&shown, &["labels  [5, 0, 4]", encoded, "decoded [5, 0, 4]", "Total params: 715,410"]);
    check_shows(
        &shown,
        &["Predictions of the loaded model for 10000 test images: identical bits", "precision  recall     F1"],
    );
}

#[test]
fn lenet5_prints_the_results_of_its_notebook() {
    let shown = check_run("lenet5", &["--epochs", "2", "--limit", "256"], 2, false);
    check_shows(&shown, &["[[0.   0.   0. ", " max_pooling2d_1 (MaxPooling2D)", "Total params: 44,300 (173.05 KB)"]);
    let row = " [0.   0.   0.   0.   0.   0.   0.   0.   0.   0.   0.   0.   0.01 0.07 0.07 0.07 0.49 0.53 0.69 0.1  0.65 1.   0.97 0.5  0.   0.   0.   0.  ]";
    check_shows(&shown, &[row, "[[0.   0.   0.   0.   0.   1.   0.   0.   0.   0.  ]]"]);
}

#[test]
fn dropout_mlp_prints_the_results_of_its_notebook() {
    let shown = check_run("dropout_mlp", &["--epochs", "1", "--limit", "500"], 1, true);
    check_shows(&shown, &["train (500, 28, 28), reshaped (500, 784)", "test (10000, 28, 28), reshaped (10000, 784)"]);
    check_shows(&shown, &["   3  18  18  18 126 136 175  26 166 255 247 127", "label 5", "Total params: 669,706"]);
    check_shows(&shown, &["Test accuracy: 0.", " is incorrect, model predicted "]);
    assert_eq!(shown.lines().filter(|line| line.starts_with("prediction: ")).count(), 10);
}

#[test]
fn basic_nn_prints_the_results_of_its_notebook() {
    let shown = check_run("basic_nn", &["--steps", "60", "--limit", "3000"], 2, true);
    check_shows(
        &shown,
        &["3000 training, 5000 validation and 10000 test images", "Step: 50 error: ", "Step: 60 error: "],
    );
    check_shows(&shown, &["%\nActual: ", " Predicted: "]);
}

#[test]
fn deep_sigmoid_prints_the_results_of_its_notebook() {
    let shown = check_run("deep_sigmoid", &["--epochs", "1", "--limit", "500"], 1, true);
    check_shows(
        &shown,
        &["7\n[[0.   0.   0.   0.   0.   0.   0.   1.   0.   0.  ]]", "[28, 28] → [1, 28, 28] → [1, 10]"],
    );
    check_shows(&shown, &["batch_normalization (BatchNormalization)", "Why did training start slowly?", "a gap of "]);
    check_shows(&shown, &["argmax ", "actual label 7"]);
}

#[test]
fn speedrun_prints_its_time_and_decays_the_learning_rate() {
    let shown = check_run("speedrun", &["--epochs", "1", "--limit", "2000"], 1, false);
    check_shows(&shown, &["Total params: 215,194", "16 steps in "]);
}

#[test]
fn help_lists_the_options() {
    let help = run("lenet5", &["--help"]);
    assert!(help.status.success() && text(&help.stdout).contains("--threads N"));
}

#[test]
fn series_trains_each_network_with_equal_bits_on_any_number_of_threads() {
    for network in ["fcn", "resnet", "lstm"] {
        let digests = ["1", "2"].map(|threads| {
            let folder = tempdir().unwrap();
            let out = folder.path().to_str().unwrap();
            let options = ["--network", network, "--epochs", "2", "--limit", "20", "--threads", threads, "--out", out];
            let output = run("series", &options);
            let shown = text(&output.stdout);
            assert!(output.status.success(), "{}", text(&output.stderr));
            assert!(shown.contains("20 training and 150 test series of 150 steps"), "{shown}");
            let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
            assert!(page.contains("The first training series") && page.contains("Evaluate on the test series"));
            check_last_lines(&shown).to_owned()
        });
        assert_eq!(digests[0], digests[1], "{network}");
    }
    let rejected = run("series", &["--network", "mlp"]);
    assert_eq!(
        text(&rejected.stderr),
        "series: --network must be fcn or resnet or lstm, got \"mlp\"; --help lists the options\n"
    );
}

#[test]
fn forecast_compares_the_network_with_naive_forecasts() {
    let folder = tempdir().unwrap();
    let output = run("forecast", &["--epochs", "1", "--limit", "20", "--out", folder.path().to_str().unwrap()]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(shown.contains("20 windows for training, 88 for the test"), "{shown}");
    let errors = shown.lines().find_map(|line| line.strip_prefix("Mean absolute error in sunspots: network ")).unwrap();
    // Those of the naive forecasts do not depend on the network.
    assert!(errors.contains(", number of the year before ") && errors.split(' ').count() == 12, "{errors}");
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("Forecasts of one year") && folder.path().join("model.safetensors").exists());
}
