//! Every layer that both sides have: one line each.

use super::kind::{Kind, kind};
use super::object::Config;
use super::options::{DATA_FORMAT, DRAWS, Inactive, Plain, alike, any, at, null, off};
use super::result::Result;
use crate::initializers::{Constant, Initializer, Ones, RandomNormal, RandomUniform, TruncatedNormal, Zeros};
use crate::layers::{
    Activation, Add, AveragePool2d, BatchNorm, Concatenate, Conv2d, Dense, Dropout, Elu, Embedding, Flatten,
    GlobalAveragePool2d, GlobalMaxPool2d, Layer, LayerNorm, LeakyRelu, MaxPool2d, Reshape, Softmax, ZeroPadding2d,
};
use crate::regularizers::{L1, L1L2, L2, Regularizer};
use crate::{Shape, Spec};
use serde_json::{Value, json};

/// Keras' layers that gradus has.
pub(super) const LAYERS: &[Kind] = &[
    activated(kind("Activation", || Activation::Linear.spec(), &["activation"])),
    kind("Add", || Add.spec(), &[]),
    pooling(kind("AveragePooling2D", || AveragePool2d::new(2).spec(), &[])),
    Kind {
        adjust: last_axis,
        optional: of_gamma,
        inactive: BATCH_NORMALIZATION,
        ..kind("BatchNormalization", || BatchNorm::new().spec(), &[])
    },
    kind("Concatenate", || Concatenate::new().spec(), &[]),
    Kind {
        optional: of_kernel,
        inactive: &[DATA_FORMAT, null("kernel_constraint"), null("bias_constraint")],
        ..activated(kind("Conv2D", || Conv2d::new(1, 1).spec(), &["filters", "kernel_size"]))
    },
    Kind { optional: of_kernel, inactive: DENSE, ..activated(kind("Dense", || Dense::new(1).spec(), &["units"])) },
    Kind {
        inactive: &[any("seed", DRAWS), null("noise_shape")],
        ..kind("Dropout", || Dropout::new(0.0).spec(), &["rate"])
    },
    kind("ELU", || Elu::new().spec(), &[]),
    Kind {
        optional: of_embeddings,
        inactive: EMBEDDING,
        ..kind("Embedding", || Embedding::new(1, 1).spec(), &["input_dim", "output_dim"])
    },
    Kind { inactive: &[DATA_FORMAT], ..kind("Flatten", || Flatten.spec(), &[]) },
    Kind { inactive: GLOBAL_POOLING, ..kind("GlobalAveragePooling2D", || GlobalAveragePool2d.spec(), &[]) },
    Kind { inactive: GLOBAL_POOLING, ..kind("GlobalMaxPooling2D", || GlobalMaxPool2d.spec(), &[]) },
    Kind {
        adjust: last_axis,
        optional: of_gamma,
        inactive: LAYER_NORMALIZATION,
        ..kind("LayerNormalization", || LayerNorm::new().spec(), &[])
    },
    Kind { adjust: slope, ..kind("LeakyReLU", || LeakyRelu::new().spec(), &[]) },
    pooling(kind("MaxPooling2D", || MaxPool2d::new(2).spec(), &[])),
    Kind { adjust: rest, ..kind("Reshape", || Reshape::new(1).spec(), &["target_shape"]) },
    Kind { inactive: &[off("robust_masking")], ..kind("Softmax", || Softmax::new().spec(), &[]) },
    Kind {
        adjust: sides,
        express: by_axis,
        inactive: &[DATA_FORMAT],
        ..kind("ZeroPadding2D", || ZeroPadding2d::default().spec(), &[])
    },
];

/// Options of an input, beside its shape.
pub(super) const INPUT: &[Inactive] = &[
    any("name", "it names the input"),
    off("sparse"),
    off("ragged"),
    off("optional"),
    alike("dtype", ELEMENTS, "rows are taken as floats of 32 bits, in which whole numbers are exact up to 2²⁴"),
    any("batch_size", "any number of rows is taken"),
];

const ELEMENTS: &[Plain] = &[
    Plain::Null,
    Plain::Word("float32"),
    Plain::Word("float64"),
    Plain::Word("int64"),
    Plain::Word("int32"),
    Plain::Word("int16"),
    Plain::Word("int8"),
    Plain::Word("uint8"),
    Plain::Word("uint16"),
    Plain::Word("uint32"),
    Plain::Word("bool"),
];

