//! Every layer that both sides have: one line each.

use super::config::{Config, Kind, Result, kind};
use crate::initializers::{Constant, Initializer, Ones, RandomNormal, RandomUniform, TruncatedNormal, Zeros};
use crate::layers::{
    Activation, Add, AveragePool2d, BatchNorm, Concatenate, Conv2d, Dense, Dropout, Elu, Embedding, Flatten,
    GlobalAveragePool2d, GlobalMaxPool2d, Layer, LayerNorm, LeakyRelu, MaxPool2d, Reshape, Softmax, ZeroPadding2d,
};
use crate::regularizers::{L1, L1L2, L2, Regularizer};
use crate::shape::Shape;
use crate::spec::Spec;
use serde_json::{Value, json};

/// Keras' layers that gradus has.
pub(super) const LAYERS: &[Kind] = &[
    activated(kind("Activation", || Activation::Linear.spec(), &["activation"])),
    kind("Add", || Add.spec(), &[]),
    Kind { adjust: windows, ..kind("AveragePooling2D", || AveragePool2d::new(2).spec(), &[]) },
    Kind { adjust: last_axis, optional: of_gamma, ..kind("BatchNormalization", || BatchNorm::new().spec(), &[]) },
    kind("Concatenate", || Concatenate::new().spec(), &[]),
    Kind { optional: of_kernel, ..activated(kind("Conv2D", || Conv2d::new(1, 1).spec(), &["filters", "kernel_size"])) },
    Kind { optional: of_kernel, ..activated(kind("Dense", || Dense::new(1).spec(), &["units"])) },
    kind("Dropout", || Dropout::new(0.0).spec(), &["rate"]),
    kind("ELU", || Elu::new().spec(), &[]),
    Kind { optional: of_embeddings, ..kind("Embedding", || Embedding::new(1, 1).spec(), &["input_dim", "output_dim"]) },
    kind("Flatten", || Flatten.spec(), &[]),
    kind("GlobalAveragePooling2D", || GlobalAveragePool2d.spec(), &[]),
    kind("GlobalMaxPooling2D", || GlobalMaxPool2d.spec(), &[]),
    Kind { adjust: last_axis, optional: of_gamma, ..kind("LayerNormalization", || LayerNorm::new().spec(), &[]) },
    Kind { adjust: slope, ..kind("LeakyReLU", || LeakyRelu::new().spec(), &[]) },
    Kind { adjust: windows, ..kind("MaxPooling2D", || MaxPool2d::new(2).spec(), &[]) },
    Kind { adjust: rest, ..kind("Reshape", || Reshape::new(1).spec(), &["target_shape"]) },
    kind("Softmax", || Softmax::new().spec(), &[]),
    Kind { adjust: sides, express: by_axis, ..kind("ZeroPadding2D", || ZeroPadding2d::default().spec(), &[]) },
];

/// A layer with an activation: Keras has a second name for one of them, and none for another.
const fn activated(kind: Kind) -> Kind {
    Kind { adjust: second_name, express: no_name, ..kind }
}

