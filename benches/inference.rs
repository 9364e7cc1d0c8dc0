//! Predictions of the notebooks' models for 1 and 10,000 images, on one thread and on two.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gradus::data::mnist;
use gradus_benches::Notebook;
use ndarray::Axis;
use std::time::Duration;

fn predict(criterion: &mut Criterion) {
    let digits = mnist::load(None).expect("the repository's own digits").test;
    for threads in [1, 2] {
        let mut group = criterion.benchmark_group(format!("predict_{threads}"));
        for notebook in Notebook::ALL {
            let scale = if notebook == Notebook::DeepSigmoid { 1.0 } else { 255.0 };
            let images = digits.images.mapv(|pixel| f32::from(pixel) / scale);
            let model = notebook.model(threads).expect("a notebook's model");
            for rows in [1, 10_000] {
                let images = images.slice_axis(Axis(0), (..rows).into());
                group.throughput(Throughput::Elements(rows as u64));
                group.bench_function(BenchmarkId::new(notebook.name(), rows), |bencher| {
                    bencher.iter(|| model.predict(&images).expect("images fit"));
                });
            }
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(300));
    targets = predict
}
criterion_main!(benches);
