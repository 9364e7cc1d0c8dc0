//! Declaration of the weights of a layer when it is built, and access to them when it records.

use crate::constraints::Constraint;
use crate::error::{Error, Result};
use crate::initializers::{Initializer, Zeros};
use crate::random::Key;
use crate::regularizers::Regularizer;
use crate::shape::{MAX_RANK, Shape};
use crate::tape::{ParamId, Params, Recorder, Var};
use std::sync::Arc;

/// Collects the weights that a layer declares in [`Layer::build`](super::Layer::build). Names are prefixed with that of the
/// layer, as in `dense_1/kernel`.
#[derive(Debug)]
pub struct Weights<'a> {
    params: &'a mut Params,
    layer: &'a str,
    source: Source,
    /// The prefix of the names of the weights of an inner layer.
    prefix: String,
    frozen: bool,
    ids: Vec<ParamId>,
    penalties: Vec<Penalty>,
    constraints: Vec<Constrained>,
}

/// The initializer, the regularizer and the constraint of a weight.
pub(super) type WeightOptions<'a> =
    (&'a dyn Initializer, Option<&'a Arc<dyn Regularizer>>, Option<&'a Arc<dyn Constraint>>);

/// An array with the regularizer whose penalty is added to the loss.
pub(crate) type Penalty = (ParamId, Arc<dyn Regularizer>);

/// An array with the constraint that is applied to it after each step.
pub(crate) type Constrained = (ParamId, Arc<dyn Constraint>);

/// The declared arrays, the penalties on them, and their constraints.
pub(crate) type DeclaredParts = (Vec<ParamId>, Vec<Penalty>, Vec<Constrained>);

/// The source of the initial values of weights.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// The initializers, with this key.
    Init(Key),
    /// None: weights are declared by name and shape, without values.
    Nowhere,
}