/// Keras' initialisers and regularizers that gradus has.
pub(super) const PARTS: &[Kind] = &[
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

fn second_name(config: &mut Config, _input: Shape) -> Result<()> {
    if config.get("activation").is_some_and(|name| name == "swish") {
        config.insert("activation".into(), json!("silu"));
    }
    Ok(())
}

fn no_name(config: &mut Config) -> Result<()> {
    match config.get("activation") {
        Some(name) if name == "gelu_tanh" => Err("has activation gelu_tanh, for which Keras has no name".into()),
        _ => Ok(()),
    }
}

/// What Keras 2 called `alpha`.
fn slope(config: &mut Config, _input: Shape) -> Result<()> {
    if let Some(alpha) = config.remove("alpha") {
        config.insert("negative_slope".into(), alpha);
    }
    Ok(())
}

/// Keras says the padding of each axis, or of both sides of each: `[1, 2]`, `[[1, 1], [2, 2]]`.
fn sides(config: &mut Config, _input: Shape) -> Result<()> {
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
fn last_axis(config: &mut Config, input: Shape) -> Result<()> {
    let axis = match config.get("axis") {
        Some(Value::Array(axes)) if axes.len() == 1 => axes[0].clone(),
        Some(axis) => axis.clone(),
        None => return Ok(()),
    };
    // The batch is axis 0.
    if axis == -1 || axis == input.rank() {
        config.remove("axis");
        return Ok(());
    }
    Err(format!("works on axis {axis}, and gradus on the last one"))
}

/// Windows lie side by side where nothing else is said.
fn windows(config: &mut Config, _input: Shape) -> Result<()> {
    if config.get("strides").is_none_or(Value::is_null) {
        let pool_size = config.get("pool_size").cloned().unwrap_or(json!([2, 2]));
        config.insert("strides".into(), pool_size);
    }
    Ok(())
}

/// One axis of −1 takes what the others leave.
fn rest(config: &mut Config, input: Shape) -> Result<()> {
    let Some(Value::Array(sizes)) = config.get_mut("target_shape") else { return Ok(()) };
    let known = sizes.iter().filter_map(Value::as_u64).try_fold(1u64, u64::checked_mul);
    let rest = known.and_then(|known| (input.len() as u64).checked_div(known));
    match sizes.iter_mut().find(|size| **size == -1) {
        Some(size) => *size = json!(rest.ok_or("has sizes that do not fit its input")?),
        None => return Ok(()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::config::find;
    use super::*;
    use crate::known::{BUILT_IN, Part};

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
        for kind in PARTS {
            let spec = (kind.template)();
            let initialiser = BUILT_IN.make::<dyn Initializer>(&spec).map(|initialiser| initialiser.spec());
            let regularizer = || BUILT_IN.make::<dyn Regularizer>(&spec).map(|regularizer| regularizer.spec());
            assert_eq!(initialiser.or_else(|_| regularizer()).unwrap(), spec);
        }
        let initialisers = <dyn Initializer>::built_in().into_iter().map(|(class, _)| class);
        for class in <dyn Regularizer>::built_in().into_iter().map(|(class, _)| class).chain(initialisers) {
            assert!(find(PARTS, class).is_some(), "{class} needs a line");
        }
    }

    #[test]
    fn regularizers_travel() {
        let both = L1L2::new(0.25, 0.5);
        let layer = Dense::new(2).kernel_regularizer(both).bias_regularizer(L1::new(0.125)).spec();
        let kind = find(LAYERS, "Dense").unwrap();
        let config = kind.config(&layer, PARTS).unwrap();
        assert_eq!(config["kernel_regularizer"]["module"], "keras.regularizers");
        assert_eq!(kind.read(config, Shape::SCALAR, PARTS).unwrap(), layer);
        let orthogonal =
            json!({"units": 2, "kernel_regularizer": {"class_name": "OrthogonalRegularizer", "config": {}}});
        let told = read("Dense", orthogonal, Shape::SCALAR).unwrap_err();
        assert!(told.starts_with("Dense has kernel_regularizer {") && told.ends_with("is not known here"), "{told}");
    }

    fn read(class: &str, config: Value, input: Shape) -> Result<String> {
        let config = config.as_object().unwrap().clone();
        find(LAYERS, class).unwrap().read(config, input, PARTS).map(|spec| spec.to_string())
    }

    #[test]
    fn keras_words_that_differ_are_understood() {
        let images = Shape::from([4, 6, 2]);
        let normalization = |axis: Value| read("BatchNormalization", json!({"axis": axis}), images);
        assert_eq!(normalization(json!([3])), normalization(json!(-1)));
        assert_eq!(
            normalization(json!(1)).unwrap_err(),
            "BatchNormalization works on axis 1, and gradus on the last one"
        );
        let pool = read("MaxPooling2D", json!({"pool_size": 3, "strides": null}), images).unwrap();
        assert_eq!(pool, "MaxPooling2D(pool_size=[3, 3], strides=[3, 3], padding=valid)");
        let padding = |padding: Value| read("ZeroPadding2D", json!({"padding": padding}), images).unwrap();
        assert_eq!(padding(json!(2)), "ZeroPadding2D(padding=[2, 2, 2, 2])");
        assert_eq!(padding(json!([1, 2])), "ZeroPadding2D(padding=[1, 1, 2, 2])");
        assert_eq!(padding(json!([[1, 0], [2, 3]])), "ZeroPadding2D(padding=[1, 0, 2, 3])");
        let config = find(LAYERS, "ZeroPadding2D").unwrap().config(&ZeroPadding2d::new(3).spec(), &[]).unwrap();
        assert_eq!(config["padding"], json!([[3, 3], [3, 3]]));
        assert_eq!(read("LeakyReLU", json!({"alpha": 0.5}), images).unwrap(), "LeakyReLU(negative_slope=0.5)");
        assert_eq!(read("Activation", json!({"activation": "swish"}), images).unwrap(), "Activation(activation=silu)");
        assert_eq!(read("Concatenate", json!({"axis": 1}), images).unwrap(), "Concatenate(axis=1)");
        let tanh = find(LAYERS, "Activation").unwrap().config(&Activation::GeluTanh.spec(), &[]);
        assert_eq!(tanh.unwrap_err(), "Activation has activation gelu_tanh, for which Keras has no name");
        let reshape = |shape: Value| read("Reshape", json!({"target_shape": shape}), images);
        assert_eq!(reshape(json!([-1, 4])).unwrap(), "Reshape(target_shape=[12, 4])");
        assert_eq!(reshape(json!([-1, 0])).unwrap_err(), "Reshape has sizes that do not fit its input");
        assert_eq!(reshape(json!([-1, -1])).unwrap_err(), "Reshape has target_shape [48,-1], which is not known here");
    }
}
