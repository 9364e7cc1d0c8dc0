//! Safetensors files with the names and layouts of PyTorch: the `state_dict` of the `nn.Sequential` that is equivalent to a
//! model.
//!
//! | layer | modules | arrays |
//! |---|---|---|
//! | Dense | `Linear`, and a module for the activation | `weight` (units × features), `bias` |
//! | Conv2D | `Conv2d`, and a module for the activation | `weight` (filters × channels of a group × height × width), `bias` |
//! | DepthwiseConv2D | `Conv2d` with as many groups as channels, and a module for the activation | `weight`, `bias` |
//! | SeparableConv2D | two `Conv2d`, and a module for the activation | `weight` and `weight`, `bias` |
//! | Conv2DTranspose | `ConvTranspose2d`, and a module for the activation | `weight` (channels × filters × height × width), `bias` |
//! | PReLU with a slope for each channel | `PReLU` | `weight` |
//! | GroupNormalization | `GroupNorm` | `weight`, `bias` |
//! | BatchNormalization | `BatchNorm1d`, `BatchNorm2d` | `weight`, `bias`, `running_mean`, `running_var` |
//! | LayerNormalization of one axis | `LayerNorm` | `weight`, `bias` |
//! | Embedding | `Embedding` | `weight` |
//! | SimpleRNN, LSTM, GRU | `RNN`, `LSTM`, `GRU` with `batch_first=True` | `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0` |
//! | Bidirectional of one of these | the same module with `bidirectional=True` | also those with `_reverse` |
//! | GlobalAveragePooling2D, GlobalMaxPooling2D | `AdaptiveAvgPool2d(1)` or `AdaptiveMaxPool2d(1)`, and `Flatten` | |
//! | others | one module | |
//!
//! Padding `same` has an equivalent in PyTorch if it is equal on both sides, or if a convolution has strides of 1. Otherwise
//! an additional module pads the input of the convolution or the max pooling.
//!
//! PyTorch has two biases where LSTM and SimpleRNN have one, which is their sum. GRU has two as well. The order of its gates
//! differs: the weights are converted. Recurrent modules of PyTorch return all outputs and the final states.
//!
//! Images are channels first in PyTorch, so the weights after a flattened image are permuted.
//!
//! A `state_dict` does not contain ε. It defaults to 10⁻⁵ in PyTorch's `BatchNorm1d`, `BatchNorm2d` and `LayerNorm`, and to
//! 10⁻³ in [`BatchNorm`](crate::layers::BatchNorm) and [`LayerNorm`](crate::layers::LayerNorm), as in Keras. To load weights
//! of PyTorch, build these layers with `.epsilon(1e-5)`.

mod entry;
mod modules;

use crate::architecture::Architecture;
use crate::model::Model;
use crate::save::{NamedArray, SafeTensors};
use crate::tape::Params;
use crate::{Error, Result};
use entry::Entry;
use std::collections::BTreeMap;
use std::path::Path;

