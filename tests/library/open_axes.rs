//! Datasets whose rows differ in size, and datasets behind pointers.

use gradus::data::{Columns, Dataset, Rows, Target};
use gradus::layers::{Concatenate, Dense};
use gradus::losses::MeanSquaredError;
use gradus::optimizers::Sgd;
use gradus::{Compile, Fit, Model, Progress, Sequential, Shape};
use std::sync::Arc;

/// Sequences with a target that is their sum, and a second input with a fixed shape.
struct Ragged {
    rows: Vec<Vec<f32>>,
    axis: [usize; 1],
    named: bool,
}

impl Ragged {
    fn of(lengths: &[usize]) -> Ragged {
        let row = |length: &usize| (0..*length).map(|at| (at + length) as f32 / 10.0).collect();
        Ragged { rows: lengths.iter().map(row).collect(), axis: [0], named: false }
    }
}

impl Dataset for Ragged {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn input_shape(&self) -> Shape {
        Shape::from([self.rows.iter().map(Vec::len).max().unwrap_or(0)])
    }

    fn open_axes(&self) -> &[usize] {
        &self.axis
    }

    fn row_shape(&self, row: usize) -> Shape {
        Shape::from([self.rows[row].len()])
    }

    fn target(&self) -> Target {
        Target::Values(Shape::from([1]))
    }

    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]) {
        inputs.fill(0.0);
        let longest = self.batch_shape(rows).len();
        for ((&row, input), target) in rows.iter().zip(inputs.chunks_exact_mut(longest)).zip(targets) {
            input[..self.rows[row].len()].copy_from_slice(&self.rows[row]);
            *target = self.rows[row].iter().sum();
        }
    }

    fn row_number(&self, row: usize) -> usize {
        row + 1000
    }

    fn has_sample_weight(&self) -> bool {
        true
    }

    fn gather_sample_weight(&self, rows: &[usize], weights: &mut [f32]) {
        rows.iter().zip(weights).for_each(|(row, weight)| *weight = 1.0 + *row as f32);
    }

    fn columns(&self) -> Option<&dyn Columns> {
        self.named.then_some(self)
    }
}

impl Columns for Ragged {
    fn input_columns(&self) -> Vec<(String, Shape)> {
        vec![("length".into(), Shape::from([1])), ("sequence".into(), self.input_shape())]
    }

    fn input_open_axes(&self, input: usize) -> &[usize] {
        if input == 1 { &self.axis } else { &[] }
    }

    fn input_row_shape(&self, input: usize, row: usize) -> Shape {
        if input == 1 { self.row_shape(row) } else { Shape::from([1]) }
    }

    fn target_columns(&self) -> Vec<(String, Target)> {
        vec![("sum".into(), self.target())]
    }

    fn gather_input(&self, input: usize, rows: &[usize], values: &mut [f32]) {
        let mut targets = vec![0.0; rows.len()];
        match input {
            1 => self.gather(rows, values, &mut targets),
            _ => rows.iter().zip(values).for_each(|(row, value)| *value = self.rows[*row].len() as f32),
        }
    }

    fn gather_target(&self, _target: usize, rows: &[usize], values: &mut [f32]) {
        rows.iter().zip(values).for_each(|(row, value)| *value = self.rows[*row].iter().sum());
    }

    fn has_target_weight(&self, target: usize) -> bool {
        target == 0
    }

    fn gather_target_weight(&self, _target: usize, rows: &[usize], weights: &mut [f32]) {
        rows.iter().zip(weights).for_each(|(row, weight)| *weight = 2.0 + *row as f32);
    }
}

fn model() -> Model {
    let settings = Compile::new(Sgd::new(0.01), MeanSquaredError::new());
    Sequential::new([3]).add(Dense::new(1)).compile(settings).unwrap()
}

fn quiet<'a>() -> Fit<'a> {
    Fit::new().batch_size(2).progress(Progress::Quiet)
}

#[test]
fn rows_are_padded_to_the_longest_of_the_batch() {
    let data = Ragged::of(&[1, 3, 2, 70]);
    assert_eq!((data.batch_shape(&[0, 2]), data.batch_shape(&[])), (Shape::from([2]), Shape::from([1])));
    let part = Rows::chosen(&data, vec![2, 0]).unwrap();
    assert_eq!(
        (part.open_axes(), part.input_shape(), part.row_shape(1)),
        (&[0][..], Shape::from([70]), Shape::from([1]))
    );
    assert_eq!(part.inputs().unwrap(), ndarray::arr2(&[[0.2, 0.3], [0.1, 0.0]]).into_dyn());
    // More rows than a block elsewhere, with the longest last.
    let rows: Vec<usize> = [vec![0; 99], vec![3]].concat();
    let inputs = Rows::chosen(&data, rows).unwrap().inputs().unwrap();
    assert_eq!((inputs.shape(), inputs[[0, 0]], inputs[[0, 1]]), (&[100, 70][..], 0.1, 0.0));
    let named = Ragged { named: true, ..data };
    let rows: Vec<usize> = [vec![0; 99], vec![3]].concat();
    let part = Rows::chosen(&named, rows).unwrap();
    let all: Vec<usize> = (0..100).collect();
    let columns = part.columns().unwrap();
    assert_eq!(columns.input_batch_shape(1, &all), Shape::from([70]));
    let mut values = vec![9.0; 7000];
    columns.gather_input(1, &all, &mut values);
    assert_eq!(values, inputs.into_raw_vec_and_offset().0);
}

