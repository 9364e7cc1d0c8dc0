//! Whole epochs of a notebook's model: `epoch MODEL [--epochs N] [--threads N]`, a line for each, as the peers print it.

use gradus::data::mnist;
use gradus_benches::Notebook;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: usize| -> Result<usize, Box<dyn Error>> {
        let value = arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1));
        value.map_or(Ok(default), |value| value.parse().map_err(|_| format!("{name} {value} is not a number").into()))
    };
    let name = arguments.first().map_or("", String::as_str);
    let Some(notebook) = Notebook::ALL.into_iter().find(|notebook| notebook.name() == name) else {
        let known = Notebook::ALL.map(Notebook::name).join(", ");
        return Err(format!("epoch MODEL [--epochs N] [--threads N]; the models are {known}").into());
    };
    let data = notebook.data(&mnist::load(None)?.train)?;
    let mut training = notebook.training(number("--threads", 2)?, notebook.batch_size())?;
    for epoch in 1..=number("--epochs", 1)? {
        let (seconds, loss) = training.epoch(&data)?;
        println!("epoch {epoch} seconds {seconds:.4} loss {loss:.4}");
    }
    Ok(())
}
