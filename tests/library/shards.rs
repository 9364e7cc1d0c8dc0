//! Training in shards and by several members: the bits depend on the number of shards and on nothing else.

use crate::child;
use gradus::constraints::MaxNorm;
use gradus::data::{Arrays, Dataset, Sequences};
use gradus::exchange::{Exchange, ThreadExchange};
use gradus::layers::*;
use gradus::losses::{MeanSquaredError, SparseCategoricalCrossentropy};
use gradus::metrics::{Accuracy, History};
use gradus::optimizers::{Adam, Clip, Optimizer, RmsProp, Sgd};
use gradus::regularizers::L2;
use gradus::{
    BatchEnd, Callback, Checkpoints, Compile, EpochEnd, Error, Fit, Flow, Model, Progress, Result, Sequential, Stop,
};
use ndarray::{Array1, Array2, Array3, Array4};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// A network with its optimizer and the number of rows of its training data.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) network: Sequential,
    pub(crate) optimizer: Arc<dyn Optimizer>,
    pub(crate) data: Box<dyn Dataset>,
}

pub(crate) fn images(rows: usize) -> Arrays {
    let x = Array4::from_shape_fn((rows, 6, 6, 1), |(i, j, k, _)| ((7 * i + 3 * j * j + 5 * k) % 11) as f32 / 11.0);
    Arrays::new(x, Array1::from_shape_fn(rows, |i| (i % 3) as u8)).unwrap()
}

pub(crate) fn vectors(rows: usize) -> Arrays {
    let x = Array2::from_shape_fn((rows, 12), |(i, j)| ((7 * i + 5 * j * j) % 13) as f32 / 13.0 - 0.4);
    Arrays::new(x, Array1::from_shape_fn(rows, |i| (i % 3) as u8)).unwrap()
}

/// Sequences of 2 to 7 steps.
fn sequences(rows: usize) -> Sequences {
    let sequence = |i: usize| Array2::from_shape_fn((2 + i % 6, 4), |(j, k)| ((i + 3 * j + 5 * k) % 7) as f32 + 0.5);
    Sequences::new((0..rows).map(sequence).collect::<Vec<_>>(), Array1::from_shape_fn(rows, |i| (i % 3) as u8)).unwrap()
}

pub(crate) fn cases() -> Vec<Case> {
    let softmax = || Dense::new(3).activation(Activation::Softmax);
    let case = |name, network, optimizer, data| Case { name, network, optimizer, data };
    vec![
        case(
            "convolution",
            Sequential::new([6, 6, 1])
                .add(Conv2d::new(4, 3).activation(Activation::Relu))
                .add(Flatten)
                .add(Dense::new(8).kernel_regularizer(L2::new(0.01)).activity_regularizer(L2::new(0.01)))
                .add(softmax()),
            Arc::new(Sgd::new(0.1).momentum(0.9)),
            Box::new(images(53)),
        ),
        case(
            "batch norm",
            Sequential::new([12]).add(Dense::new(9)).add(BatchNorm::new()).add(softmax()),
            Arc::new(RmsProp::default()),
            Box::new(vectors(48)),
        ),
        case(
            "dropout and clipping",
            Sequential::new([12])
                .add(Dense::new(40).activation(Activation::Tanh).kernel_constraint(MaxNorm::new(1.0)))
                .add(Dropout::new(0.3))
                .add(GaussianNoise::new(0.1))
                .add(softmax()),
            Arc::new(Adam::default().clip(Clip::GlobalNorm(0.2))),
            Box::new(vectors(53)),
        ),
        case(
            "recurrence and masks",
            Sequential::new((None, 4))
                .add(Masking::new(0.0))
                .add(Gru::new(5).dropout(0.2).recurrent_dropout(0.2))
                .add(softmax()),
            Arc::new(Adam::default()),
            Box::new(sequences(53)),
        ),
    ]
}

pub(crate) fn compile(case: &Case, shards: usize) -> Model {
    let settings = Compile::new(case.optimizer.clone(), SparseCategoricalCrossentropy::new()).metric(Accuracy);
    case.network.compile(settings.seed(3).shards(shards).threads(1)).unwrap()
}

pub(crate) fn quiet<'a>() -> Fit<'a> {
    Fit::new().epochs(2).batch_size(16).progress(Progress::Quiet)
}

/// The bits of a run: weights, states and scores.
pub(crate) fn bits(model: &Model, history: &History) -> String {
    let scores: Vec<_> = history.epochs.iter().map(|epoch| (&epoch.scores, &epoch.validation)).collect();
    format!("{} {scores:?} {} {}", model.params().sha256(), model.epoch(), model.step())
}

