//! Random models in every format that `gradus convert` writes: the predictions of `gradus predict` have the same bits as the
//! library.

use crate::folder::Folder;
use gradus::data::NamedArrays;
use gradus::formats::npy;
use gradus::layers::*;
use gradus::losses::MeanSquaredError;
use gradus::optimizers::Sgd;
use gradus::{Compile, Graph, Model, Sequential, Shape};
use ndarray::{ArrayD, Axis, IxDyn};

/// The formats of whole models.
const FORMATS: [&str; 4] = ["model.safetensors", "model.keras", "model.h5", "model.onnx"];

/// Random numbers determined by a seed.
struct Random(u64);

impl Random {
    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    fn array(&mut self, sizes: &[usize]) -> ArrayD<f32> {
        ArrayD::from_shape_fn(IxDyn(sizes), |_| self.below(2001) as f32 / 500.0 - 2.0)
    }

    fn activation(&mut self) -> Activation {
        use Activation::{Elu, Gelu, LeakyRelu, Linear, Relu, Sigmoid, Silu, Softmax, Softplus, Tanh};
        self.one_of(&[Linear, Relu, Sigmoid, Tanh, Softmax, LeakyRelu, Elu, Gelu, Silu, Softplus])
    }

    fn padding(&mut self) -> Padding {
        self.one_of(&[Padding::Valid, Padding::Same])
    }
}

/// Adds a layer that preserves the number of axes of samples with `rank` axes.
macro_rules! layer {
    ($random:expr, $rank:expr, $add:expr) => {{
        let random = &mut *$random;
        match (random.below(9), $rank) {
            (0, _) => $add(BatchNorm::new()),
            (1, _) => $add(LayerNorm::new()),
            (2, _) => $add(LeakyRelu::new()),
            (3, _) => $add(random.activation()),
            (4, 3) => $add(MaxPool2d::new(2).strides(1).padding(random.padding())),
            (5, 3) => $add(AveragePool2d::new(2).strides(1)),
            (6, 3) => $add(ZeroPadding2d::new(((1, 0), (0, 2)))),
            (7, 3) => {
                let (strides, padding) = (random.one_of(&[[1, 1], [2, 1]]), random.padding());
                $add(Conv2d::new(3, 2).strides(strides).padding(padding).activation(random.activation()))
            }
            (8, _) | (_, 1) => $add(Dense::new(2 + random.below(4)).activation(random.activation())),
            _ => $add(Elu::new()),
        }
    }};
}

fn shape(random: &mut Random) -> Shape {
    match random.below(3) {
        0 => Shape::from(3 + random.below(4)),
        1 => Shape::from([3 + random.below(3), 2 + random.below(3)]),
        _ => Shape::from([5 + random.below(3), 4 + random.below(3), 1 + random.below(3)]),
    }
}

fn settings() -> Compile {
    Compile::new(Sgd::new(0.1), MeanSquaredError::new()).seed(11)
}

fn sequential(random: &mut Random) -> Model {
    let shape = shape(random);
    let mut network = Sequential::new(shape);
    for _ in 0..3 {
        network = layer!(random, shape.rank(), |layer| network.add(layer));
    }
    if random.below(2) == 0 {
        network = network.add(Flatten).add(Dense::new(3).activation(random.activation()));
    }
    network.compile(settings()).unwrap()
}

/// Two branches of one input that are added or concatenated.
fn graph(random: &mut Random) -> Model {
    let (shape, mut graph) = (shape(random), Graph::new());
    let x = graph.input("x", shape);
    let start = graph.apply(BatchNorm::new(), x);
    let side = graph.apply(random.activation(), start);
    let joined = match random.below(2) {
        0 => graph.apply(Add, [start, side]),
        _ => graph.apply(Concatenate::new(), [start, side]),
    };
    let end = layer!(random, shape.rank(), |layer| graph.apply(layer, joined));
    graph.output("y", end);
    graph.compile(settings()).unwrap()
}

/// Sets running statistics and biases to values that differ from their initial ones.
fn fill(model: &mut Model, random: &mut Random) {
    for id in model.params().ids().collect::<Vec<_>>() {
        let variance = model.params().name(id).ends_with("variance");
        model.params_mut().get_mut(id).mapv_inplace(|value| match variance {
            true => 0.5 + random.below(1000) as f32 / 500.0,
            false => value + random.below(1001) as f32 / 1000.0 - 0.5,
        });
    }
}

#[test]
fn every_format_predicts_equal_bits() {
    let folder = Folder::new();
    for seed in 0..16 {
        let random = &mut Random(seed);
        let mut model = if seed % 2 == 0 { sequential(random) } else { graph(random) };
        fill(&mut model, random);
        let input = model.inputs()[0].shape();
        let x = random.array(input.fixed().unwrap().batch(3).unwrap().sizes());
        let data = NamedArrays::new().with_input(model.inputs()[0].name(), &x).unwrap();
        let expected = model.predict_dataset(&data).unwrap().into_values().next().unwrap();
        assert_eq!(model.predict(&x).unwrap(), expected);
        npy::write(folder.path("x.npy"), &x).unwrap();
        npy::write(folder.path("one.npy"), &x.index_axis(Axis(0), 2)).unwrap();
        model.save(folder.path("origin.safetensors")).unwrap();
        for format in FORMATS {
            folder.shown(&["convert", "origin.safetensors", format]);
            let place = || format!("{format} of {}", model.summary());
            assert_eq!(folder.predicted(&[format, "x.npy"]), expected, "{}", place());
            let one = expected.slice_axis(Axis(0), (2..3).into());
            assert_eq!(folder.predicted(&[format, "one.npy"]), one, "{}", place());
            // The axes in the other order, for inputs and outputs.
            let last = x.ndim() - 1;
            let first: Vec<usize> = [0, last].into_iter().chain(1..last).collect();
            let out_last = expected.ndim() - 1;
            let out: Vec<usize> = [0, out_last].into_iter().chain(1..out_last).collect();
            npy::write(folder.path("first.npy"), &x.clone().permuted_axes(first)).unwrap();
            let found = folder.predicted(&[format, "first.npy", "--layout", "channels_first"]);
            assert_eq!(found, expected.clone().permuted_axes(out), "{}", place());
        }
    }
}
