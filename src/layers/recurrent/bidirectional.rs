//! Bidirectional: a recurrent layer in both directions.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Direction, Layer, RecurrentLayer, Weights};
use crate::settings::{FromSpec, OptionValue, Settings, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;
use std::sync::Arc;

/// The combination of the outputs of both directions of a [`Bidirectional`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergeMode {
    /// The outputs side by side, first those of the forward direction.
    #[default]
    Concat,
    /// The sum.
    Sum,
    /// The product.
    Mul,
    /// The mean.
    Ave,
    /// Two outputs: `None` in Keras.
    Separate,
}

/// The merge modes with their names in Keras.
const MERGE_MODES: &[(&str, MergeMode)] = &[
    ("concat", MergeMode::Concat),
    ("sum", MergeMode::Sum),
    ("mul", MergeMode::Mul),
    ("ave", MergeMode::Ave),
    ("none", MergeMode::Separate),
];

impl OptionValue for MergeMode {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        let known = MERGE_MODES.iter().find(|(_, mode)| mode == self);
        spec.with(name, known.map_or("concat", |(name, _)| name))
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<MergeMode> {
        settings.one_of(name, MERGE_MODES)
    }
}

options! {
    /// A recurrent layer that processes the steps in both directions. `Bidirectional` in Keras.
    ///
    /// The layer is a [`SimpleRnn`](crate::layers::SimpleRnn), [`Lstm`](crate::layers::Lstm), [`Gru`](crate::layers::Gru) or
    /// another [`RecurrentLayer`](crate::layers::RecurrentLayer).
    /// The first input is a sequence, steps × features; further inputs are the initial states of the forward direction, then
    /// those of the backward direction. The first output is the merged output of both directions, in the order of the input;
    /// with `return_state` the final states of both directions follow. Weights are those of both layers, with the prefixes
    /// `forward_layer/` and `backward_layer/`. If the layer returns sequences, outputs of masked steps are 0, as in Keras.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::{Bidirectional, Lstm}};
    /// let network = Sequential::new([10, 3]).add(Bidirectional::new(Lstm::new(8)));
    /// let model = network.architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([16])]);
    /// assert_eq!(model.params().count(true), 2 * 32 * (3 + 8 + 1));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns the errors of the layer; an error if it is not recurrent, or is frozen; and an error if both layers
    /// have the same direction or differ in `return_sequences` or `return_state`.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Bidirectional("Bidirectional") of (layer: Arc<dyn Layer>) {
        /// Combination of the outputs of both directions. Defaults to [`MergeMode::Concat`].
        value merge_mode: MergeMode = MergeMode::Concat,
        /// Layer for the backward direction, with [`go_backwards`](crate::layers::Lstm::go_backwards). Defaults to the options
        /// of the forward layer.
        optional backward_layer: Layer,
    }
}

impl Bidirectional {
    /// Creates the layer from that of the forward direction.
    pub fn new(layer: impl Layer + 'static) -> Bidirectional {
        Bidirectional::with_defaults(Arc::new(layer))
    }

    /// The layers of both directions, and whether they process the steps backwards.
    fn directions(&self) -> Result<[(&dyn RecurrentLayer, bool); 2]> {
        let forward = recurrent(&self.layer)?;
        let backward = self.backward_layer.as_ref().map(recurrent).transpose()?;
        let goes_backwards = backward.is_none_or(|backward| backward.goes_backwards());
        let backward = backward.unwrap_or(forward);
        let problem = if forward.goes_backwards() == goes_backwards {
            "its layers have the same direction: set go_backwards for the backward layer only"
        } else if forward.returns_sequences() != backward.returns_sequences() {
            "its layers differ in return_sequences"
        } else if forward.returns_state() != backward.returns_state() {
            "its layers differ in return_state"
        } else {
            return Ok([(forward, !goes_backwards), (backward, goes_backwards)]);
        };
        Err(invalid(problem))
    }

    /// Splits the inputs into those of both directions.
    fn inputs_of<T: Copy>(inputs: &[T], forward: &dyn RecurrentLayer) -> [Vec<T>; 2] {
        let (sequence, states) = inputs.split_at(inputs.len().min(1));
        let (first, second) = match states.len() {
            0 => (&[][..], &[][..]),
            count => states.split_at(forward.states().min(count)),
        };
        [first, second].map(|states| [sequence, states].concat())
    }
}

fn invalid(problem: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::Graph { place: "Bidirectional".into(), problem: problem.into() }
}

fn recurrent(layer: &Arc<dyn Layer>) -> Result<&dyn RecurrentLayer> {
    layer.recurrent().ok_or_else(|| {
        let found = if layer.thawed().is_some() { "a frozen layer".into() } else { layer.spec().class().to_owned() };
        invalid(format!("its layers must be recurrent, such as SimpleRnn, Lstm and Gru; found {found}"))
    })
}

