//! Weights as PyTorch names and lays them out, in safetensors files: the `state_dict` of the `nn.Sequential` that does what
//! a model does.
//!
//! | layer | modules | arrays |
//! |---|---|---|
//! | Dense | `Linear`, and one for its activation | `weight` (units × features), `bias` |
//! | Conv2D | `Conv2d`, and one for its activation | `weight` (filters × channels of a group × height × width), `bias` |
//! | BatchNormalization | `BatchNorm1d`, `BatchNorm2d` | `weight`, `bias`, `running_mean`, `running_var` |
//! | LayerNormalization of one axis | `LayerNorm` | `weight`, `bias` |
//! | Embedding | `Embedding` | `weight` |
//! | GlobalAveragePooling2D, GlobalMaxPooling2D | `AdaptiveAvgPool2d(1)` or `AdaptiveMaxPool2d(1)`, and `Flatten` | |
//! | others | one | |
//!
//! Keras' padding `same` is PyTorch's where it is as much on both sides, or where a convolution has strides of 1. Elsewhere a
//! convolution or a maximum has a module more, which pads before it.
//!
//! PyTorch's images have their channels first. Where they are flattened, the weights behind are put in that order.
//!
//! A `state_dict` has no ε. That of PyTorch's `BatchNorm1d`, `BatchNorm2d` and `LayerNorm` is 10⁻⁵ by default, that of
//! [`BatchNorm`](crate::layers::BatchNorm) and [`LayerNorm`](crate::layers::LayerNorm) 10⁻³ as in Keras: build the layers
//! with `.epsilon(1e-5)` before weights from PyTorch are loaded.

mod entry;
mod walk;

use crate::architecture::Architecture;
use crate::model::Model;
use crate::save::{NamedArray, SafeTensors};
use crate::tape::Params;
use crate::{Error, Result};
use entry::Entry;
use ndarray::{ArrayView, IxDyn};
use std::collections::BTreeMap;
use std::path::Path;

/// Which of a model's arrays is which of PyTorch's.
///
/// ```
/// use gradus::formats::torch::StateDict;
/// use gradus::{Compile, Sequential, layers::*, losses::CategoricalCrossentropy, optimizers::Sgd};
/// let network = Sequential::new([28, 28, 1])
///     .add(Conv2d::new(6, 5).activation(Activation::Relu))
///     .add(Flatten)
///     .add(Dense::new(10));
/// let mut model = network.compile(Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new().from_logits(true)))?;
/// let arrays = StateDict::of(&model)?; // nn.Sequential(Conv2d(1, 6, 5), ReLU(), Flatten(), Linear(3456, 10))
/// let names: Vec<(&str, &str)> = arrays.names().collect();
/// assert_eq!(names[0], ("conv2d/kernel", "0.weight"));
/// assert_eq!(names[3], ("dense/bias", "3.bias"));
/// let path = std::env::temp_dir().join("gradus-doc-torch.safetensors");
/// arrays.save(&model, &path)?;
/// arrays.load(&mut model, &path)?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StateDict {
    entries: Vec<Entry>,
}

impl StateDict {
    /// The arrays of the `nn.Sequential` that does what a model or an architecture does, by the modules' numbers.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with every layer that has no module in PyTorch, and for a graph, which is no chain.
    pub fn of(model: &impl AsRef<Architecture>) -> Result<StateDict> {
        let architecture = model.as_ref();
        if !architecture.is_chain() {
            let parts = vec!["a graph, as an nn.Sequential is a chain".into()];
            return Err(Error::Unsupported { path: "PyTorch".into(), parts });
        }
        match walk::entries(architecture) {
            Ok(entries) => Ok(StateDict { entries }),
            Err(parts) => Err(Error::Unsupported { path: "PyTorch".into(), parts }),
        }
    }

    /// Each array's name here and in PyTorch.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| (entry.own.as_str(), entry.torch.as_str()))
    }

    /// With another name for a module, such as `features.0` instead of `0`.
    ///
    /// # Errors
    /// No module has the name.
    pub fn rename(mut self, module: &str, name: &str) -> Result<StateDict> {
        let prefix = format!("{module}.");
        let mut found = false;
        for entry in &mut self.entries {
            if let Some(array) = entry.torch.strip_prefix(&prefix) {
                entry.torch = format!("{name}.{array}");
                found = true;
            }
        }
        let modules = || self.entries.iter().filter_map(|entry| Some(entry.torch.rsplit_once('.')?.0.to_owned()));
        match found {
            true => Ok(self),
            false => Err(Error::Unknown { kind: "module", name: module.into(), known: modules().collect() }),
        }
    }

    /// Writes the arrays of a model or an architecture under PyTorch's names to a safetensors file, for `load_state_dict`.
    ///
    /// # Errors
    /// The model has other arrays than the one that this was made of, or the file cannot be written.
    pub fn save(&self, model: &impl AsRef<Architecture>, path: impl AsRef<Path>) -> Result<()> {
        let params = model.as_ref().params();
        let named = |entry: &Entry| {
            let id = params.id(&entry.own)?;
            let view = ArrayView::from_shape(IxDyn(&entry.view), params.values(id)).map_err(Error::other)?;
            let values = view.permuted_axes(entry.order.as_slice()).iter().copied().collect();
            Ok(NamedArray { name: entry.torch.clone(), shape: entry.shape, values })
        };
        let arrays = self.entries.iter().map(named).collect::<Result<_>>()?;
        let metadata = [("format".to_owned(), "pt".to_owned())].into();
        SafeTensors { metadata, arrays }.write(path)
    }

    /// Sets a model's arrays from a safetensors file that PyTorch's `state_dict` was saved to. Counters of batches in it
    /// are left alone; nothing changes if it fails.
    ///
    /// The file does not say ε of normalization layers, which is 10⁻⁵ in PyTorch and 10⁻³ in
    /// [`BatchNorm::new`](crate::layers::BatchNorm::new), unless either was set.
    ///
    /// # Errors
    /// The file cannot be read, an array is missing in it or in the model, or has another shape.
    pub fn load(&self, model: &mut Model, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let wrong = |problem: String| Error::Format { path: path.into(), problem };
        let contents = SafeTensors::read(path)?;
        let mut given: BTreeMap<String, NamedArray> =
            contents.arrays.into_iter().map(|array| (array.name.clone(), array)).collect();
        given.retain(|name, _| !name.ends_with("num_batches_tracked"));
        let mut params = Params::new();
        for entry in &self.entries {
            let missing = || wrong(format!("it has no array \"{}\"; it has {}", entry.torch, list(&given)));
            let found = given.get(&entry.torch).ok_or_else(missing)?;
            let (name, shape) = (&entry.torch, entry.shape);
            if found.shape != shape {
                return Err(wrong(format!("\"{name}\" is {} in the file, and {shape} is expected", found.shape)));
            }
            entry.insert(found, model.params(), &mut params)?;
        }
        if let Some(more) = given.keys().find(|name| !self.entries.iter().any(|entry| entry.torch == **name)) {
            return Err(wrong(format!("\"{more}\" is in the file, but not in the model")));
        }
        model.params_mut().assign(&params)
    }
}

