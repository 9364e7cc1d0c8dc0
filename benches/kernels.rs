//! Kernels on the notebooks' shapes: floating-point operations per second for products and convolutions (two for each
//! multiply-add of the dense computation), bytes per second for the others. `RAYON_NUM_THREADS` sets the number of threads.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gradus::Key;
use gradus::bench_kernels::activation::{self, Elementwise};
use gradus::bench_kernels::conv2d::{self, Geometry, RequestedGradients, Scratch};
use gradus::bench_kernels::matmul::{Epilogue, Matrix, matmul, matmul_over_rows};
use gradus::bench_kernels::pool::{self, PoolGeometry};
use gradus::bench_kernels::{dropout, softmax};
use gradus::data::mnist;
use gradus::optimizers::{Adam, Optimizer, ParamSlice, RmsProp, Sgd, Step};
use ndarray::Array2;
use std::time::Duration;

/// Rows, inner dimension and columns of the products in the notebooks' dense layers.
const DENSE: [[usize; 3]; 10] = [
    [100, 784, 600],
    [100, 600, 400],
    [128, 120, 84],
    [32, 784, 512],
    [32, 512, 512],
    [32, 512, 10],
    [1000, 784, 200],
    [1000, 200, 10],
    [32, 784, 200],
    [32, 200, 100],
];

/// The convolutions of LeNet-5 and a larger one: height, width, channels, kernel size, filters.
const CONVOLUTIONS: [[usize; 5]; 4] = [[28, 28, 1, 2, 6], [13, 13, 6, 5, 16], [4, 4, 16, 4, 120], [12, 12, 24, 3, 32]];

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919) % 2003) as f32 / 1001.0 - 1.0).collect()
}

fn matmuls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("matmul");
    for [rows, inner, columns] in DENSE {
        let shape = format!("{rows}x{inner}x{columns}");
        let (x, w, dy) = (numbers(rows * inner), numbers(inner * columns), numbers(rows * columns));
        let (mut y, mut dw, mut dx) = (dy.clone(), w.clone(), x.clone());
        group.throughput(Throughput::Elements((2 * rows * inner * columns) as u64));
        group.bench_function(BenchmarkId::new("forward", &shape), |bencher| {
            bencher
                .iter(|| matmul(Matrix::new(&x, rows, inner), Matrix::new(&w, inner, columns), &mut y, Epilogue::None));
        });
        group.bench_function(BenchmarkId::new("weight", &shape), |bencher| {
            bencher.iter(|| matmul_over_rows(&x, &dy, [rows, inner, columns], &mut dw));
        });
        group.bench_function(BenchmarkId::new("input", &shape), |bencher| {
            let w = Matrix::new(&w, inner, columns).t();
            bencher.iter(|| matmul(Matrix::new(&dy, rows, columns), w, &mut dx, Epilogue::None));
        });
        let [a, b] = [(rows, inner, &x), (inner, columns, &w)]
            .map(|(rows, columns, values)| Array2::from_shape_vec((rows, columns), values.clone()).expect("a matrix"));
        let mut c = Array2::zeros((rows, columns));
        group.bench_function(BenchmarkId::new("forward with matrixmultiply", &shape), |bencher| {
            bencher.iter(|| ndarray::linalg::general_mat_mul(1.0, &a, &b, 0.0, &mut c));
        });
    }
}

/// Zero-skipping products, compared with dense ones, of MNIST images and of random arrays with a share of zeros.
fn zeros(criterion: &mut Criterion) {
    let digits = mnist::load(None).expect("the repository's own digits").train.first(1000);
    let digits: Vec<f32> = digits.images.iter().map(|pixel| f32::from(*pixel) / 255.0).collect();
    let mut group = criterion.benchmark_group("zeros");
    for [rows, columns] in [[32, 512], [100, 600], [1000, 200]] {
        skipping(&mut group, "digits", &digits[..rows * 784], [rows, 784, columns]);
        skipping(&mut group, "dense", &numbers(rows * 784), [rows, 784, columns]);
    }
    for percent in [10, 20, 30, 40, 44, 100] {
        let kept = |(i, x): (usize, f32)| if (i * 7919) % 100 < percent { x } else { 0.0 };
        let x: Vec<f32> = numbers(32 * 512).into_iter().enumerate().map(kept).collect();
        skipping(&mut group, &format!("{percent} %"), &x, [32, 512, 512]);
    }
}

fn skipping(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, x: &[f32], [rows, inner, columns]: [usize; 3]) {
    let (w, dy) = (numbers(inner * columns), numbers(rows * columns));
    let (mut y, mut dw) = (dy.clone(), w.clone());
    group.throughput(Throughput::Elements((2 * rows * inner * columns) as u64));
    let shape = format!("{rows}x{inner}x{columns} {name}");
    group.bench_function(BenchmarkId::new("forward", &shape), |bencher| {
        bencher.iter(|| matmul(Matrix::new(x, rows, inner), Matrix::new(&w, inner, columns), &mut y, Epilogue::None));
    });
    group.bench_function(BenchmarkId::new("weight", &shape), |bencher| {
        bencher.iter(|| matmul_over_rows(x, &dy, [rows, inner, columns], &mut dw));
    });
}

