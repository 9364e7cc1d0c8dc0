//! Optimizer state that is divided among members: the bits of weights, states and checkpoints, errors, and the bytes that members
//! send.

use crate::shards::{Asked, Case, bits, cases, compile, quiet, together, vectors};
use gradus::callbacks::SwapEmaWeights;
use gradus::data::Arrays;
use gradus::exchange::{CountingExchange, Exchange, ThreadExchange, subtrees};
use gradus::layers::*;
use gradus::losses::SparseCategoricalCrossentropy;
use gradus::optimizers::{Adam, AdamW, Clip, Optimizer, Sgd};
use gradus::{
    BatchEnd, Callback, Checkpoints, Compile, Divergence, EpochEnd, Error, Fit, Flow, Model, Result, Sequential,
    TrainBegin,
};
use ndarray::Array2;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The networks of `shards`, and one with arrays of several chunks for each kind of option.
fn all_cases() -> Vec<Case> {
    let optimizers: [(&'static str, Arc<dyn Optimizer>); 5] = [
        ("global norm", Arc::new(Adam::new(0.01).clip(Clip::GlobalNorm(0.05)))),
        ("norm of each array", Arc::new(AdamW::new(0.01).clip(Clip::Norm(0.03)).weight_decay(0.1))),
        ("values", Arc::new(Sgd::new(0.1).momentum(0.9).clip(Clip::Value(0.001)))),
        ("averages", Arc::new(Adam::new(0.01).amsgrad(true).use_ema(true).ema_momentum(0.8))),
        ("overwritten", Arc::new(Sgd::new(0.1).use_ema(true).ema_momentum(0.8).ema_overwrite_frequency(3))),
    ];
    let network = Sequential::new([12]).add(Dense::new(400)).add(BatchNorm::new()).add(Dense::new(30));
    let network = network.add(Dense::new(3).activation(Activation::Softmax));
    let large = optimizers.map(|(name, optimizer)| Case {
        name,
        network: network.clone(),
        optimizer,
        data: Box::new(vectors(48)),
    });
    cases().into_iter().chain(large).collect()
}

/// The contents of the file of a model with the state of its optimizer.
fn file(model: &Model) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    fs::read(path).unwrap()
}

/// `settings`, with an exchange and divided state if there is one.
fn with<'a, 'b: 'a>(settings: Fit<'a>, exchange: Option<&'a mut (dyn Exchange + 'b)>) -> Fit<'a> {
    match exchange {
        Some(exchange) => settings.exchange(exchange).sharded_optimizer_state(true),
        None => settings,
    }
}

#[test]
fn divided_state_changes_no_bit() {
    for case in &all_cases() {
        for shards in [1, 6, 8] {
            let train = |exchange: Option<&mut dyn Exchange>| {
                let mut model = compile(case, shards);
                let history = model.fit(&*case.data, with(quiet().validation(&*case.data), exchange)).unwrap();
                (bits(&model, &history), file(&model))
            };
            let alone = train(None);
            for members in 1..=8 {
                for found in together(members, |mut exchange| train(Some(&mut exchange))) {
                    assert!(found == alone, "{}: {shards} shards, {members} members", case.name);
                }
            }
        }
    }
}

