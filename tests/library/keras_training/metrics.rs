//! Metrics over two batches.

use super::NEAR;
use crate::golden::load;
use gradus::metrics::*;
use gradus::{Shape, View};

fn metric(case: &str) -> Box<dyn Metric> {
    match case {
        "binary_accuracy" => Box::new(BinaryAccuracy::default()),
        "binary_accuracy_threshold" => Box::new(BinaryAccuracy::new(0.7)),
        "categorical_accuracy" => Box::new(CategoricalAccuracy),
        "sparse_categorical_accuracy" => Box::new(SparseCategoricalAccuracy),
        "top_k" => Box::new(TopKCategoricalAccuracy::new(2)),
        "sparse_top_k" => Box::new(SparseTopKCategoricalAccuracy::new(2)),
        "mean_squared_error" => Box::new(MeanSquaredError),
        "mean_absolute_error" => Box::new(MeanAbsoluteError),
        "r2_score" => Box::new(R2Score),
        "precision" => Box::new(Precision::new()),
        "precision_class" => Box::new(Precision::new().threshold(0.3).class(1)),
        "recall" => Box::new(Recall::new()),
        "recall_class" => Box::new(Recall::new().threshold(0.3).class(1)),
        "f1_score" => Box::new(F1Score::new()),
        "f1_score_threshold" => Box::new(F1Score::new().threshold(0.4)),
        other => panic!("a metric that is not compared: {other}"),
    }
}

#[test]
fn values_are_those_of_keras() {
    let cases = load("scores.txt");
    for case in cases.cases() {
        let metric = metric(case);
        let (shape, p) = cases.parts(&format!("{case}/predictions"));
        let (target_shape, t) = cases.parts(&format!("{case}/targets"));
        let columns = |shape: &[usize]| shape.get(1).copied().unwrap_or(1);
        let view = |values: &'static [f32], shape: &[usize], rows: std::ops::Range<usize>| {
            let sizes: Vec<usize> = std::iter::once(rows.len()).chain(shape[1..].iter().copied()).collect();
            View::new(Shape::new(&sizes).unwrap(), &values[rows.start * columns(shape)..rows.end * columns(shape)])
        };
        let (p, t): (&'static [f32], &'static [f32]) = (p.leak(), t.leak());
        let mut totals = vec![0.0; metric.totals(Shape::from([columns(&shape)]))];
        for rows in [0..20, 20..30] {
            metric.add(view(p, &shape, rows.clone()), view(t, &target_shape, rows), &mut totals);
        }
        let (found, expected) = (metric.value(&totals, 30.0) as f32, cases.scalar(&format!("{case}/value")));
        assert!((found - expected).abs() <= NEAR, "{case}: {found}, not {expected}");
    }
}
