//! A training step does not allocate after the first, on any thread, as counted by the allocator.
//!
//! One test in a separate binary, so that no other test runs in parallel.

#[path = "../notebooks/mod.rs"]
mod notebooks;
mod operations;

use gradus::data::{Arrays, Dataset, NamedArrays, Target, mnist};
use gradus::layers::*;
use gradus::losses::{CategoricalCrossentropy, MeanSquaredError, SparseCategoricalCrossentropy};
use gradus::metrics::Accuracy;
use gradus::ops::Padding;
use gradus::optimizers::{Adam, Clip, RmsProp, Sgd};
use gradus::regularizers::{L1, L2};
use gradus::testing::LayerSample;
use gradus::{BatchEnd, Callback, Compile, Fit, Flow, Graph, Model, Progress, Result, Sequential, Shape};
use ndarray::{Array, Array1, Array2};
use notebooks::BasicNn;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, with a counter.
struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all calls are passed to the system's allocator.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> usize {
    COUNT.load(Ordering::SeqCst)
}

/// Counts from the end of an epoch's first step to the end of its last.
#[derive(Default)]
struct Steps {
    after_first: usize,
    /// Number of epochs that are not counted.
    skipped: u64,
    /// The allocations in all but the first step of each epoch.
    later: usize,
    steps: usize,
}

impl Callback for Steps {
    fn batch_end(&mut self, _: &mut Model, batch: &BatchEnd<'_>) -> Result<Flow> {
        self.steps += 1;
        match (batch.batch, allocations()) {
            (1, now) => self.after_first = now,
            (last, now) if last == batch.batches && batch.epoch > self.skipped => self.later += now - self.after_first,
            _ => {}
        }
        Ok(Flow::Continue(()))
    }
}

fn networks() -> Vec<(&'static str, Sequential, Compile, usize)> {
    let loss = CategoricalCrossentropy::new;
    vec![
        ("dense_linear", notebooks::dense_linear(), Compile::new(Adam::default(), loss()), 100),
        ("lenet5", notebooks::lenet5(), Compile::new(Sgd::new(0.01), loss()), 128),
        ("dropout_mlp", notebooks::dropout_mlp(), Compile::new(RmsProp::default(), loss()), 32),
        ("toolbox", notebooks::toolbox(), Compile::new(Sgd::new(0.01), loss()), 32),
        ("indices", notebooks::indices(), Compile::new(Sgd::new(0.01), loss()), 16),
        ("deep_sigmoid", notebooks::deep_sigmoid(), Compile::new(Sgd::new(0.03), loss()), 32),
    ]
}

/// Leaks a value, because threads of a pool allocate when they end, which the next measurement would count.
fn keep<T>(value: T) {
    std::mem::forget(value);
}

fn check_fit(threads: usize) {
    let digits = mnist::load(None).unwrap().train.first(1000);
    let data = digits.normalized().unwrap().one_hot(10).unwrap();
    for (name, network, settings, batch_size) in networks() {
        // Seven more rows than whole batches, so that the last batch is partial.
        let weighted = data.clone().with_sample_weight((0..1000).map(|row| (row % 3) as f32)).unwrap();
        let data = if name == "toolbox" { &weighted } else { &data };
        let rows = data.rows(..6 * batch_size + 7).unwrap();
        let mut model = network.compile(settings.metric(Accuracy).weighted_metric(Accuracy).threads(threads)).unwrap();
        let mut steps = Steps::default();
        let fit = Fit::new().epochs(2).batch_size(batch_size).validation(data);
        let fit = if name == "indices" { fit.class_weight(3, 0.5) } else { fit };
        let fit = fit.progress(Progress::Quiet).callback(&mut steps);
        model.fit(&rows, fit).unwrap();
        keep(model);
        assert_eq!(steps.steps, 2 * 7, "{name}");
        assert_eq!(steps.later, 0, "{name} allocates in steps 2 to 7 on {threads} threads");
    }
}

