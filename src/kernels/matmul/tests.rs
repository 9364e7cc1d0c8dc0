//! Products compared with the plain loop, bit by bit.

use super::*;
use crate::kernels::activation::{self, Elementwise};
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
fn the_epilogue_adds_a_bias_and_applies_the_activation() {
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
        let product = Product { a, b, sum: Sum::Chain, epilogue: Epilogue::None, level, skip: false };
        product.run(Block::new(&mut c, m, n));
        samples::assert_same_bits(&c, &expected, "instructions");
    }
}

/// Random numbers of which the given percentage is nonzero. Zeros have either sign.
fn sparse_values(seed: u64, count: usize, percent: u32) -> Vec<f32> {
    let keep = samples::bits(seed + 100, count).into_iter().map(|word| word % 100 < percent);
    let zeros = [0.0, -0.0].into_iter().cycle();
    samples::values(seed, count)
        .into_iter()
        .zip(keep)
        .zip(zeros)
        .map(|((v, keep), zero)| if keep { v } else { zero })
        .collect()
}

#[test]
fn skipping_zeros_changes_no_bit() {
    let level = simd::current();
    for (m, k, n) in [(8, 1, 16), (9, 7, 17), (32, 257, 64), (130, 300, 100), (21, 513, 200), (300, 40, 33)] {
        for percent in [0, 1, 20, 40] {
            let (a, b) = (sparse_values(1, m * k, percent), samples::values(2, k * n));
            let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, k, n));
            assert!(percent == 40 || m * k < 100 || sparse::is_worthwhile(level, a, b), "{m} × {k} at {percent} %");
            let across: Vec<f32> = (0..n * k).map(|at| b.data[at % k * n + at / k]).collect();
            let expected = naive(a, b, 0, k);
            for b in [b, Matrix::new(&across, n, k).t()] {
                let mut c = vec![f32::NAN; m * n];
                matmul(a, b, &mut c, Epilogue::None);
                samples::assert_same_bits(&c, &expected, &format!("{m} × {k} × {n} at {percent} %"));
            }
        }
    }
}

#[test]
fn products_with_few_rows_skip_their_zeros() {
    for (m, k, n) in [(1, 1, 1), (1, 784, 600), (2, 17, 33), (3, 300, 1030)] {
        for percent in [0, 1, 20, 100] {
            let (a, b) = (sparse_values(1, m * k, percent), samples::values(2, k * n));
            let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, k, n));
            let expected = naive(a, b, 0, k);
            samples::in_pools(|| {
                for b in [b, b.known_finite()] {
                    let mut c = vec![f32::NAN; m * n];
                    matmul(a, b, &mut c, Epilogue::None);
                    samples::assert_same_bits(&c, &expected, &format!("{m} × {k} × {n} at {percent} %"));
                }
            });
            for level in samples::levels() {
                let mut c = vec![f32::NAN; m * n];
                let (sum, epilogue) = (Sum::Chain, Epilogue::None);
                let product = Product { a, b: b.known_finite(), sum, epilogue, level, skip: false };
                product.run(Block::new(&mut c, m, n));
                samples::assert_same_bits(&c, &expected, "instructions");
            }
        }
    }
}

#[test]
fn zeros_are_skipped_in_chunks_of_rows() {
    for (rows, m, n) in [(1, 8, 16), (32, 784, 70), (256, 20, 17), (257, 9, 65), (600, 150, 40)] {
        over_rows_with_zeros([rows, m, n], [19, 100]);
        over_rows_with_zeros([rows, n, m], [100, 19]);
    }
}

