//! Scaling of a training step with batch size, width, depth and threads: measurements, charts, and a cost model that
//! extrapolates to more cores. `scaling FOLDER [--passes N]` writes the charts to the folder and prints Markdown.

mod cost;

use cost::{Cost, Network};
use gradus::data::Arrays;
use gradus::layers::{Activation, Dense};
use gradus::losses::CategoricalCrossentropy;
use gradus::optimizers::Sgd;
use gradus::report::Chart;
use gradus::{Compile, Fit, Progress, Sequential};
use gradus_benches::Options;
use ndarray::{Array1, Array2};
use std::error::Error;
use std::path::Path;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Networks that differ in one size, and held-out networks that the cost model is not fitted to.
const BATCHES: [usize; 9] = [1, 8, 16, 32, 64, 128, 256, 512, 1024];
const WIDTHS: [usize; 8] = [16, 32, 64, 128, 256, 384, 512, 768];
const DEPTHS: [usize; 6] = [1, 2, 4, 8, 12, 16];
const UNSEEN: [[usize; 3]; 8] = [
    [24, 100, 3],
    [100, 400, 2],
    [200, 320, 3],
    [48, 600, 1],
    [384, 192, 5],
    [700, 96, 2],
    [12, 448, 6],
    [150, 48, 10],
];

/// Networks for the extrapolation to more cores. The last one is too large to be measured.
const LARGER: [Network; 4] = [
    Network { batch: 32, width: 512, depth: 2 },
    Network { batch: 128, width: 512, depth: 2 },
    Network { batch: 1024, width: 512, depth: 2 },
    Network { batch: 1024, width: 2048, depth: 4 },
];

const CORES: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Step time in nanoseconds on one thread and on two.
struct Measured {
    network: Network,
    nanoseconds: [f64; 2],
}

/// Measures all networks in several passes and keeps the minimum, so that temporary load affects no result.
fn measure(networks: &[Network], passes: usize) -> Result<Vec<Measured>> {
    let mut all: Vec<Measured> =
        networks.iter().map(|network| Measured { network: *network, nanoseconds: [f64::INFINITY; 2] }).collect();
    for _ in 0..passes {
        for measured in &mut all {
            for (threads, least) in (1..).zip(&mut measured.nanoseconds) {
                *least = least.min(nanoseconds(measured.network, threads)?);
            }
        }
    }
    for Measured { network: Network { batch, width, depth }, nanoseconds } in &all {
        eprintln!("{batch} {width} {depth} {nanoseconds:.0?}");
    }
    Ok(all)
}

/// Step time of the fastest of several epochs of 50 ms each.
fn nanoseconds(network: Network, threads: usize) -> Result<f64> {
    let Network { batch, width, depth } = network;
    let layers = (0..depth)
        .fold(Sequential::new([width]), |layers, _| layers.add(Dense::new(width).activation(Activation::Tanh)));
    let settings = Compile::new(Sgd::new(0.001), CategoricalCrossentropy::new()).threads(threads);
    let mut model = layers.add(Dense::new(10).activation(Activation::Softmax)).compile(settings)?;
    let mut epochs = |steps: usize, epochs: usize| -> Result<Vec<f64>> {
        let rows = batch * steps;
        // Without zeros, which would be skipped.
        let inputs = Array2::from_shape_fn((rows, width), |(i, j)| ((i * 31 + j * 17) % 200) as f32 / 200.0 - 0.4975);
        let data = Arrays::new(inputs, Array1::from_shape_fn(rows, |i| (i % 10) as i64))?.one_hot(10)?;
        let fit = Fit::new().batch_size(batch).epochs(epochs).progress(Progress::Quiet);
        Ok(model.fit(&data, fit)?.epochs.iter().map(|epoch| 1e9 * epoch.seconds / steps as f64).collect())
    };
    let least = |times: Vec<f64>| times.into_iter().fold(f64::INFINITY, f64::min);
    let trial = least(epochs(4, 2)?);
    // At most the number of steps whose inputs take 64 MB.
    let most = (16_000_000 / (batch * width)).clamp(4, 4000);
    let steps = ((5e7 / trial) as usize).clamp(4, most);
    Ok(least(epochs(steps, 3)?))
}

/// Name of a chart, label of its axis, measurements, and the size on the axis.
type Sweep<'a> = (&'a str, &'a str, &'a [Measured], fn(Network) -> usize);

fn main() -> Result<()> {
    let options = Options::given();
    let folder = Path::new(options.first());
    if !folder.is_dir() {
        return Err("usage: scaling FOLDER [--passes N]; the charts are written to FOLDER, which must exist".into());
    }
    let networks: Vec<Network> = [
        BATCHES.map(|batch| Network { batch, width: 256, depth: 2 }).to_vec(),
        WIDTHS.map(|width| Network { batch: 64, width, depth: 2 }).to_vec(),
        DEPTHS.map(|depth| Network { batch: 64, width: 128, depth }).to_vec(),
        UNSEEN.map(|[batch, width, depth]| Network { batch, width, depth }).to_vec(),
        LARGER[..3].to_vec(),
    ]
    .concat();
    let measured = measure(&networks, options.number("--passes", 4)?)?;
    let (seen, unseen) = measured.split_at(BATCHES.len() + WIDTHS.len() + DEPTHS.len());
    let larger = &unseen[UNSEEN.len()..];
    let (batches, rest) = seen.split_at(BATCHES.len());
    let (widths, depths) = rest.split_at(WIDTHS.len());
    let on = |at: usize| seen.iter().map(|measured| (measured.network, measured.nanoseconds[at])).collect::<Vec<_>>();
    let cost = Cost::fit(&on(0), &on(1));

    let sweeps: [Sweep<'_>; 3] = [
        ("batch", "rows in a batch; 256 wide, 2 hidden layers", batches, |network| network.batch),
        ("width", "width; batches of 64, 2 hidden layers", widths, |network| network.width),
        ("depth", "hidden layers; batches of 64, 128 wide", depths, |network| network.depth),
    ];
    for (name, label, sweep, size) in sweeps {
        chart(&cost, label, sweep, size).write_svg(folder.join(format!("{name}.svg")))?;
    }
    threads(&cost, larger).write_svg(folder.join("threads.svg"))?;
    cores(&cost).write_svg(folder.join("cores.svg"))?;
    print_rates(&cost);
    print_errors(&cost, seen, unseen);
    print_cores(&cost, larger);
    print_charts(folder);
    Ok(())
}