#[test]
fn rows_of_the_models_size_train_and_others_are_errors_before_any_step() {
    let expected = "found shape 2, expected 3, the model's input; the dataset's rows differ in size along open axes (axis 0), \
                    but the model's input has a fixed size; pad or truncate every row to it, or create the network with \
                    None as the size of the axis";
    for named in [false, true] {
        let ragged = Ragged { named, ..Ragged::of(&[3, 3, 2, 3]) };
        let message = |error: gradus::Error| error.to_string();
        let mut untouched = if named { two_inputs() } else { model() };
        let place = if named { "input \"sequence\" of row 1002" } else { "inputs of row 1002" };
        assert_eq!(message(untouched.fit(&ragged, quiet()).unwrap_err()), format!("{place}: {expected}"));
        assert_eq!(message(untouched.evaluate(&ragged).unwrap_err()), format!("{place}: {expected}"));
        assert_eq!(untouched.step(), 0);
        untouched.fit(&ragged.rows_of(&[0, 3, 1]), quiet()).unwrap();
        assert_eq!(untouched.step(), 2);
    }
    let wrong = Ragged { axis: [1], ..Ragged::of(&[3, 3]) };
    let message = model().fit(&wrong, quiet()).unwrap_err().to_string();
    assert_eq!(
        message,
        "inputs per sample: found shape 3, expected at least 2 axes, because the dataset declares axis 1 as open"
    );
}

impl Ragged {
    fn rows_of(&self, rows: &[usize]) -> Rows<'_> {
        Rows::chosen(self, rows.to_vec()).unwrap()
    }
}

fn two_inputs() -> Model {
    let mut graph = gradus::Graph::new();
    let (length, sequence) = (graph.input("length", [1]), graph.input("sequence", [3]));
    let joined = graph.apply(Concatenate::new(), [length, sequence]);
    let sum = graph.apply(Dense::new(1), joined);
    graph.output("sum", sum);
    graph.compile(Compile::new(Sgd::new(0.01), MeanSquaredError::new())).unwrap()
}

/// All properties of a dataset.
fn describe(data: &dyn Dataset) -> String {
    let rows = [2, 0];
    let length = data.batch_shape(&rows).len();
    let (mut inputs, mut targets, mut only, mut weights) = (vec![9.0; 2 * length], [9.0; 2], [9.0; 2], [9.0; 2]);
    data.gather(&rows, &mut inputs, &mut targets);
    data.gather_targets(&rows, &mut only);
    data.gather_sample_weight(&rows, &mut weights);
    let shapes = (data.input_shape(), data.row_shape(2), data.open_axes(), length, data.target());
    let flags = (data.len(), data.is_empty(), data.row_number(1), data.has_sample_weight());
    format!(
        "{shapes:?} {flags:?} {inputs:?} {targets:?} {only:?} {weights:?} {:?}",
        data.columns().map(describe_columns)
    )
}

fn describe_columns(data: &dyn Columns) -> String {
    let (mut inputs, mut targets, mut weights) = ([9.0; 4], [9.0; 2], [9.0; 2]);
    data.gather_input(1, &[2, 0], &mut inputs);
    data.gather_target(0, &[2, 0], &mut targets);
    data.gather_target_weight(0, &[2, 0], &mut weights);
    let shapes = (data.input_columns(), data.input_row_shape(1, 0), data.input_batch_shape(1, &[2, 0]));
    let flags = (data.target_columns(), data.has_target_weight(0), data.has_target_weight(1), data.input_open_axes(1));
    format!("{shapes:?} {flags:?} {inputs:?} {targets:?} {weights:?}")
}

#[test]
fn pointers_to_datasets_are_datasets() {
    let data = || Ragged { named: true, ..Ragged::of(&[1, 3, 2]) };
    let expected = describe(&data());
    let boxed: Box<dyn Dataset> = Box::new(data());
    let shared: Arc<dyn Dataset> = Arc::new(data());
    assert_eq!([describe(&boxed), describe(&shared), describe(&&data())], [(); 3].map(|()| expected.clone()));
    let columns: [Box<dyn Columns>; 3] = [Box::new(Arc::new(data())), Box::new(data()), Box::new(Box::new(data()))];
    let expected = describe_columns(&data());
    assert!(
        columns.iter().all(|columns| describe_columns(columns) == expected && describe_columns(&columns) == expected)
    );
    // A dataset that owns a part chosen at run time.
    let chosen: Box<dyn Dataset> = Box::new(Ragged::of(&[3, 3]));
    model().fit(&chosen, quiet()).unwrap();
}
