//! Conversion of reshapes, padding, cropping and repetition.

use super::{Builder, LayerValue, is_onnx_order};
use crate::formats::onnx::node::Node;
use crate::formats::onnx::operators::resizing;
use crate::formats::onnx::order;
use crate::layers::{
    Cropping1d, Cropping2d, Cropping3d, Flatten, Interpolation, Layer, RepeatVector, Reshape, UpSampling1d,
    UpSampling2d, UpSampling3d, ZeroPadding1d, ZeroPadding2d, ZeroPadding3d,
};
use std::sync::Arc;

impl Builder<'_> {
    pub(super) fn reshape(&mut self, node: &Node) -> Option<()> {
        let ((from, storage_order), (to, given)) =
            (self.fact(node.inputs.first()?)?, self.fact(node.outputs.first()?)?);
        let place = self.places.get(&node.inputs[0])?.clone();
        if from.axis(0) != to.axis(0) || !is_onnx_order(given) || storage_order[0] != 0 {
            return None;
        }
        let to = to.sample();
        let long =
            |axis: &usize| storage_order.iter().position(|other| other == axis).is_some_and(|at| from.axis(at) != 1);
        let moved: Vec<usize> = storage_order.iter().copied().filter(long).collect();
        let in_order = moved.is_sorted();
        if place.shape == to && (in_order || place.flat.is_some()) {
            return self.set_output(node, place);
        }
        if place.flat.is_some() {
            return None;
        }
        // Images with channels last are flattened in the order of channels first.
        let flat = match in_order {
            true => None,
            false if to.rank() == 1 && storage_order == order::channels_last(storage_order.len()) => {
                let (channels, image) =
                    from.sample().sizes().split_last().map(|(last, image)| (*last, image.to_vec()))?;
                Some([&[channels], &image[..]].concat())
            }
            false => return None,
        };
        let value = match to.rank() {
            1 => self.step(Arc::new(Flatten), vec![place.value]),
            _ => self.step(Arc::new(Reshape::new(to)), vec![place.value]),
        };
        self.set_output(node, LayerValue { value, shape: to, flat })
    }

    /// Converts zero padding of sequences, images and volumes.
    pub(super) fn zero_padding(&mut self, node: &Node) -> Option<()> {
        let (shape, storage_order) = self.fact(node.inputs.first()?)?;
        let from = self.read(&node.inputs[0])?;
        let pads = match self.constant_input(node, 1) {
            Some(pads) => pads.as_integers().ok()?.to_vec(),
            None => node.integers("pads").ok()??.to_vec(),
        };
        let value = match self.constant_input(node, 2) {
            Some(value) => *value.to_floats().first()?,
            None => node.number("value", 0.0).ok()?,
        };
        let constant = node.text("mode", "constant").ok()? == "constant";
        if from.flat.is_some() || pads.len() != 2 * shape.rank() || value != 0.0 || !constant {
            return None;
        }
        // In storage order: rows, steps or height and width, channels.
        let pair =
            |axis: &usize| Some([usize::try_from(pads[*axis]).ok()?, usize::try_from(pads[axis + shape.rank()]).ok()?]);
        match storage_order.iter().map(pair).collect::<Option<Vec<_>>>()?[..] {
            [[0, 0], rows, columns, [0, 0]] if !Self::has(node, 3) => {
                self.apply(node, &from, ZeroPadding2d::new([rows, columns]), Vec::new())
            }
            [[0, 0], planes, rows, columns, [0, 0]] if !Self::has(node, 3) => {
                self.apply(node, &from, ZeroPadding3d::new([planes, rows, columns]), Vec::new())
            }
            [[0, 0], steps, [0, 0]] if !Self::has(node, 3) => {
                self.apply(node, &from, ZeroPadding1d::new(steps), Vec::new())
            }
            _ => None,
        }
    }

    /// Converts a slice of adjacent planes, rows and columns, or of adjacent steps.
    pub(super) fn cropping(&mut self, node: &Node) -> Option<()> {
        let ((from, storage_order), (to, given)) =
            (self.fact(node.inputs.first()?)?, self.fact(node.outputs.first()?)?);
        let place = self.read(&node.inputs[0])?;
        let steps = self
            .constant_input(node, 4)
            .map_or(Some(true), |steps| Some(steps.as_integers().ok()?.iter().all(|step| *step == 1)))?;
        if !steps || given != storage_order || storage_order[0] != 0 || place.flat.is_some() || node.version < 10 {
            return None;
        }
        let starts = self.constant_input(node, 1)?.as_integers().ok()?;
        let axes: Vec<i64> = match self.constant_input(node, 3) {
            Some(axes) => axes.as_integers().ok()?.to_vec(),
            None => (0..starts.len() as i64).collect(),
        };
        let mut cropped = Vec::new();
        for (stored, axis) in storage_order.iter().enumerate() {
            let size = from.axis(stored) as i64;
            let number = axes.iter().position(|other| order::axis(*other, from.rank()) == Ok(*axis));
            let start = number.map_or(0, |number| starts[number]);
            let before = if start < 0 { start + size } else { start }.clamp(0, size);
            cropped.push([before as usize, from.axis(stored).checked_sub(to.axis(stored) + before as usize)?]);
        }
        let layer: Arc<dyn Layer> = match cropped[..] {
            [[0, 0], steps, [0, 0]] => Arc::new(Cropping1d::new(steps)),
            [[0, 0], rows, columns, [0, 0]] => Arc::new(Cropping2d::new([rows, columns])),
            [[0, 0], planes, rows, columns, [0, 0]] => Arc::new(Cropping3d::new([planes, rows, columns])),
            _ => return None,
        };
        self.apply(node, &place, layer, Vec::new())
    }

    /// Converts the repetition of a vector as steps.
    pub(super) fn repeat_vector(&mut self, node: &Node) -> Option<()> {
        let ((from, storage_order), (to, _)) = (self.fact(node.inputs.first()?)?, self.fact(node.outputs.first()?)?);
        let mut place = self.read(&node.inputs[0])?;
        let ([rows, 1, features], [more, times, same]) = (from.sizes(), to.sizes()) else { return None };
        if (rows, features) != (more, same) || !is_onnx_order(storage_order) || place.flat.is_some() {
            return None;
        }
        place.value = self.step(Arc::new(Flatten), vec![place.value]);
        self.apply(node, &place, RepeatVector::new(*times), Vec::new())
    }

    /// Converts a resizing that repeats planes, rows and columns, or steps.
    pub(super) fn up_sampling(&mut self, node: &Node) -> Option<()> {
        let word = |name: &str| resizing::setting(node, name).ok();
        let rank = self.fact(node.inputs.first()?)?.0.rank();
        let from = self.in_order(&node.inputs[0], &order::channels_last(rank))?;
        let (to, given) = self.fact(node.outputs.first()?)?;
        let coordinates = word("coordinate_transformation_mode")?;
        let interpolation = match (word("mode")?, coordinates, word("nearest_mode")?) {
            ("nearest", "asymmetric", "floor") => Interpolation::Nearest,
            ("linear", "half_pixel", _) if node.integer("antialias", 0).ok()? == 0 => Interpolation::Bilinear,
            _ => return None,
        };
        let ratio = |axis: usize| {
            let (size, target) = (from.shape.axis(axis), to.axis(axis + 1));
            target.is_multiple_of(size).then_some(target / size)
        };
        if given != order::channels_last(rank) || from.flat.is_some() {
            return None;
        }
        let ratios = (0..rank - 1).map(ratio).collect::<Option<Vec<_>>>()?;
        let layer: Arc<dyn Layer> = match ratios[..] {
            [steps, 1] if interpolation == Interpolation::Nearest => Arc::new(UpSampling1d::new(steps)),
            [rows, columns, 1] => Arc::new(UpSampling2d::new([rows, columns]).interpolation(interpolation)),
            [planes, rows, columns, 1] if interpolation == Interpolation::Nearest => {
                Arc::new(UpSampling3d::new([planes, rows, columns]))
            }
            _ => return None,
        };
        self.apply(node, &from, layer, Vec::new())
    }
}
