//! y = f(x̂ · w′ + b′): batch normalization and a dense layer in one operation.
//!
//! With n = gamma · x̂ + beta, z = n · w + b and dz = dy · f′(y), the gradients of gamma and beta can be computed from the
//! gradients of the dense layer instead of dn = dz · wᵀ. With G = x̂ᵀ · dz and db = Σ dz over rows:
//!
//! dw = gamma · G + beta ⊗ db, dgamma = Σₖ w · G, dbeta = Σₖ w · db.
//!
//! This saves dn, a third of the arithmetic, which only the gradient of the data would need. Also, x̂ = v + r with a
//! constant r per column ([`kernels::centered`](crate::kernels::centered)), where v has the zeros of the data. With t = gamma
//! · r + beta, z = (gamma · v) · w + (b + t · w) and G = vᵀ · dz + r ⊗ db.

use super::batch_norm::fill_scale;
use crate::error::{Error, Result};
use crate::kernels::activation::{self, Elementwise};
use crate::kernels::centered;
use crate::kernels::matmul::{self, Epilogue, Matrix, ROWS_PER_CHUNK};
use crate::kernels::normalize::{self, ChunkSums};
use crate::shape::Shape;
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Op, Origin, Var, arity};

struct NormalizedAffine {
    activation: Elementwise,
    epsilon: f32,
    /// 1 / √(variance + epsilon) of each column of the data.
    scale: Vec<f32>,
    center: Vec<f32>,
    r: Vec<f32>,
    t: Vec<f32>,
    mean: Vec<f32>,
    variance: Vec<f32>,
    chunks: ChunkSums,
    factor: Vec<f32>,
    /// v, or gamma · v with t as the last row: an additional row of a product is faster than another pass over the weights.
    spread: Vec<f32>,
    /// (gamma · v) · w, with t · w as the last row.
    sums: Vec<f32>,
    /// t · w + b.
    bias: Vec<f32>,
    /// Σₖ w · vᵀdz and Σₖ w · db.
    products: Vec<[f32; 2]>,
    /// Scratch for the gradients of w and b if they need none.
    scratch: [Vec<f32>; 2],
}

impl NormalizedAffine {
    fn new(activation: Elementwise, epsilon: f32) -> NormalizedAffine {
        let [scale, center, r, t, mean, variance, factor, spread, sums, bias] = [const { Vec::new() }; 10];
        let (products, scratch) = (Vec::new(), Default::default());
        NormalizedAffine {
            activation,
            epsilon,
            scale,
            center,
            r,
            t,
            mean,
            variance,
            chunks: ChunkSums::default(),
            factor,
            spread,
            sums,
            bias,
            products,
            scratch,
        }
    }
}