/// Two inputs, a shared layer, a skip connection and two outputs, trained by name.
fn check_graph(threads: usize) {
    let mut graph = Graph::new();
    let inputs = ["left", "right"].map(|name| graph.input(name, [20]));
    let encoder = graph.layer("encoder", Dense::new(300).activation(Activation::Relu));
    let [a, b] = inputs.map(|input| graph.apply(encoder, input));
    let hidden = graph.apply(Dense::new(300).activation(Activation::Sigmoid), a);
    let dropped = graph.apply(Dropout::new(0.2), b);
    for (name, from) in [("first", hidden), ("second", dropped), ("third", b)] {
        let output = graph.apply(Dense::new(3).activation(Activation::Softmax), from);
        graph.output(name, output);
    }
    let values = |salt: usize| Array2::from_shape_fn((231, 20), |(i, j)| ((i * 7 + j * salt) % 13) as f32 / 13.0);
    let mut data = NamedArrays::new().with_input("right", values(3)).unwrap().with_input("left", values(5)).unwrap();
    for name in ["first", "second", "third"] {
        data = data.with_target(name, Array1::from_shape_fn(231, |i| (i % 3) as u8)).unwrap();
    }
    let settings = Compile::new(Adam::default(), SparseCategoricalCrossentropy::new()).loss_weight("second", 0.5);
    let mut model = graph.compile(settings.metric_of("first", Accuracy).threads(threads)).unwrap();
    let mut steps = Steps::default();
    let fit = Fit::new().epochs(2).batch_size(32).validation(&data).progress(Progress::Quiet).callback(&mut steps);
    model.fit(&data, fit).unwrap();
    keep(model);
    assert_eq!((steps.steps, steps.later), (2 * 8, 0), "a graph allocates in steps 2 to 8 on {threads} threads");
}

/// Sequences with a mask, with a label for each step and sample weights.
fn check_masks(threads: usize) {
    let network = Sequential::new([9, 30])
        .add(Masking::new(0.0))
        .add(BatchNorm::new())
        .add(Dense::new(3).activation(Activation::Softmax));
    let x = Array::from_shape_fn((231, 9, 30), |(i, j, k)| if j < i % 10 { ((i + 3 * k) % 7) as f32 } else { 0.0 });
    let labels = Array2::from_shape_fn((231, 9), |(i, j)| ((i + j) % 3) as u8);
    let data = Arrays::new(x, labels).unwrap().with_sample_weight((0..231).map(|row| (row % 3) as f32)).unwrap();
    let settings = Compile::new(Adam::default(), SparseCategoricalCrossentropy::new()).threads(threads);
    let mut model = network.compile(settings.metric(Accuracy).weighted_metric(Accuracy)).unwrap();
    let mut steps = Steps::default();
    let fit = Fit::new().epochs(2).batch_size(32).validation(&data).progress(Progress::Quiet).callback(&mut steps);
    model.fit(&data, fit).unwrap();
    keep(model);
    assert_eq!((steps.steps, steps.later), (2 * 8, 0), "masks allocate in steps 2 to 8 on {threads} threads");
}

/// A batch in shards of two sizes, with statistics, penalties and clipping.
fn check_shards(threads: usize) {
    let network = Sequential::new([30])
        .add(Dense::new(300).activation(Activation::Relu).kernel_regularizer(L2::new(0.1)))
        .add(BatchNorm::new())
        .add(Dropout::new(0.2))
        .add(Dense::new(3).activation(Activation::Softmax));
    let x = Array2::from_shape_fn((231, 30), |(i, j)| ((i + 3 * j) % 7) as f32);
    let data = Arrays::new(x, Array1::from_shape_fn(231, |i| (i % 3) as u8)).unwrap();
    let settings = Compile::new(Adam::default().clip(Clip::GlobalNorm(1.0)), SparseCategoricalCrossentropy::new());
    let mut model = network.compile(settings.metric(Accuracy).shards(3).threads(threads)).unwrap();
    let mut steps = Steps::default();
    let fit = Fit::new().epochs(2).batch_size(32).validation(&data).progress(Progress::Quiet).callback(&mut steps);
    model.fit(&data, fit).unwrap();
    keep(model);
    assert_eq!((steps.steps, steps.later), (2 * 8, 0), "shards allocate in steps 2 to 8 on {threads} threads");
}

