//! Networks of all layers and operations that the notebooks do not use.

use gradus::initializers::GlorotUniform;
use gradus::layers::*;
use gradus::regularizers::L1L2;
use gradus::tape::Var;
use gradus::{Result, Sequential, Shape, Spec};

/// Calls every operation that no layer uses, and merges branches.
#[derive(Debug)]
struct Everything;

impl Layer for Everything {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        weights.add("table", [4, inputs[0].last()], &GlorotUniform)?;
        Ok(vec![inputs[0]])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, [table]) = (inputs[0], weights.take());
        let near = x.softmax_axis(1).log_softmax_axis(1).absolute().sqrt().erf();
        let pairs = near.maximum(x).minimum(x.clip(-9.0, 9.0)).power(2.0).pow(near).exp().ln();
        let sums = pairs.sum_axes(&[1, -1], true) + x.mean_axes(&[2], true) + near.gelu_tanh();
        let sizes = x.shape();
        let rows = sums.transpose(&[0, 3, 1, 2]).concatenate(&[x.transpose(&[0, 3, 1, 2])], -1);
        let product = rows.matmul(rows.transpose(&[0, 1, 3, 2])).matmul(rows).transpose(&[0, 2, 3, 1]);
        let [batch, height, width, channels] = [0, 1, 2, 3].map(|axis| sizes.axis(axis));
        let cut = product.slice(&[0; 4], [batch, height, width, channels]);
        let indices = x.clip(0.0, 3.0).mean_axes(&[-1], false);
        vec![cut + indices.embedding(table)]
    }

    fn spec(&self) -> Spec {
        Spec::new("Everything")
    }
}

/// All layers and operations that the networks of the notebooks do not use.
pub(crate) fn toolbox() -> Sequential {
    let mut network = Sequential::new([28, 28])
        .add(Reshape::new([28, 28, 1]))
        .add(ZeroPadding2d::default())
        .add(Conv2d::new(6, 3).strides(2).kernel_regularizer(L1L2::new(0.01, 0.02)))
        .add(Conv2d::new(6, 3).dilation_rate(2).frozen())
        .add(LeakyRelu::new())
        .add(Conv2d::new(4, 3).groups(2).padding(Padding::Same))
        .add(Elu::new())
        .add(MaxPool2d::new(2).padding(Padding::Same))
        .add(AveragePool2d::new(2).strides(1).padding(Padding::Same))
        .add(BatchNorm::new().frozen())
        .add(LayerNorm::new())
        .add(Everything);
    for activation in ["softplus", "softsign", "gelu", "silu", "hard_sigmoid", "selu", "exponential", "log_softmax"] {
        network = network.add(Spec::new("Activation").with("activation", activation).make::<Activation>().unwrap());
    }
    network
        .add(Softmax::new().axis(1))
        .add(GlobalAveragePool2d::new())
        .add(Dense::new(10).activation(Activation::Softmax))
}

/// Indices, and the maximum of each channel.
pub(crate) fn indices() -> Sequential {
    let network = Sequential::new([28, 28]).add(Embedding::new(2, 3)).add(GlobalMaxPool2d::new());
    network.add(Dense::new(10).activation(Activation::Softmax))
}
