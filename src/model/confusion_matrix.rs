//! The confusion matrix of a model on a dataset.

use super::Model;
use super::matched_dataset::MatchedDataset;
use super::plan::Kind;
use crate::accepts::are_labels;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::metrics::{Accuracy, ConfusionMatrix, Metric, ScoredBatch};
use crate::random::Key;
use crate::shape::{Shape, View};

impl Model {
    /// Returns the confusion matrix: the number of rows of a dataset by actual and predicted class. If the output has
    /// several positions, positions are counted instead of rows, except those that a mask of the output marks as padding.
    /// Targets are integer labels, one-hot rows, or rows of probabilities, whose first maximum is the class. A single output
    /// is a binary classifier with targets 0 and 1. Classes are predicted as in [`predict_classes`](Model::predict_classes).
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, layers::Activation, losses::BinaryCrossentropy, optimizers::Sgd};
    /// let loss = BinaryCrossentropy::new().from_logits(true);
    /// let model = Sequential::new([1]).add(Activation::Linear).compile(Compile::new(Sgd::new(0.1), loss))?;
    /// let data = Arrays::new(ndarray::arr2(&[[-1.0f32], [0.25], [2.0]]), ndarray::arr1(&[0u8, 1, 0]))?;
    /// let confusion = model.confusion_matrix(&data)?;
    /// assert_eq!((confusion.count(0, 0), confusion.count(0, 1), confusion.count(1, 1)), (1, 1, 1));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// The model has several outputs, inputs or targets do not fit the model, targets are not classes, the dataset is
    /// empty, or there are more than 4,096 classes.
    pub fn confusion_matrix(&self, data: &dyn Dataset) -> Result<ConfusionMatrix> {
        let mut confusion = ConfusionMatrix::empty(self.architecture.output(0).last().max(2))?;
        self.classify("confusion_matrix", data, |batch| confusion.add(batch))?;
        Ok(confusion)
    }

    /// Checks that the targets are classes, then calls `visit` with the outputs and targets of each batch. `place`
    /// names the caller in messages.
    pub(crate) fn classify(
        &self,
        place: &'static str,
        data: &dyn Dataset,
        mut visit: impl FnMut(&ScoredBatch<'_>) + Send,
    ) -> Result<()> {
        let names = self.architecture.output_names();
        let [name] = &names[..] else {
            let problem = format!("it needs a model with one output, but the model has {}", names.join(", "));
            return Err(Error::Graph { place: place.into(), problem: problem.into() });
        };
        let mut matched = MatchedDataset::inputs(self, data)?;
        matched.choose_targets(&[name])?;
        let (column, scale) = (matched.column(0), self.output_scales()[0]);
        let place = || format!("targets for {place}");
        let read = |rows: &[usize], inputs: &[Shape]| {
            let (output, target) = (self.architecture.output_shapes_for(inputs)?[0], column.batch_target(rows));
            let reading = Accuracy.accepts(output).check(place, output, target)?;
            Ok::<_, Error>((reading, output, are_labels(output, target)))
        };
        for (variant, (row, inputs)) in matched.variants().iter().enumerate() {
            let (reading, output, _) = read(&[*row], inputs)?;
            if variant == 0 {
                column.check(reading, output.last(), &place)?;
            }
        }
        let batches = self.inference_batches(&matched)?;
        let (mut targets, mut carried) = (Vec::new(), self.carried_params());
        self.run_rows(self.work_for(&matched)?, data.len(), || {
            for rows in &batches {
                let inputs = matched.batch_shapes(rows);
                let (reading, _, labels) = read(rows, &inputs)?;
                let mut plan = self.take_plan(Kind::forward(rows.len(), inputs))?;
                matched.fill_inputs(rows, &mut plan);
                let result = plan.run(carried.as_ref().unwrap_or(self.architecture.params()), Key::from_seed(0));
                result.map_err(|error| error.in_rows("dataset", |row| rows.get(row).copied()))?;
                if let Some(params) = &mut carried {
                    plan.commit(params);
                }
                targets.resize(rows.len() * reading.target.len(), 0.0);
                column.gather(rows, &mut targets);
                let targets = View::new(reading.target.shape().batch(rows.len())?, &targets);
                let batch = if labels { ScoredBatch::labels } else { ScoredBatch::values };
                let batch = batch(plan.output(0), targets).scale(scale);
                match plan.mask(0) {
                    None => visit(&batch),
                    Some(mask) => {
                        let parts = batch.each_part(mask.shape().rank()).zip(mask.data());
                        parts.filter(|(_, valid)| **valid != 0.0).for_each(|(part, _)| visit(&part));
                    }
                }
                self.plans.keep(plan);
            }
            Ok(())
        })
    }
}