/// Chart of the measured and modeled step time in milliseconds.
fn chart(cost: &Cost, label: &str, sweep: &[Measured], size: fn(Network) -> usize) -> Chart {
    let chart = Chart::new("threads:").logarithmic().x_label(label).y_label("ms");
    (0..2).fold(chart, |chart, at| {
        let points = |value: &dyn Fn(&Measured) -> f64| -> Vec<(f64, f64)> {
            sweep.iter().map(|measured| (size(measured.network) as f64, value(measured) / 1e6)).collect()
        };
        let measured = points(&|measured| measured.nanoseconds[at]);
        let modeled = points(&|measured| cost.nanoseconds(measured.network, at + 1));
        chart.points(format!("{}", at + 1), &measured).points(format!("{}, model", at + 1), &modeled)
    })
}

/// Chart of the measured and modeled step time in milliseconds by number of threads.
fn threads(cost: &Cost, measured: &[Measured]) -> Chart {
    let chart = Chart::new("rows:").logarithmic().x_label("threads; 512 wide, 2 hidden layers").y_label("ms");
    measured.iter().fold(chart, |chart, Measured { network, nanoseconds }| {
        let measured = [1.0, 2.0].into_iter().zip(nanoseconds.map(|one| one / 1e6)).collect::<Vec<_>>();
        let modeled = CORES.map(|cores| (cores as f64, cost.nanoseconds(*network, cores) / 1e6));
        chart.points(format!("{}", network.batch), &measured).points("model", &modeled)
    })
}

fn speed_up(cost: &Cost, network: Network, cores: usize) -> f64 {
    cost.nanoseconds(network, 1) / cost.nanoseconds(network, cores)
}

fn cores(cost: &Cost) -> Chart {
    let chart = Chart::new("speed-up").logarithmic().x_label("cores");
    LARGER.into_iter().fold(chart, |chart, network| {
        let points = CORES.map(|cores| (cores as f64, speed_up(cost, network, cores)));
        chart.points(format!("{} × {}", network.batch, network.width), &points)
    })
}

fn print_rates(cost: &Cost) {
    let [step, operation, weight, multiply_add, element] = cost.rates;
    println!("| step | operation | weight in a product | multiply-add | element | fork | minimum work of a part |");
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    println!(
        "| {:.1} µs | {:.1} µs | {weight:.3} ns | {multiply_add:.4} ns ({:.0} GFLOP/s) | {element:.2} ns | {:.1} µs | {:.0} µs |\n",
        step / 1e3,
        operation / 1e3,
        2.0 / multiply_add,
        cost.fork / 1e3,
        cost.least / 1e3
    );
}

/// Prints the errors of the model for the networks it was fitted to and for held-out networks.
fn print_errors(cost: &Cost, seen: &[Measured], unseen: &[Measured]) {
    println!("| networks | threads | mean error | largest error | within 20 % |");
    println!("|---|---:|---:|---:|---:|");
    for (name, measured) in [("fitted", seen), ("held out", unseen)] {
        for threads in [1, 2] {
            let error = |measured: &Measured| {
                (cost.nanoseconds(measured.network, threads) / measured.nanoseconds[threads - 1] - 1.0).abs()
            };
            let errors: Vec<f64> = measured.iter().map(error).collect();
            let mean = errors.iter().sum::<f64>() / errors.len() as f64;
            let largest = errors.iter().copied().fold(0.0, f64::max);
            let within = errors.iter().filter(|error| **error <= 0.2).count();
            println!(
                "| {name} | {threads} | {:.0} % | {:.0} % | {within} of {} |",
                100.0 * mean,
                100.0 * largest,
                errors.len()
            );
        }
    }
    println!();
}

fn print_cores(cost: &Cost, measured: &[Measured]) {
    println!(
        "| batch × width, hidden layers | one core | GFLOP/s | speed-up on 2 cores | measured | 16 cores | 64 cores |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for (at, network) in LARGER.into_iter().enumerate() {
        let one = cost.nanoseconds(network, 1);
        let [two, sixteen, many] = [2, 16, 64].map(|cores| speed_up(cost, network, cores));
        let seen = measured.get(at).map(|measured| measured.nanoseconds[0] / measured.nanoseconds[1]);
        println!(
            "| {} × {}, {} | {:.2} ms | {:.0} | {two:.2} | {} | {sixteen:.1} | {many:.1} |",
            network.batch,
            network.width,
            network.depth,
            one / 1e6,
            2.0 * network.multiply_adds() / one,
            seen.map_or("–".to_owned(), |seen| format!("{seen:.2}"))
        );
    }
}

/// Prints a table with the charts.
fn print_charts(folder: &Path) {
    println!("\n| step time in ms, measured and modeled, by | |\n|---|---|");
    let charts = [
        ("batch size", "batch"),
        ("width", "width"),
        ("depth", "depth"),
        ("threads", "threads"),
        ("modeled speed-up by number of cores", "cores"),
    ];
    for (about, name) in charts {
        println!("| {about} | ![{about}]({}/{name}.svg) |", folder.display());
    }
}