impl<'a> Weights<'a> {
    pub(crate) fn new(params: &'a mut Params, layer: &'a str, source: Source) -> Weights<'a> {
        let prefix = String::new();
        let (ids, penalties, constraints) = (Vec::new(), Vec::new(), Vec::new());
        Weights { params, layer, source, prefix, frozen: false, ids, penalties, constraints }
    }

    /// Declares a learned array. Its initial values depend only on the seed of the model, on its name and on its shape.
    ///
    /// # Errors
    /// The layer has already used the name, a setting of the initializer is out of range, or the array does not fit in memory.
    pub fn add(&mut self, name: &str, shape: impl Into<Shape>, initializer: &dyn Initializer) -> Result<()> {
        self.insert(name, shape.into(), initializer, !self.frozen)
    }

    /// Declares a learned array with an optional regularizer, whose penalty is added to the loss.
    ///
    /// # Errors
    /// The errors of [`add`](Weights::add), and a setting of the regularizer out of range.
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

    /// Declares a learned array with the options that it has in the layers of Keras.
    ///
    /// # Errors
    /// The errors of [`add_regularized`](Weights::add_regularized) and [`constrain`](Weights::constrain).
    pub(super) fn add_with_options(
        &mut self,
        name: &str,
        shape: impl Into<Shape>,
        (initializer, regularizer, constraint): WeightOptions<'_>,
    ) -> Result<()> {
        self.add_regularized(name, shape, initializer, regularizer)?;
        self.constrain(constraint)
    }

    /// Applies a constraint to the array that was declared last, after each step of the optimizer. `None` has no effect.
    ///
    /// ```
    /// use gradus::{Result, Shape, Spec, constraints::{Constraint, NonNeg}, initializers::Ones, layers::*, tape::Var};
    /// use std::sync::Arc;
    ///
    /// #[derive(Debug)]
    /// struct Scaling {
    ///     scale_constraint: Option<Arc<dyn Constraint>>,
    /// }
    ///
    /// impl Layer for Scaling {
    ///     fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
    ///         weights.add("scale", inputs[0].last(), &Ones)?;
    ///         weights.constrain(self.scale_constraint.as_ref())?;
    ///         Ok(vec![inputs[0]])
    ///     }
    ///     fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
    ///         let [scale] = weights.take();
    ///         vec![inputs[0] * scale]
    ///     }
    ///     fn spec(&self) -> Spec {
    ///         Spec::new("Scaling")
    ///     }
    /// }
    /// let layer = Scaling { scale_constraint: Some(Arc::new(NonNeg)) };
    /// ```
    ///
    /// # Errors
    /// A setting of the constraint is out of range.
    pub fn constrain(&mut self, constraint: Option<&Arc<dyn Constraint>>) -> Result<()> {
        let Some(constraint) = constraint else { return Ok(()) };
        constraint.check()?;
        if !self.frozen {
            self.constraints.extend(self.ids.last().map(|id| (*id, constraint.clone())));
        }
        Ok(())
    }

    /// Calls `build`, which declares the weights of an inner layer. Their names begin with `name` and `/`.
    ///
    /// ```
    /// use gradus::{Result, Shape, Spec, layers::*, tape::Var};
    ///
    /// /// Two dense layers.
    /// #[derive(Debug)]
    /// struct Pair([Dense; 2]);
    ///
    /// impl Layer for Pair {
    ///     fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
    ///         let hidden = weights.nested("first", |weights| self.0[0].build(inputs, weights))?;
    ///         weights.nested("second", |weights| self.0[1].build(&hidden, weights))
    ///     }
    ///     fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
    ///         let hidden = self.0[0].record(weights, inputs);
    ///         self.0[1].record(weights, &hidden)
    ///     }
    ///     fn spec(&self) -> Spec {
    ///         Spec::new("Pair")
    ///     }
    /// }
    /// let declared = Declared::of(&Pair([Dense::new(3), Dense::new(2)]), "pair", &[Shape::from(4)])?;
    /// assert_eq!(declared.weights()[2].name(), "pair/second/kernel");
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn nested<T>(&mut self, name: &str, build: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.prefix.len();
        self.prefix.push_str(name);
        self.prefix.push('/');
        let result = build(self);
        self.prefix.truncate(outer);
        result
    }

    /// Calls `build` so that all weights that it declares are frozen.
    pub(crate) fn freeze<T>(&mut self, build: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.frozen, true);
        let result = build(self);
        self.frozen = outer;
        result
    }

    /// Declares an array that operations update instead of the optimizer, such as running statistics.
    ///
    /// # Errors
    /// The errors of [`add`](Weights::add).
    pub fn add_state(&mut self, name: &str, shape: impl Into<Shape>, initializer: &dyn Initializer) -> Result<()> {
        self.insert(name, shape.into(), initializer, false)
    }

    /// Declares state that is carried from one batch to the next, such as that of a stateful recurrent layer. Each batch must
    /// have `rows` rows, and the state has the shape `rows` × `shape`. It is initially 0, and
    /// [`Model::reset_states`](crate::Model::reset_states) sets it to 0.
    ///
    /// An operation updates it in each run ([`Op::states`](crate::tape::Op::states)), in training and in inference.
    ///
    /// # Errors
    /// The errors of [`add`](Weights::add), and too many axes.
    pub fn add_carried_state(&mut self, name: &str, rows: usize, shape: impl Into<Shape>) -> Result<()> {
        self.add_state(name, shape.into().batch(rows)?, &Zeros)?;
        if let Some(id) = self.ids.last() {
            self.params.carry(*id);
        }
        Ok(())
    }

    /// Number of declared arrays.
    pub(super) fn count(&self) -> usize {
        self.ids.len()
    }

    /// The shape of the first array with one of these names among those that were declared after the first `count`.
    pub(super) fn shape_after(&self, count: usize, names: &[&str]) -> Option<Shape> {
        find(self.params, &self.ids[count..], names).map(|id| self.params.shape(id))
    }

    fn insert(&mut self, name: &str, shape: Shape, initializer: &dyn Initializer, trainable: bool) -> Result<()> {
        let name = format!("{}/{}{name}", self.layer, self.prefix);
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
        };
        self.ids.push(self.params.insert(&name, shape, values, trainable)?);
        Ok(())
    }

    pub(crate) fn into_ids(self) -> Vec<ParamId> {
        self.ids
    }

    /// The declared arrays, the penalties on them, and their constraints.
    pub(crate) fn into_declared(self) -> DeclaredParts {
        (self.ids, self.penalties, self.constraints)
    }
}