fn convolutions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("conv2d");
    for [height, width, channels, side, filters] in CONVOLUTIONS {
        let output = [height - side + 1, width - side + 1];
        let (batch, kernel, groups) = (128, [side, side], 1);
        let (strides, dilation, padding) = ([1, 1], [1, 1], [0, 0]);
        let geometry =
            Geometry { batch, height, width, channels, kernel, filters, groups, strides, dilation, padding, output };
        let taps = side * side * channels;
        let pixels = batch * output[0] * output[1];
        let (x, w, dy) =
            (numbers(batch * height * width * channels), numbers(taps * filters), numbers(pixels * filters));
        let (mut y, mut dw, mut dx) = (dy.clone(), w.clone(), x.clone());
        let mut scratch = Scratch::new(&geometry, true).unwrap();
        let shape = format!("{height}x{width}x{channels} {side}x{side}x{filters}");
        group.throughput(Throughput::Elements((2 * pixels * taps * filters) as u64));
        group.bench_function(BenchmarkId::new("forward", &shape), |bencher| {
            bencher.iter(|| conv2d::forward(&geometry, &x, &w, None, Elementwise::Linear, &mut y, &mut scratch));
        });
        group.bench_function(BenchmarkId::new("weight", &shape), |bencher| {
            bencher.iter(|| {
                let requested = RequestedGradients { dw: Some(&mut dw), ..RequestedGradients::default() };
                conv2d::backward(&geometry, &x, &w, &dy, requested, &mut scratch);
            });
        });
        group.bench_function(BenchmarkId::new("input", &shape), |bencher| {
            bencher.iter(|| {
                let requested = RequestedGradients { dx: Some(&mut dx), ..RequestedGradients::default() };
                conv2d::backward(&geometry, &x, &w, &dy, requested, &mut scratch);
            });
        });
    }
}

/// Measures `work` on arrays of `bytes` bytes in total.
fn bytes(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, bytes: usize, mut work: impl FnMut()) {
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function(name, |bencher| bencher.iter(&mut work));
}

fn others(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("elementwise");
    let y = numbers(128 * 13 * 13 * 6);
    for kind in [Elementwise::Relu, Elementwise::Sigmoid, Elementwise::Tanh] {
        let mut values = y.clone();
        bytes(&mut group, kind.name(), 8 * y.len(), || activation::forward(kind, &mut values));
    }
    let mut p = vec![0.0; 1280];
    bytes(&mut group, "softmax", 8 * p.len(), || softmax::forward(&y[..1280], 10, &mut p));
    let mut mask = vec![0.0; 32 * 512];
    bytes(&mut group, "dropout", 4 * mask.len(), || dropout::mask(Key::from_seed(1), 0.2, 0, &mut mask));
    drop(group);

    let mut group = criterion.benchmark_group("max_pool2d");
    let sizes = PoolGeometry {
        batch: 128,
        height: 27,
        width: 27,
        channels: 6,
        window: [2, 2],
        strides: [2, 2],
        output: [13, 13],
    };
    let (x, mut pooled, mut at) = (numbers(128 * 27 * 27 * 6), y.clone(), vec![0; y.len()]);
    let mut dx = x.clone();
    bytes(&mut group, "forward", 4 * x.len(), || pool::max_forward(&sizes, &x, &mut pooled, &mut at));
    bytes(&mut group, "input", 4 * x.len(), || pool::max_backward(&sizes, &at, &y, &mut dx));
    drop(group);

    let mut group = criterion.benchmark_group("optimizer");
    let optimizers: [(&str, Box<dyn Optimizer>); 3] = [
        ("sgd", Box::new(Sgd::default())),
        ("rmsprop", Box::new(RmsProp::default())),
        ("adam", Box::new(Adam::default())),
    ];
    for (name, optimizer) in optimizers {
        let (mut value, gradient) = (numbers(669_706), numbers(669_706));
        let mut state: Vec<Vec<f32>> =
            optimizer.initial_state().iter().map(|first| vec![*first; value.len()]).collect();
        // Every array is read, and every array except the gradient is written.
        let traffic = 4 * value.len() * (3 + 2 * state.len());
        bytes(&mut group, name, traffic, || {
            optimizer.update(
                Step::new(1, 1e-3),
                ParamSlice::new(&mut value, &gradient, state.iter_mut().map(Vec::as_mut_slice)),
            );
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(300));
    targets = matmuls, zeros, convolutions, others
}
criterion_main!(benches);