impl Op for NormalizedAffine {
    fn name(&self) -> &'static str {
        "normalized_affine"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x, gamma, beta, w, b] = arity(inputs)?;
        let columns = Shape::from(w.axis(0));
        if !fits(x, w, b) || gamma != columns || beta != columns {
            return Err(Error::expected("an input n × k, k values of gamma and of beta, weights k × m and biases m"));
        }
        let [inner, units] = [w.axis(0), w.axis(1)];
        let of_columns = [
            &mut self.scale,
            &mut self.center,
            &mut self.r,
            &mut self.t,
            &mut self.mean,
            &mut self.variance,
            &mut self.factor,
        ];
        for values in of_columns {
            *values = sizes::zeros(&[inner])?;
        }
        self.chunks = ChunkSums::new(x.axis(0), inner)?;
        let rows = sizes::sum(&[x.axis(0), 1])?;
        (self.spread, self.bias) = (sizes::zeros(&[rows, inner])?, sizes::zeros(&[units])?);
        self.sums = sizes::zeros(&[rows, units])?;
        self.products = sizes::filled([0.0; 2], &[inner])?;
        self.scratch = [sizes::zeros(w.sizes())?, sizes::zeros(&[units])?];
        Ok(Shape::from([x.axis(0), units]))
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x, gamma, beta, w, b] = inputs.each();
        let [rows, inner, units] = [x.shape().axis(0), w.shape().axis(0), w.shape().axis(1)];
        normalize::statistics(&x, &mut self.mean, &mut self.variance, &mut self.chunks);
        fill_scale(&self.variance, self.epsilon, &mut self.scale);
        centered::centers(&x, &self.mean, &mut self.center);
        for j in 0..inner {
            self.r[j] = (self.center[j] - self.mean[j]) * self.scale[j];
            self.t[j] = gamma[j] * self.r[j] + beta[j];
            self.factor[j] = gamma[j] * self.scale[j];
        }
        let (spread, t) = self.spread.split_at_mut(x.len());
        centered::spread(&x, &self.center, &self.factor, spread);
        t.copy_from_slice(&self.t);
        let spread = Matrix::new(&self.spread, rows + 1, inner);
        matmul::matmul(spread, Matrix::new(&w, inner, units), &mut self.sums, Epilogue::None);
        let (sums, of_t) = self.sums.split_at(y.len());
        self.bias.iter_mut().zip(of_t).zip(&*b).for_each(|((bias, of_t), b)| *bias = of_t + b);
        activation::finish(self.activation, &self.bias, sums, y);
    }

    fn backward(&mut self, inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([x, gamma, _, w, _], [_, dgamma, dbeta, dw, db]) = (inputs.each(), gradients.each());
        let [rows, inner, units] = [x.shape().axis(0), w.shape().axis(0), w.shape().axis(1)];
        let [scratch_w, scratch_b] = &mut self.scratch;
        let (dw, db) = (dw.unwrap_or(scratch_w), db.unwrap_or(scratch_b));
        activation::backward(self.activation, y, dy);
        matmul::sum_rows(dy, units, ROWS_PER_CHUNK, db);
        let spread = &mut self.spread[..x.len()];
        centered::spread(&x, &self.center, &self.scale, spread);
        matmul::matmul_over_rows(spread, dy, [rows, inner, units], dw);
        centered::finish_weights(&w, db, [&gamma, &self.t], dw, &mut self.products);
        if let Some(dgamma) = dgamma {
            let sums = self.products.iter().zip(&self.r);
            dgamma.iter_mut().zip(sums).for_each(|(dgamma, ([of_v, of_one], r))| *dgamma = of_v + r * of_one);
        }
        if let Some(dbeta) = dbeta {
            dbeta.iter_mut().zip(&self.products).for_each(|(dbeta, [_, of_one])| *dbeta = *of_one);
        }
    }

    fn fuse(&mut self, activation: Elementwise) -> bool {
        self.activation.replace_linear(activation)
    }
}

/// Whether `x` is n × k, `w` is k × m, and `b` has m elements.
fn fits(x: Shape, w: Shape, b: Shape) -> bool {
    x.rank() == 2 && w.rank() == 2 && x.axis(1) == w.axis(0) && b == Shape::from(w.axis(1))
}

