//! Networks whose inputs have open axes: any size along them, with the same weights.

use gradus::callbacks::Divergence;
use gradus::data::{Arrays, Columns, Dataset, NamedArrays, Rows, Target};
use gradus::layers::*;
use gradus::losses::{CategoricalCrossentropy, MeanSquaredError, SparseCategoricalCrossentropy};
use gradus::metrics::{Accuracy, R2Score};
use gradus::optimizers::{Adam, Sgd};
use gradus::save::Registry;
use gradus::tape::Params;
use gradus::{Architecture, Checkpoints, Compile, Error, Fit, Graph, Model, Progress, SampleShape, Sequential, Shape};
use ndarray::{Array, Array2, Array3, Array4, ArrayD, Dimension, IxDyn, s};
use tempfile::tempdir;

/// Numbers between −1 and 1 without a pattern.
fn numbers(sizes: &[usize], seed: usize) -> ArrayD<f32> {
    let value = |at: usize| ((at * 2_654_435_761 + seed * 40_503) % 1009) as f32 / 504.0 - 1.0;
    let count = sizes.iter().product();
    ArrayD::from_shape_vec(IxDyn(sizes), (0..count).map(value).collect()).unwrap()
}

fn quiet<'a>() -> Fit<'a> {
    Fit::new().batch_size(4).progress(Progress::Quiet)
}

fn settings() -> Compile {
    Compile::new(Sgd::new(0.05), MeanSquaredError::new()).seed(3)
}

/// A network of sequences that ends in two numbers, for inputs of this shape.
fn sequences(input: impl Into<SampleShape>) -> Sequential {
    let network = Sequential::new(input).add(Conv1d::new(6, 3).padding(gradus::ops::Padding::Same));
    let network =
        network.add(BatchNorm::new()).add(Activation::Relu).add(MaxPool1d::new(2).padding(gradus::ops::Padding::Same));
    network.add(Dropout::new(0.3)).add(Dense::new(5)).add(GlobalAveragePool1d::new()).add(Dense::new(2))
}

/// A network of images, for inputs of this shape.
fn images(input: impl Into<SampleShape>) -> Sequential {
    let network = Sequential::new(input).add(Conv2d::new(4, 3).strides(2).padding(gradus::ops::Padding::Same));
    network.add(Activation::Relu).add(DepthwiseConv2d::new(2)).add(GlobalMaxPool2d::new()).add(Dense::new(2))
}

/// A network with an output for each step.
fn steps(input: impl Into<SampleShape>) -> Sequential {
    Sequential::new(input)
        .add(Conv1d::new(6, 2).padding(gradus::ops::Padding::Same))
        .add(LayerNorm::new())
        .add(Dense::new(3))
}

fn bits<D: Dimension>(array: &Array<f32, D>) -> Vec<u32> {
    array.iter().map(|value| value.to_bits()).collect()
}

/// A network of several layers for inputs of a shape.
type Network = fn(SampleShape) -> Sequential;

const NETWORKS: [(Network, &[Option<usize>]); 3] =
    [(sequences, &[None, Some(4)]), (steps, &[None, Some(4)]), (images, &[None, None, Some(3)])];

/// Sizes of the open axes: 1 if the network accepts it, odd, even and large ones.
fn sizes(network: usize) -> Vec<Vec<usize>> {
    match network {
        2 => vec![vec![3, 3], vec![5, 4], vec![8, 17], vec![33, 6]],
        _ => vec![vec![1], vec![2], vec![7], vec![64], vec![129]],
    }
}

fn with_sizes(shape: &[Option<usize>], sizes: &[usize]) -> Shape {
    let mut sizes = sizes.iter();
    let sizes: Vec<usize> = shape.iter().map(|size| size.unwrap_or_else(|| *sizes.next().unwrap())).collect();
    Shape::new(&sizes).unwrap()
}