const BATCH_NORMALIZATION: &[Inactive] = &[
    at("center", &[Plain::Bool(true)]),
    at("scale", &[Plain::Bool(true)]),
    null("beta_constraint"),
    null("gamma_constraint"),
    off("synchronized"),
    off("renorm"),
    any("renorm_clipping", "it has no effect without renorm"),
    any("renorm_momentum", "it has no effect without renorm"),
    any("fused", "it chooses how Keras computes"),
    null("virtual_batch_size"),
    null("adjustment"),
];

const DENSE: &[Inactive] = &[
    null("kernel_constraint"),
    null("bias_constraint"),
    null("quantization_config"),
    null("lora_rank"),
    any("lora_alpha", "it has no effect without lora_rank"),
];

const EMBEDDING: &[Inactive] = &[
    null("embeddings_constraint"),
    off("mask_zero"),
    off("sparse"),
    any("input_length", "the length follows from the input"),
    any("weights", "the weights come from the file"),
    null("quantization_config"),
    null("lora_rank"),
    any("lora_alpha", "it has no effect without lora_rank"),
];

const GLOBAL_POOLING: &[Inactive] = &[DATA_FORMAT, off("keepdims")];

const LAYER_NORMALIZATION: &[Inactive] = &[null("beta_constraint"), null("gamma_constraint"), off("rms_scaling")];

/// A layer with windows.
const fn pooling(kind: Kind) -> Kind {
    Kind { adjust: windows, inactive: &[DATA_FORMAT], ..kind }
}

/// A layer with an activation: Keras has no name for one of them.
const fn activated(kind: Kind) -> Kind {
    Kind { express: no_name, ..kind }
}

/// Keras' initializers that gradus has.
pub(super) const INITIALIZERS: &[Kind] = &[
    kind("Zeros", || Zeros.spec(), &[]),
    kind("Ones", || Ones.spec(), &[]),
    kind("Constant", || Constant::default().spec(), &[]),
    kind("RandomUniform", || RandomUniform::default().spec(), &[]),
    kind("RandomNormal", || RandomNormal::default().spec(), &[]),
    kind("TruncatedNormal", || TruncatedNormal::default().spec(), &[]),
    kind("GlorotUniform", || Spec::new("GlorotUniform"), &[]),
    kind("GlorotNormal", || Spec::new("GlorotNormal"), &[]),
    kind("HeUniform", || Spec::new("HeUniform"), &[]),
    kind("HeNormal", || Spec::new("HeNormal"), &[]),
    kind("LecunUniform", || Spec::new("LecunUniform"), &[]),
    kind("LecunNormal", || Spec::new("LecunNormal"), &[]),
];

/// Keras' regularizers that gradus has.
pub(super) const REGULARIZERS: &[Kind] = &[
    kind("L1", || L1::default().spec(), &[]),
    kind("L2", || L2::default().spec(), &[]),
    kind("L1L2", || L1L2::default().spec(), &[]),
];

/// The regularizers of a layer with a kernel and a bias; the class tells their kind alone.
fn of_kernel() -> Spec {
    let any = L2::default().spec();
    Spec::new("").with("kernel_regularizer", any.clone()).with("bias_regularizer", any)
}

fn of_gamma() -> Spec {
    let any = L2::default().spec();
    Spec::new("").with("beta_regularizer", any.clone()).with("gamma_regularizer", any)
}

fn of_embeddings() -> Spec {
    Spec::new("").with("embeddings_regularizer", L2::default().spec())
}

fn no_name(config: &mut Config) -> Result<()> {
    match config.get("activation") {
        Some(name) if name == "gelu_tanh" => Err("has activation gelu_tanh, for which Keras has no name".into()),
        _ => Ok(()),
    }
}

/// What Keras 2 called `alpha`.
fn slope(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    if let Some(alpha) = config.remove("alpha") {
        config.insert("negative_slope".into(), alpha);
    }
    Ok(())
}

/// Keras says the padding of each axis, or of both sides of each: `[1, 2]`, `[[1, 1], [2, 2]]`.
fn sides(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    if let Some(Value::Array(axes)) = config.get("padding") {
        let both = |axis: &Value| axis.as_array().cloned().unwrap_or_else(|| vec![axis.clone(); 2]);
        let sides: Vec<Value> = axes.iter().flat_map(both).collect();
        config.insert("padding".into(), json!(sides));
    }
    Ok(())
}

