//! Recurrent layers with `unroll` whose values in Keras 3.15.1 and tf_keras 2.21 differ from those without it: with a mask, a
//! layer that goes backwards sets the outputs to 0 by the mask of the steps in their original order, not in that of the outputs.

use super::reader::Reader;
use serde_json::Value;

/// Records a problem for each such layer of a model with masks.
pub(super) fn check(model: &Value, reader: &mut Reader<'_>) {
    let layers = match &model["config"] {
        Value::Array(layers) => Some(layers),
        config => config["layers"].as_array(),
    };
    let layers = layers.map(Vec::as_slice).unwrap_or_default();
    if !layers.iter().any(sets_mask) {
        return;
    }
    for layer in layers.iter().filter(|layer| sets_wrong_steps(layer)) {
        let class = layer["class_name"].as_str().unwrap_or_default();
        let name = layer["config"]["name"].as_str().unwrap_or_default();
        reader.problem(
            &format!("layer \"{name}\" ({class})"),
            "with unroll=true and a mask, Keras sets wrong steps to 0 when it goes backwards; save it with unroll=false",
        );
    }
}

fn sets_mask(layer: &Value) -> bool {
    layer["class_name"] == "Masking" || layer["config"]["mask_zero"] == true
}

/// Whether the layer or its backward layer is unrolled, goes backwards, returns all steps and sets masked ones to 0.
fn sets_wrong_steps(layer: &Value) -> bool {
    let config = &layer["config"];
    let inner = &config["layer"]["config"];
    let unrolled = |config: &Value| config["unroll"] == true && config["return_sequences"] == true;
    match layer["class_name"] == "Bidirectional" {
        // It sets `zero_output_for_mask` of its layers if they return all steps.
        true => unrolled(inner) || unrolled(&config["backward_layer"]["config"]),
        false => unrolled(config) && config["go_backwards"] == true && config["zero_output_for_mask"] == true,
    }
}
