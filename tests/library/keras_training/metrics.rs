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
        let (shape, outputs) = cases.parts(&format!("{case}/predictions"));
        let (target_shape, targets) = cases.parts(&format!("{case}/targets"));
        let output = Shape::new(&shape[1..]).unwrap();
        let batch = |rows: std::ops::Range<usize>| {
            let view = |values: &'static [f32], shape: &[usize]| {
                let length: usize = shape[1..].iter().product();
                let sizes: Vec<usize> = std::iter::once(rows.len()).chain(shape[1..].iter().copied()).collect();
                View::new(Shape::new(&sizes).unwrap(), &values[rows.start * length..rows.end * length])
            };
            let outputs = view(outputs.clone().leak(), &shape);
            let targets = view(targets.clone().leak(), &target_shape);
            let labels = target_shape.len() < shape.len();
            if labels { ScoredBatch::labels(outputs, targets) } else { ScoredBatch::values(outputs, targets) }
        };
        let mut totals = vec![0.0; metric.totals(output)];
        for rows in [0..20, 20..30] {
            metric.add(&batch(rows), &mut totals);
        }
        let expected = cases.scalar(&format!("{case}/value"));
        for found in [metric.value(&totals, Count::of(30)), metric.score(&batch(0..30)).unwrap()] {
            assert!((found as f32 - expected).abs() <= NEAR, "{case}: {found}, not {expected}");
        }
    }
}
