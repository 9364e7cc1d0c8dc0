//! Training steps of `SpectralNormalization`.

use super::NEAR;
use crate::golden::{assert_close, load};
use gradus::data::Arrays;
use gradus::layers::*;
use gradus::losses::MeanSquaredError;
use gradus::optimizers::Sgd;
use gradus::regularizers::L2;
use gradus::{Batch, Compile, Model, Sequential, Shape};
use ndarray::arr1;

fn model(case: &str) -> Model {
    let (input, layer): (Shape, SpectralNormalization) = match case {
        "dense" => ([3].into(), SpectralNormalization::new(Dense::new(4).kernel_regularizer(L2::new(0.1)))),
        "conv2d" => {
            let layer = Conv2d::new(3, 2).activation(Activation::Tanh);
            ([4, 3, 2].into(), SpectralNormalization::new(layer).power_iterations(3))
        }
        "embedding" => ([2].into(), SpectralNormalization::new(Embedding::new(4, 3))),
        "zeros" => ([3].into(), SpectralNormalization::new(Dense::new(4).use_bias(false))),
        other => panic!("{other} is not compared"),
    };
    let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new());
    Sequential::new(input).add(layer).compile(settings).unwrap()
}

#[test]
fn steps_are_those_of_keras() {
    let cases = load("spectral_normalization.txt");
    for case in cases.cases() {
        let array = |name: &str| cases.array(&format!("{case}/{name}"));
        let mut model = model(case);
        let ids: Vec<_> = model.params().ids().collect();
        for (number, id) in ids.iter().enumerate() {
            model.params_mut().get_mut(*id).assign(array(&format!("w{number}")));
        }
        let data = Arrays::new(array("x").clone(), array("targets").clone()).unwrap();
        let mut losses = Vec::new();
        for step in 1..=3 {
            losses.push(model.train_on_batch(Batch::new(&data)).unwrap().loss as f32);
            for (number, id) in ids.iter().enumerate() {
                let name = format!("w{number}_{step}");
                assert_close(&format!("{case}/{name}"), model.params().get(*id), array(&name).view(), NEAR);
            }
        }
        assert_close(&format!("{case}/losses"), arr1(&losses).into_dyn().view(), array("losses").view(), NEAR);
        let predictions = model.predict(array("x")).unwrap();
        assert_close(&format!("{case}/predictions"), predictions.view(), array("predictions").view(), NEAR);
    }
}
