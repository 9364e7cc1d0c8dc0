//! The example as a user meets it: run by cargo, read from the outside.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

fn lenet5(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--example", "lenet5", "--"]).args(arguments);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("gradus-example-{name}-{}", std::process::id()))
}

fn has_four_decimals(number: &str) -> bool {
    number.parse::<f64>().is_ok() && number.split_once('.').is_some_and(|(_, decimals)| decimals.len() == 4)
}

/// index, label, the class of the largest probability, ten probabilities.
fn check_prediction(index: usize, line: &str) {
    let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
    let (head, probabilities) = cells.split_at(3);
    assert_eq!((head[0], probabilities.len()), (index as f64, 10), "{line}");
    assert!((0.0..10.0).contains(&head[1]) && head[1].fract() == 0.0, "{line}");
    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{line}");
    assert!(probabilities.iter().all(|p| *p <= probabilities[head[2] as usize]), "{line}");
}

#[test]
fn a_short_run_shows_and_writes_what_it_says() {
    let out = folder("short");
    let output = lenet5(&["--epochs", "2", "--limit", "256", "--threads", "1", "--out", out.to_str().unwrap()]);
    let (shown, progress) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{progress}");
    assert!(
        shown.chars().all(|letter| letter == '\n' || !letter.is_control()),
        "piped output has no control characters"
    );
    assert!(shown.contains("[[0.   0.   0. ") && shown.contains(" max_pooling2d_1 (MaxPooling2D)"), "{shown}");
    assert!(shown.contains("Total params: 44,300 (173.05 KB)"));
    assert_eq!(progress.lines().count(), 2, "a line for each epoch: {progress}");
    assert!(progress.starts_with("Epoch 1/2 - ") && progress.contains("s - loss: "), "{progress}");
    let last: Vec<&str> = shown.lines().rev().take(2).collect();
    let scores = last[1].strip_prefix("test loss: ").and_then(|line| line.split_once(" - test accuracy: "));
    assert!(
        scores.is_some_and(|(loss, accuracy)| has_four_decimals(loss) && has_four_decimals(accuracy)),
        "{}",
        last[1]
    );
    let digest = last[0].strip_prefix("weights: sha256 ").unwrap();
    assert!(digest.len() == 64 && digest.chars().all(|letter| "0123456789abcdef".contains(letter)), "{digest}");
    let history = fs::read_to_string(out.join("history.csv")).unwrap();
    let header = "epoch,loss,accuracy,val_loss,val_accuracy,seconds,learning_rate";
    assert_eq!((history.lines().next(), history.lines().count()), (Some(header), 3));
    for (number, line) in history.lines().skip(1).enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!((cells[0], &cells[3..5], cells[6]), (&*(number + 1).to_string(), &["", ""][..], "0.01"), "{line}");
        assert!([1, 2, 5].iter().all(|cell| cells[*cell].parse::<f64>().is_ok_and(f64::is_finite)), "{line}");
    }
    let predictions = fs::read_to_string(out.join("predictions.csv")).unwrap();
    assert_eq!(predictions.lines().count(), 10_001);
    assert!(predictions.starts_with("index,label,predicted,p0,p1,p2,p3,p4,p5,p6,p7,p8,p9\n0,7,"));
    predictions.lines().skip(1).enumerate().for_each(|(index, line)| check_prediction(index, line));

    let again = lenet5(&["--epochs=2", "--limit=256", "--threads=2", "--quiet", "--out", out.to_str().unwrap()]);
    assert_eq!(text(&again.stdout).lines().last(), Some(last[0]), "threads do not change a bit");
    assert_eq!(text(&again.stderr), "", "--quiet is quiet");
    fs::remove_dir_all(out).unwrap();
}

#[test]
fn a_mistake_on_the_command_line_is_one_line_and_code_2() {
    for arguments in [&["--epoch", "2"][..], &["--epochs", "many"], &["--seed"], &["5"]] {
        let output = lenet5(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stderr).lines().count(), 1, "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
    let help = lenet5(&["--help"]);
    assert!(help.status.success() && text(&help.stdout).contains("--threads N"));
    let missing = lenet5(&["--data", "nowhere"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("nowhere"), "{}", text(&missing.stderr));
}
