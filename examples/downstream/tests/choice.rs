//! Tests of a layer chosen at run time.

use downstream::{choice, network};
use std::process::{Command, Output};

fn choose(word: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_choose")).arg(word).output().unwrap()
}

#[test]
fn every_word_names_a_different_layer_that_the_network_accepts() {
    let mut classes = choice::WORDS.map(|word| {
        let model = choice::network(choice::layer(word).unwrap()).compile(network::settings(1)).unwrap();
        model.layers().nth(1).unwrap().spec().to_string()
    });
    classes.sort();
    assert!(classes.windows(2).all(|pair| pair[0] != pair[1]), "{classes:?}");
}

#[test]
fn the_program_trains_with_the_layer_that_is_named() {
    let output = choose("isru");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("isru (Isru)") && text.contains("r2_score"), "{text}");
}

#[test]
fn an_unknown_word_is_an_error_that_lists_the_known_ones() {
    let message = choice::layer("isro").unwrap_err().to_string();
    assert_eq!(message, "unknown word \"isro\"; available: isru, relu, layer_norm, dropout");
    let output = choose("isro");
    assert!(!output.status.success() && String::from_utf8(output.stderr).unwrap().contains("isro"));
}