/// Runs `work` on each member of an exchange, and returns the results in order.
pub(crate) fn together<T: Send>(members: usize, work: impl Fn(ThreadExchange) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let work = &work;
        let members = ThreadExchange::members(members).into_iter().map(|member| scope.spawn(move || work(member)));
        let members: Vec<_> = members.collect();
        members.into_iter().map(|member| member.join().unwrap()).collect()
    })
}

#[test]
fn any_number_of_members_has_the_bits_of_one_process() {
    for case in &cases() {
        for shards in [1, 5, 6, 8] {
            let train = |exchange: Option<&mut dyn Exchange>| {
                let mut model = compile(case, shards);
                let fit = quiet().validation(&*case.data);
                let fit = match exchange {
                    Some(exchange) => fit.exchange(exchange),
                    None => fit,
                };
                let history = model.fit(&*case.data, fit).unwrap();
                bits(&model, &history)
            };
            let alone = train(None);
            for members in 1..=8 {
                let found = together(members, |mut exchange| train(Some(&mut exchange)));
                for (member, found) in found.iter().enumerate() {
                    assert_eq!(*found, alone, "{}: {shards} shards, member {member} of {members}", case.name);
                }
            }
        }
    }
}

/// Shards change only the rounding, except with batch normalization.
#[test]
fn several_shards_train_like_one() {
    for case in cases().iter().filter(|case| case.name != "batch norm") {
        let trained = |shards: usize| {
            let mut model = compile(case, shards);
            let history = model.fit(&*case.data, quiet().epochs(1)).unwrap();
            (model, history.get("loss").unwrap()[0], history.get("accuracy").unwrap()[0])
        };
        let (one, loss, accuracy) = trained(1);
        for shards in [2, 5, 16] {
            let (several, found_loss, found_accuracy) = trained(shards);
            approx::assert_relative_eq!(found_loss, loss, max_relative = 1e-4);
            assert_eq!(found_accuracy, accuracy, "{}", case.name);
            for ((name, found), (_, expected)) in several.params().iter().zip(one.params().iter()) {
                for (found, expected) in found.iter().zip(&expected) {
                    assert!((found - expected).abs() < 2e-3, "{} {name}: {found} {expected}", case.name);
                }
            }
        }
    }
}

#[test]
fn accumulated_batches_are_shards() {
    for case in &cases() {
        let trained = |shards: usize, batch_size: usize, accumulate: usize| {
            let mut model = compile(case, shards);
            let fit = quiet().batch_size(batch_size).accumulate(accumulate);
            let history = model.fit(&*case.data, fit).unwrap();
            bits(&model, &history)
        };
        assert_eq!(trained(1, 4, 4), trained(4, 16, 1), "{}", case.name);
        assert_eq!(trained(2, 8, 2), trained(4, 16, 1), "{}", case.name);
        let step = |shards: usize| {
            let mut model = compile(case, shards);
            let scores = model.train_on_batch(&case.data).unwrap();
            (scores, model.params().sha256())
        };
        assert_ne!(step(4).1, step(1).1);
    }
}

#[test]
fn shards_are_saved() {
    let (case, folder) = (&cases()[0], tempfile::tempdir().unwrap());
    let [path, keras] = ["model.safetensors", "model.keras"].map(|name| folder.path().join(name));
    let mut model = compile(case, 6);
    model.fit(&*case.data, quiet()).unwrap();
    model.save(&path).unwrap();
    gradus::formats::keras::save(&model, &keras).unwrap();
    let train = |mut model: Model| {
        assert_eq!(model.shards(), 6);
        model.fit(&*case.data, quiet()).unwrap();
        model.params().sha256()
    };
    let expected = train(model);
    assert_eq!(train(Model::load(&path).unwrap()), expected);
    assert_eq!(train(gradus::formats::keras::load(&keras).unwrap()), expected);
}

