//! A model of what a training step of dense layers costs: a floor, a part for each operation, the work, and the forks.

/// A network of `depth` hidden layers, as wide as its input, and ten outputs, trained in batches.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Rows in a batch.
    pub batch: usize,
    /// Units of each hidden layer, and inputs.
    pub width: usize,
    /// Hidden layers.
    pub depth: usize,
}

/// What a step does: how much there is of each thing that costs. In the order of [`Cost`]'s rates.
type Amounts = [f64; 5];

/// What a kernel does with a weight matrix: multiply-adds, and weights passed over.
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
            // Sixteen columns are multiplied at once, whether they are there or not.
            let multiply_adds = (self.batch * inputs * outputs.next_multiple_of(16)) as f64;
            let products = if number == 0 { 2 } else { 3 };
            (0..products).map(move |_| Kernel { multiply_adds, weights: (inputs * outputs) as f64 })
        });
        kernels.collect()
    }

    /// Multiply-adds of the dense form, without padding.
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

/// Nanoseconds for each thing that costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// A step; an operation; a weight passed over by a kernel; a multiply-add; an element of what layers give.
    pub rates: Amounts,
    /// Handing half of the work to another thread and waiting for it.
    pub fork: f64,
    /// Work that is not cut in two stays below this.
    pub least: f64,
}

impl Cost {
    /// Fits to measured nanoseconds on one thread, and on two.
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

    /// What a step takes on so many threads.
    ///
    /// A kernel that is worth it is cut in two again and again, until every thread has a piece or pieces get too short; the
    /// forks of one level run at the same time. What is left stays on one thread.
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

/// The rates ≥ 0 with the least Σ (row · rates − 1)², by going down one coordinate after the other.
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