#[test]
fn an_open_network_has_the_bits_of_a_fixed_one() {
    for (number, (network, shape)) in NETWORKS.into_iter().enumerate() {
        let open = SampleShape::new(shape).unwrap();
        let mut open_model = network(open).compile(settings()).unwrap();
        for sizes in sizes(number) {
            let sample = with_sizes(shape, &sizes);
            let mut fixed_model = network(sample.into()).compile(settings()).unwrap();
            fixed_model.params_mut().assign(open_model.params()).unwrap();
            fixed_model.set_counters(open_model.counters().unwrap()).unwrap();
            let x = numbers(sample.batch(6).unwrap().sizes(), 7);
            let (a, b) = (open_model.predict(&x).unwrap(), fixed_model.predict(&x).unwrap());
            assert_eq!((a.shape(), bits(&a)), (b.shape(), bits(&b)), "network {number}, {sample}");
            let y = numbers(a.shape(), 9);
            let data = Arrays::new(&x, &y).unwrap();
            let [a, b] = [&mut open_model, &mut fixed_model].map(|model| {
                let losses = [model.evaluate(&data).unwrap().loss, model.train_on_batch(&data).unwrap().loss];
                model.fit(&data, quiet().epochs(2)).unwrap();
                (losses, model.params().sha256(), model.test_on_batch(&data).unwrap().loss)
            });
            assert_eq!(a, b, "network {number}, {sample}");
            // A model with a fixed shape rejects other sizes.
            let other = with_sizes(shape, &sizes.iter().map(|size| size + 1).collect::<Vec<_>>());
            assert!(fixed_model.predict(&numbers(other.batch(2).unwrap().sizes(), 1)).is_err());
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    for (number, (network, shape)) in NETWORKS.into_iter().enumerate() {
        let results = [1, 2, 3, 4].map(|threads| {
            let open = SampleShape::new(shape).unwrap();
            let mut model = network(open).compile(settings().threads(threads)).unwrap();
            let mut all = Vec::new();
            for sizes in sizes(number) {
                let x = numbers(with_sizes(shape, &sizes).batch(10).unwrap().sizes(), 5);
                let y = numbers(model.predict(&x).unwrap().shape(), 6);
                model.fit(&Arrays::new(&x, &y).unwrap(), quiet()).unwrap();
                all.push(bits(&model.predict(&x).unwrap()));
            }
            (model.params().sha256(), all)
        });
        assert!(results.iter().all(|result| *result == results[0]), "network {number}");
    }
}

#[test]
fn shapes_with_open_axes_are_shown_as_none() {
    let model = steps((None, 4)).compile(settings()).unwrap();
    assert_eq!(model.output_shapes(), [SampleShape::from((None, 3))]);
    assert_eq!(model.input_shapes(), [SampleShape::from((None, 4))]);
    let summary = model.summary();
    assert_eq!(summary.matches("(None, None, 6)").count(), 2, "{summary}");
    let summary = images((None, None, 3)).summary().unwrap();
    assert!(summary.contains("(None, None, None, 4)") && summary.contains("(None, 2)"), "{summary}");
    // An axis that varies only behind large strides.
    let mut network = Sequential::new((None, 3));
    for _ in 0..4 {
        network = network.add(AveragePool1d::new(4).padding(gradus::ops::Padding::Same));
    }
    assert!(network.summary().unwrap().contains("average_pooling1d_3 (AveragePooling1D)  (None, None, 3)"));
    let fixed = sequences((None, 4)).add(Reshape::new([2, 1])).architecture(0).unwrap();
    assert_eq!(fixed.outputs()[0].shape(), Shape::from([2, 1]));
}

#[test]
fn sizes_that_a_layer_does_not_accept_are_errors_with_layer_and_axis() {
    let network = Sequential::new((None, 2)).add(Dense::new(3)).add(Conv1d::new(4, 5)).add(GlobalMaxPool1d::new());
    let model = network.architecture(0).unwrap().into_model().unwrap();
    assert_eq!(model.architecture().accepted_inputs(), [Shape::from([5, 2])]);
    assert_eq!(model.predict(&Array3::zeros((2, 5, 2))).unwrap().shape(), [2, 4]);
    let error = model.predict(&Array3::zeros((2, 4, 2))).unwrap_err();
    assert!(matches!(error, Error::Shape { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.starts_with("layer 2 (conv1d): found shape 4 × 3, expected "), "{message}");
    assert!(message.ends_with("; the input has size 4 along its open axis 0"), "{message}");
    let wrong = model.predict(&Array3::zeros((2, 5, 3))).unwrap_err().to_string();
    let expected = "inputs per sample: found shape 5 × 3, expected None × 2, the model's input; give samples of this shape, with \
                    any size along the axes that are None";
    assert_eq!(wrong, expected);
    let sample = model.predict(&Array2::zeros((5, 2))).unwrap_err().to_string();
    assert_eq!(
        sample,
        "predict: found shape 5 × 2, expected a batch axis and None × 2 per sample; insert_axis adds one"
    );
    assert!(matches!(model.predict(&Array3::zeros((2, 0, 2))), Err(Error::Empty { .. })));
    // Two open axes of a named input.
    let mut graph = Graph::new();
    let image = graph.input("image", (None, None, 1));
    let y = graph.apply(Conv2d::new(1, 3), image);
    let y = graph.apply(GlobalAveragePool2d::new(), y);
    graph.output("y", y);
    let model = graph.architecture(0).unwrap().into_model().unwrap();
    let message = model.predict(&Array4::zeros((1, 8, 2, 1))).unwrap_err().to_string();
    assert!(message.ends_with("; input \"image\" has sizes 8 × 2 along its open axes 0, 1"), "{message}");
}

#[test]
fn layers_whose_weights_depend_on_the_size_are_rejected() {
    let network = Sequential::new((None, 4)).add(Conv1d::new(2, 3)).add(Flatten).add(Dense::new(3));
    let message = network.architecture(0).unwrap_err().to_string();
    let expected = "layer 3 (dense): its weight dense/kernel would have shape 2 × 3 for open axes of size 3 and 4 × 3 for size \
                    4, but a model has the same weights for all sizes; make the axes fixed in the input shape, or put a layer \
                    before it that removes them, such as a global pooling";
    assert_eq!(message, expected);
    // Only one size fits.
    let message =
        Sequential::new((None,)).add(Reshape::new([2, 3])).add(Dense::new(1)).summary().unwrap_err().to_string();
    assert!(
        message.starts_with("inputs: the layers accept open axes of size 6 and none of the larger sizes"),
        "{message}"
    );
    assert!(
        message
            .ends_with("; with size 7: layer 1 (reshape): found shape 7, expected 6 elements per sample, as in 2 × 3")
    );
    // An error that does not depend on the size is not changed.
    let message = Sequential::new((None, 4)).add(Dense::new(0)).summary().unwrap_err().to_string();
    assert_eq!(message, "Dense: units must be at least 1, got 0");
    let message = Sequential::new((None, 4)).add(Conv2d::new(1, 1)).summary().unwrap_err().to_string();
    let expected = "layer 1 (conv2d): found shape 2 × 4, expected images height × width × channels; Reshape adds a missing axis; \
                    sizes of the open axes from 1 to 32768 were tried";
    assert_eq!(message, expected);
    let data = Arrays::new(numbers(&[3, 5, 4], 1), numbers(&[3, 5, 3], 2)).unwrap();
    let message = steps((None, 4)).compile(settings().metric(R2Score)).unwrap_err().to_string();
    let expected = "metric R2Score: it has a total for each element of the output, whose number varies; give the input a fixed \
                    size along its open axes, or choose another metric; the output has shape None × 3, of which one size is \
                    shown";
    assert_eq!(message, expected);
    assert!(steps([5, 4]).compile(settings().metric(R2Score)).unwrap().evaluate(&data).is_ok());
}

/// Sequences of different lengths. The targets are their sums, or one label for each step.
struct Sentences {
    rows: Vec<ArrayD<f32>>,
    labels: bool,
    /// Whether the labels of a batch have the length of its longest row.
    padded: bool,
}

impl Sentences {
    fn of(lengths: &[usize]) -> Sentences {
        let rows = lengths.iter().enumerate().map(|(row, length)| numbers(&[*length, 4], row)).collect();
        Sentences { rows, labels: false, padded: true }
    }

    fn length(&self, rows: &[usize]) -> usize {
        rows.iter().map(|row| self.rows[*row].len_of(ndarray::Axis(0))).max().unwrap_or(0).max(1)
    }
}

impl Dataset for Sentences {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn input_shape(&self) -> Shape {
        Shape::from([self.length(&(0..self.len()).collect::<Vec<_>>()), 4])
    }

    fn open_axes(&self) -> &[usize] {
        &[0]
    }

    fn row_shape(&self, row: usize) -> Shape {
        Shape::new(self.rows[row].shape()).unwrap()
    }

    fn target(&self) -> Target {
        if self.labels { Target::Labels(self.input_shape().axis(0).into()) } else { Target::Values(Shape::from(2)) }
    }

    fn batch_target(&self, rows: &[usize]) -> Target {
        if self.labels && self.padded { Target::Labels(self.length(rows).into()) } else { self.target() }
    }

    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]) {
        inputs.fill(0.0);
        let (length, width) = (4 * self.length(rows), targets.len() / rows.len());
        for ((row, input), target) in
            rows.iter().zip(inputs.chunks_exact_mut(length)).zip(targets.chunks_exact_mut(width))
        {
            let values = self.rows[*row].as_slice().unwrap();
            input[..values.len()].copy_from_slice(values);
            match self.labels {
                // Padded steps have a label that the loss ignores.
                true => {
                    target.fill(-1.0);
                    target
                        .iter_mut()
                        .take(values.len() / 4)
                        .enumerate()
                        .for_each(|(at, label)| *label = (at % 3) as f32);
                }
                false => target.copy_from_slice(&[values.iter().sum(), values.len() as f32 / 16.0]),
            }
        }
    }
}

/// Lengths of rows, of which some are equal.
const LENGTHS: [usize; 11] = [3, 9, 1, 4, 4, 7, 2, 9, 5, 3, 6];

#[test]
fn fit_pads_each_batch_to_its_longest_row() {
    let data = Sentences::of(&LENGTHS);
    let mut model = sequences((None, 4)).compile(settings()).unwrap();
    let mut by_hand = model.clone();
    model.fit(&data, quiet().shuffle(false)).unwrap();
    for rows in [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9, 10]] {
        let rows = Rows::chosen(&data, rows).unwrap();
        let padded = Arrays::new(rows.inputs().unwrap(), rows.targets().unwrap()).unwrap();
        by_hand.train_on_batch(&padded).unwrap();
    }
    assert_eq!(model.params().sha256(), by_hand.params().sha256());
}

#[test]
fn training_on_rows_of_different_sizes_is_reproducible_and_resumes() {
    let (data, validation) = (Sentences::of(&LENGTHS), Sentences::of(&[2, 8, 8]));
    let digests = [1, 2, 3, 4].map(|threads| {
        let mut model = sequences((None, 4)).compile(settings().threads(threads)).unwrap();
        let history = model.fit(&data, quiet().epochs(3).validation(&validation)).unwrap();
        (model.params().sha256(), history.get("loss"), history.get("val_loss"))
    });
    assert!(digests.iter().all(|digest| *digest == digests[0]));
    let folder = tempdir().unwrap();
    let mut first = sequences((None, 4)).compile(settings()).unwrap();
    first.fit(&data, quiet().validation(&validation).checkpoints(Checkpoints::new(folder.path()))).unwrap();
    let mut second = sequences((None, 4)).compile(settings()).unwrap();
    let history = second.fit(&data, quiet().epochs(3).validation(&validation).resume(folder.path())).unwrap();
    assert_eq!((second.params().sha256(), history.get("loss"), history.get("val_loss")), digests[0]);
    // Subsets, also by validation_split.
    let mut model = sequences((None, 4)).compile(settings()).unwrap();
    model.fit(&data, quiet().validation_split(0.3)).unwrap();
}

#[test]
fn predictions_and_scores_of_rows_do_not_depend_on_other_rows() {
    let data = Sentences::of(&LENGTHS);
    let model = sequences((None, 4)).compile(settings()).unwrap();
    let predicted = &model.predict_dataset(&data).unwrap()["output"];
    let (mut loss, weight) = (0.0, 1.0 / LENGTHS.len() as f64);
    for row in 0..data.len() {
        let one = Rows::chosen(&data, vec![row]).unwrap();
        let alone = model.predict(&one.inputs().unwrap()).unwrap();
        assert_eq!(bits(&alone), bits(&predicted.slice(s![row..=row, ..]).to_owned()));
        loss += weight * model.evaluate(&one).unwrap().loss;
    }
    approx::assert_relative_eq!(model.evaluate(&data).unwrap().loss, loss, max_relative = 1e-6);
    // An output of another size for each row is not an array.
    let model = steps((None, 4)).compile(settings()).unwrap();
    let message = model.predict_dataset(&data).unwrap_err().to_string();
    let expected = "output \"output\" of row 1: found shape 9 × 3, expected 3 × 3, as of row 0; predict rows of equal size at a \
                    time, as in Rows::chosen";
    assert_eq!(message, expected);
    assert_eq!(model.predict_dataset(&Rows::chosen(&data, vec![3, 4]).unwrap()).unwrap()["output"].shape(), [2, 4, 3]);
}

#[test]
fn a_row_that_a_layer_does_not_accept_is_an_error_before_the_first_step() {
    let data = Sentences::of(&LENGTHS);
    let network = Sequential::new((None, 4)).add(Conv1d::new(4, 3)).add(GlobalMaxPool1d::new()).add(Dense::new(2));
    let mut model = network.compile(settings()).unwrap();
    for error in [model.clone().fit(&data, quiet()).unwrap_err(), model.evaluate(&data).unwrap_err()] {
        let message = error.to_string();
        assert!(message.starts_with("layer 1 (conv1d): found shape 1 × 4, expected "), "{message}");
        assert!(
            message.ends_with("; the input has size 1 along its open axis 0, in row 2 of the dataset"),
            "{message}"
        );
    }
    let part = Rows::chosen(&data, vec![0, 1, 3, 4, 5, 7]).unwrap();
    model.fit(&part, quiet().callback(&mut Divergence::stop())).unwrap();
    // A fixed axis of the model.
    let mut wide = sequences((None, 5)).compile(settings()).unwrap();
    let message = wide.fit(&data, quiet()).unwrap_err().to_string();
    assert!(
        message.starts_with("inputs of row 0: found shape 3 × 4, expected None × 5, the model's input; "),
        "{message}"
    );
}

#[test]
fn labels_of_steps_are_checked_for_each_batch() {
    let loss = || SparseCategoricalCrossentropy::new().from_logits(true).ignore_class(-1);
    let model = || steps((None, 4)).compile(Compile::new(Adam::new(0.01), loss()).seed(1)).unwrap();
    let padded = Sentences { labels: true, ..Sentences::of(&LENGTHS) };
    let mut trained = model();
    let history = trained.fit(&padded, quiet().epochs(4)).unwrap().get("loss").unwrap();
    assert!(history[3] < history[0], "{history:?}");
    assert_eq!(trained.step(), 12);
    // Labels for the longest row of the dataset instead of the batch.
    let fixed = Sentences { labels: true, padded: false, ..Sentences::of(&LENGTHS) };
    let mut untouched = model();
    let message = untouched.fit(&fixed, quiet()).unwrap_err().to_string();
    assert!(
        message.starts_with(
            "targets of row 0 for SparseCategoricalCrossentropy: found integer labels of shape 9 per row, expected integer \
             labels of shape 3 per row"
        ),
        "{message}"
    );
    assert_eq!(untouched.step(), 0);
    // Arrays of any size, with labels of this size.
    let settings =
        || Compile::new(Adam::new(0.01), SparseCategoricalCrossentropy::new().from_logits(true)).metric(Accuracy);
    let mut model = steps((None, 4)).compile(settings()).unwrap();
    for length in [5, 8] {
        let labels = Array2::from_shape_fn((6, length), |(i, j)| ((i + j) % 3) as u8);
        model.fit(&Arrays::new(numbers(&[6, length, 4], 1), labels).unwrap(), quiet()).unwrap();
    }
    let labels = Array2::from_shape_fn((6, 7), |(i, j)| ((i + j) % 3) as u8);
    let message = model.fit(&Arrays::new(numbers(&[6, 8, 4], 1), labels).unwrap(), quiet()).unwrap_err().to_string();
    assert!(
        message.contains("found integer labels of shape 7 per row, expected integer labels of shape 8 per row"),
        "{message}"
    );
    let labels = Array2::from_shape_fn((2, 4), |(i, j)| ((i + j) % 3) as u8);
    let rows = Arrays::new(numbers(&[2, 4, 4], 1), labels).unwrap();
    assert_eq!(model.confusion_matrix(&rows).unwrap().counts().sum(), 8);
}

#[test]
fn graphs_have_open_and_fixed_inputs() {
    let mut graph = Graph::new();
    let (words, age) = (graph.input("words", (None,)), graph.input("age", [1]));
    let vectors = graph.apply(Embedding::new(10, 4), words);
    let mean = graph.apply(GlobalAveragePool1d::new(), vectors);
    let joined = graph.apply(Concatenate::new(), [mean, age]);
    let kind = graph.apply(Dense::new(3).activation(Activation::Softmax), joined);
    graph.output("kind", kind);
    graph.output("vectors", vectors);
    let mut model = graph
        .compile(Compile::new(Sgd::new(0.1), gradus::Losses::new().output("kind", CategoricalCrossentropy::new())))
        .unwrap();
    assert_eq!(model.output_shapes(), [SampleShape::from(3), SampleShape::from((None, 4))]);
    for length in [1, 4, 9] {
        let words = Array2::from_shape_fn((5, length), |(i, j)| ((i * 3 + j) % 10) as f32);
        let ages = Array2::from_shape_fn((5, 1), |(i, _)| i as f32 / 5.0);
        let kinds = Array2::from_shape_fn((5, 3), |(i, j)| f32::from(u8::from(i % 3 == j)));
        let data = NamedArrays::new().with_input("words", &words).unwrap().with_input("age", &ages).unwrap();
        let data = data.with_target("kind", &kinds).unwrap();
        model.fit(&data, quiet()).unwrap();
        let outputs = model.predict_outputs([("words", &words), ("age", &ages)]).unwrap();
        assert_eq!((outputs["kind"].shape(), outputs["vectors"].shape()), (&[5, 3][..], &[5, length, 4][..]));
        assert!(data.columns().is_some_and(|columns: &dyn Columns| columns.input_open_axes(0).is_empty()));
    }
}

#[test]
fn saved_networks_keep_their_open_axes() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut model = steps((None, 4)).compile(settings()).unwrap();
    let data = Arrays::new(numbers(&[4, 6, 4], 1), numbers(&[4, 6, 3], 2)).unwrap();
    model.fit(&data, quiet()).unwrap();
    model.save(&path).unwrap();
    let mut loaded = Model::load(&path).unwrap();
    assert_eq!(loaded.input_shapes(), [SampleShape::from((None, 4))]);
    let x = numbers(&[3, 11, 4], 8);
    assert_eq!(bits(&loaded.predict(&x).unwrap()), bits(&model.predict(&x).unwrap()));
    for model in [&mut model, &mut loaded] {
        model.fit(&Arrays::new(&x, numbers(&[3, 11, 3], 2)).unwrap(), quiet()).unwrap();
        model.set_trainable("dense", false).unwrap();
        model.fit(&data, quiet()).unwrap();
    }
    assert_eq!(loaded.params().sha256(), model.params().sha256());
    let architecture = Architecture::load(&path, &Registry::new()).unwrap();
    let params: Params = architecture.params().clone();
    let again = steps((None, 4)).with_params(&params).unwrap();
    assert_eq!(again.outputs()[0].shape(), SampleShape::from((None, 3)));
}

#[test]
fn more_sizes_than_plans_are_kept_train_to_the_same_bits() {
    let lengths: Vec<usize> = (1..=90).collect();
    let data = Sentences::of(&lengths);
    let digests = [1, 2].map(|epochs| {
        let network = Sequential::new((None, 4)).add(Dense::new(3)).add(GlobalMaxPool1d::new()).add(Dense::new(2));
        let mut model = network.compile(settings()).unwrap();
        for _ in 0..2 / epochs {
            model.fit(&data, quiet().batch_size(1).epochs(epochs)).unwrap();
        }
        model.params().sha256()
    });
    assert_eq!(digests[0], digests[1]);
}