/// All layers, in the order of their list.
fn layers() -> Vec<LayerSample> {
    let (images, sequences, volumes) = ([16, 15, 4], [60, 16], [7, 8, 9, 3]);
    vec![
        LayerSample::new(Activation::Softmax).input([30]),
        LayerSample::new(Elu::new()).input([500]),
        LayerSample::new(LeakyRelu::new()).input([500]),
        LayerSample::new(PRelu::new()).input([500]),
        LayerSample::new(Relu::new().max_value(6.0)).input([500]),
        LayerSample::new(Softmax::new().axis(1)).input([16, 60]),
        LayerSample::new(Conv1d::new(8, 3).activation(Activation::Relu)).input(sequences),
        LayerSample::new(Conv1dTranspose::new(8, 3).strides(2)).input(sequences),
        LayerSample::new(Conv2d::new(8, 3).activation(Activation::Relu)).input(images),
        LayerSample::new(Conv2d::new(8, 3).dilation_rate(2).groups(2).padding(Padding::Same)).input(images),
        LayerSample::new(Conv2dTranspose::new(8, 3).strides(2)).input(images),
        LayerSample::new(Conv3d::new(8, 3)).input(volumes),
        LayerSample::new(Conv3dTranspose::new(4, 2).strides(2)).input(volumes),
        LayerSample::new(DepthwiseConv1d::new(3)).input(sequences),
        LayerSample::new(DepthwiseConv2d::new(3).depth_multiplier(2).activation(Activation::Relu)).input(images),
        LayerSample::new(SeparableConv1d::new(8, 3)).input(sequences),
        LayerSample::new(SeparableConv2d::new(8, 3)).input(images),
        LayerSample::new(Dense::new(40).kernel_regularizer(L2::new(0.1))).input([70]),
        LayerSample::new(Embedding::new(5, 40)).values(Array2::from_shape_fn((3, 9), |(i, j)| ((i + j) % 5) as f32)),
        LayerSample::new(Identity).input([500]),
        LayerSample::new(Masking::new(0.0)).input(sequences),
        LayerSample::new(Add).input([9, 7]).input([9, 1]),
        LayerSample::new(Average).input([9, 7]).input([9, 1]),
        LayerSample::new(Concatenate::new()).input([9, 7]).input([9, 2]),
        LayerSample::new(Dot::new([-1, -1])).input([9, 7]).input([8, 7]),
        LayerSample::new(Maximum).input([9, 7]).input([9, 1]),
        LayerSample::new(Minimum).input([9, 7]).input([9, 1]),
        LayerSample::new(Multiply).input([9, 7]).input([9, 1]),
        LayerSample::new(Subtract).input([9, 7]).input([9, 1]),
        LayerSample::new(BatchNorm::new().gamma_regularizer(L1::new(0.1))).input([6, 5]),
        LayerSample::new(GroupNormalization::new(2)).input(images),
        LayerSample::new(LayerNorm::new()).input([16, 60]),
        LayerSample::new(RmsNormalization::new()).input([16, 60]),
        LayerSample::new(SpectralNormalization::new(Conv2d::new(4, 3))).input(images),
        LayerSample::new(UnitNormalization::new()).input([16, 60]),
        LayerSample::new(AdaptiveAveragePool1d::new(7)).input(sequences),
        LayerSample::new(AdaptiveAveragePool2d::new(7)).input(images),
        LayerSample::new(AdaptiveAveragePool3d::new(3)).input(volumes),
        LayerSample::new(AdaptiveMaxPool1d::new(7)).input(sequences),
        LayerSample::new(AdaptiveMaxPool2d::new(7)).input(images),
        LayerSample::new(AdaptiveMaxPool3d::new(3)).input(volumes),
        LayerSample::new(AveragePool1d::new(2)).input(sequences),
        LayerSample::new(AveragePool2d::new(2)).input(images),
        LayerSample::new(AveragePool3d::new(2)).input(volumes),
        LayerSample::new(GlobalAveragePool1d::new()).input(sequences),
        LayerSample::new(GlobalAveragePool2d::new()).input(images),
        LayerSample::new(GlobalAveragePool3d::new()).input(volumes),
        LayerSample::new(GlobalMaxPool1d::new()).input(sequences),
        LayerSample::new(GlobalMaxPool2d::new()).input(images),
        LayerSample::new(GlobalMaxPool3d::new()).input(volumes),
        LayerSample::new(MaxPool1d::new(2)).input(sequences),
        LayerSample::new(MaxPool2d::new(2)).input(images),
        LayerSample::new(MaxPool3d::new(2)).input(volumes),
        LayerSample::new(CenterCrop::new(12, 12)).input(images),
        LayerSample::new(CutMix::new()).input(images),
        LayerSample::new(MixUp::new()).input(images),
        LayerSample::new(Normalization::new()).input(images),
        LayerSample::new(RandomBrightness::new(0.2)).input(images),
        LayerSample::new(RandomContrast::new(0.2)).input(images),
        LayerSample::new(RandomCrop::new(12, 12)).input(images),
        LayerSample::new(RandomElasticTransform::new().factor((1.0, 1.0))).input(images),
        LayerSample::new(RandomErasing::new()).input(images),
        LayerSample::new(RandomFlip::default()).input(images),
        LayerSample::new(RandomRotation::new(0.1)).input(images),
        LayerSample::new(RandomShear::new().x_factor(0.2)).input(images),
        LayerSample::new(RandomTranslation::new(0.2, 0.2)).input(images),
        LayerSample::new(RandomZoom::new(0.2)).input(images),
        LayerSample::new(Rescaling::new(0.5)).input(images),
        LayerSample::new(Resizing::new(20, 12)).input(images),
        LayerSample::new(Bidirectional::new(Gru::new(20))).input(sequences),
        LayerSample::new(ConvLstm2d::new(3, 2)).input([3, 6, 5, 2]),
        LayerSample::new(Gru::new(20)).input(sequences),
        LayerSample::new(Lstm::new(20).dropout(0.2).recurrent_dropout(0.1)).input(sequences),
        LayerSample::new(SimpleRnn::new(20)).input(sequences),
        LayerSample::new(TimeDistributed::new(Dense::new(7))).input(sequences),
        LayerSample::new(ActivityRegularization::new(0.1, 0.2)).input([500]),
        LayerSample::new(AlphaDropout::new(0.5)).input([500]),
        LayerSample::new(Dropout::new(0.5)).input([500]),
        LayerSample::new(GaussianDropout::new(0.5)).input([500]),
        LayerSample::new(GaussianNoise::new(0.5)).input([500]),
        LayerSample::new(SpatialDropout1d::new(0.5)).input(sequences),
        LayerSample::new(SpatialDropout2d::new(0.5)).input(images),
        LayerSample::new(SpatialDropout3d::new(0.5)).input([4, 5, 6, 7]),
        LayerSample::new(Cropping1d::new([1, 2])).input(sequences),
        LayerSample::new(Cropping2d::new(1)).input(images),
        LayerSample::new(Cropping3d::new(1)).input(volumes),
        LayerSample::new(Flatten).input(images),
        LayerSample::new(Permute::new([2, 1])).input(sequences),
        LayerSample::new(RepeatVector::new(5)).input([60]),
        LayerSample::new(Reshape::new([15, 64])).input(images),
        LayerSample::new(UpSampling1d::new(2)).input(sequences),
        LayerSample::new(UpSampling2d::new(2)).input(images),
        LayerSample::new(UpSampling3d::new(2)).input(volumes),
        LayerSample::new(ZeroPadding1d::new([1, 1])).input(sequences),
        LayerSample::new(ZeroPadding2d::default()).input(images),
        LayerSample::new(ZeroPadding3d::new(1)).input(volumes),
    ]
}

