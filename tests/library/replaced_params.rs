//! Models whose parameters were replaced by others, to which their layers do not refer.

use gradus::data::Arrays;
use gradus::layers::Dense;
use gradus::losses::MeanSquaredError;
use gradus::optimizers::Sgd;
use gradus::{Callback, Compile, EpochEnd, Fit, Flow, Model, Progress, Result, Sequential};
use ndarray::{Array2, arr1};

fn model(seed: u64) -> Model {
    let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new()).seed(seed);
    Sequential::new([2]).add(Dense::new(1)).compile(settings).unwrap()
}

fn data() -> Arrays {
    Arrays::new(Array2::<f32>::ones((3, 2)), Array2::<f32>::ones((3, 1))).unwrap()
}

fn fit<'a>() -> Fit<'a> {
    Fit::new().progress(Progress::Quiet)
}

fn check<T: std::fmt::Debug>(result: Result<T>) {
    let text = "parameters of the model: they are not the parameters that its layers declared, because they were replaced, or \
                others were added; change their values with Params::assign, set or get_mut";
    assert_eq!(result.unwrap_err().to_string(), text);
}

fn check_all(mut model: Model) {
    let folder = tempfile::tempdir().unwrap();
    check(model.predict(&Array2::<f32>::ones((3, 2))));
    check(model.predict_outputs(&Array2::<f32>::ones((3, 2))));
    check(model.evaluate(&data()));
    check(model.train_on_batch(&data()));
    check(model.fit(&data(), fit()));
    check(model.save(folder.path().join("model.safetensors")));
    check(model.architecture().save(folder.path().join("model.safetensors")));
}

#[test]
fn replaced_parameters_are_errors() {
    let mut replaced = model(1);
    replaced.predict(&Array2::<f32>::ones((3, 2))).unwrap(); // records a plan
    *replaced.params_mut() = model(2).params().clone();
    check_all(replaced);
    let mut extended = model(1);
    extended.params_mut().add("late", &arr1(&[1.0])).unwrap();
    check_all(extended);
}

/// Replaces the parameters after an epoch.
struct Replace;

impl Callback for Replace {
    fn epoch_end(&mut self, replaced: &mut Model, _: &EpochEnd<'_>) -> Result<Flow> {
        *replaced.params_mut() = model(2).params().clone();
        Ok(Flow::Continue(()))
    }
}

#[test]
fn parameters_that_a_callback_replaces_are_errors() {
    check(model(1).fit(&data(), fit().epochs(2).callback(&mut Replace)));
    let same = model(3).params().clone();
    let mut assigned = model(1);
    assigned.params_mut().assign(&same).unwrap();
    assert_eq!(
        assigned.predict(&Array2::<f32>::ones((3, 2))).unwrap(),
        model(3).predict(&Array2::ones((3, 2))).unwrap()
    );
    let copy = assigned.params().clone();
    *assigned.params_mut() = copy; // a clone has the identity of the original
    assigned.fit(&data(), fit()).unwrap();
}
