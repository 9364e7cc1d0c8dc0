//! A cost model of a training step of dense layers: a constant, a cost per operation, the work, and the forks.

/// A network with `depth` hidden layers of the width of the input and ten outputs, trained in batches.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Batch size.
    pub batch: usize,
    /// Number of units of each hidden layer, and of inputs.
    pub width: usize,
    /// Number of hidden layers.
    pub depth: usize,
}

/// The amounts of work in a step, in the order of the rates of [`Cost`].
type Amounts = [f64; 5];

/// The work of a kernel on a weight matrix: multiply-adds, and weights accessed.
struct Kernel {
    multiply_adds: f64,
    weights: f64,
}

impl Network {
    /// Inputs and outputs of each layer.
    fn layers(self) -> impl Iterator<Item = [usize; 2]> {
        (0..self.depth).map(move |_| [self.width; 2]).chain([[self.width, 10]])
    }

    /// The products: forward, and the gradients of the weights and, but for the first layer, of the inputs.
    fn kernels(self) -> Vec<Kernel> {
        let kernels = self.layers().enumerate().flat_map(|(number, [inputs, outputs])| {
            // Columns are multiplied in groups of sixteen, padded if necessary.
            let multiply_adds = (self.batch * inputs * outputs.next_multiple_of(16)) as f64;
            let products = if number == 0 { 2 } else { 3 };
            (0..products).map(move |_| Kernel { multiply_adds, weights: (inputs * outputs) as f64 })
        });
        kernels.collect()
    }

    /// Multiply-adds of the dense computation, without padding.
    pub fn multiply_adds(self) -> f64 {
        let layers = self.layers().enumerate();
        layers
            .map(|(number, [inputs, outputs])| (self.batch * inputs * outputs * if number == 0 { 2 } else { 3 }) as f64)
            .sum()
    }

    fn amounts(self) -> Amounts {
        let kernels = self.kernels();
        let elements: usize = self.layers().map(|[_, outputs]| self.batch * outputs).sum();
        [
            1.0,
            (self.depth + 1) as f64,
            kernels.iter().map(|kernel| kernel.weights).sum(),
            kernels.iter().map(|kernel| kernel.multiply_adds).sum(),
            elements as f64,
        ]
    }
}

/// Cost rates in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Per step, per operation, per weight accessed by a kernel, per multiply-add, per element of a layer's output.
    pub rates: Amounts,
    /// A fork and the join.
    pub fork: f64,
    /// Minimum work of a part; shorter kernels are not split.
    pub least: f64,
}

impl Cost {
    /// Fits the rates to measured nanoseconds on one thread and on two.
    pub fn fit(one: &[(Network, f64)], two: &[(Network, f64)]) -> Cost {
        let rows: Vec<Amounts> =
            one.iter().map(|(network, measured)| network.amounts().map(|a| a / measured)).collect();
        let rates = least_squares(&rows);
        let wrong = |cost: &Cost| -> f64 {
            let errors = two.iter().map(|(network, measured)| (cost.nanoseconds(*network, 2) / measured - 1.0).powi(2));
            errors.sum()
        };
        let forks = (0..=160).map(|at| 250.0 * f64::from(at));
        let candidates =
            forks.flat_map(|fork| (1..=40).map(move |at| Cost { rates, fork, least: 5000.0 * f64::from(at) }));
        candidates.min_by(|a, b| wrong(a).total_cmp(&wrong(b))).expect("there are candidates")
    }

    /// Step time in nanoseconds on a number of threads.
    ///
    /// A kernel is split in two repeatedly until every thread has a part or the parts would be too short. The forks of one
    /// level run at the same time. All other work runs on one thread.
    pub fn nanoseconds(&self, network: Network, threads: usize) -> f64 {
        let [step, operation, weight, multiply_add, element] = self.rates;
        let [_, operations, _, _, elements] = network.amounts();
        let products = network.kernels().into_iter().map(|kernel| {
            let whole = kernel.weights * weight + kernel.multiply_adds * multiply_add;
            let (mut pieces, mut forks) = (1.0, 0.0);
            while 2.0 * pieces <= threads as f64 && whole / pieces >= self.least {
                pieces *= 2.0;
                forks += 1.0;
            }
            whole / pieces + forks * self.fork
        });
        step + operation * operations + element * elements + products.sum::<f64>()
    }
}

/// The rates ≥ 0 that minimize Σ (row · rates − 1)², by coordinate descent.
fn least_squares(rows: &[Amounts]) -> Amounts {
    let mut rates = [0.0; 5];
    for _ in 0..20_000 {
        for at in 0..rates.len() {
            let others = |row: &Amounts| -> f64 {
                let products = row.iter().zip(&rates).map(|(amount, rate)| amount * rate);
                products.sum::<f64>() - row[at] * rates[at]
            };
            let along: f64 = rows.iter().map(|row| row[at] * (1.0 - others(row))).sum();
            rates[at] = (along / rows.iter().map(|row| row[at] * row[at]).sum::<f64>()).max(0.0);
        }
    }
    rates
}