/// Compares a sum over rows with the plain loop, for X and dY with a percentage of nonzero elements.
fn over_rows_with_zeros([rows, m, n]: [usize; 3], percent: [u32; 2]) {
    let (x, dy) = (sparse_values(3, rows * m, percent[0]), sparse_values(4, rows * n, percent[1]));
    let (a, b) = (Matrix::new(&x, rows, m).t(), Matrix::new(&dy, rows, n));
    let mut expected = naive(a, b, 0, rows.min(256));
    for from in (256..rows).step_by(256) {
        let part = naive(a, b, from, rows.min(from + 256));
        expected.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    samples::in_pools(|| {
        let mut dw = vec![f32::NAN; m * n];
        matmul_over_rows(&x, &dy, [rows, m, n], &mut dw);
        samples::assert_same_bits(&dw, &expected, &format!("{rows} rows of {m} and {n}"));
    });
}

#[test]
fn a_zero_times_infinity_is_not_skipped() {
    let (m, k, n) = (40, 300, 130);
    for wrong in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
        let (x, mut w) = (sparse_values(5, m * k, 20), samples::values(6, k * n));
        w[17 * n + 5] = wrong;
        w[290 * n + 129] = wrong;
        let (a, b) = (Matrix::new(&x, m, k), Matrix::new(&w, k, n));
        assert!(sparse::is_worthwhile(simd::current(), a, b));
        let (expected, mut c) = (naive(a, b, 0, k), vec![0.0; m * n]);
        matmul(a, b, &mut c, Epilogue::None);
        samples::assert_same_bits(&c, &expected, "a row of weights");
        assert!((0..m).all(|row| !c[row * n + 5].is_finite() && c[row * n + 6].is_finite()));
    }
}

#[test]
fn skipping_has_the_same_bits_on_every_instruction_set() {
    let (m, k, n) = (130, 300, 200);
    let (a, b) = (sparse_values(7, m * k, 25), samples::values(8, k * n));
    let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, k, n));
    let expected = naive(a, b, 0, k);
    for level in samples::levels() {
        assert!(sparse::is_worthwhile(level, a, b));
        let product = Product { a, b, sum: Sum::Chain, epilogue: Epilogue::None, level, skip: true };
        samples::in_pools(|| {
            let mut c = vec![f32::NAN; m * n];
            product.run(Block::new(&mut c, m, n));
            samples::assert_same_bits(&c, &expected, &format!("{level:?}"));
        });
    }
}

/// The position at which a product of these sizes is split, as rows and columns of the first half.
fn first_half([rows, inner, columns]: [usize; 3], sum: Sum, skip: bool) -> [usize; 2] {
    let (a, b, mut c) = (vec![0.0; rows * inner], vec![0.0; inner * columns], vec![0.0; rows * columns]);
    let (a, b) = (Matrix::new(&a, rows, inner), Matrix::new(&b, inner, columns));
    let product = Product { a, b, sum, epilogue: Epilogue::None, level: simd::current(), skip };
    match product.cut(&Block::new(&mut c, rows, columns)) {
        Cut::Rows(top) => [top, columns],
        Cut::Columns(left) => [rows, left],
        Cut::None => [rows, columns],
    }
}

#[test]
fn products_are_split_at_tiles_with_few_shared_cache_lines() {
    // If there are few rows, each weight is read by one thread only, with or without skipping zeros.
    assert_eq!(first_half([32, 784, 512], Sum::Chain, false), [32, 256]);
    assert_eq!(first_half([32, 784, 200], Sum::Chain, true), [32, 96]);
    assert_eq!(first_half([100, 784, 600], Sum::Chain, true), [100, 288]);
    // With more rows, zeros are not searched twice.
    assert_eq!(first_half([128, 784, 200], Sum::Chain, true), [60, 200]);
    // A boundary along many rows would be written by both threads.
    assert_eq!(first_half([784, 32, 512], Sum::Chunks, false), [396, 512]);
    assert_eq!(first_half([1000, 784, 200], Sum::Chain, true), [504, 200]);
    // No tile is split.
    assert_eq!(first_half([784, 512, 32], Sum::Chain, false), [396, 32]);
    assert_eq!(first_half([5, 512, 10], Sum::Chain, false), [5, 10]);
}