/// Checkpoints hold the whole state, within epochs and at their ends.
#[test]
fn checkpoints_are_those_of_one_process() {
    for case in &all_cases() {
        let train = |exchange: Option<&mut dyn Exchange>, folder: &Path| {
            let mut model = compile(case, 6);
            let checkpoints = Checkpoints::new(folder).every_steps(2).keep(100);
            let history =
                model.fit(&*case.data, with(quiet().checkpoints(checkpoints).resume(folder), exchange)).unwrap();
            (bits(&model, &history), file(&model))
        };
        let models = |folder: &Path| {
            let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "safetensors")).collect();
            files.sort();
            let model =
                |path: &std::path::PathBuf| (path.file_name().unwrap().to_owned(), file(&Model::load(path).unwrap()));
            files.iter().map(model).collect::<Vec<_>>()
        };
        let alone = tempfile::tempdir().unwrap();
        let expected = train(None, alone.path());
        assert!(models(alone.path()).len() > 2);
        for members in [1, 2, 3, 5, 8] {
            let folder = tempfile::tempdir().unwrap();
            let found = together(members, |mut exchange| train(Some(&mut exchange), folder.path()));
            assert!(found.iter().all(|found| *found == expected), "{}: {members} members", case.name);
            assert!(models(folder.path()) == models(alone.path()), "{}: {members} members", case.name);
        }
        // Stopped and resumed with other numbers of members, with and without divided state.
        let folder = tempfile::tempdir().unwrap();
        for (members, requests) in [(3, 4), (5, 3), (2, 2)] {
            together(members, |exchange| {
                let asked = exchange.member() == members - 1;
                train(Some(&mut Asked(exchange, if asked { requests } else { usize::MAX })), folder.path())
            });
        }
        assert!(together(4, |mut exchange| train(Some(&mut exchange), folder.path())).iter().all(|f| *f == expected));
        assert!(train(None, folder.path()) == expected, "{}", case.name);
    }
}

/// Uses the model at the ends of batches and of epochs.
#[derive(Clone, Copy, PartialEq)]
enum Act {
    ChangeWeights,
    ChangeState,
    Save,
    Freeze,
    Fail,
    Panic,
}

impl Callback for Act {
    fn train_begin(&mut self, model: &mut Model, begin: &TrainBegin<'_>) -> Result<()> {
        assert_eq!((begin.shards, begin.members > 1), (6, begin.sharded_optimizer_state));
        assert!(model.optimizer_state().is_some());
        Ok(())
    }

    fn batch_end(&mut self, model: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        assert_eq!(model.optimizer().is_some(), model.optimizer_state().is_some());
        let first = model.params().ids().next().unwrap();
        match *self {
            Act::ChangeWeights if model.step() == 3 => model.params_mut().values_mut(first).fill(0.5),
            Act::Save => model.save("never-written.safetensors")?,
            Act::Freeze => model.set_trainable("dense", false)?,
            Act::Fail if model.step() == 3 => return Err(Error::other("the callback failed")),
            Act::Panic if model.step() == 3 => panic!("the callback panicked"),
            _ => {}
        }
        Ok(Flow::Continue(()))
    }

    fn epoch_end(&mut self, model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
        if *self == Act::ChangeState && end.epoch.number == 1 {
            let first = model.params().ids().next().unwrap();
            model.optimizer_state_mut().unwrap().array_mut(0, first).unwrap().fill(0.25);
        }
        Ok(Flow::Continue(()))
    }
}

fn case(optimizer: impl Optimizer + 'static) -> Case {
    let network = Sequential::new([12]).add(Dense::new(40)).add(Dense::new(3).activation(Activation::Softmax));
    Case { name: "dense", network, optimizer: Arc::new(optimizer), data: Box::new(vectors(53)) }
}

#[test]
fn callbacks_reach_all_members() {
    let case = case(Adam::default());
    for act in [Act::ChangeWeights, Act::ChangeState] {
        let train = |exchange: Option<&mut dyn Exchange>| {
            let (mut model, mut act) = (compile(&case, 6), act);
            let history = model.fit(&*case.data, with(quiet().callback(&mut act), exchange)).unwrap();
            (bits(&model, &history), file(&model))
        };
        let alone = train(None);
        for members in [2, 4] {
            let found = together(members, |mut exchange| train(Some(&mut exchange)));
            assert!(found.iter().all(|found| *found == alone));
        }
    }
    let case = self::case(Adam::default().use_ema(true).ema_momentum(0.7));
    let train = |exchange: Option<&mut dyn Exchange>| {
        let (mut model, mut swap) = (compile(&case, 6), SwapEmaWeights::default());
        let fit = quiet().callback(&mut swap).validation(&*case.data);
        let history = model.fit(&*case.data, with(fit, exchange)).unwrap();
        (bits(&model, &history), file(&model))
    };
    let alone = train(None);
    assert!(together(3, |mut exchange| train(Some(&mut exchange))).iter().all(|found| *found == alone));
}