/// The first of the arrays whose name, without the names of its layers, is one of `names`.
fn find(params: &Params, ids: &[ParamId], names: &[&str]) -> Option<ParamId> {
    let is_named = |id: &&ParamId| params.name(**id).rsplit('/').next().is_some_and(|name| names.contains(&name));
    ids.iter().find(is_named).copied()
}

/// Returns the weights of a layer in [`Layer::record`](super::Layer::record), in the order of their declaration.
#[derive(Debug)]
pub struct Cursor<'a, 'r> {
    recorder: &'r Recorder,
    params: &'a Params,
    /// The declared weights that are left.
    ids: &'a [ParamId],
    /// Number of declared weights.
    declared: usize,
    frozen: bool,
}

impl<'a, 'r> Cursor<'a, 'r> {
    pub(crate) fn new(recorder: &'r Recorder, params: &'a Params, ids: &'a [ParamId]) -> Cursor<'a, 'r> {
        Cursor { recorder, params, ids, declared: ids.len(), frozen: false }
    }

    /// Returns the next `N` weights: `let [kernel, bias] = weights.take();`
    ///
    /// If fewer than `N` declared weights are left, this is an error of the recording, which `compile` returns with the name
    /// of the layer. The values are then placeholders of the shape 1 × 1 × ….
    pub fn take<const N: usize>(&mut self) -> [Var<'r>; N] {
        match self.ids.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.ids = rest;
                taken.map(|id| self.recorder.parameter(self.params, id))
            }
            None => {
                self.fail(N);
                // With the maximum number of axes, so that a layer can read the size of any axis.
                let shape = Shape::new(&[1; MAX_RANK]).unwrap_or(Shape::SCALAR);
                [self.recorder.placeholder(shape); N]
            }
        }
    }

    /// Stores the error about weights that the layer takes and has not declared.
    fn fail(&mut self, count: usize) {
        let taken = self.declared - self.ids.len() + count;
        self.ids = &[];
        let problem = format!(
            "its `record` takes at least {taken} weights, but its `build` declares {}; take each declared weight once",
            self.declared
        );
        let place = self.recorder.current_scope();
        self.recorder.fail(Error::Graph { place, problem: problem.into() });
    }

    /// Whether the layer is [frozen](super::Layer::frozen).
    pub fn frozen(&self) -> bool {
        self.frozen
    }

    /// Calls `record` for a layer that is frozen.
    pub(crate) fn as_frozen<T>(&mut self, record: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.frozen, true);
        let result = record(self);
        self.frozen = outer;
        result
    }

    /// Returns the next weight as a value and as an id, for layers with a variable number of weights.
    ///
    /// # Panics
    /// When no declared weight is left.
    pub fn take_one(&mut self) -> (Var<'r>, ParamId) {
        let Some((id, rest)) = self.ids.split_first() else {
            let problem = "a layer takes more weights than it declared; `take` reports this as an error";
            panic!("{}: {problem}", self.recorder.current_scope());
        };
        self.ids = rest;
        (self.recorder.parameter(self.params, *id), *id)
    }

    /// The value of the first weight with one of these names that has not been taken yet, and its id. Does not take it.
    pub(super) fn find(&self, names: &[&str]) -> Option<(Var<'r>, ParamId)> {
        let id = find(self.params, self.ids, names)?;
        Some((self.recorder.parameter(self.params, id), id))
    }

    /// [Assigns](Recorder::assign) a value to a weight.
    pub(super) fn assign(&self, id: ParamId, value: Var<'r>) {
        let _ = self.recorder.assign(self.params, id, value);
    }

    /// The declared weights that have not been taken yet.
    pub(crate) fn left(&self) -> &'a [ParamId] {
        self.ids
    }
}
