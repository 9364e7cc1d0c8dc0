//! Recording the forward pass of an architecture on a tape.

use super::Architecture;
use super::built_layer::BuiltLayer;
use crate::error::{Error, Result};
use crate::layers::{Cursor, Penalty};
use crate::shape::Shape;
use crate::tape::{Mode, ParamId, Params, Recorder, Var};

impl Architecture {
    /// Records the forward pass for inputs with a batch axis, and returns the outputs.
    ///
    /// # Errors
    /// A layer does not accept the sizes of the inputs along open axes.
    pub(crate) fn record<'r>(&self, recorder: &'r Recorder, inputs: &[Var<'r>]) -> Result<Vec<Var<'r>>> {
        let samples: Vec<Shape> = inputs.iter().map(|input| input.shape().sample()).collect();
        let shapes = self.value_shapes(&samples)?;
        let mut values = inputs.to_vec();
        for call in &self.connections.calls {
            let taken: Vec<Var<'r>> = call.inputs.iter().map(|value| values[*value]).collect();
            let (built, outputs) = (&self.layers[call.layer], &shapes.all()[values.len()..][..call.values]);
            values.extend(recorder.scope(&built.name, || built.record(recorder, &self.params, &taken, outputs)));
        }
        Ok(self.connections.outputs.iter().map(|output| values[output.value]).collect())
    }

    /// Records the sum of the regularization penalties of all layers, and of the scalars that layers added to the loss when
    /// they were recorded; `None` if there are none.
    pub(crate) fn record_penalty<'r>(&self, recorder: &'r Recorder) -> Option<Var<'r>> {
        let penalties = self.record_penalties(recorder).into_iter();
        penalties.chain(recorder.added_losses()).reduce(|sum, penalty| sum + penalty)
    }

    /// Records the regularization penalties of all layers.
    pub(crate) fn record_penalties<'r>(&self, recorder: &'r Recorder) -> Vec<Var<'r>> {
        let penalty = |(id, regularizer): &Penalty| {
            let cost = regularizer.record(recorder.parameter(&self.params, *id));
            if cost.shape() != Shape::SCALAR {
                let place = || format!("{}: {}", self.params.name(*id), regularizer.spec().class());
                recorder
                    .fail(Error::expected("a scalar to add to the loss; apply sum to it").at(place, &[cost.shape()]));
            }
            cost
        };
        let penalties = self
            .layers
            .iter()
            .flat_map(|built| built.penalties.iter().map(move |of| recorder.scope(&built.name, || penalty(of))));
        penalties.collect()
    }

    /// Records the constrained values of the weights that have a constraint.
    pub(crate) fn record_constraints<'r>(&self, recorder: &'r Recorder) -> Vec<(ParamId, Var<'r>)> {
        let mut constrained = Vec::new();
        for (built, (id, constraint)) in
            self.layers.iter().flat_map(|built| built.constraints.iter().map(move |of| (built, of)))
        {
            let weights = recorder.parameter(&self.params, *id);
            let values = recorder.scope(&built.name, || constraint.record(weights));
            if values.shape() != weights.shape() {
                let place = || format!("{}: {}", self.params.name(*id), constraint.spec().class());
                let expected = Error::expected(format!("the shape of the weights, {}", weights.shape()));
                recorder.fail(expected.at(place, &[values.shape()]));
            }
            constrained.push((*id, values));
        }
        constrained
    }

    /// Checks the forward pass of one sample, the penalties of regularizers and the constraints, by recording them. `with_params` does not
    /// call it, since it allocates all values.
    ///
    /// # Errors
    /// A layer that records shapes other than those that its `build` returned; errors of operations; a regularizer whose
    /// penalty is not a scalar; a constraint whose values have another shape than the weights.
    pub fn check(&self) -> Result<()> {
        let recorder = Recorder::new(Mode::Inference);
        let rows = self.params.carried_rows().unwrap_or(1);
        let inputs = self.accepted_inputs().iter().map(|input| input.batch(rows).map(|shape| recorder.input(shape)));
        self.record(&recorder, &inputs.collect::<Result<Vec<_>>>()?)?;
        self.record_penalty(&recorder);
        self.record_constraints(&recorder);
        recorder.finish().map(|_| ())
    }
}