/// Records the dense layer of `x` and its batch normalization as one operation, if `x` is the result of one whose data
/// needs no gradient.
pub(in crate::ops) fn fused<'r>(
    x: Var<'r>,
    weight: Var<'r>,
    bias: Var<'r>,
    activation: Elementwise,
) -> Option<Var<'r>> {
    let Origin::BatchNorm { x: data, gamma, beta, epsilon } = x.origin()? else { return None };
    let fuses = !data.is_differentiable() && fits(data.shape(), weight.shape(), bias.shape());
    let op = NormalizedAffine::new(activation, epsilon);
    fuses.then(|| x.recorder().apply(op, &[data, gamma, beta, weight, bias]))
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::ops::Activation;
    use crate::tape::{Mode, ParamGradients, Params, Recorder, Tape, ValueId};
    use crate::testing::Sample;
    use crate::{Key, Shape};
    use ndarray::{Array, Array2, ArrayD};

    /// Numbers between −1 and 1.
    fn numbers(seed: u64, count: usize) -> Vec<f32> {
        let mut draws = Key::from_seed(seed).draws(0);
        (0..count).map(|_| draws.below(2001) as f32 / 1000.0 - 1.0).collect()
    }

    /// Data with columns of many zeros, columns without zeros, a constant column and a column of zeros.
    fn data(rows: usize, columns: usize) -> Array2<f32> {
        let values = numbers(7, rows * columns);
        Array2::from_shape_fn((rows, columns), |(i, j)| match j % 5 {
            0 => 0.0,
            1 => 3.0,
            2 => 40.0 + values[i * columns + j],
            _ if (i + j) % 4 == 0 => values[i * columns + j].abs() * 9.0,
            _ => 0.0,
        })
    }

    pub(crate) fn samples() -> Vec<Sample> {
        let shapes =
            |sample: Sample| sample.input(data(9, 10)).variable([10]).variable([10]).variable([10, 3]).variable([3]);
        vec![
            shapes(Sample::new(|x| {
                x[0].batch_norm(x[1], x[2], 0.99, 1e-3, None).affine(x[3], x[4], Activation::Linear)
            })),
            shapes(Sample::new(|x| {
                x[0].batch_norm(x[1], x[2], 0.9, 1e-5, None).affine(x[3], x[4], Activation::Sigmoid)
            })),
        ]
    }

    /// The tape of a batch normalization with a dense layer, and the ids of data and result. `needs_gradient` is whether
    /// the data needs a gradient, which prevents fusion.
    fn layer(params: &Params, shape: [usize; 2], needs_gradient: bool) -> (Tape, ValueId, ValueId) {
        let recorder = Recorder::new(Mode::Training);
        let x = if needs_gradient { recorder.variable(shape) } else { recorder.input(shape) };
        let [gamma, beta, w, b] =
            ["gamma", "beta", "w", "b"].map(|name| recorder.parameter(params, params.id(name).unwrap()));
        let y = x.batch_norm(gamma, beta, 0.99, 1e-3, None).affine(w, b, Activation::Tanh);
        recorder.minimize((y * y).sum());
        let (x, y) = (x.id(), y.id());
        (recorder.finish().unwrap(), x, y)
    }

    #[test]
    fn the_fused_operation_is_near_the_two_operations() {
        for [rows, inner, units] in [[2, 3, 1], [40, 100, 30], [300, 35, 17]] {
            let mut params = Params::new();
            let shapes = [
                ("gamma", Shape::from([inner])),
                ("beta", [inner].into()),
                ("w", [inner, units].into()),
                ("b", [units].into()),
            ];
            let ids = shapes.map(|(name, shape)| {
                let values = numbers(shape.len() as u64, shape.len()).iter().map(|v| 0.3 * v).collect();
                params.add(name, &Array::from_shape_vec(shape.sizes(), values).unwrap()).unwrap()
            });
            let run = |needs_gradient| {
                let (mut tape, x, y) = layer(&params, [rows, inner], needs_gradient);
                assert_eq!(format!("{tape:?}").contains("normalized_affine"), !needs_gradient);
                tape.input_mut(x).assign(&data(rows, inner));
                tape.run(&params, Key::from_seed(0)).unwrap();
                let mut gradients = ParamGradients::new(&params);
                tape.backward(&params, &mut gradients);
                let gradients = ids.map(|id| gradients.get(id).unwrap().to_owned());
                (tape.value(y).to_owned(), gradients)
            };
            let ((y, gradients), (expected, slopes)) = (run(false), run(true));
            assert_near(&y, &expected, 1e-5);
            gradients.iter().zip(&slopes).for_each(|(found, expected)| assert_near(found, expected, 2e-5));
        }
    }

    /// Checks that differences are at most `bound` times the largest element, or 1 if that is larger.
    fn assert_near(found: &ArrayD<f32>, expected: &ArrayD<f32>, bound: f32) {
        let largest = expected.iter().fold(1.0f32, |most, value| most.max(value.abs()));
        let distance = (found - expected).iter().fold(0.0f32, |most, value| most.max(value.abs()));
        assert!(distance <= bound * largest, "{distance} apart, where the largest is {largest}");
    }

    #[test]
    fn nan_propagates() {
        let mut params = Params::new();
        params.add("gamma", &ndarray::arr1(&[1.0; 3])).unwrap();
        params.add("beta", &ndarray::arr1(&[0.0; 3])).unwrap();
        params.add("w", &ndarray::arr2(&[[1.0]; 3])).unwrap();
        params.add("b", &ndarray::arr1(&[0.0])).unwrap();
        let (mut tape, x, y) = layer(&params, [4, 3], false);
        tape.input_mut(x).fill(0.0);
        tape.input_mut(x)[[1, 2]] = f32::NAN;
        tape.run(&params, Key::from_seed(0)).unwrap();
        assert!(tape.value(y).iter().all(|y| y.is_nan()));
    }
}
