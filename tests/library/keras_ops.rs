//! Values and gradients of every operation compared with Keras (`golden/make_ops.py`).

use crate::golden::{assert_close, load};
use gradus::ops::{Conv2dOptions, Conv2dTransposeOptions, Interpolation, Padding};
use gradus::tape::{Mode, ParamGradients, Params, Recorder, Var};
use gradus::{Key, Shape};

/// Tolerance relative to the largest value of an array or 1.
const NEAR: f32 = 1e-5;

/// Records the operation of a case. Its name may have a number or a word after a dash.
fn record<'r>(case: &str, inputs: &[Var<'r>]) -> Var<'r> {
    let (x, a) = (inputs[0], inputs.get(1).copied());
    let a = || a.expect("a second input");
    let padding = if case.ends_with("same") { Padding::Same } else { Padding::Valid };
    match case {
        "absolute" => x.absolute(),
        "add" => x + a(),
        "average_pool2d-valid" | "average_pool2d-same" => x.average_pool2d([3, 2], [2, 1], padding),
        "clip" => x.clip(-1.0, 0.5),
        "concatenate" => x.concatenate(&[a()], 1),
        "conv2d-dilated" => x.conv2d(a(), None, Conv2dOptions::new().dilation_rate((2, 1))),
        "conv2d-grouped" => x.conv2d(a(), None, Conv2dOptions::new().groups(3).strides(2).padding(Padding::Same)),
        "conv2d_transpose" => x.conv2d_transpose(a(), None, Conv2dTransposeOptions::new((7, 8)).strides(2)),
        "divide" => x / a(),
        "elu" => x.elu(1.0),
        "elu-1" => x.elu(0.5),
        "embedding" => x.embedding(a()),
        "equal" => x.equal(a()),
        "erf" => x.erf(),
        "exp" => x.exp(),
        "flatten" => x.flatten(),
        "gelu" => x.gelu(),
        "gelu_tanh" => x.gelu_tanh(),
        "global_max_pool2d" => x.global_max_pool2d(),
        "hard_shrink" => x.hard_shrink(),
        "hard_sigmoid" => x.hard_sigmoid(),
        "hard_silu" => x.hard_silu(),
        "hard_tanh" => x.hard_tanh(),
        "kept" => x.where_nonzero(a()),
        "layer_norm" => x.layer_norm(Some(a()), Some(inputs[2]), 1e-3),
        "leaky_relu" => x.leaky_relu(0.2),
        "leaky_relu-1" => x.leaky_relu(0.3),
        "less" => x.less(a()),
        "ln" => x.ln(),
        "log_sigmoid" => x.log_sigmoid(),
        "log_softmax" => x.log_softmax(),
        "log_softmax_over" => x.log_softmax_axis(0),
        "matmul" | "matmul-1" | "matmul-2" => x.matmul(a()),
        "max_pool2d-valid" | "max_pool2d-same" => x.max_pool2d([3, 2], [2, 1], padding),
        "maximum" => x.maximum(a()),
        // In these files, a number is an array of one element.
        "mean" => x.mean().reshape([1]),
        "mean_over" => x.mean_axes(&[-2], true),
        "minimum" => x.minimum(a()),
        "mish" => x.mish(),
        "multiply" => x * a(),
        "pad" => x.pad(&[[1, 0], [0, 2]], 0.5),
        "power" => x.power(3.0),
        "power-1" => x.power(-1.5),
        "power_by" => x.pow(a()),
        "repeat" => x.repeat(1, 3),
        "resample" => {
            let terms = |from, to| Interpolation::Bilinear.terms(from, to, false);
            x.resample(1, terms(3, 5)).resample(2, terms(4, 3))
        }
        "reshape" => x.reshape([3, 8]),
        "scale" => x.scale(-1.5),
        "selu" => x.selu(),
        "silu" => x.silu(),
        "slice" => x.slice(&[1, 0, 2], [1, 3, 2]),
        "soft_shrink" => x.soft_shrink(),
        "softmax_over" => x.softmax_axis(1),
        "softplus" => x.softplus(),
        "softsign" => x.softsign(),
        "sparse_plus" => x.sparse_plus(),
        "sparse_sigmoid" => x.sparse_sigmoid(),
        "sqrt" => x.sqrt(),
        "squareplus" => x.squareplus(),
        "subtract" => x - a(),
        "sum" => x.sum().reshape([1]),
        "sum_over" => x.sum_axes(&[0, 2], false),
        "tanh_shrink" => x.tanh_shrink(),
        "threshold" => x.threshold(0.2, -1.5),
        "transpose" => x.transpose(&[2, 0, 1]),
        "truncate" => x.truncate(),
        other => panic!("an operation that is not compared: {other}"),
    }
}

#[test]
fn operations() {
    let cases = load("ops.txt");
    for case in cases.cases() {
        let array = |name: &str| cases.array(&format!("{case}/{name}"));
        let names = ["x", "a", "b"].into_iter().filter(|name| cases.contains(&format!("{case}/{name}")));
        let names: Vec<&str> = names.collect();
        let recorder = Recorder::new(Mode::Training);
        let input = |name: &&str| recorder.variable(Shape::new(array(name).shape()).unwrap());
        let inputs: Vec<Var<'_>> = names.iter().map(input).collect();
        let y = record(case, &inputs);
        let r = recorder.input(y.shape());
        recorder.minimize((y * r).sum());
        let ids: Vec<_> = inputs.iter().map(Var::id).collect();
        let (y, r) = (y.id(), r.id());
        let mut tape = recorder.finish().unwrap();
        ids.iter().zip(&names).for_each(|(id, name)| tape.input_mut(*id).assign(array(name)));
        tape.input_mut(r).assign(array("r"));
        let params = Params::new();
        tape.run(&params, Key::from_seed(0)).unwrap();
        tape.backward(&params, &mut ParamGradients::new(&params));
        assert_close(&format!("{case}/y"), tape.value(y), array("y").view(), NEAR);
        let mut compared = 0;
        for (id, name) in ids.iter().zip(&names).filter(|(_, name)| cases.contains(&format!("{case}/d{name}"))) {
            let found = tape.gradient(*id).unwrap();
            assert_close(&format!("{case}/d{name}"), found, array(&format!("d{name}")).view(), NEAR);
            compared += 1;
        }
        assert!(compared > 0, "{case} has no gradient");
    }
}