#[test]
fn unsuitable_numbers_of_shards_are_errors() {
    let case = &cases()[1];
    let message = |result: Result<History>| result.unwrap_err().to_string();
    let settings = Compile::new(Sgd::new(0.1), SparseCategoricalCrossentropy::new()).shards(0);
    let error = case.network.compile(settings).unwrap_err().to_string();
    assert_eq!(error, "Compile: shards must be at least 1 and at most 65536, got 0");
    let mut model = compile(case, 17);
    let before = model.params().sha256();
    let text = message(model.fit(&*case.data, quiet()));
    assert_eq!(text, "fit: batch_size is 16, expected at least 17, the number of shards");
    let mut model = compile(case, 5);
    assert_eq!(
        message(model.fit(&*case.data, quiet().accumulate(0))),
        "Fit: accumulate must be at least 1, and at most 65536 divided by the number of shards, got 0"
    );
    let text = message(compile(case, 9).fit(&*case.data, quiet()));
    let expected = "batch_normalization: batch_norm: found shape 1 × 9, expected at least two rows for the statistics; choose \
                    a batch size that does not leave a batch, or a shard of a batch, of one row";
    assert_eq!((text.as_str(), model.params().sha256()), (expected, before));
    let network = Sequential::new((None, 4)).add(Gru::new(3).stateful(4));
    let mut model = network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()).shards(2)).unwrap();
    let data = Arrays::new(Array3::<f32>::zeros((8, 3, 4)), Array2::<f32>::zeros((8, 3))).unwrap();
    let text = message(model.fit(&data, quiet().batch_size(4)));
    let problem = "the model has stateful layers, whose states belong to the rows of a whole batch; use one shard";
    assert_eq!(text, format!("Compile::shards: {problem}"));
}

/// Records which rows are gathered.
struct Watched<'a> {
    data: &'a Arrays,
    gathered: std::sync::Mutex<Vec<usize>>,
}

impl Dataset for Watched<'_> {
    fn len(&self) -> usize {
        self.data.len()
    }
    fn input_shape(&self) -> gradus::Shape {
        self.data.input_shape()
    }
    fn target(&self) -> gradus::data::Target {
        self.data.target()
    }
    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]) {
        self.gathered.lock().unwrap().extend(rows);
        self.data.gather(rows, inputs, targets);
    }
    fn gather_targets(&self, rows: &[usize], targets: &mut [f32]) {
        self.data.gather_targets(rows, targets);
    }
}

#[test]
fn members_read_their_rows_and_evaluate_and_predict_together() {
    let (case, data) = (&cases()[0], images(400));
    let model = compile(case, 4);
    let (scores, predictions) = (model.evaluate(&data).unwrap(), model.predict_dataset(&data).unwrap());
    for members in [2, 3, 5] {
        let found = together(members, |mut exchange| {
            let watched = Watched { data: &data, gathered: Default::default() };
            let model = compile(case, 4);
            let found = model.evaluate_with(&watched, &mut exchange).unwrap();
            assert_eq!((found.loss, &found.metrics), (scores.loss, &scores.metrics));
            let evaluated = std::mem::take(&mut *watched.gathered.lock().unwrap());
            assert_eq!(model.predict_dataset_with(&watched, &mut exchange).unwrap(), predictions);
            assert_eq!(*watched.gathered.lock().unwrap(), evaluated);
            evaluated
        });
        assert_eq!(found.concat(), (0..400).collect::<Vec<_>>());
    }
    // A step of 8 rows without shuffling, after 32 rows that identify the dataset.
    let found = together(4, |mut exchange| {
        let watched = Watched { data: &data, gathered: Default::default() };
        compile(case, 4).fit(&watched, quiet().epochs(1).shuffle(false).batch_size(8).exchange(&mut exchange)).unwrap();
        watched.gathered.into_inner().unwrap()
    });
    for (member, rows) in found.iter().enumerate() {
        let own = |row: &usize| row % 8 / 2 == member;
        assert_eq!(rows[32..].to_vec(), (0..400).filter(own).collect::<Vec<_>>());
    }
}

/// The messages of all members, of which member 1 is different.
fn messages(members: usize, fit: impl Fn(bool, &mut ThreadExchange) -> Result<History> + Sync) -> Vec<String> {
    together(members, |mut exchange| fit(exchange.member() == 1, &mut exchange).unwrap_err().to_string())
}

