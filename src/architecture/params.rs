//! Architectures with given weights.

use super::built_layer::Layers;
use super::{Architecture, Connections};
use crate::error::{Error, Result};
use crate::layers::{DeclaredWeight, Source};
use crate::tape::Params;

impl Architecture {
    /// Builds layers that share their arrays with those of `params`. Allocates no array before the shapes are checked,
    /// since the layers may be from a file.
    pub(crate) fn with_params(connections: Connections, layers: Layers, params: &Params) -> Result<Architecture> {
        let mut architecture = Architecture::build(connections, layers, Source::Nowhere)?;
        check_arrays(&architecture.params, params)?;
        architecture.params.share(params)?;
        Ok(architecture)
    }

    /// Returns the architecture with a layer frozen, or trainable again; `None` if it is already.
    ///
    /// # Errors
    /// An unknown layer.
    pub(crate) fn with_trainable(&self, layer: &str, trainable: bool) -> Result<Option<Architecture>> {
        let Some(at) = self.layers.iter().position(|built| built.name == layer) else {
            let known = self.layers.iter().map(|built| built.name.clone()).collect();
            return Err(Error::Unknown { kind: "layer", name: layer.into(), known });
        };
        let other = match (self.layers[at].layer.thawed(), trainable) {
            (Some(thawed), true) => thawed,
            (None, false) => std::sync::Arc::new(crate::layers::Frozen::new(self.layers[at].layer.clone())),
            _ => return Ok(None),
        };
        let mut layers = self.named_layers();
        layers[at].1 = other;
        Architecture::with_params(self.connections.clone(), layers, &self.params).map(Some)
    }
}

/// Returns the weights that layers declare.
pub(super) fn declared(connections: Connections, layers: Layers) -> Result<Vec<DeclaredWeight>> {
    Ok(DeclaredWeight::all(&Architecture::build(connections, layers, Source::Nowhere)?.params))
}

/// Checks that each declared array is given with its shape, and that no other array is given.
///
/// # Errors
/// [`Error::Arrays`] with all arrays that differ.
fn check_arrays(declared: &Params, given: &Params) -> Result<()> {
    let (mut missing, mut shapes) = (Vec::new(), Vec::new());
    for id in declared.ids() {
        let (name, expected) = (declared.name(id), declared.shape(id));
        match given.id(name).map(|id| given.shape(id)) {
            Err(_) => missing.push(name.to_owned()),
            Ok(found) if found != expected => shapes.push((name.to_owned(), found, expected)),
            Ok(_) => {}
        }
    }
    let names = given.ids().map(|id| given.name(id));
    let unused: Vec<String> = names.filter(|name| declared.id(name).is_err()).map(str::to_owned).collect();
    match missing.is_empty() && unused.is_empty() && shapes.is_empty() {
        true => Ok(()),
        false => Err(Error::Arrays { missing, unused, shapes }),
    }
}

#[cfg(test)]
mod tests {
    use crate::layers::{BatchNorm, Dense, Layer};
    use crate::{Sequential, tape::Params};

    #[test]
    fn layers_decide_which_arrays_are_trained() {
        let network = Sequential::new([2]).add(Dense::new(1)).add(BatchNorm::new());
        let built = network.architecture(0).unwrap();
        for trainable in [false, true] {
            let mut params = Params::new();
            for id in built.params().ids() {
                let (name, shape) = (built.params().name(id), built.params().shape(id));
                params.insert(name, shape, built.params().values(id).to_vec(), trainable).unwrap();
            }
            let count = |network: &Sequential| network.with_params(&params).unwrap().params().count(true);
            assert_eq!(count(&network), 2 + 1 + 2);
            assert_eq!(count(&Sequential::new([2]).add(Dense::new(1).frozen()).add(BatchNorm::new())), 2);
        }
    }
}
