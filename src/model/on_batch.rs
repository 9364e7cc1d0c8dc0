//! Methods for single batches: Keras' `train_on_batch`, `test_on_batch` and `predict_on_batch`.

use super::Model;
use super::matched_dataset::MatchedDataset;
use super::members::Members;
use super::scoring::{Means, blank_scores};
use super::shards::Shards;
use super::steps::Steps;
use super::threads::Threads;
use crate::data::Dataset;
use crate::error::Result;
use crate::metrics::Scores;
use crate::random::Key;
use crate::tape::Mode;
use ndarray::{ArrayD, ArrayRef, Dimension};
use std::fmt;

/// The rows of one training step: a dataset, optionally with class weights.
///
/// ```
/// use gradus::{Batch, data::Arrays};
/// let rows = Arrays::new(ndarray::arr2(&[[0.5f32], [2.0]]), ndarray::arr1(&[0u8, 1]))?;
/// let batch = Batch::new(&rows).class_weight(1, 5.0); // for Model::train_on_batch
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Batch<'a> {
    data: &'a dyn Dataset,
    class_weights: Vec<(usize, f32)>,
}

impl fmt::Debug for Batch<'_> {
    /// Formats the number of rows and the class weights.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("rows", &self.data.len()).field("class_weights", &self.class_weights).finish()
    }
}

impl<'a> Batch<'a> {
    /// Creates a batch of all rows of a dataset, with the dataset's sample weights.
    pub fn new(data: &'a dyn Dataset) -> Batch<'a> {
        Batch { data, class_weights: Vec::new() }
    }

    /// Multiplies the loss of each row of class `class` by `weight`; see
    /// [`Fit::class_weight`](crate::Fit::class_weight).
    pub fn class_weight(mut self, class: usize, weight: f32) -> Batch<'a> {
        self.class_weights.push((class, weight));
        self
    }
}

impl<'a, D: Dataset> From<&'a D> for Batch<'a> {
    fn from(data: &'a D) -> Batch<'a> {
        Batch::new(data)
    }
}

impl<'a> From<&'a dyn Dataset> for Batch<'a> {
    fn from(data: &'a dyn Dataset) -> Batch<'a> {
        Batch::new(data)
    }
}

