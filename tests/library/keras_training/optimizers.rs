//! Ten steps of every optimizer, with clipping, weight decay and schedules.

use super::NEAR;
use crate::golden::{Cases, assert_close, load};
use gradus::OptimizerState;
use gradus::optimizers::schedules::{CosineDecay, ExponentialDecay};
use gradus::optimizers::*;
use gradus::tape::{ParamGradients, ParamId, Params, Recorder, Tape};
use gradus::{Key, tape::Mode};

fn optimizer(case: &str) -> Box<dyn Optimizer> {
    match case {
        "sgd_clipvalue" => Box::new(Sgd::new(0.1).momentum(0.9).clip(Clip::Value(0.05))),
        "sgd_clipnorm" => Box::new(Sgd::new(0.1).clip(Clip::Norm(0.5))),
        "sgd_global_clipnorm" => Box::new(Sgd::new(0.1).clip(Clip::GlobalNorm(0.5))),
        "sgd_weight_decay" => Box::new(Sgd::new(0.1).weight_decay(0.1)),
        "sgd_ema" => Box::new(Sgd::new(0.1).momentum(0.9).use_ema(true).ema_momentum(0.8)),
        "sgd_ema_overwrite" => {
            let sgd = Sgd::new(0.1).weight_decay(0.1).use_ema(true).ema_momentum(0.7);
            Box::new(sgd.ema_overwrite_frequency(3))
        }
        "sgd_schedule" => Box::new(Sgd::new(ExponentialDecay::new(0.1, 3, 0.5))),
        "rmsprop_momentum" => Box::new(RmsProp::new(0.01).rho(0.8).momentum(0.7)),
        "rmsprop_centered" => Box::new(RmsProp::new(0.001).epsilon(1e-3).centered(true)),
        "rmsprop_both" => Box::new(RmsProp::new(0.001).momentum(0.7).epsilon(1e-3).centered(true)),
        "adam_amsgrad" => Box::new(Adam::new(0.01).beta_2(0.9).amsgrad(true)),
        "adam_speedrun" => Box::new(Adam::new(CosineDecay::new(0.001, 6).warmup(0.01, 3)).beta_1(0.7).beta_2(0.9)),
        "adamw" => Box::new(AdamW::default()),
        "adamw_options" => {
            let adamw = AdamW::new(0.01).weight_decay(0.1).beta_1(0.8).beta_2(0.95).amsgrad(true);
            Box::new(adamw.clip(Clip::GlobalNorm(1.0)))
        }
        "adagrad" => Box::new(Adagrad::default()),
        "adagrad_options" => Box::new(Adagrad::new(0.1).initial_accumulator_value(0.5).epsilon(1e-3)),
        "adadelta" => Box::new(Adadelta::default()),
        "adadelta_options" => Box::new(Adadelta::new(1.0).rho(0.8).epsilon(1e-3)),
        "nadam" => Box::new(Nadam::default()),
        "nadam_options" => Box::new(Nadam::new(0.01).beta_1(0.8).beta_2(0.95).epsilon(1e-3)),
        "lion" => Box::new(Lion::default()),
        "lion_options" => Box::new(Lion::new(0.01).beta_1(0.8).beta_2(0.95).weight_decay(0.1)),
        other => panic!("an optimizer that is not compared: {other}"),
    }
}

const ARRAYS: [&str; 2] = ["a", "b"];

/// A tape whose loss Σ g·w has the given gradients.
struct Given {
    tape: Tape,
    inputs: [gradus::tape::ValueId; 2],
}

impl Given {
    fn record(params: &Params, ids: [ParamId; 2]) -> Given {
        let recorder = Recorder::new(Mode::Training);
        let given = ids.map(|id| recorder.input(params.shape(id)));
        let [a, b] = [0, 1].map(|at| (given[at] * recorder.parameter(params, ids[at])).sum());
        recorder.minimize(a + b);
        let inputs = given.map(|var| var.id());
        Given { tape: recorder.finish().unwrap(), inputs }
    }

    fn gradients(&mut self, cases: &Cases, case: &str, step: usize, params: &Params, gradients: &mut ParamGradients) {
        for (array, id) in ARRAYS.into_iter().zip(self.inputs) {
            let all = cases.array(&format!("{case}/gradients.{array}"));
            self.tape.input_mut(id).assign(&all.index_axis(ndarray::Axis(0), step));
        }
        self.tape.run(params, Key::from_seed(0)).unwrap();
        self.tape.backward(params, gradients);
    }
}

#[test]
fn ten_steps_are_those_of_keras() {
    let cases = load("steppers.txt");
    for case in cases.cases() {
        let optimizer = optimizer(case);
        let mut params = Params::new();
        let ids = ARRAYS.map(|array| params.add(array, cases.array(&format!("{case}/start.{array}"))).unwrap());
        let mut given = Given::record(&params, ids);
        let (mut gradients, mut state) =
            (ParamGradients::new(&params), OptimizerState::new(optimizer, &params).unwrap());
        for step in 0..10 {
            given.gradients(&cases, case, step, &params, &mut gradients);
            let number = step as u64 + 1;
            state.update(state.step(number), &mut params, &mut gradients);
            for (array, id) in ARRAYS.into_iter().zip(ids) {
                let all = cases.array(&format!("{case}/after.{array}"));
                let name = format!("{case}, array {array}, step {number}");
                assert_close(&name, params.get(id), all.index_axis(ndarray::Axis(0), step), NEAR);
                if let Some(average) = state.average(id) {
                    let all = cases.array(&format!("{case}/averages.{array}"));
                    let average = ndarray::ArrayView::from_shape(params.get(id).raw_dim(), average).unwrap();
                    assert_close(&name, average, all.index_axis(ndarray::Axis(0), step), NEAR);
                }
            }
        }
    }
}