#[test]
fn what_divided_state_cannot_do_is_an_error_of_all() {
    let case = case(Adam::default());
    let messages = |fit: &(dyn Fn(&mut Model, &mut ThreadExchange) -> Result<()> + Sync)| {
        together(3, |mut exchange| {
            let mut model = compile(&case, 6);
            let before = model.params().sha256();
            let text = fit(&mut model, &mut exchange).unwrap_err().to_string();
            (text, model.params().sha256() == before, model.optimizer_state().is_some())
        })
    };
    let found = messages(&|model, exchange| {
        let sharded = exchange.member() == 1;
        model.fit(&*case.data, quiet().exchange(exchange).sharded_optimizer_state(sharded)).map(|_| ())
    });
    let text = "member 1: sharded_optimizer_state is true, expected false, as on member 0";
    assert_eq!(found, vec![(text.to_owned(), true, true); 3]);
    for divergence in [Divergence::restore_last_good, || Divergence::lower_rate(0.5)] {
        let found = messages(&|model, exchange| {
            let mut divergence = divergence();
            model.fit(&*case.data, with(quiet().callback(&mut divergence), Some(exchange))).map(|_| ())
        });
        let text = "Fit: sharded_optimizer_state must be false with Divergence::restore_last_good and lower_rate, which copy the \
                    state of the optimizer, got true";
        let of_others = format!("member 0: {text}");
        assert_eq!(found, [text, &of_others, &of_others].map(|text| (text.to_owned(), true, true)));
    }
    let mut stop = Divergence::stop();
    assert!(compile(&case, 6).fit(&*case.data, quiet().callback(&mut stop).sharded_optimizer_state(true)).is_ok());
    for (act, place) in [(Act::Save, "save"), (Act::Freeze, "set_trainable")] {
        let found = messages(&|model, exchange| {
            let mut act = act;
            model.fit(&*case.data, with(quiet().callback(&mut act), Some(exchange))).map(|_| ())
        });
        let start =
            format!("{place}: the model has a part of the state of its optimizer, as it is divided among the members");
        assert!(found[0].0.starts_with(&start), "{}", found[0].0);
        for (text, _, whole) in &found[1..] {
            assert!(text.starts_with(&format!("member 0: {start}")) && *whole, "{text}");
        }
    }
}

/// After an error of a member, every member has the whole state before the step with the error.
#[test]
fn state_is_whole_after_an_error() {
    let network = Sequential::new([3]).add(Embedding::new(5, 2)).add(Flatten).add(Dense::new(3));
    let x = Array2::from_shape_fn((24, 3), |(i, _)| if i == 16 { 5.0 } else { (i % 5) as f32 });
    let data = Arrays::new(x, ndarray::Array1::from_shape_fn(24, |i| (i % 3) as u8)).unwrap();
    let fault = Case { name: "fault", network, optimizer: Arc::new(Adam::default()), data: Box::new(data) };
    for (case, act) in [(&fault, None), (&case(Adam::default()), Some(Act::Fail))] {
        let train = |exchange: Option<&mut dyn Exchange>| {
            let (mut model, mut act) = (compile(case, 6), act);
            let fit =
                act.as_mut().into_iter().fold(quiet().shuffle(false).batch_size(12), |fit, act| fit.callback(act));
            assert!(model.fit(&*case.data, with(fit, exchange)).is_err());
            assert!(model.step() > 0);
            file(&model)
        };
        let alone = train(None);
        assert!(together(4, |mut exchange| train(Some(&mut exchange))).iter().all(|found| *found == alone));
    }
}

