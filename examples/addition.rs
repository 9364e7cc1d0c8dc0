//! Addition of numbers of two digits as a translation of sequences of characters, after the example `addition_rnn` of Keras:
//! `cargo run --example addition`.

use gradus::data::Arrays;
use gradus::layers::{Activation, Dense, Lstm, RepeatVector};
use gradus::losses::SparseCategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::Adam;
use gradus::report::Notebook;
use gradus::run::{Interrupt, Options, Program};
use gradus::{Compile, Key, Sequential};
use ndarray::{Array2, Array3};
use std::error::Error;
use std::process::ExitCode;

const CHARACTERS: &[u8] = b"0123456789+ ";

/// Characters of a question, such as `12+34`, and of an answer.
const QUESTION: usize = 5;
const ANSWER: usize = 3;

/// The hidden units of both recurrent layers.
const UNITS: usize = 128;

fn main() -> ExitCode {
    Program::new("addition", "Addition as a translation of sequences of characters").epochs(55).seed(1).run(train)
}

/// A question, padded with spaces and reversed, which makes learning easier, and its answer.
fn sum(a: usize, b: usize) -> (String, String) {
    let question = format!("{:<QUESTION$}", format!("{a}+{b}"));
    (question.chars().rev().collect(), format!("{:<ANSWER$}", a + b))
}

fn class(character: u8) -> usize {
    CHARACTERS.iter().position(|known| *known == character).expect("one of the characters")
}

/// One-hot characters of the questions, and the classes of the characters of the answers.
fn encode(sums: &[(String, String)]) -> (Array3<f32>, Array2<u8>) {
    let character = |row: usize, step: usize| class(sums[row].0.as_bytes()[step]);
    let questions = Array3::from_shape_fn((sums.len(), QUESTION, CHARACTERS.len()), |(row, step, number)| {
        f32::from(u8::from(character(row, step) == number))
    });
    let answers = Array2::from_shape_fn((sums.len(), ANSWER), |(row, step)| class(sums[row].1.as_bytes()[step]) as u8);
    (questions, answers)
}

fn train(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut notebook = Notebook::new("Addition as a translation of sequences of characters");

    notebook.heading("Write all sums of two numbers below 100, in random order");
    let pairs = (0..100).flat_map(|a| (a..100).map(move |b| (a, b)));
    let mut sums: Vec<(String, String)> = pairs.map(|(a, b)| sum(a, b)).collect();
    Key::from_seed(options.seed).split_name("sums").draws(0).shuffle(&mut sums);
    sums.truncate(options.limit);
    let (learned, others) = sums.split_at(sums.len() * 9 / 10);
    notebook.show(format!("{} sums for training, {} for validation", learned.len(), others.len()));
    let line = |(question, answer): &(String, String)| format!("\"{question}\" → \"{answer}\"");
    notebook.show(learned.iter().take(3).map(line).collect::<Vec<_>>().join("\n"));

    notebook.heading("Build the network");
    let network = Sequential::new([QUESTION, CHARACTERS.len()])
        .add(Lstm::new(UNITS)) // reads the question and keeps its meaning in the last state
        .add(RepeatVector::new(ANSWER))
        .add(Lstm::new(UNITS).return_sequences(true)) // writes the answer
        .add(Dense::new(CHARACTERS.len()).activation(Activation::Softmax));
    notebook.show(network.summary()?);

    notebook.heading("Train");
    let (x, y) = encode(learned);
    let (others_x, others_y) = encode(others);
    let (data, validation) = (Arrays::new(&x, &y)?, Arrays::new(&others_x, &others_y)?);
    let settings = Compile::new(Adam::default(), SparseCategoricalCrossentropy::new()).metric(Accuracy);
    let mut model = network.compile(options.compile(settings))?;
    let mut interrupt = Interrupt::new()?;
    let history = model.fit(&data, options.fit().validation(&validation).callback(&mut interrupt))?;
    notebook.history(&history);
    let scores = model.evaluate(&validation)?;
    notebook.show(format!("Accuracy of characters: {:.4}", scores.metrics[0].1));

    notebook.heading("Answer questions that were not learned");
    let probabilities = model.predict(&others_x)?;
    let answer = |row: usize| -> String {
        let likely = |step: usize| {
            let of = |class: usize| probabilities[[row, step, class]];
            let best = (1..CHARACTERS.len()).fold(0, |best, class| if of(class) > of(best) { class } else { best });
            char::from(CHARACTERS[best])
        };
        (0..ANSWER).map(likely).collect()
    };
    let right = (0..others.len()).filter(|row| answer(*row) == others[*row].1).count();
    notebook.show(format!("{right} of {} answers are right", others.len()));
    let line = |row: usize| {
        let question: String = others[row].0.chars().rev().collect();
        let mark = if answer(row) == others[row].1 { "right" } else { "wrong" };
        format!("{question} = {} {mark}", answer(row))
    };
    notebook.show((0..others.len().min(10)).map(line).collect::<Vec<_>>().join("\n"));

    model.save(options.out.join("model.safetensors"))?;
    notebook.write(options.out.join("report.html"))?;
    Ok(())
}