fn list(given: &BTreeMap<String, NamedArray>) -> String {
    given.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shape;
    use crate::layers::{Activation, BatchNorm, Conv2d, Dense, Flatten, MaxPool2d, Reshape};
    use crate::losses::CategoricalCrossentropy;
    use crate::optimizers::Sgd;
    use crate::{Compile, Sequential};

    fn compiled(network: Sequential) -> Model {
        network.compile(Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new()).seed(5)).unwrap()
    }

    fn convolutional() -> Model {
        let hidden = Dense::new(4).activation(Activation::Relu);
        compiled(
            Sequential::new([6, 6, 2])
                .add(Conv2d::new(3, 3).activation(Activation::Relu))
                .add(MaxPool2d::new(2))
                .add(BatchNorm::new())
                .add(Flatten)
                .add(hidden)
                .add(Dense::new(2).use_bias(false).activation(Activation::Softmax)),
        )
    }

    #[test]
    fn modules_are_numbered_as_in_a_sequential() {
        let dict = StateDict::of(&convolutional()).unwrap();
        let torch: Vec<&str> = dict.names().map(|(_, torch)| torch).collect();
        let expected = [
            "0.weight",
            "0.bias",
            "3.weight",
            "3.bias",
            "3.running_mean",
            "3.running_var",
            "5.weight",
            "5.bias",
            "7.weight",
        ];
        assert_eq!(torch, expected);
        let renamed = dict.rename("5", "classifier.0").unwrap();
        assert_eq!(renamed.names().nth(6), Some(("dense/kernel", "classifier.0.weight")));
        let message = renamed.rename("4", "x").unwrap_err().to_string();
        assert!(message.starts_with("unknown module \"4\"; available: 0, 0, 3"), "{message}");
    }

    #[test]
    fn arrays_come_back_from_their_other_layout() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let model = convolutional();
        let dict = StateDict::of(&model).unwrap();
        dict.save(&model, &path).unwrap();
        let kernel = Params::load(&path).unwrap();
        let first = kernel.get(kernel.id("5.weight").unwrap());
        let own = model.params().get(model.params().id("dense/kernel").unwrap());
        assert_eq!(first.shape(), [4, 12]);
        // channel 1, row 0, column 1: place 1 · 4 + 1 in PyTorch, (0 · 2 + 1) · 3 + 1 here
        assert_eq!(first[[2, 5]], own[[4, 2]]);
        let mut other = convolutional();
        let ids: Vec<_> = other.params().ids().collect();
        ids.into_iter().for_each(|id| other.params_mut().get_mut(id).fill(7.0));
        dict.load(&mut other, &path).unwrap();
        assert_eq!(other.params().sha256(), model.params().sha256());
    }

    #[test]
    fn dense_layers_on_sequences_are_linear_modules() {
        let network = || Sequential::new([3, 4]).add(Dense::new(5).activation(Activation::Tanh)).add(Dense::new(2));
        let (folder, model, mut other) = (tempfile::tempdir().unwrap(), compiled(network()), compiled(network()));
        let path = folder.path().join("model.safetensors");
        let dict = StateDict::of(&model).unwrap();
        let torch: Vec<&str> = dict.names().map(|(_, torch)| torch).collect();
        assert_eq!(torch, ["0.weight", "0.bias", "2.weight", "2.bias"]);
        dict.save(&model, &path).unwrap();
        let arrays = Params::load(&path).unwrap();
        assert_eq!(arrays.shape(arrays.id("0.weight").unwrap()), Shape::from([5, 4]));
        let ids: Vec<_> = other.params().ids().collect();
        ids.into_iter().for_each(|id| other.params_mut().get_mut(id).fill(7.0));
        dict.load(&mut other, &path).unwrap();
        assert_eq!(other.params().sha256(), model.params().sha256());
    }

    #[test]
    fn what_pytorch_would_see_otherwise_is_refused() {
        let model = compiled(Sequential::new(18).add(Reshape::new([3, 3, 2])).add(Flatten).add(Dense::new(2)));
        let message = StateDict::of(&model).unwrap_err().to_string();
        let expected = "PyTorch: not supported: layer \"reshape\" (Reshape from 18 to 3 × 3 × 2, as PyTorch's images have \
                        their channels first)";
        assert_eq!(message, expected);
    }
}