#[test]
fn a_difference_or_an_error_of_one_member_is_an_error_of_all() {
    let case = &cases()[0];
    let same = |messages: Vec<String>, expected: &str| {
        assert_eq!(messages, vec![expected.to_owned(); 3]);
    };
    let batch_size = |other: bool| if other { 8 } else { 16 };
    let found = messages(3, |other, exchange| {
        compile(case, 6).fit(&*case.data, quiet().batch_size(batch_size(other)).exchange(exchange))
    });
    same(found, "member 1: batch_size is 8, expected 16, as on member 0");
    let found = messages(3, |other, exchange| {
        let data = if other { images(52) } else { images(53) };
        compile(case, 6).fit(&data, quiet().exchange(exchange))
    });
    same(found, "member 1: rows is 52, expected 53, as on member 0");
    let found = messages(3, |other, exchange| {
        compile(case, if other { 4 } else { 6 }).fit(&*case.data, quiet().exchange(exchange))
    });
    same(found, "member 1: shards is 4, expected 6, as on member 0");
    let found = messages(3, |other, exchange| {
        let settings = Compile::new(Sgd::new(0.1), SparseCategoricalCrossentropy::new()).shards(6).threads(1);
        let mut model = case.network.compile(settings.seed(u64::from(other))).unwrap();
        model.fit(&*case.data, quiet().exchange(exchange))
    });
    same(found, "member 1: its model differs from that of member 0: it was trained with a different seed");
    let found = messages(3, |other, exchange| {
        let mut model = compile(case, 6);
        if other {
            let first = model.params().ids().next().unwrap();
            model.params_mut().values_mut(first)[0] = 7.0;
        }
        model.fit(&*case.data, quiet().exchange(exchange))
    });
    same(found, "member 1: its weights differ from those of member 0");

    // An error before the comparison, and a fault in the second batch that only member 1 sees.
    let found = messages(3, |other, exchange| {
        let data = if other { vectors(53) } else { images(53) };
        compile(case, 6).fit(&data, quiet().exchange(exchange))
    });
    let own = "inputs per sample: found shape 12, expected 6 × 6 × 1, the model's input; ";
    assert!(found[1].starts_with(own), "{}", found[1]);
    assert_eq!([&found[0], &found[2]], [&format!("member 1: {}", found[1]); 2]);

    let network = Sequential::new([3]).add(Embedding::new(5, 2)).add(Flatten).add(Dense::new(1));
    let x = Array2::from_shape_fn((24, 3), |(i, _)| if i == 16 { 5.0 } else { (i % 5) as f32 });
    let data = Arrays::new(x, Array2::<f32>::zeros((24, 1))).unwrap();
    let train = |exchange: Option<&mut ThreadExchange>| {
        let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new()).shards(6).threads(1);
        let mut model = network.compile(settings).unwrap();
        let fit = quiet().shuffle(false).batch_size(12);
        let error = match exchange {
            Some(exchange) => model.fit(&data, fit.exchange(exchange)).unwrap_err(),
            None => model.fit(&data, fit).unwrap_err(),
        };
        (error.to_string(), model.params().sha256(), model.step())
    };
    let alone = train(None);
    let text = "embedding: row 16 of the dataset: index must be an integer ≥ 0 and < 5, got 5; correct the data";
    assert_eq!((alone.0.as_str(), alone.2), (text, 1));
    for (member, found) in together(3, |mut exchange| train(Some(&mut exchange))).into_iter().enumerate() {
        let text = if member == 1 { text.to_owned() } else { format!("member 1: {text}") };
        assert_eq!(found, (text, alone.1.clone(), 1));
    }
}

/// Fails, stops, lowers the learning rate, or changes the weights.
#[derive(Clone, Copy, PartialEq)]
enum Act {
    Fail,
    Panic,
    Stop,
    Rate,
    Weights,
}

impl Callback for Act {
    fn batch_end(&mut self, model: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        match (*self, model.step()) {
            (Act::Fail, 3) => Err(Error::other("the callback failed")),
            (Act::Panic, 3) => panic!("the callback panicked"),
            (Act::Stop, 3) => Ok(Flow::Break(Stop::Done)),
            (Act::Rate, step) => model.set_learning_rate(0.1 / step as f32).map(Flow::Continue),
            (Act::Weights, 3) => {
                let first = model.params().ids().next().unwrap();
                model.params_mut().values_mut(first).fill(0.5);
                model.optimizer_state_mut().unwrap().array_mut(0, first).unwrap().fill(0.25);
                Ok(Flow::Continue(()))
            }
            _ => Ok(Flow::Continue(())),
        }
    }
    fn epoch_end(&mut self, _: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
        let last = *self == Act::Rate && end.epoch.number == 1;
        Ok(if last { Flow::Break(Stop::Done) } else { Flow::Continue(()) })
    }
}

#[test]
fn decisions_of_callbacks_reach_all_members() {
    let case = &cases()[0];
    let train = |exchange: Option<&mut dyn Exchange>, mut act: Act| {
        let mut model = compile(case, 6);
        let fit = quiet().callback(&mut act);
        let result = match exchange {
            Some(exchange) => model.fit(&*case.data, fit.exchange(exchange)),
            None => model.fit(&*case.data, fit),
        };
        result.map(|history| bits(&model, &history)).map_err(|error| error.to_string())
    };
    for act in [Act::Stop, Act::Rate, Act::Weights] {
        let alone = train(None, act).unwrap();
        for found in together(4, |mut exchange| train(Some(&mut exchange), act)) {
            assert_eq!(found.unwrap(), alone);
        }
    }
    let found = together(3, |mut exchange| train(Some(&mut exchange), Act::Fail).unwrap_err());
    let other = "member 0: the callback failed";
    assert_eq!(found, ["the callback failed", other, other]);
}