/// The entries of the list of a macro such as `layers!` in the source.
fn listed(source: &str, list: &str) -> Vec<String> {
    let list = source.split(&format!("\n{list}! {{")).nth(1).unwrap().split("\n}").next().unwrap();
    // The name of a group is followed by a brace.
    let names = list.split([',', '}']).map(|name| name.rsplit('{').next().unwrap().trim());
    names.filter(|name| !name.is_empty()).map(|name| name.rsplit("::").next().unwrap().to_owned()).collect()
}

/// Counts the allocations of steps after the first.
fn check_steps(what: &str, pool: &rayon::ThreadPool, mut step: impl FnMut() -> Result<()> + Send) {
    let allocated = pool.install(|| {
        step().unwrap();
        let before = allocations();
        (0..3).for_each(|_| step().unwrap());
        allocations() - before
    });
    assert_eq!(allocated, 0, "{what} allocates in steps 2 to 4 on {} threads", pool.current_num_threads());
}

/// Each operation separately, forward and backward.
fn check_operations(pool: &rayon::ThreadPool) {
    let samples = operations::operations();
    let shown: Vec<&str> = samples.iter().map(|(name, _)| *name).collect();
    let mut list = listed(include_str!("../../src/ops/mod.rs"), "operations");
    list.sort();
    assert_eq!(shown, list, "every operation of the list is measured");
    for (name, sample) in samples {
        check_steps(name, pool, sample.steps().unwrap());
    }
}

