//! How a layer declares its weights when it is built, and takes them up again when it records.

use crate::error::{Error, Result};
use crate::initializers::Initializer;
use crate::random::Key;
use crate::regularizers::Regularizer;
use crate::shape::Shape;
use crate::tape::{ParamId, Params, Recorder, Var};
use std::sync::Arc;

/// Takes down the weights that a layer needs. Each is named after its layer, as in `dense_1/kernel`.
#[derive(Debug)]
pub struct Weights<'a> {
    params: &'a mut Params,
    layer: &'a str,
    source: Source<'a>,
    frozen: bool,
    ids: Vec<ParamId>,
    penalties: Vec<Penalty>,
}

/// An array that adds to the loss, and how.
pub(crate) type Penalty = (ParamId, Arc<dyn Regularizer>);

/// Where weights get their first values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// From their initialisers, under this key.
    Init(Key),
    /// From those of the same name that are given.
    Given(&'a Params),
    /// Nowhere: names and shapes alone are wanted, so there are no values and nothing is allocated.
    Nowhere,
}

impl<'a> Weights<'a> {
    pub(crate) fn new(params: &'a mut Params, layer: &'a str, source: Source<'a>) -> Weights<'a> {
        Weights { params, layer, source, frozen: false, ids: Vec::new(), penalties: Vec::new() }
    }

    /// Adds an array that is learned. Its first values depend only on the model's seed and on its name.
    ///
    /// # Errors
    /// A name that the layer has used before, or settings of the initialiser out of range.
    pub fn add(&mut self, name: &str, shape: impl Into<Shape>, initializer: &dyn Initializer) -> Result<()> {
        self.insert(name, shape.into(), initializer, !self.frozen)
    }

    /// Adds an array that is learned and, where there is a regularizer, adds to the loss.
    ///
    /// # Errors
    /// As for [`add`](Weights::add), and settings of the regularizer out of range.
    pub fn add_regularized(
        &mut self,
        name: &str,
        shape: impl Into<Shape>,
        initializer: &dyn Initializer,
        regularizer: Option<&Arc<dyn Regularizer>>,
    ) -> Result<()> {
        regularizer.map_or(Ok(()), |regularizer| regularizer.check())?;
        self.add(name, shape, initializer)?;
        if !self.frozen {
            self.penalties.extend(self.ids.last().copied().zip(regularizer.cloned()));
        }
        Ok(())
    }

    /// Lets a layer declare weights of which none is learned.
    pub(crate) fn freeze<T>(&mut self, build: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.frozen, true);
        let result = build(self);
        self.frozen = outer;
        result
    }

    /// Adds an array that is not learned but kept up to date by operations, such as running statistics.
    ///
    /// # Errors
    /// As for [`add`](Weights::add).
    pub fn add_state(&mut self, name: &str, shape: impl Into<Shape>, initializer: &dyn Initializer) -> Result<()> {
        self.insert(name, shape.into(), initializer, false)
    }

    fn insert(&mut self, name: &str, shape: Shape, initializer: &dyn Initializer, trainable: bool) -> Result<()> {
        let name = format!("{}/{name}", self.layer);
        let values = match self.source {
            Source::Init(_) if Vec::<f32>::new().try_reserve_exact(shape.len()).is_err() => {
                return Err(Error::TooLarge { place: name, shape });
            }
            Source::Init(key) => {
                let values = initializer.values(shape, key.split_name(&name))?;
                if values.len() != shape.len() {
                    let (class, found) = (initializer.spec(), values.len());
                    let problem = format!("{name}: {} gives {found} values for {shape}", class.class());
                    return Err(Error::other(problem));
                }
                values
            }
            Source::Nowhere => {
                self.ids.push(self.params.insert_empty(&name, shape, trainable)?);
                return Ok(());
            }
            Source::Given(params) => {
                let id = given(params, &name, shape)?;
                self.ids.push(self.params.insert_shared(&name, params, id, trainable)?);
                return Ok(());
            }
        };
        self.ids.push(self.params.insert(&name, shape, values, trainable)?);
        Ok(())
    }

    pub(crate) fn into_ids(self) -> Vec<ParamId> {
        self.ids
    }

    /// What was declared, and which of it adds to the loss.
    pub(crate) fn into_declared(self) -> (Vec<ParamId>, Vec<Penalty>) {
        (self.ids, self.penalties)
    }
}

/// The parameter of that name, if it has that shape.
fn given(params: &Params, name: &str, shape: Shape) -> Result<ParamId> {
    let id = params.id(name)?;
    if params.shape(id) != shape {
        return Err(Error::expected(format!("{shape}")).at(|| name.into(), &[params.shape(id)]));
    }
    Ok(id)
}

/// Hands a layer its weights in the order in which it declared them.
#[derive(Debug)]
pub struct Cursor<'a, 'r> {
    recorder: &'r Recorder,
    params: &'a Params,
    ids: &'a [ParamId],
}

impl<'a, 'r> Cursor<'a, 'r> {
    pub(crate) fn new(recorder: &'r Recorder, params: &'a Params, ids: &'a [ParamId]) -> Cursor<'a, 'r> {
        Cursor { recorder, params, ids }
    }

    /// The next `N` weights as values: `let [kernel, bias] = weights.take();`
    ///
    /// # Panics
    /// When the layer declared fewer.
    pub fn take<const N: usize>(&mut self) -> [Var<'r>; N] {
        self.take_ids().map(|id| self.recorder.parameter(self.params, id))
    }

    fn take_ids<const N: usize>(&mut self) -> [ParamId; N] {
        let Some((taken, rest)) = self.ids.split_first_chunk() else {
            panic!("a layer takes {N} weights but has declared only {} more", self.ids.len());
        };
        self.ids = rest;
        *taken
    }

    /// Whether the next weight is one that is not learned: in a layer that would learn it, whether the layer is
    /// [frozen](super::Layer::frozen).
    pub fn frozen(&self) -> bool {
        self.ids.first().is_some_and(|id| !self.params.trainable(*id))
    }

    /// The next weight, both as a value and by id, for layers that do not know how many they have.
    ///
    /// # Panics
    /// When the layer declared no more.
    pub fn take_one(&mut self) -> (Var<'r>, ParamId) {
        let [id] = self.take_ids();
        (self.recorder.parameter(self.params, id), id)
    }

    /// The declared weights that have not been taken.
    pub(crate) fn left(&self) -> &'a [ParamId] {
        self.ids
    }
}
