//! The correspondence of an array of a model to arrays of a `state_dict`.

use crate::formats::permuted::permuted;
use crate::save::NamedArray;
use crate::tape::Params;
use crate::{Error, Result, Shape};

/// An array of a model and its counterpart in PyTorch.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The name of the array in the model.
    pub(super) own: String,
    /// The name of the array in PyTorch.
    pub(super) torch: String,
    /// A second array in PyTorch, of equal shape.
    pub(super) second: Option<(String, Second)>,
    /// The sizes to which the array of the model is reshaped before its axes are permuted.
    pub(super) view: Vec<usize>,
    /// The order of these axes in PyTorch.
    pub(super) order: Vec<usize>,
    /// The shape of each array in PyTorch.
    pub(super) shape: Shape,
    /// The number of units of a GRU, whose first two gates are exchanged in PyTorch.
    pub(super) exchanged: Option<usize>,
}

/// The relation of two arrays in PyTorch to one of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Second {
    /// The array of the model is their sum. The second is 0 when it is saved.
    Added,
    /// The array of the model has the elements of the first, then those of the second.
    Below,
}

impl Entry {
    /// The names in PyTorch.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.torch.as_str()).chain(self.second.as_ref().map(|(name, _)| name.as_str()))
    }

    /// Converts the array of a model to the arrays of PyTorch.
    pub(super) fn arrays(&self, params: &Params) -> Result<Vec<NamedArray>> {
        let mut values = params.values(params.id(&self.own)?).to_vec();
        self.exchange_gates(&mut values);
        let mut values = permuted(&values, &self.view, &self.order);
        let second = match self.second {
            Some((_, Second::Below)) => values.split_off(self.shape.len()),
            Some((_, Second::Added)) => vec![0.0; self.shape.len()],
            None => Vec::new(),
        };
        let array = |(name, values): (&str, Vec<f32>)| NamedArray { name: name.into(), shape: self.shape, values };
        Ok(self.names().zip([values, second]).map(array).collect())
    }

    /// Converts arrays of PyTorch, in the order of [`names`](Entry::names), to the layout of the model, and adds the result to
    /// `params` under its name in the model.
    pub(super) fn insert(&self, found: &[&NamedArray], model: &Params, params: &mut Params) -> Result<()> {
        let mut all: Vec<f32> = found.first().map_or_else(Vec::new, |array| array.values.clone());
        match (&self.second, found) {
            (Some((_, Second::Added)), [_, second]) => {
                all.iter_mut().zip(&second.values).for_each(|(sum, value)| *sum += value);
            }
            (Some((_, Second::Below)), [_, second]) => all.extend(&second.values),
            _ => {}
        }
        let sizes: Vec<usize> = self.order.iter().map(|axis| self.view[*axis]).collect();
        let inverse: Vec<usize> = (0..self.order.len())
            .map(|axis| self.order.iter().position(|other| *other == axis).unwrap_or(axis))
            .collect();
        if all.len() != sizes.iter().product::<usize>() {
            return Err(Error::other(format!("{}: {} elements do not fit its shape", self.own, all.len())));
        }
        let mut values = permuted(&all, &sizes, &inverse);
        self.exchange_gates(&mut values);
        params.insert(&self.own, model.shape(model.id(&self.own)?), values, true).map(|_| ())
    }

    /// Exchanges the first two gates in each row of an array in the layout of the model.
    fn exchange_gates(&self, values: &mut [f32]) {
        let Some(units) = self.exchanged else { return };
        for row in values.chunks_exact_mut(3 * units) {
            let (update, others) = row.split_at_mut(units);
            update.swap_with_slice(&mut others[..units]);
        }
    }
}