#[test]
fn a_panic_of_one_member_ends_all() {
    let case = &cases()[0];
    let members = ThreadExchange::members(3);
    std::thread::scope(|scope| {
        let train = |mut exchange: ThreadExchange| {
            let mut act = Act::Panic;
            compile(case, 6).fit(&*case.data, quiet().callback(&mut act).exchange(&mut exchange)).map(|_| ())
        };
        let members: Vec<_> = members.into_iter().map(|member| scope.spawn(move || train(member))).collect();
        let found: Vec<_> = members.into_iter().map(|member| member.join()).collect();
        assert!(found[0].is_err());
        for found in found.into_iter().skip(1) {
            assert!(matches!(found.unwrap(), Err(Error::Member { .. })));
        }
    });
}

/// A member that is asked to stop after some steps.
pub(crate) struct Asked(pub(crate) ThreadExchange, pub(crate) usize);

impl Exchange for Asked {
    fn member(&self) -> usize {
        self.0.member()
    }
    fn members(&self) -> usize {
        self.0.members()
    }
    fn all_to_all(&mut self, send: &[f32], counts: &[usize], receive: &mut [f32], of: &[usize]) -> Result<()> {
        self.0.all_to_all(send, counts, receive, of)
    }
    fn all_gather(&mut self, message: &[u8]) -> Result<Vec<Vec<u8>>> {
        self.0.all_gather(message)
    }
    fn stop_requested(&mut self) -> bool {
        self.1 = self.1.saturating_sub(1);
        self.1 == 0
    }
}

/// The member that is asked has no checkpoints.
#[test]
fn a_stopped_run_resumes_with_another_number_of_members() {
    for case in &cases() {
        let train = |exchange: Option<&mut dyn Exchange>, folder: &Path| {
            let mut model = compile(case, 6);
            let fit = quiet().checkpoints(Checkpoints::new(folder)).resume(folder).validation_split(1.0 / 3.0);
            let fit = match exchange {
                Some(exchange) => fit.exchange(exchange),
                None => fit,
            };
            let history = model.fit(&*case.data, fit).unwrap();
            (bits(&model, &history), model.step())
        };
        let [whole, parts] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let expected = train(None, whole.path());
        for (members, requests) in [(3, 4), (5, 3), (1, 2)] {
            together(members, |exchange| {
                let asked = exchange.member() == members - 1;
                train(Some(&mut Asked(exchange, if asked { requests } else { usize::MAX })), parts.path())
            });
        }
        assert!(train(None, parts.path()).1 > 0);
        assert_eq!(train(None, parts.path()), expected, "{}", case.name);
        let files = |folder: &Path| fs::read_dir(folder).unwrap().count();
        assert_eq!(files(parts.path()), files(whole.path()));
    }
    let case = &cases()[0];
    let folder = tempfile::tempdir().unwrap();
    compile(case, 6).fit(&*case.data, quiet().checkpoints(Checkpoints::new(folder.path()))).unwrap();
    let message = |shards: usize, fit: Fit<'_>| {
        compile(case, shards).fit(&*case.data, fit.epochs(3).resume(folder.path())).unwrap_err().to_string()
    };
    let text = message(2, quiet());
    assert!(text.contains("it was trained with 6 shards, expected 2 shards; "), "{text}");
    let text = message(6, quiet().batch_size(8).accumulate(2));
    assert!(text.contains("it was trained with shards 6, expected 12; "), "{text}");
}

#[test]
fn progress_reports_the_number_of_sums() {
    if child::argument().is_some() {
        let case = &cases()[0];
        together(3, |mut exchange| {
            let fit = quiet().progress(Progress::Lines).exchange(&mut exchange);
            compile(case, 8).fit(&*case.data, fit).unwrap();
        });
        compile(case, 8).fit(&*case.data, quiet().progress(Progress::Lines)).unwrap();
        return child::report("trained");
    }
    let output = child::command("shards::progress_reports_the_number_of_sums", "").output().unwrap();
    child::reported(&output);
    let text = String::from_utf8(output.stderr).unwrap();
    let reports: Vec<&str> = text.lines().filter(|line| line.starts_with("Shards: ")).collect();
    let expected =
        "Shards: 8, members: 3, sums that a member sends per step: 2 (1 with 12 shards, which give other bits)";
    assert_eq!(reports, [expected]);
}
