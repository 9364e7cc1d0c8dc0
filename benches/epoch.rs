//! Epochs of a notebook's model or of a network: `epoch MODEL [--epochs N] [--threads N] [--limit N] [--wait]` prints a line
//! for each, in the format of the peers. With `--wait`, each line on standard input starts an epoch, and its end exits the
//! program.

use gradus::data::{Arrays, mnist};
use gradus_benches::{Network, Notebook, Options, Training};
use std::error::Error;
use std::io::stdin;

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::given();
    let (data, mut training) = prepare(&options)?;
    let rows = options.number("--limit", usize::MAX)?;
    let data = data.rows(..rows.min(gradus::data::Dataset::len(&data)))?;
    for epoch in 1..=options.number("--epochs", 1)? {
        if options.has("--wait") && stdin().read_line(&mut String::new())? == 0 {
            break;
        }
        let (seconds, loss) = training.epoch(&data)?;
        println!("epoch {epoch} seconds {seconds:.5} loss {loss:.4}");
    }
    Ok(())
}

/// The data and the model that the first argument names.
fn prepare(options: &Options) -> Result<(Arrays, Training), Box<dyn Error>> {
    let threads = options.number("--threads", 2)?;
    if let Some(notebook) = Notebook::ALL.into_iter().find(|notebook| notebook.name() == options.first()) {
        let data = notebook.data(&mnist::load(None)?.train)?;
        return Ok((data, notebook.training(threads, notebook.batch_size())?));
    }
    let networks = Network::all();
    if let Some(network) = networks.iter().find(|network| network.name == options.first()) {
        let model = Box::new(network.model(threads)?);
        return Ok((network.data()?, Training::Model(model, network.batch_size)));
    }
    let known: Vec<&str> =
        Notebook::ALL.map(Notebook::name).into_iter().chain(networks.iter().map(|network| network.name)).collect();
    Err(format!("epoch MODEL [--epochs N] [--threads N] [--limit N] [--wait]; the models are {}", known.join(", "))
        .into())
}
