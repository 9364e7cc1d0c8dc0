//! Epochs of a notebook's model: `epoch MODEL [--epochs N] [--threads N] [--limit N] [--wait]` prints a line for each, in the
//! format of the peers. With `--wait`, each line on standard input starts an epoch, and its end exits the program.

use gradus::data::mnist;
use gradus_benches::{Notebook, Options};
use std::error::Error;
use std::io::stdin;

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::given();
    let Some(notebook) = Notebook::ALL.into_iter().find(|notebook| notebook.name() == options.first()) else {
        let known = Notebook::ALL.map(Notebook::name).join(", ");
        return Err(
            format!("epoch MODEL [--epochs N] [--threads N] [--limit N] [--wait]; the models are {known}").into()
        );
    };
    let mut digits = mnist::load(None)?.train;
    let limit = options.number("--limit", usize::MAX)?;
    if limit < digits.labels.len() {
        digits = digits.first(limit);
    }
    let data = notebook.data(&digits)?;
    let mut training = notebook.training(options.number("--threads", 2)?, notebook.batch_size())?;
    for epoch in 1..=options.number("--epochs", 1)? {
        if options.has("--wait") && stdin().read_line(&mut String::new())? == 0 {
            break;
        }
        let (seconds, loss) = training.epoch(&data)?;
        println!("epoch {epoch} seconds {seconds:.4} loss {loss:.4}");
    }
    Ok(())
}