/// A mapping between the arrays of a model and those of a `state_dict` in PyTorch.
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
    /// Maps the arrays of a model or an architecture to those of the equivalent `nn.Sequential`, whose modules are numbered.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with every layer that has no equivalent module in PyTorch, and for a non-sequential model.
    pub fn of(model: &impl AsRef<Architecture>) -> Result<StateDict> {
        let architecture = model.as_ref();
        if !architecture.is_chain() {
            let parts = vec!["a non-sequential model".into()];
            return Err(Error::Unsupported { path: "PyTorch".into(), parts });
        }
        match modules::entries(architecture) {
            Ok(entries) => Ok(StateDict { entries }),
            Err(parts) => Err(Error::Unsupported { path: "PyTorch".into(), parts }),
        }
    }

    /// The name of each array in the model and in PyTorch.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().flat_map(|entry| entry.names().map(|torch| (entry.own.as_str(), torch)))
    }

    /// Renames a module, for example from `0` to `features.0`.
    ///
    /// # Errors
    /// [`Error::Unknown`] if no module has the name.
    pub fn rename(mut self, module: &str, name: &str) -> Result<StateDict> {
        let prefix = format!("{module}.");
        let mut found = false;
        for entry in &mut self.entries {
            let second = entry.second.as_mut().map(|(second, _)| second);
            for torch in std::iter::once(&mut entry.torch).chain(second) {
                if let Some(array) = torch.strip_prefix(&prefix) {
                    *torch = format!("{name}.{array}");
                    found = true;
                }
            }
        }
        let modules = || self.entries.iter().filter_map(|entry| Some(entry.torch.rsplit_once('.')?.0.to_owned()));
        match found {
            true => Ok(self),
            false => Err(Error::Unknown { kind: "module", name: module.into(), known: modules().collect() }),
        }
    }

    /// Saves the arrays of a model or an architecture under their PyTorch names to a safetensors file, for `load_state_dict`.
    ///
    /// # Errors
    /// Returns an error if the model lacks one of the arrays or the file cannot be written.
    pub fn save(&self, model: &impl AsRef<Architecture>, path: impl AsRef<Path>) -> Result<()> {
        let params = model.as_ref().params();
        let arrays = self.entries.iter().map(|entry| entry.arrays(params)).collect::<Result<Vec<_>>>()?;
        let arrays = arrays.into_iter().flatten().collect();
        let metadata = [("format".to_owned(), "pt".to_owned())].into();
        SafeTensors { metadata, arrays }.write(path)
    }

    /// Loads the arrays of a model from a safetensors file with a `state_dict` of PyTorch. `num_batches_tracked` is ignored.
    ///
    /// The file does not contain ε of normalization layers. It defaults to 10⁻⁵ in PyTorch and to 10⁻³ in
    /// [`BatchNorm::new`](crate::layers::BatchNorm::new).
    ///
    /// # Errors
    /// Returns an error, and leaves the model unchanged, if the file cannot be read, or if an array is missing in the file or
    /// in the model or its shape differs.
    pub fn load(&self, model: &mut Model, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let wrong = |problem: String| Error::Format { path: path.into(), problem };
        let contents = SafeTensors::read(path)?;
        let mut given: BTreeMap<String, NamedArray> =
            contents.arrays.into_iter().map(|array| (array.name.clone(), array)).collect();
        given.retain(|name, _| !name.ends_with("num_batches_tracked"));
        let mut params = Params::new();
        for entry in &self.entries {
            let find = |name: &str| {
                let missing = || wrong(format!("it has no array \"{name}\"; available: {}", list(&given)));
                let (found, shape) = (given.get(name).ok_or_else(missing)?, entry.shape);
                if found.shape != shape {
                    return Err(wrong(format!("\"{name}\" has shape {} in the file, expected {shape}", found.shape)));
                }
                Ok(found)
            };
            let found = entry.names().map(find).collect::<Result<Vec<_>>>()?;
            entry.insert(&found, model.params(), &mut params)?;
        }
        if let Some(more) = given.keys().find(|name| !self.names().any(|(_, torch)| torch == **name)) {
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
    use crate::layers::{Activation, BatchNorm, Bidirectional, Conv2d, Dense, Flatten, Gru, Lstm, MaxPool2d, Reshape};
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
    fn arrays_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let model = convolutional();
        let dict = StateDict::of(&model).unwrap();
        dict.save(&model, &path).unwrap();
        let kernel = Params::load(&path).unwrap();
        let first = kernel.get(kernel.id("5.weight").unwrap());
        let own = model.params().get(model.params().id("dense/kernel").unwrap());
        assert_eq!(first.shape(), [4, 12]);
        // channel 1, row 0, column 1: index 1 · 4 + 1 in PyTorch, (0 · 2 + 1) · 3 + 1 in gradus
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
    fn recurrent_layers_have_two_biases_and_the_gates_of_pytorch() {
        let (lstm, gru) = (Lstm::new(3).return_sequences(true), Gru::new(2));
        let network = || Sequential::new([4, 5]).add(lstm.clone()).add(Bidirectional::new(gru.clone()));
        let (folder, model, mut other) = (tempfile::tempdir().unwrap(), compiled(network()), compiled(network()));
        let path = folder.path().join("model.safetensors");
        let dict = StateDict::of(&model).unwrap();
        let torch: Vec<&str> = dict.names().map(|(_, torch)| torch).collect();
        let arrays = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"];
        let expected: Vec<String> = [("0", ""), ("1", ""), ("1", "_reverse")]
            .iter()
            .flat_map(|(module, suffix)| arrays.map(|array| format!("{module}.{array}{suffix}")))
            .collect();
        assert_eq!(torch, expected);
        dict.save(&model, &path).unwrap();
        let saved = Params::load(&path).unwrap();
        let array = |name: &str| saved.get(saved.id(name).unwrap()).to_owned();
        let own = |name: &str| model.params().get(model.params().id(name).unwrap()).to_owned();
        assert_eq!(array("0.weight_ih_l0").shape(), [12, 5]);
        assert_eq!(array("0.weight_ih_l0")[[7, 2]], own("lstm/kernel")[[2, 7]]);
        // The reset gate is the first in PyTorch and the second in Keras.
        assert_eq!(
            array("1.weight_hh_l0_reverse")[[1, 0]],
            own("bidirectional/backward_layer/recurrent_kernel")[[0, 3]]
        );
        assert!(array("0.bias_hh_l0").iter().all(|value| *value == 0.0));
        let ids: Vec<_> = other.params().ids().collect();
        ids.into_iter().for_each(|id| other.params_mut().get_mut(id).fill(7.0));
        dict.load(&mut other, &path).unwrap();
        assert_eq!(other.params().sha256(), model.params().sha256());

        let message = StateDict::of(&compiled(Sequential::new([4, 5]).add(Gru::new(2).reset_after(false))));
        assert!(message.unwrap_err().to_string().contains("GRU with reset_after=false has no equivalent module"));
    }

    #[test]
    fn reshapes_that_depend_on_the_axis_order_are_rejected() {
        let model = compiled(Sequential::new(18).add(Reshape::new([3, 3, 2])).add(Flatten).add(Dense::new(2)));
        let message = StateDict::of(&model).unwrap_err().to_string();
        let expected = "PyTorch: not supported: layer \"reshape\" (Reshape from 18 to 3 × 3 × 2 depends on the axis \
                        order of images, which is channels first in PyTorch)";
        assert_eq!(message, expected);
    }
}
