//! Products against the plain loop, to the bit.

use super::*;
use crate::kernels::samples;

const SIZES: [usize; 9] = [1, 2, 5, 6, 7, 16, 17, 33, 257];

/// One ascending chain of fused multiply-adds for each element.
fn naive(a: Matrix<'_>, b: Matrix<'_>, from: usize, to: usize) -> Vec<f32> {
    let at = |m: Matrix<'_>, i: usize, j: usize| m.data[if m.transposed { j * m.rows + i } else { i * m.columns + j }];
    let element = |i, j| (from..to).fold(0f32, |sum, k| at(a, i, k).mul_add(at(b, k, j), sum)) + 0.0;
    (0..a.rows * b.columns).map(|at| element(at / b.columns, at % b.columns)).collect()
}

/// Calls `check` with a sample of all triples of sizes.
fn for_sizes(check: impl Fn(usize, usize, usize)) {
    for (i, &m) in SIZES.iter().enumerate() {
        for (j, &n) in SIZES.iter().enumerate() {
            check(m, n, SIZES[(3 * i + 5 * j) % SIZES.len()]);
        }
    }
}

#[test]
fn every_transposition_has_the_bits_of_the_plain_loop() {
    for_sizes(|m, n, k| {
        let (a, b) = (samples::values(1, m * k), samples::values(2, k * n));
        for a in [Matrix::new(&a, m, k), Matrix::new(&a, k, m).t()] {
            for b in [Matrix::new(&b, k, n), Matrix::new(&b, n, k).t()] {
                let mut c = vec![f32::NAN; m * n];
                matmul(a, b, &mut c, Epilogue::None);
                samples::assert_same_bits(&c, &naive(a, b, 0, k), &format!("{m} × {k} × {n}"));
            }
        }
    });
}

#[test]
fn the_epilogue_adds_and_bends() {
    let (m, n, k) = (13, 35, 300);
    let (a, b, bias) = (samples::values(1, m * k), samples::values(2, k * n), samples::values(3, n));
    let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, k, n));
    let mut expected = naive(a, b, 0, k);
    expected.chunks_mut(n).for_each(|row| row.iter_mut().zip(&bias).for_each(|(c, b)| *c += b));
    activation::forward(Elementwise::Tanh, &mut expected);
    let mut c = vec![f32::NAN; m * n];
    matmul(a, b, &mut c, Epilogue::Affine { bias: Some(&bias), activation: Elementwise::Tanh });
    samples::assert_same_bits(&c, &expected, "affine");
}

#[test]
fn sums_over_rows_go_in_chunks() {
    for rows in [1, 7, 256, 257, 600] {
        let (x, dy) = (samples::values(4, rows * 19), samples::values(5, rows * 21));
        let (a, b) = (Matrix::new(&x, rows, 19).t(), Matrix::new(&dy, rows, 21));
        let mut expected = naive(a, b, 0, rows.min(256));
        for from in (256..rows).step_by(256) {
            let part = naive(a, b, from, rows.min(from + 256));
            expected.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        let mut dw = vec![f32::NAN; 19 * 21];
        matmul_over_rows(&x, &dy, [rows, 19, 21], &mut dw);
        samples::assert_same_bits(&dw, &expected, "over rows");
        let ones = vec![1.0; rows];
        let (mut db, mut sums) = (vec![f32::NAN; 21], vec![f32::NAN; 21]);
        sum_rows(&dy, 21, 256, &mut db);
        matmul_over_rows(&ones, &dy, [rows, 1, 21], &mut sums);
        samples::assert_same_bits(&db, &sums, "bias");
    }
}

#[test]
fn bits_do_not_depend_on_threads_or_instructions() {
    let (m, n, k) = (130, 200, 300);
    let (a, b) = (samples::values(6, m * k), samples::values(7, k * n));
    let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, n, k).t());
    let expected = naive(a, b, 0, k);
    samples::in_pools(|| {
        let mut c = vec![f32::NAN; m * n];
        matmul(a, b, &mut c, Epilogue::None);
        samples::assert_same_bits(&c, &expected, "threads");
    });
    for level in samples::levels() {
        let mut c = vec![f32::NAN; m * n];
        let product = Product { a, b, sum: Sum::Chain, epilogue: Epilogue::None, level };
        product.run(Block::new(&mut c, m, n), 0, 0);
        samples::assert_same_bits(&c, &expected, "instructions");
    }
}
