//! Optimizers of models of mixed precision. Keras wraps them to scale the loss, so that gradients do not underflow in 16 bits.
//! gradus computes in float32 and needs the wrapped optimizer alone.

use super::object::Object;
use serde_json::Value;

/// The classes of wrappers, in Keras 3 and 2.
const CLASSES: [&str; 3] = ["LossScaleOptimizer", "LossScaleOptimizerV3", "LossScaleOptimizerV1"];

/// The scalars of a wrapper, by the last part of their names.
const SCALARS: [&str; 6] =
    ["iteration", "learning_rate", "step_counter", "dynamic_scale", "current_loss_scale", "good_steps"];

/// The optimizer in a wrapper, or the optimizer itself.
pub(super) fn inner(optimizer: &Value) -> &Value {
    let is_wrapper = Object::read(optimizer).is_some_and(|object| !object.custom && CLASSES.contains(&object.class));
    let (new, old) = (&optimizer["config"]["inner_optimizer"], &optimizer["config"]["optimizer"]);
    match is_wrapper {
        true if new.is_object() => new,
        true if old.is_object() => old,
        _ => optimizer,
    }
}

/// Whether a variable of an `.h5` file, such as `loss_scale_optimizer/step_counter`, belongs to a wrapper.
pub(super) fn is_of_wrapper(variable: &str) -> bool {
    let (path, last) = variable.rsplit_once('/').unwrap_or(("", variable));
    let last = last.trim_end_matches(":0");
    SCALARS.contains(&last) && path.starts_with("loss_scale_optimizer") && !path.contains('/')
        || ["current_loss_scale", "good_steps"].contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn wrapped_optimizers_are_found() {
        let adam = json!({"class_name": "Adam", "config": {"learning_rate": 0.5}});
        for (class, name) in [("LossScaleOptimizer", "inner_optimizer"), ("LossScaleOptimizerV3", "optimizer")] {
            let wrapper = json!({"class_name": class, "config": {name: adam}});
            assert_eq!(inner(&wrapper), &adam);
        }
        assert_eq!(inner(&adam), &adam);
        let custom = json!({"class_name": "mine>LossScaleOptimizer", "config": {"inner_optimizer": adam}});
        assert_eq!(inner(&custom), &custom);
    }

    #[test]
    fn variables_of_wrappers_are_found() {
        for name in ["loss_scale_optimizer/iteration", "loss_scale_optimizer/dynamic_scale", "current_loss_scale:0"] {
            assert!(is_of_wrapper(name), "{name}");
        }
        for name in ["adam/iteration", "loss_scale_optimizer/adam/dense_kernel_momentum", "iteration:0"] {
            assert!(!is_of_wrapper(name), "{name}");
        }
    }
}