impl BuiltLayer {
    /// Records the layer. `outputs` are the expected shapes of one sample.
    fn record<'r>(
        &self,
        recorder: &'r Recorder,
        params: &Params,
        inputs: &[Var<'r>],
        outputs: &[Shape],
    ) -> Vec<Var<'r>> {
        self.check_masks(recorder, inputs);
        let mut weights = Cursor::new(recorder, params, &self.weights);
        let mut values = self.layer.record(&mut weights, inputs);
        if let [unused, ..] = weights.left() {
            recorder.fail(Error::Unreached { parameter: params.name(*unused).into() });
        }
        let rows = inputs.first().map_or(0, |x| x.shape().axis(0));
        if values.len() != outputs.len() {
            let error = Error::expected(format!("{} outputs, as returned by `build`", outputs.len()));
            recorder.fail(error.at(|| self.name.clone(), &values.iter().map(Var::shape).collect::<Vec<_>>()));
            // The recording has failed. Later layers need only the number of values.
            values.resize(outputs.len(), inputs[0]);
        }
        for (output, y) in outputs.iter().zip(&values) {
            if output.batch(rows).ok() != Some(y.shape()) {
                let error = Error::expected(format!("samples of {output}, as returned by `build`"));
                recorder.fail(error.at(|| self.name.clone(), &[y.shape()]));
            }
        }
        if let (Some(y), Some(mask)) = (values.first_mut(), inputs.first().and_then(|x| x.mask()))
            && !y.mask_is_decided()
        {
            *y = y.with_mask(mask);
        }
        values
    }

    /// Reports an input with a mask if the layer does not support masks.
    fn check_masks(&self, recorder: &Recorder, inputs: &[Var<'_>]) {
        if inputs.iter().any(|x| x.mask().is_some()) && !self.layer.supports_masking() {
            let problem = format!(
                "its input has a mask, which marks padding, but {} does not support masks; implement \
                 `Layer::supports_masking` if it ignores padding, or remove the layer that sets the mask",
                self.layer.spec().class()
            );
            recorder.fail(Error::Graph { place: self.name.clone(), problem: problem.into() });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::initializers::Ones;
    use crate::layers::{Cursor, Layer, Weights};
    use crate::tape::{Mode, Recorder, Var};
    use crate::{Error, Result, Sequential, Shape, Spec};

    /// Declares one weight and takes two.
    #[derive(Debug)]
    struct Greedy;

    impl Layer for Greedy {
        fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
            weights.add("scale", inputs[0].last(), &Ones)?;
            Ok(vec![inputs[0]])
        }
        fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
            let [scale] = weights.take();
            let [kernel, bias] = weights.take();
            assert_eq!(kernel.shape().axis(1), 1);
            vec![(inputs[0] * scale).matmul(kernel) + bias]
        }
        fn spec(&self) -> Spec {
            Spec::new("Greedy")
        }
    }

    #[test]
    fn a_layer_that_takes_undeclared_weights_is_an_error() {
        let error = Sequential::new([2]).add_named("mine", Greedy).architecture(0).unwrap_err();
        let expected =
            "mine: its `record` takes at least 3 weights, but its `build` declares 1; take each declared weight once";
        assert_eq!(error.to_string(), expected);
        assert!(matches!(error, Error::Graph { .. }));
    }

    /// Passes masks on, ends them, or rejects them.
    #[derive(Debug)]
    enum Mask {
        Pass,
        End,
        Reject,
    }

    impl Layer for Mask {
        fn build(&self, inputs: &[Shape], _: &mut Weights<'_>) -> Result<Vec<Shape>> {
            Ok(vec![inputs[0]])
        }
        fn record<'r>(&self, _: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
            let y = inputs[0].relu();
            vec![if matches!(self, Mask::End) { y.without_mask() } else { y }]
        }
        fn supports_masking(&self) -> bool {
            !matches!(self, Mask::Reject)
        }
        fn spec(&self) -> Spec {
            Spec::new("Mask")
        }
    }

    #[test]
    fn layers_pass_masks_on_end_them_or_reject_them() {
        let output = |layer: Mask, masked: bool| {
            let network = Sequential::new([3, 2]).add_named("mine", layer).architecture(0).unwrap();
            let recorder = Recorder::new(Mode::Inference);
            let (x, mask) = (recorder.input([4, 3, 2]), recorder.input([4, 3]));
            let y = network.record(&recorder, &[if masked { x.with_mask(mask) } else { x }]).unwrap()[0];
            (y.mask().map(|mask| mask.shape()), recorder.error().unwrap_or_default())
        };
        assert_eq!(output(Mask::Pass, true), (Some(Shape::from([4, 3])), String::new()));
        for (layer, masked) in [(Mask::End, true), (Mask::Pass, false), (Mask::Reject, false)] {
            assert_eq!(output(layer, masked), (None, String::new()));
        }
        let expected = "mine: its input has a mask, which marks padding, but Mask does not support masks; implement \
                        `Layer::supports_masking` if it ignores padding, or remove the layer that sets the mask";
        assert_eq!(output(Mask::Reject, true).1, expected);
    }
}