fn by_axis(config: &mut Config) -> Result<()> {
    if let Some(Value::Array(sides)) = config.get("padding") {
        let axes: Vec<_> = sides.chunks(2).collect();
        config.insert("padding".into(), json!(axes));
    }
    Ok(())
}

/// An axis that is the last one, under any of its names: −1, its number, or a list with one of these.
fn last_axis(config: &mut Config, input: Option<Shape>) -> Result<()> {
    let axis = match config.remove("axis") {
        Some(Value::Array(axes)) if axes.len() == 1 => axes[0].clone(),
        Some(axis) => axis,
        None => return Ok(()),
    };
    // The batch is axis 0. Without the shape of the input, something else is wrong already.
    let last = match input {
        Some(input) => axis == input.rank(),
        None => axis.as_u64().is_some_and(|axis| axis > 0),
    };
    if axis == -1 || last {
        return Ok(());
    }
    Err(format!("axis is {axis}, and only the last one is supported"))
}

/// Windows lie side by side where nothing else is said.
fn windows(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    if config.get("strides").is_none_or(Value::is_null) {
        let pool_size = config.get("pool_size").cloned().unwrap_or(json!([2, 2]));
        config.insert("strides".into(), pool_size);
    }
    Ok(())
}

/// One axis of −1 takes what the others leave.
fn rest(config: &mut Config, input: Option<Shape>) -> Result<()> {
    let Some(Value::Array(sizes)) = config.get_mut("target_shape") else { return Ok(()) };
    let known = sizes.iter().filter_map(Value::as_u64).try_fold(1u64, u64::checked_mul);
    let rest = match (input, known) {
        (Some(input), Some(known)) => (input.len() as u64).checked_div(known),
        // Something else is wrong already.
        (None, _) => Some(1),
        (_, None) => None,
    };
    let Some(size) = sizes.iter_mut().find(|size| **size == -1) else { return Ok(()) };
    *size = json!(1);
    *size = json!(rest.ok_or("target_shape does not fit the input")?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::families::{Family, INITIALIZER, LAYER, REGULARIZER};
    use super::super::reader::Reader;
    use super::*;
    use crate::registry::{BUILT_IN, Part};
    use crate::save::Registry;

    /// Layers that Keras does not have.
    const OURS: &[&str] = &[];

    #[test]
    fn every_layer_is_here_or_only_ours() {
        let classes = <dyn Layer>::built_in();
        for (class, _) in &classes {
            let kind = LAYERS.iter().find(|kind| kind.class == *class);
            assert!(kind.is_some() != OURS.contains(class), "{class} needs a line, or is only ours");
            if let Some(kind) = kind {
                BUILT_IN.make::<dyn Layer>(&(kind.template)()).unwrap();
            }
        }
        assert!(LAYERS.iter().all(|kind| classes.iter().any(|(class, _)| *class == kind.class)));
    }

    #[test]
    fn every_initialiser_and_regularizer_leads_back() {
        for kind in INITIALIZERS.iter().chain(REGULARIZERS) {
            let spec = (kind.template)();
            let initialiser = BUILT_IN.make::<dyn Initializer>(&spec).map(|initialiser| initialiser.spec());
            let regularizer = || BUILT_IN.make::<dyn Regularizer>(&spec).map(|regularizer| regularizer.spec());
            assert_eq!(initialiser.or_else(|_| regularizer()).unwrap(), spec);
        }
        let found = |family: &Family, class| assert!(family.find(class).is_some(), "{class} needs a line");
        <dyn Initializer>::built_in().into_iter().for_each(|(class, _)| found(&INITIALIZER, class));
        <dyn Regularizer>::built_in().into_iter().for_each(|(class, _)| found(&REGULARIZER, class));
    }

    #[test]
    fn regularizers_travel() {
        let both = L1L2::new(0.25, 0.5);
        let layer = Dense::new(2).kernel_regularizer(both).bias_regularizer(L1::new(0.125)).spec();
        let config = LAYER.find("Dense").unwrap().config(&layer).unwrap();
        assert_eq!(config["kernel_regularizer"]["module"], "keras.regularizers");
        assert_eq!(read("Dense", Value::Object(config), Shape::SCALAR).unwrap(), layer.to_string());
        let orthogonal =
            json!({"units": 2, "kernel_regularizer": {"class_name": "OrthogonalRegularizer", "config": {}}});
        let told = read("Dense", orthogonal, Shape::SCALAR).unwrap_err();
        let expected = "here (Dense): kernel_regularizer: OrthogonalRegularizer is not a regularizer that gradus has. \
            A Registry given to keras::load_with can add classes";
        assert_eq!(told, expected);
    }

    fn read(class: &str, config: Value, input: Shape) -> Result<String> {
        let registry = Registry::new();
        let mut reader = Reader::new(&registry);
        let value = json!({"class_name": class, "config": config});
        let object = super::super::object::Object::read(&value).unwrap();
        let spec = reader.object(&LAYER, "here", &value, object, Some(input));
        reader.finish().map(|()| spec.unwrap().to_string())
    }

    #[test]
    fn keras_words_that_differ_are_understood() {
        let images = Shape::from([4, 6, 2]);
        let normalization = |axis: Value| read("BatchNormalization", json!({"axis": axis}), images);
        assert_eq!(normalization(json!([3])), normalization(json!(-1)));
        assert_eq!(
            normalization(json!(1)).unwrap_err(),
            "here (BatchNormalization): axis is 1, and only the last one is supported"
        );
        let pool = read("MaxPooling2D", json!({"pool_size": 3, "strides": null}), images).unwrap();
        assert_eq!(pool, "MaxPooling2D(pool_size=[3, 3], strides=[3, 3], padding=valid)");
        let padding = |padding: Value| read("ZeroPadding2D", json!({"padding": padding}), images).unwrap();
        assert_eq!(padding(json!(2)), "ZeroPadding2D(padding=[2, 2, 2, 2])");
        assert_eq!(padding(json!([1, 2])), "ZeroPadding2D(padding=[1, 1, 2, 2])");
        assert_eq!(padding(json!([[1, 0], [2, 3]])), "ZeroPadding2D(padding=[1, 0, 2, 3])");
        let config = LAYER.find("ZeroPadding2D").unwrap().config(&ZeroPadding2d::new(3).spec()).unwrap();
        assert_eq!(config["padding"], json!([[3, 3], [3, 3]]));
        assert_eq!(read("LeakyReLU", json!({"alpha": 0.5}), images).unwrap(), "LeakyReLU(negative_slope=0.5)");
        assert_eq!(read("Activation", json!({"activation": "swish"}), images).unwrap(), "Activation(activation=silu)");
        assert_eq!(read("Concatenate", json!({"axis": 1}), images).unwrap(), "Concatenate(axis=1)");
        let tanh = LAYER.find("Activation").unwrap().config(&Activation::GeluTanh.spec());
        assert_eq!(tanh.unwrap_err(), "Activation has activation gelu_tanh, for which Keras has no name");
        let reshape = |shape: Value| read("Reshape", json!({"target_shape": shape}), images);
        assert_eq!(reshape(json!([-1, 4])).unwrap(), "Reshape(target_shape=[12, 4])");
        assert_eq!(reshape(json!([-1, 0])).unwrap_err(), "here (Reshape): target_shape does not fit the input");
        let twice = reshape(json!([-1, -1])).unwrap_err();
        assert_eq!(twice, "here (Reshape): target_shape is [48,-1], expected whole numbers ≥ 0");
    }

    #[test]
    fn activations_of_others_are_refused() {
        let activation =
            |activation: Value| read("Dense", json!({"units": 2, "activation": activation}), Shape::from(3));
        let function = |name: &str| json!({"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"});
        assert!(activation(function("relu")).unwrap().contains("activation=relu"));
        assert!(activation(Value::Null).unwrap().contains("activation=linear"));
        let told = activation(function("mine>relu")).unwrap_err();
        assert!(
            told.starts_with("here (Dense): activation is mine>relu, and only these are supported: linear, relu,"),
            "{told}"
        );
        let layer = json!({"module": "keras.layers", "class_name": "ReLU", "config": {"max_value": 6.0}, "registered_name": null});
        let told = activation(layer).unwrap_err();
        assert!(told.starts_with("here (Dense): activation is ReLU, and only these are supported"), "{told}");
    }
}