impl Model {
    /// Runs one training step on all rows of a dataset, or of a [`Batch`] with class weights. Returns the loss and the
    /// metrics of the batch before the update. The step counter is incremented, the epoch counter is not.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, layers::Dense};
    /// use gradus::{losses::SparseCategoricalCrossentropy, optimizers::Sgd};
    /// use ndarray::{arr1, arr2};
    /// let loss = SparseCategoricalCrossentropy::new().from_logits(true);
    /// let mut model = Sequential::new([2]).add(Dense::new(2)).compile(Compile::new(Sgd::new(0.5), loss))?;
    /// let data = Arrays::new(arr2(&[[0.0f32, 1.0], [1.0, 0.0], [0.5, 0.1]]), arr1(&[1u8, 0, 0]))?;
    /// let first = model.train_on_batch(&data.rows(..2)?)?;
    /// for _ in 0..20 {
    ///     model.train_on_batch(&data.rows(..2)?)?;
    /// }
    /// assert!(model.test_on_batch(&data.rows(..2)?)?.loss < first.loss);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// Rows do not fit the model; see [`fit`](Model::fit). [`Error::Fault`](crate::Error::Fault) if an operation
    /// encounters an invalid value. [`Error::NotCompiled`](crate::Error::NotCompiled) if the model has no optimizer. On an
    /// error, the model does not change.
    pub fn train_on_batch<'a>(&mut self, batch: impl Into<Batch<'a>>) -> Result<Scores> {
        let Batch { data, class_weights } = batch.into();
        self.compiled("train_on_batch")?;
        let data = MatchedDataset::new(self, data)?.by_classes(self, &class_weights)?;
        let (rows, mut members): (Vec<usize>, _) = ((0..data.len()).collect(), Members::default());
        let mut steps = Steps::new(self, &data, &[rows.len()], Shards(self.shards()), &members, "batch")?;
        let threads = std::mem::replace(&mut self.threads, Threads::ambient());
        let trained = threads.run(|| steps.run(self, &data, &rows, &mut members));
        self.threads = threads;
        let scores = trained.map(|()| self.scores_of(&mut steps.means));
        steps.return_to(self);
        scores
    }

    /// Computes the loss and the metrics of all rows of a dataset as one batch, without training. Sample weights of the
    /// dataset apply.
    ///
    /// # Errors
    /// Inputs or targets do not fit the model, labels are not classes, or the dataset is empty.
    /// [`Error::Fault`](crate::Error::Fault) if an operation encounters an invalid value.
    /// [`Error::NotCompiled`](crate::Error::NotCompiled) if the model has no loss.
    pub fn test_on_batch(&self, batch: &dyn Dataset) -> Result<Scores> {
        self.compiled("test_on_batch")?;
        let matched = MatchedDataset::new(self, batch)?;
        let rows: Vec<usize> = (0..matched.len()).collect();
        let mut plan = self.take_plan(matched.kind(self, Mode::Inference, false, &rows)?)?;
        matched.fill(&rows, &mut plan);
        let tested = self.threads.run(|| plan.run(self.architecture.params(), Key::from_seed(0)));
        let scores = tested.map(|()| {
            let mut means = Means::new(&self.architecture, self.trained_outputs());
            plan.score(self.trained_outputs(), &mut means);
            self.scores_of(&mut means)
        });
        self.plans.keep(plan);
        scores
    }

    /// Predicts the output for samples of shape n × … as one batch. [`predict`](Model::predict) returns the same bits
    /// and uses less memory.
    ///
    /// # Errors
    /// The array is empty, samples do not fit the model, or the model has several inputs or outputs.
    /// [`Error::Fault`](crate::Error::Fault) if an operation encounters an invalid value.
    pub fn predict_on_batch<D: Dimension>(&self, samples: &ArrayRef<f32, D>) -> Result<ArrayD<f32>> {
        self.predict_by(samples, usize::MAX)
    }

    /// The scores of means.
    fn scores_of(&self, means: &mut Means) -> Scores {
        let mut scores = blank_scores(&self.architecture, self.trained_outputs());
        means.write(self.trained_outputs(), &mut scores);
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Arrays;
    use crate::layers::Dense;
    use crate::losses::SparseCategoricalCrossentropy;
    use crate::metrics::{Accuracy, Precision};
    use crate::optimizers::Sgd;
    use crate::{Compile, Sequential};
    use ndarray::{Array1, Array2};

    fn model() -> Model {
        let loss = SparseCategoricalCrossentropy::new().from_logits(true);
        let settings = Compile::new(Sgd::new(0.1), loss).metric(Accuracy).metric(Accuracy);
        let settings = settings.weighted_metric(Accuracy).weighted_metric(Accuracy);
        Sequential::new([2]).add(Dense::new(3)).compile(settings).unwrap()
    }

    fn data() -> Arrays {
        Arrays::new(Array2::from_shape_fn((4, 2), |(i, j)| (i + j) as f32), Array1::from_iter([0u8, 1, 2, 0])).unwrap()
    }

    #[test]
    fn every_metric_has_a_unique_name() {
        let scores = model().test_on_batch(&data()).unwrap();
        let names: Vec<&str> = scores.names().collect();
        assert_eq!(names, ["loss", "accuracy", "accuracy_1", "weighted_accuracy", "weighted_accuracy_1"]);
        assert_eq!(scores.get("weighted_accuracy"), scores.get("accuracy")); // rows without weights have equal weight
    }

    #[test]
    fn the_mean_with_all_weights_0_is_0() {
        let scores = model().test_on_batch(&data().with_sample_weight([0.0; 4]).unwrap()).unwrap();
        assert_eq!((scores.loss, scores.get("weighted_accuracy")), (0.0, Some(0.0)));
    }

    #[test]
    fn a_batch_that_does_not_fit_leaves_the_model_as_it_was() {
        let mut model = model();
        let before = (model.params().sha256(), model.step());
        let data = data();
        let message = |error: crate::Error| error.to_string();
        let unknown = model.train_on_batch(Batch::new(&data).class_weight(3, 1.0)).unwrap_err();
        assert_eq!(message(unknown), "class_weight: unknown class 3; available: 0 to 2");
        let weighted = data.clone().with_sample_weight([1.0; 4]).unwrap();
        let both = model.train_on_batch(Batch::new(&weighted).class_weight(0, 1.0)).unwrap_err();
        assert_eq!(
            message(both),
            "class_weight: the dataset already has sample weights; use either class weights or sample weights"
        );
        assert_eq!((model.params().sha256(), model.step()), before);
        let rows: &dyn Dataset = &data;
        assert!(model.train_on_batch(rows).is_ok());
    }

    #[test]
    fn a_weighted_metric_is_checked_like_any_other() {
        let settings = Compile::new(Sgd::new(0.1), SparseCategoricalCrossentropy::new());
        let settings = settings.weighted_metric(Precision::new().threshold(2.0));
        let error = Sequential::new([2]).add(Dense::new(3)).compile(settings).unwrap_err().to_string();
        assert_eq!(error, "Precision: threshold must be ≥ 0 and ≤ 1, got 2");
    }
}
