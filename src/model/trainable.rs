//! Freezing and unfreezing of layers.

use super::Model;
use super::kept_plans::Plans;
use super::plan;
use crate::error::Result;
use crate::optimizers::OptimizerState;
use crate::tape::ParamGradients;

impl Model {
    /// Freezes or unfreezes the weights of a layer for all later steps. Keras' `layer.trainable`, without another
    /// `compile`. [`Frozen`](crate::layers::Frozen) describes the effects.
    ///
    /// The optimizer's state of this layer is reset and that of other layers is kept. The setting is saved with the
    /// model.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, layers::Dense, losses::CategoricalCrossentropy, optimizers::Adam};
    /// let network = Sequential::new([4]).add(Dense::new(8)).add(Dense::new(3));
    /// let mut model = network.compile(Compile::new(Adam::default(), CategoricalCrossentropy::new()))?;
    /// model.set_trainable("dense", false)?; // also possible after Model::load
    /// assert_eq!(model.params().count(true), 27);
    /// model.set_trainable("dense", true)?;
    /// assert_eq!(model.params().count(true), 40 + 27);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown) if no layer has this name.
    pub fn set_trainable(&mut self, layer: &str, trainable: bool) -> Result<()> {
        let Some(architecture) = self.architecture.with_trainable(layer, trainable)? else { return Ok(()) };
        self.check_state("set_trainable")?;
        let params = architecture.params();
        if let Some(training) = &mut self.training {
            plan::check_loss(&architecture, &training.trained_outputs)?;
            let mut optimizer = OptimizerState::of(training.optimizer.shared_optimizer(), params)?;
            optimizer.copy_from(params, &training.optimizer, self.architecture.params());
            (training.gradients, training.optimizer) = (ParamGradients::new(params), optimizer);
        }
        (self.architecture, self.plans) = (architecture, Plans::default());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::callbacks::{Callback, EpochEnd, Flow};
    use crate::data::Arrays;
    use crate::layers::{BatchNorm, Dense};
    use crate::losses::CategoricalCrossentropy;
    use crate::optimizers::Adam;
    use crate::{Compile, Fit, Model, Progress, Result, Sequential};
    use ndarray::Array2;

    fn model() -> Model {
        model_with(1)
    }

    fn model_with(shards: usize) -> Model {
        let network = Sequential::new([4]).add(Dense::new(5)).add(BatchNorm::new()).add(Dense::new(3));
        let loss = CategoricalCrossentropy::new().from_logits(true);
        network.compile(Compile::new(Adam::default(), loss).seed(3).shards(shards)).unwrap()
    }

    fn train(model: &mut Model, epochs: usize) {
        let x = Array2::from_shape_fn((12, 4), |(i, j)| ((3 * i + 5 * j) % 7) as f32 - 3.0);
        let t = Array2::from_shape_fn((12, 3), |(i, j)| f32::from(u8::from(i % 3 == j)));
        let fit = Fit::new().epochs(epochs).batch_size(6).progress(Progress::Quiet);
        model.fit(&Arrays::new(&x, &t).unwrap(), fit).unwrap();
    }

    /// The names of the arrays that `work` changes.
    fn changed(model: &mut Model, work: impl FnOnce(&mut Model)) -> Vec<String> {
        let before: Vec<_> = model.params().iter().map(|(_, values)| values.to_owned()).collect();
        work(model);
        let pairs = model.params().iter().zip(&before);
        pairs.filter(|((_, now), before)| now != *before).map(|((name, _), _)| name.to_owned()).collect()
    }

    #[test]
    fn layers_can_be_frozen_and_unfrozen() {
        let mut model = model();
        train(&mut model, 1);
        let freeze = |model: &mut Model| {
            ["dense", "batch_normalization"].into_iter().for_each(|name| model.set_trainable(name, false).unwrap());
        };
        assert!(changed(&mut model, freeze).is_empty(), "freezing keeps every value");
        assert_eq!(changed(&mut model, |model| train(model, 2)), ["dense_1/kernel", "dense_1/bias"]);
        model.set_trainable("dense", true).unwrap();
        assert_eq!(changed(&mut model, |model| train(model, 1)).len(), 4);
        model.set_trainable("batch_normalization", true).unwrap();
        assert_eq!(changed(&mut model, |model| train(model, 1)).len(), 8);
    }

    /// Moments of other layers are kept, so that only the frozen layer differs.
    #[test]
    fn freezing_keeps_the_optimizer_state_of_other_layers() {
        let (mut model, mut same) = (model(), model());
        [&mut model, &mut same].into_iter().for_each(|model| train(model, 2));
        same.set_trainable("dense_1", true).unwrap();
        model.set_trainable("dense", false).unwrap();
        model.set_trainable("dense", true).unwrap();
        let values = |model: &Model, name: &str| -> Vec<Vec<f32>> {
            let arrays = model.optimizer_state().unwrap().arrays(model.params());
            arrays.into_iter().filter(|array| array.name.ends_with(name)).map(|array| array.values.to_vec()).collect()
        };
        assert_eq!(values(&model, "dense_1/kernel"), values(&same, "dense_1/kernel"));
        assert!(values(&same, "dense/kernel").concat().iter().any(|value| *value != 0.0));
        assert!(values(&model, "dense/kernel").concat().iter().all(|value| *value == 0.0));
    }

    #[test]
    fn a_frozen_layer_is_saved_frozen() {
        let mut model = model();
        model.set_trainable("dense", false).unwrap();
        train(&mut model, 1);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        model.save(&path).unwrap();
        let mut loaded = Model::load(&path).unwrap();
        assert_eq!(loaded.params().count(true), model.params().count(true));
        [&mut model, &mut loaded].into_iter().for_each(|model| train(model, 1));
        assert_eq!(loaded.params().sha256(), model.params().sha256());
        loaded.set_trainable("dense", true).unwrap();
        assert_eq!(loaded.params().count(true), 25 + 10 + 18);
    }

    #[test]
    fn an_unknown_layer_is_an_error() {
        let message = model().set_trainable("dense_7", false).unwrap_err().to_string();
        assert_eq!(message, "unknown layer \"dense_7\"; available: dense, batch_normalization, dense_1");
    }

    /// Freezes a layer at the end of the first epoch.
    struct Freeze;

    impl Callback for Freeze {
        fn epoch_end(&mut self, model: &mut Model, epoch: &EpochEnd<'_>) -> Result<Flow> {
            if epoch.epoch.number == 1 {
                model.set_trainable("dense", false)?;
            }
            Ok(Flow::Continue(()))
        }
    }

    #[test]
    fn a_callback_can_freeze_a_layer() {
        let x = Array2::from_shape_fn((12, 4), |(i, j)| ((3 * i + 5 * j) % 7) as f32 - 3.0);
        let t = Array2::from_shape_fn((12, 3), |(i, j)| f32::from(u8::from(i % 3 == j)));
        let data = Arrays::new(&x, &t).unwrap();
        for shards in [1, 2] {
            let fit = || Fit::new().batch_size(6).progress(Progress::Quiet).validation(&data);
            let mut by_hand = model_with(shards);
            by_hand.fit(&data, fit().epochs(1)).unwrap();
            by_hand.set_trainable("dense", false).unwrap();
            by_hand.fit(&data, fit().epochs(2)).unwrap();
            let (mut by_callback, mut freeze) = (model_with(shards), Freeze);
            by_callback.fit(&data, fit().epochs(3).callback(&mut freeze)).unwrap();
            assert_eq!(by_callback.params().sha256(), by_hand.params().sha256(), "{shards} shards");
            by_callback.evaluate(&data).unwrap();
        }
    }
}