impl Layer for Bidirectional {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [(forward, _), _] = self.directions()?;
        let [first, second] = Bidirectional::inputs_of(inputs, forward);
        if inputs.len() != 1 && first.len() != second.len() {
            return Err(Error::expected("a sequence, and optionally the initial states of both directions"));
        }
        let mut outputs = weights.nested("forward_layer", |weights| self.layer.build(&first, weights))?;
        let backward = self.backward_layer.as_ref().unwrap_or(&self.layer);
        let others = weights.nested("backward_layer", |weights| backward.build(&second, weights))?;
        let (one, other) = (outputs[0], others[0]);
        let merged = match self.merge_mode {
            MergeMode::Concat => {
                let leading = &one.sizes()[..one.rank() - 1];
                vec![Shape::new(&[leading, &[one.last() + other.last()]].concat())?]
            }
            MergeMode::Separate => vec![one, other],
            MergeMode::Sum | MergeMode::Mul | MergeMode::Ave if one == other => vec![one],
            _ => return Err(invalid("its layers differ in units, which only MergeMode::Concat can merge")),
        };
        let states = outputs.drain(1..).chain(others.into_iter().skip(1));
        Ok(merged.into_iter().chain(states).collect())
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [(forward, first_backwards), (backward, second_backwards)] = match self.directions() {
            Ok(directions) => directions,
            Err(error) => {
                inputs[0].recorder().fail(error);
                return vec![inputs[0]];
            }
        };
        let [first, second] = Bidirectional::inputs_of(inputs, forward);
        let zero_output_for_mask = forward.returns_sequences();
        let direction = |go_backwards| Direction { go_backwards, zero_output_for_mask };
        let mut outputs = forward.record_in(direction(first_backwards), weights, &first);
        let others = backward.record_in(direction(second_backwards), weights, &second);
        let (one, other) = (outputs[0], others[0]);
        let mut merged = match self.merge_mode {
            MergeMode::Concat => vec![one.concatenate(&[other], -1)],
            MergeMode::Sum => vec![one + other],
            MergeMode::Mul => vec![one * other],
            MergeMode::Ave => vec![(one + other) * 0.5],
            MergeMode::Separate => vec![one, other],
        };
        match inputs[0].mask().filter(|_| zero_output_for_mask) {
            Some(mask) => merged.iter_mut().for_each(|output| *output = output.with_mask(mask)),
            None => merged[0] = merged[0].without_mask(),
        }
        let states = outputs.drain(1..).chain(others.into_iter().skip(1));
        merged.into_iter().chain(states).collect()
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }

    fn supports_masking(&self) -> bool {
        true
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::layers::{Dense, Gru, Lstm, SimpleRnn};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Vec<Shape>)> {
        let sequence = || vec![Shape::from([5, 2])];
        let with = |mode: MergeMode, layer: Box<dyn Layer>| Bidirectional::new(layer).merge_mode(mode);
        let states = Shape::from([3]);
        let separate = Lstm::new(3).return_state(true).return_sequences(true);
        vec![
            (Box::new(Bidirectional::new(Gru::new(3))), sequence()),
            (Box::new(with(MergeMode::Sum, Box::new(Lstm::new(3).return_sequences(true)))), vec![Shape::from([1, 7])]),
            (Box::new(with(MergeMode::Mul, Box::new(SimpleRnn::new(3)))), sequence()),
            (
                Box::new(with(MergeMode::Ave, Box::new(Gru::new(3).return_state(true)))),
                vec![sequence()[0], states, states],
            ),
            (
                Box::new(with(MergeMode::Separate, Box::new(separate))),
                vec![sequence()[0], states, states, states, states],
            ),
            (Box::new(Bidirectional::new(Lstm::new(2)).backward_layer(Gru::new(3).go_backwards(true))), sequence()),
        ]
    }

    #[test]
    fn layers_that_do_not_fit_together_are_errors() {
        let problem = |layer: Bidirectional| {
            let network = crate::Sequential::new([4, 2]).add(layer).architecture(0);
            network.unwrap_err().to_string()
        };
        let other = |backward: Lstm| problem(Bidirectional::new(Lstm::new(2)).backward_layer(backward));
        assert!(other(Lstm::new(2)).contains("Bidirectional: its layers have the same direction"));
        assert!(
            other(Lstm::new(2).go_backwards(true).return_state(true)).contains("its layers differ in return_state")
        );
        let found = problem(Bidirectional::new(Dense::new(2)));
        assert!(
            found.contains("its layers must be recurrent, such as SimpleRnn, Lstm and Gru; found Dense"),
            "{found}"
        );
        let frozen = problem(Bidirectional::new(Lstm::new(2).frozen()));
        assert!(frozen.contains("found a frozen layer"), "{frozen}");
    }
}