#[test]
fn a_model_that_lost_state_with_a_member_is_not_trained() {
    let case = case(Adam::default());
    let members = ThreadExchange::members(3);
    let train = |mut exchange: ThreadExchange| {
        let (mut model, mut act) = (compile(&case, 6), Act::Panic);
        let fit = quiet().callback(&mut act);
        let lost = model.fit(&*case.data, with(fit, Some(&mut exchange))).unwrap_err();
        (
            lost,
            model.fit(&*case.data, quiet()).unwrap_err(),
            model.train_on_batch(&*case.data).unwrap_err(),
            model.step(),
        )
    };
    std::thread::scope(|scope| {
        let members: Vec<_> = members.into_iter().map(|member| scope.spawn(|| train(member))).collect();
        let found: Vec<_> = members.into_iter().map(|member| member.join()).collect();
        assert!(found[0].is_err());
        for found in found.into_iter().skip(1) {
            let (lost, again, on_batch, step) = found.unwrap();
            assert!(matches!(lost, Error::Member { .. }), "{lost}");
            for error in [again, on_batch] {
                let text = error.to_string();
                assert!(text.starts_with("fit: the model has a part of the state of its optimizer"), "{text}");
            }
            assert_eq!(step, 3);
        }
    });
}

/// The bytes of gradients, weights and state that a member sends are those of the documented formula.
#[test]
fn members_send_the_documented_bytes() {
    let plain = |network: &Sequential, shards: usize, clip: Option<Clip>| {
        let optimizer = clip.into_iter().fold(Adam::default(), Adam::clip);
        let settings = Compile::new(optimizer, SparseCategoricalCrossentropy::new()).shards(shards).threads(1);
        network.compile(settings).unwrap()
    };
    let network = Sequential::new([12]).add(Dense::new(400)).add(BatchNorm::new()).add(Dense::new(30));
    let network = network.add(Dense::new(3).activation(Activation::Softmax));
    let (data, rows, steps) = (vectors(96), 32, 3);
    let model = plain(&network, 1, None);
    let (trained, all) = (model.params().count(true), model.params().count(false));
    let arrays: Vec<usize> = model
        .params()
        .ids()
        .filter(|id| model.params().trainable(*id))
        .map(|id| model.params().shape(id).len())
        .collect();
    assert!(all > trained);
    for (shards, members) in
        [(4, 2), (4, 4), (8, 2), (8, 3), (8, 5), (5, 2), (5, 3), (6, 3), (6, 4), (12, 3), (3, 5), (1, 2)]
    {
        for (divided, clip) in
            [(false, None), (true, None), (false, Some(Clip::GlobalNorm(1.0))), (true, Some(Clip::GlobalNorm(1.0)))]
        {
            let found = together(members, |exchange| {
                let mut exchange = CountingExchange::new(exchange);
                let mut model = plain(&network, shards, clip);
                let fit = quiet().epochs(1).batch_size(rows).exchange(&mut exchange).sharded_optimizer_state(divided);
                model.fit(&data, fit).unwrap();
                assert_eq!(model.step(), steps);
                assert!(exchange.message_bytes() > 0);
                exchange.number_bytes()
            });
            // Clipping by a norm divides arrays at multiples of 4096.
            let chunks = arrays.iter().scan(0, |end, length| {
                let start = *end;
                *end += length;
                Some((start..*end).step_by(4096))
            });
            let chunks: Vec<usize> = chunks.flatten().collect();
            let border = |member: usize| match member * all / members {
                at if divided && clip.is_some() && at < trained => *chunks.iter().rfind(|chunk| **chunk <= at).unwrap(),
                at => at,
            };
            for (member, found) in found.into_iter().enumerate() {
                let own = border(member + 1) - border(member);
                let sums = subtrees(shards, member, members);
                let mut expected = steps as usize * (sums * (all - own) + (members - 1) * own);
                if divided {
                    // Two arrays of Adam are collected at the end.
                    let weights = border(member + 1).min(trained) - border(member).min(trained);
                    expected += 2 * (members - 1) * weights;
                }
                assert_eq!(
                    found,
                    4 * expected as u64,
                    "{shards} shards, member {member} of {members}, divided: {divided}"
                );
                if members.is_power_of_two() && shards % members == 0 && clip.is_none() && !divided {
                    let model = 2.0 * all as f64 * (members - 1) as f64 / members as f64;
                    assert!((found as f64 / (4.0 * steps as f64) - model).abs() <= members as f64);
                }
            }
        }
    }
}
