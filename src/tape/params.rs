//! Parameters: named arrays, trainable weights and states such as running statistics.

use super::known_finite::KnownFinite;
use super::stamp::Stamp;
use crate::error::{Error, Result};
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::shape::{Shape, View};
use ndarray::{ArrayRef, ArrayViewD, ArrayViewMutD, Dimension, IxDyn};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The id of a parameter in its [`Params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParamId {
    pub(super) stamp: Stamp,
    pub(crate) index: usize,
}

/// Named arrays, in the order in which they were added. Several tapes can use one `Params`.
///
/// A clone can be used with the tapes and the ids of the original. They share arrays: changing a shared array copies it first.
/// If different parameters are added to clones, those of all but the first one become independent: ids and tapes from before
/// cannot be used with them.
#[derive(Clone, Debug)]
pub struct Params {
    pub(super) stamp: Stamp,
    entries: Vec<Param>,
    /// The largest number of entries of this set and its clones, so that an id never belongs to two parameters.
    added: Arc<AtomicUsize>,
}

#[derive(Clone, Debug)]
struct Param {
    name: String,
    shape: Shape,
    trainable: bool,
    /// Whether it is state that is carried from one batch to the next, with an element of its first axis for each row.
    carried: bool,
    /// Shared with clones. A shared array is copied before a change.
    values: Arc<AlignedBuffer>,
    /// Changes with the values, and is unique: equal versions mean equal values.
    version: Stamp,
    finite: KnownFinite,
}

impl Param {
    /// Discards what is known about the values before they change.
    fn invalidate(&mut self) {
        self.finite.invalidate();
        self.version = Stamp::next();
    }

    /// The values, to be changed.
    fn values_mut(&mut self) -> &mut AlignedBuffer {
        self.invalidate();
        Arc::make_mut(&mut self.values)
    }

    /// Sets the values to those of another array with this shape. Copies them into the array if it is not shared; otherwise
    /// shares the other array.
    fn assign(&mut self, other: &Param) {
        self.invalidate();
        match Arc::get_mut(&mut self.values) {
            Some(values) => values.copy_from_slice(&other.values),
            None => self.values.clone_from(&other.values),
        }
    }
}

impl Default for Params {
    fn default() -> Params {
        Params::new()
    }
}

impl Params {
    /// The number of this set of parameters, which clones share as long as they have equal parameters.
    pub(crate) fn identity(&self) -> u64 {
        self.stamp.number()
    }

    /// Creates an empty set of parameters.
    pub fn new() -> Params {
        Params { stamp: Stamp::next(), entries: Vec::new(), added: Arc::default() }
    }

    /// Adds a trainable parameter.
    ///
    /// # Errors
    /// A name that another parameter has, or more axes than [`crate::MAX_RANK`].
    pub fn add<D: Dimension>(&mut self, name: &str, values: &ArrayRef<f32, D>) -> Result<ParamId> {
        self.insert(name, shape_of(name, values)?, values.iter().copied().collect(), true)
    }

    /// Adds a state: a parameter that operations change and the optimizer does not, such as running statistics.
    ///
    /// # Errors
    /// The errors of [`add`](Params::add).
    pub fn add_state<D: Dimension>(&mut self, name: &str, values: &ArrayRef<f32, D>) -> Result<ParamId> {
        self.insert(name, shape_of(name, values)?, values.iter().copied().collect(), false)
    }

    /// Adds a parameter from its elements in row-major order. The optimizer changes it if `trainable` is `true`. In a model,
    /// the layers decide instead which arrays are trained: [`with_params`](crate::Sequential::with_params) ignores
    /// `trainable`.
    ///
    /// # Errors
    /// The errors of [`add`](Params::add), or a number of elements that differs from that of the shape.
    pub fn insert(&mut self, name: &str, shape: Shape, values: Vec<f32>, trainable: bool) -> Result<ParamId> {
        if values.len() != shape.len() {
            let problem = format!("{name}: {} elements for {shape}, expected {}", values.len(), shape.len());
            return Err(Error::other(problem));
        }
        self.push(name, shape, Arc::new(AlignedBuffer::from(&*values)), trainable)
    }

    /// Adds a parameter by name and shape, without elements. It must not be read.
    pub(crate) fn insert_empty(&mut self, name: &str, shape: Shape, trainable: bool) -> Result<ParamId> {
        self.push(name, shape, Arc::default(), trainable)
    }

    /// Shares the array of each parameter with the parameter of this name in `other`.
    ///
    /// # Errors
    /// A parameter that `other` does not have, or has with a different shape.
    pub(crate) fn share(&mut self, other: &Params) -> Result<()> {
        let pairs = self.ids().map(|id| Ok((id, other.id(self.name(id))?))).collect::<Result<Vec<_>>>()?;
        pairs.iter().try_for_each(|(id, given)| self.check_shape(*id, other.shape(*given)))?;
        for (id, given) in pairs {
            let entry = &mut self.entries[id.index];
            entry.invalidate();
            entry.values = other.entry(given).values.clone();
        }
        Ok(())
    }

    fn push(&mut self, name: &str, shape: Shape, values: Arc<AlignedBuffer>, trainable: bool) -> Result<ParamId> {
        if self.entries.iter().any(|entry| entry.name == name) {
            return Err(Error::expected("a name that no other parameter has").at(|| name.into(), &[shape]));
        }
        let (count, relaxed) = (self.entries.len(), Ordering::Relaxed);
        if self.added.compare_exchange(count, count + 1, relaxed, relaxed).is_err() {
            // A clone has another parameter at this position.
            (self.stamp, self.added) = (Stamp::next(), Arc::new(AtomicUsize::new(count + 1)));
        }
        let finite = KnownFinite::default();
        let version = Stamp::next();
        self.entries.push(Param { name: name.into(), shape, trainable, carried: false, values, version, finite });
        Ok(ParamId { stamp: self.stamp, index: self.entries.len() - 1 })
    }

    /// Returns the id of the parameter with this name.
    ///
    /// # Errors
    /// An unknown name. The error lists the names of all parameters.
    pub fn id(&self, name: &str) -> Result<ParamId> {
        let found = self.ids().find(|id| self.name(*id) == name);
        found.ok_or_else(|| Error::Unknown {
            kind: "parameter",
            name: name.into(),
            known: self.entries.iter().map(|entry| entry.name.clone()).collect(),
        })
    }

    /// The ids of all parameters, in the order in which they were added.
    pub fn ids(&self) -> impl Iterator<Item = ParamId> + use<> {
        let stamp = self.stamp;
        (0..self.entries.len()).map(move |index| ParamId { stamp, index })
    }

    /// The name of a parameter, such as `dense_1/kernel`.
    ///
    /// # Panics
    /// When `id` belongs to another `Params`.
    pub fn name(&self, id: ParamId) -> &str {
        &self.entry(id).name
    }

    /// The shape of a parameter.
    ///
    /// # Panics
    /// When `id` belongs to another `Params`.
    pub fn shape(&self, id: ParamId) -> Shape {
        self.entry(id).shape
    }

    /// Whether the optimizer changes a parameter.
    ///
    /// # Panics
    /// When `id` belongs to another `Params`.
    pub fn trainable(&self, id: ParamId) -> bool {
        self.entry(id).trainable
    }

    /// Whether a parameter is state that is carried from one batch to the next. Declared by
    /// [`Weights::add_carried_state`](crate::layers::Weights::add_carried_state).
    ///
    /// # Panics
    /// When `id` belongs to another `Params`.
    pub fn carried(&self, id: ParamId) -> bool {
        self.entry(id).carried
    }

    /// Marks a parameter as state that is carried from one batch to the next.
    pub(crate) fn carry(&mut self, id: ParamId) {
        self.check(id);
        self.entries[id.index].carried = true;
    }

    /// Sets the state that is carried from one batch to the next to 0.
    pub(crate) fn reset_carried(&mut self) {
        self.entries.iter_mut().filter(|entry| entry.carried).for_each(|entry| entry.values_mut().fill(0.0));
    }

    /// The number of rows of the state that is carried from one batch to the next. `None` without such state.
    pub(crate) fn carried_rows(&self) -> Option<usize> {
        self.entries.iter().find(|entry| entry.carried).map(|entry| entry.shape.axis(0))
    }

    /// The values of a parameter.
    ///
    /// # Panics
    /// When `id` belongs to another `Params`.
    pub fn get(&self, id: ParamId) -> ArrayViewD<'_, f32> {
        let entry = self.entry(id);
        ArrayViewD::from_shape(IxDyn(entry.shape.sizes()), &entry.values)
            .expect("the number of values is that of the shape")
    }

    /// The values of a parameter, to be changed.
    ///
    /// # Panics
    /// When `id` belongs to another `Params`.
    pub fn get_mut(&mut self, id: ParamId) -> ArrayViewMutD<'_, f32> {
        let shape = self.entry(id).shape;
        let values = self.entries[id.index].values_mut();
        ArrayViewMutD::from_shape(IxDyn(shape.sizes()), values).expect("the number of values is that of the shape")
    }

    /// The name and the values of each parameter, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&str, ArrayViewD<'_, f32>)> {
        self.ids().map(|id| (self.name(id), self.get(id)))
    }

    /// Sets the values of the parameter with this name.
    ///
    /// # Errors
    /// An unknown name, or an array whose shape differs from that of the parameter.
    pub fn set<D: Dimension>(&mut self, name: &str, values: &ArrayRef<f32, D>) -> Result<()> {
        let (id, found) = (self.id(name)?, shape_of(name, values)?);
        self.check_shape(id, found)?;
        self.values_mut(id).iter_mut().zip(values).for_each(|(value, given)| *value = *given);
        Ok(())
    }

    /// Sets the values of each parameter to those of the parameter of this name in `other`, which may have more parameters.
    /// Changes nothing on error.
    ///
    /// # Errors
    /// A parameter that `other` does not have, or has with a different shape.
    pub fn assign(&mut self, other: &Params) -> Result<()> {
        let pairs = self.ids().map(|id| Ok((id, other.id(self.name(id))?))).collect::<Result<Vec<_>>>()?;
        pairs.iter().try_for_each(|(id, given)| self.check_shape(*id, other.shape(*given)))?;
        for (id, given) in pairs {
            self.entries[id.index].assign(other.entry(given));
        }
        Ok(())
    }

    fn check_shape(&self, id: ParamId, found: Shape) -> Result<()> {
        let shape = self.shape(id);
        if found == shape {
            return Ok(());
        }
        Err(Error::expected(format!("{shape}, the shape of the parameter")).at(|| self.name(id).into(), &[found]))
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no parameters.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Number of weights: the elements of all parameters, or of the trainable ones only.
    pub fn count(&self, trainable_only: bool) -> usize {
        let counted = self.entries.iter().filter(|entry| entry.trainable || !trainable_only);
        counted.map(|entry| entry.shape.len()).fold(0, usize::saturating_add)
    }

    /// The SHA-256 digest of the values of all parameters, in hexadecimal: of little-endian `f32` in the order in which the
    /// parameters were added. Equal digests mean equal bits.
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        for entry in &self.entries {
            entry.values.iter().for_each(|value| hasher.update(value.to_le_bytes()));
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn view(&self, index: usize) -> View<'_> {
        View::new(self.entries[index].shape, &self.entries[index].values)
    }

    /// The version of a parameter's values.
    pub(super) fn version(&self, index: usize) -> Stamp {
        self.entries[index].version
    }

    /// Whether all values of a parameter are known to be finite. The first query for unchanged values returns `false`.
    pub(super) fn is_known_finite(&self, index: usize) -> bool {
        let entry = &self.entries[index];
        entry.finite.query(&entry.values)
    }

    /// The elements of a parameter in row-major order.
    ///
    /// # Panics
    /// When `id` belongs to another `Params`.
    pub fn values(&self, id: ParamId) -> &[f32] {
        &self.entry(id).values
    }

    /// The elements of a parameter in row-major order, to be changed.
    ///
    /// # Panics
    /// When `id` belongs to another `Params`.
    pub fn values_mut(&mut self, id: ParamId) -> &mut [f32] {
        self.check(id);
        self.entries[id.index].values_mut()
    }

    /// Replaces the array of a parameter and returns the previous one.
    pub(super) fn replace_values(&mut self, id: ParamId, values: AlignedBuffer) -> AlignedBuffer {
        std::mem::replace(self.entries[id.index].values_mut(), values)
    }

    fn entry(&self, id: ParamId) -> &Param {
        self.check(id);
        &self.entries[id.index]
    }

    pub(super) fn check(&self, id: ParamId) {
        let known = id.stamp == self.stamp && id.index < self.entries.len();
        assert!(known, "a ParamId was used with Params that it does not belong to");
    }
}

fn shape_of<D: Dimension>(name: &str, values: &ArrayRef<f32, D>) -> Result<Shape> {
    Shape::new(values.shape()).map_err(|error| error.at(|| name.into(), &[]))
}

#[cfg(test)]
mod tests;