/// Each layer separately, forward and backward.
fn check_layers(pool: &rayon::ThreadPool) {
    let samples = layers();
    // The first word of `LayerSample(Dense { … } on …)`. Activations are shown by their variant.
    let first = |sample: &LayerSample| {
        let shown = format!("{sample:?}").replace("LayerSample(Softmax on", "LayerSample(Activation on");
        shown["LayerSample(".len()..].split([' ', '(']).next().unwrap().to_owned()
    };
    let mut shown: Vec<String> = samples.iter().map(first).collect();
    shown.dedup();
    let list = listed(include_str!("../../src/layers/mod.rs"), "layers");
    assert_eq!(shown, list, "every layer of the list is measured");
    for sample in samples {
        check_steps(&format!("{sample:?}"), pool, sample.steps().unwrap());
    }
}

/// Sequences of 1 to 9 steps; the target is their number.
struct Lengths;

impl Dataset for Lengths {
    fn len(&self) -> usize {
        90
    }

    fn input_shape(&self) -> Shape {
        Shape::from([9, 3])
    }

    fn open_axes(&self) -> &[usize] {
        &[0]
    }

    fn row_shape(&self, row: usize) -> Shape {
        Shape::from([1 + row / 10, 3])
    }

    fn target(&self) -> Target {
        Target::Values(Shape::from(1))
    }

    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]) {
        inputs.fill(0.0);
        let length = self.batch_shape(rows).len();
        for ((row, input), target) in rows.iter().zip(inputs.chunks_exact_mut(length)).zip(targets) {
            input[..3 * (1 + row / 10)].fill(1.0);
            *target = (1 + row / 10) as f32;
        }
    }
}

/// Rows of different sizes: steps whose plan was recorded in the first epoch.
fn check_open_axes(threads: usize) {
    let network = Sequential::new((None, 3)).add(Conv1d::new(20, 3).padding(Padding::Same)).add(GlobalMaxPool1d::new());
    let settings = Compile::new(Adam::default(), MeanSquaredError::new()).threads(threads);
    let model = network.add(Dense::new(1)).compile(settings).unwrap();
    for split in [0.0, 0.2] {
        let (mut model, mut steps) = (model.clone(), Steps { skipped: 1, ..Steps::default() });
        let fit = Fit::new().epochs(3).batch_size(8).shuffle(false).validation_split(split);
        model.fit(&Lengths, fit.progress(Progress::Quiet).callback(&mut steps)).unwrap();
        keep(model);
        assert_eq!(steps.later, 0, "rows of different sizes allocate in epochs 2 and 3 on {threads} threads");
    }
}

/// The network written on the tape, with random batches of 1000 rows that continue across the end of an epoch.
fn check_tape(threads: usize) {
    let digits = mnist::load(None).unwrap().train.first(2500);
    let data = digits.normalized().unwrap().one_hot(10).unwrap();
    let mut network = BasicNn::new(2500, 1000);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.broadcast(|_| rayon::yield_now()); // every thread has started
    let [after_first, after_last] = pool.install(|| {
        network.step(&data);
        let after_first = allocations();
        let finite = (2..=6).all(|_| network.step(&data).is_finite());
        [after_first, allocations() + usize::from(!finite)]
    });
    keep(pool);
    assert_eq!(after_last - after_first, 0, "basic_nn allocates in steps 2 to 6 on {threads} threads");
}

#[test]
fn later_steps_allocate_nothing() {
    let before = allocations();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.broadcast(|_| drop(std::hint::black_box(vec![1u8; 100])));
    assert!(allocations() > before + 1, "what threads allocate is counted");
    keep(pool);
    for threads in [1, 2] {
        check_fit(threads);
        check_tape(threads);
        check_graph(threads);
        check_open_axes(threads);
        check_masks(threads);
        check_shards(threads);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.broadcast(|_| rayon::yield_now()); // every thread has started
        check_operations(&pool);
        check_layers(&pool);
        keep(pool);
    }
}
