//! One training step of each notebook's model with several batch sizes, on MNIST.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gradus::data::{Arrays, mnist};
use gradus_benches::Notebook;
use std::time::Duration;

fn steps(criterion: &mut Criterion) {
    let digits = mnist::load(None).expect("the repository's own digits").train.first(1000);
    let mut group = criterion.benchmark_group("step");
    for notebook in Notebook::ALL {
        let data: Arrays = notebook.data(&digits).expect("digits fit");
        let mut sizes = vec![1, 32, 128, 1000, notebook.batch_size()];
        sizes.sort_unstable();
        sizes.dedup();
        for rows in sizes {
            // Batch normalization rejects batches of one row.
            if rows == 1 && notebook == Notebook::DeepSigmoid {
                continue;
            }
            let batch = data.rows(..rows).expect("there are as many digits");
            let mut training = notebook.training(2, rows).expect("a notebook's model");
            group.throughput(Throughput::Elements(rows as u64));
            group.bench_function(BenchmarkId::new(notebook.name(), rows), |bencher| {
                bencher.iter(|| training.epoch(&batch).expect("the batch fits"));
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(300));
    targets = steps
}
criterion_main!(benches);
