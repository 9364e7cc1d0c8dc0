//! A training step allocates nothing after the first, on any thread: counted by the allocator itself.
//!
//! One test in a file of its own, so that nothing else runs beside it.

mod notebooks;

use gradus::data::{NextBatch, mnist};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::{Adam, Optimizer, RmsProp, Sgd};
use gradus::tape::{Mode, ParamGradients, Params, Recorder};
use gradus::{BatchEnd, Callback, Compile, Fit, Init, Key, Progress, Sequential, Shape};
use ndarray::Array;
use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, counting.
struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed on to the system's allocator.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::SeqCst);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::SeqCst);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> usize {
    COUNT.load(Ordering::SeqCst)
}

/// Counts from the end of the first step to the end of the last.
#[derive(Default)]
struct Steps {
    after_first: usize,
    after_last: usize,
    steps: usize,
}

impl Callback for Steps {
    fn batch_end(&mut self, batch: &BatchEnd<'_>) -> ControlFlow<()> {
        self.after_last = allocations();
        if batch.batch == 1 {
            self.after_first = self.after_last;
        }
        self.steps = batch.batch;
        ControlFlow::Continue(())
    }
}

fn networks() -> Vec<(&'static str, Sequential, Compile, usize)> {
    let loss = CategoricalCrossentropy::new;
    vec![
        ("dense_linear", notebooks::dense_linear(), Compile::new(Adam::default(), loss()), 100),
        ("lenet5", notebooks::lenet5(), Compile::new(Sgd::new(0.01), loss()), 128),
        ("dropout_mlp", notebooks::dropout_mlp(), Compile::new(RmsProp::default(), loss()), 32),
        ("deep_sigmoid", notebooks::deep_sigmoid(), Compile::new(Sgd::new(0.03), loss()), 32),
    ]
}

/// Lets something live on: a pool's threads allocate when they end, which would be counted for whoever comes next.
fn keep<T>(value: T) {
    std::mem::forget(value);
}

fn check_fit(threads: usize) {
    let digits = mnist::load(None).unwrap().train.first(1000);
    let data = digits.normalized().unwrap().one_hot(10).unwrap();
    for (name, network, settings, batch_size) in networks() {
        // Seven more than whole batches, so that the last one is partial.
        let rows = data.rows(..6 * batch_size + 7).unwrap();
        let mut model = network.compile(settings.metric(Accuracy).threads(threads)).unwrap();
        let mut steps = Steps::default();
        let fit = Fit::new().batch_size(batch_size).progress(Progress::Quiet).callback(&mut steps);
        model.fit(&rows, fit).unwrap();
        keep(model);
        assert_eq!(steps.steps, 7, "{name}");
        assert_eq!(steps.after_last - steps.after_first, 0, "{name} allocates in steps 2 to 7 on {threads} threads");
    }
}

/// The network that is written on the tape: 784 → 200 relu → 10, with random batches of 1000.
fn check_tape(threads: usize) {
    let digits = mnist::load(None).unwrap().train;
    let data = digits.first(3000).normalized().unwrap().one_hot(10).unwrap();
    let mut params = Params::new();
    let init = Init::Normal { mean: 0.5, deviation: 0.7 };
    let mut add = |name: &str, sizes: &[usize]| {
        let values = init.values(Shape::new(sizes).unwrap(), Key::from_seed(1).split_name(name)).unwrap();
        params.add(name, &Array::from_shape_vec(sizes, values).unwrap()).unwrap()
    };
    let ids = [add("w1", &[784, 200]), add("b1", &[200]), add("w2", &[200, 10]), add("b2", &[10])];
    let recorder = Recorder::new(Mode::Training);
    let (x, t) = (recorder.input([1000, 784]), recorder.input([1000, 10]));
    let [w1, b1, w2, b2] = ids.map(|id| recorder.parameter(&params, id));
    let loss = ((x.matmul(w1) + b1).relu().matmul(w2) + b2).softmax_crossentropy(t);
    recorder.minimize(loss);
    let (x, t) = (x.id(), t.id());
    let mut tape = recorder.finish().unwrap();
    let mut gradients = ParamGradients::new(&params);
    let adam = Adam::new(0.001);
    let mut memory = ids.map(|id| [vec![0.0; params.shape(id).len()], vec![0.0; params.shape(id).len()]]);
    let mut batches = NextBatch::new(3000, 1000, Key::from_seed(2)).unwrap();
    let (mut inputs, mut targets) = (vec![0.0; 784_000], vec![0.0; 10_000]);
    let mut after_first = 0;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.broadcast(|_| rayon::yield_now()); // every thread has started
    pool.install(|| {
        for step in 1..=4 {
            gradus::data::Dataset::gather(&data, batches.next_batch(), &mut inputs, &mut targets);
            tape.input_mut(x).iter_mut().zip(&inputs).for_each(|(x, value)| *x = *value);
            tape.input_mut(t).iter_mut().zip(&targets).for_each(|(t, value)| *t = *value);
            tape.run(&params, Key::from_seed(3).split(step));
            tape.backward(&params, &mut gradients);
            for (id, [mean, square]) in ids.into_iter().zip(&mut memory) {
                let gradient = gradients.get(id).unwrap();
                let (mut value, gradient) = (params.get_mut(id), gradient.as_slice().unwrap());
                adam.update(step, 0.001, value.as_slice_mut().unwrap(), gradient, &mut [mean, square]);
            }
            if step == 1 {
                after_first = allocations();
            }
        }
    });
    keep(pool);
    // Views of any number of axes keep their sizes in line up to four, so they do not allocate either.
    assert_eq!(allocations() - after_first, 0, "basic_nn allocates in steps 2 to 4 on {threads} threads");
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
    }
}
