//! Tests of the instruction sets. Every operation of [`Fma`] is compared with a safe twin.

use super::*;
use crate::kernels::samples;

vectorized! {
    fn transposed<F: Fma>(square: &mut Square) {
        F::transpose(square);
    }
}

vectorized! {
    fn add_scaled<F: Fma, const L: usize>(a: f32, b: &[f32; L], sums: &mut [f32; L]) {
        F::add_scaled(a, b, sums);
    }
}

vectorized! {
    fn add_products<F: Fma, const L: usize>(a: &[f32; L], b: &[f32; L], sums: &mut [f32; L]) {
        F::add_products(a, b, sums);
    }
}

vectorized! {
    fn add<F: Fma, const L: usize>(values: &[f32; L], sums: &mut [f32; L]) {
        F::add(values, sums);
    }
}

vectorized! {
    fn add_masked<F: Fma, const L: usize>(values: &[f32; L], mask: &[u32; L], sums: &mut [f32; L]) {
        F::add_masked(values, mask, sums);
    }
}

vectorized! {
    fn select<F: Fma>(from: &[f32; 16], offsets: &[u32; 16], to: &mut [f32; 16]) {
        F::select(from, offsets, to);
    }
}

vectorized! {
    fn nonzero<F: Fma>(values: &[f32; 16]) -> u16 {
        F::nonzero(values)
    }
}

vectorized! {
    fn fma<F: Fma>(a: f32, b: f32, c: f32) -> f32 {
        F::fma(a, b, c)
    }
}

/// Random bits and special values, for each case.
fn lanes<const L: usize>(seed: u64) -> [f32; L] {
    const SPECIAL: [f32; 8] = [0.0, -0.0, 1.0, f32::INFINITY, f32::NAN, f32::MIN_POSITIVE, 1e-45, f32::MAX];
    let words = samples::bits(seed, L);
    std::array::from_fn(|lane| match words[lane] {
        word if word % 4 == 0 => SPECIAL[(word >> 8) as usize % SPECIAL.len()],
        word if word % 4 == 1 => f32::from_bits(word),
        word => (word >> 8) as f32 / (1 << 23) as f32 - 1.0,
    })
}

fn compare_lanes<const L: usize>(level: SimdLevel) {
    for seed in 0..50 {
        let [a, b, sums] = [3 * seed, 3 * seed + 1, 3 * seed + 2].map(lanes::<L>);
        let what = |name: &str| format!("{name} of {L} lanes, {level:?}, seed {seed}");
        let check = |name: &str, found: [f32; L], twin: &dyn Fn(usize) -> f32| {
            samples::assert_same_bits(&found, &std::array::from_fn::<f32, L, _>(twin), &what(name));
        };
        let mut found = sums;
        add_scaled(level, a[0], &b, &mut found);
        check("add_scaled", found, &|lane| a[0].mul_add(b[lane], sums[lane]));
        let mut found = sums;
        add_products(level, &a, &b, &mut found);
        check("add_products", found, &|lane| a[lane].mul_add(b[lane], sums[lane]));
        let mut found = sums;
        add(level, &a, &mut found);
        check("add", found, &|lane| sums[lane] + a[lane]);
        let mask: [u32; L] = std::array::from_fn(|lane| if b[lane] > 0.0 { u32::MAX } else { 0 });
        let mut found = sums;
        add_masked(level, &a, &mask, &mut found);
        check("add_masked", found, &|lane| if b[lane] > 0.0 { sums[lane] + a[lane] } else { sums[lane] + 0.0 });
    }
}

#[test]
fn operations_on_lanes_are_those_of_their_safe_twins() {
    for level in samples::levels() {
        compare_lanes::<8>(level);
        compare_lanes::<16>(level);
        compare_lanes::<24>(level);
        compare_lanes::<32>(level);
        compare_lanes::<40>(level);
        compare_lanes::<96>(level);
    }
}

#[test]
fn operations_on_sixteen_elements_are_those_of_their_safe_twins() {
    for level in samples::levels() {
        for seed in 0..200 {
            let (from, offsets) = (lanes::<16>(seed), samples::bits(seed + 1, 16));
            let offsets: [u32; 16] = std::array::from_fn(|lane| offsets[lane] % 16);
            let mut found = [0.0; 16];
            select(level, &from, &offsets, &mut found);
            let expected = offsets.map(|offset| from[offset as usize]);
            samples::assert_same_bits(&found, &expected, &format!("select, {level:?}, seed {seed}"));
            let expected = (0..16).filter(|lane| from[*lane] != 0.0).fold(0, |set, lane| set | 1 << lane);
            assert_eq!(nonzero(level, &from), expected, "{level:?}, seed {seed}");
            let [a, b, c] = lanes::<3>(seed);
            samples::assert_same_bits(&[fma(level, a, b, c)], &[a.mul_add(b, c)], &format!("fma, {level:?}"));
        }
    }
}

#[test]
fn rows_become_columns() {
    let at = |row: usize, column: usize| (row * 16 + column) as f32;
    for level in samples::levels() {
        let mut square = std::array::from_fn(|row| std::array::from_fn(|column| at(row, column)));
        transposed(level, &mut square);
        for (row, values) in square.iter().enumerate() {
            assert!(values.iter().enumerate().all(|(column, v)| *v == at(column, row)), "{level:?}, row {row}");
        }
    }
}

#[test]
fn an_unknown_level_is_named() {
    assert_eq!(choose("portable"), Ok(SimdLevel::Portable));
    assert_eq!(choose(""), Ok(best()));
    assert_eq!(choose("sse9"), Err("sse9".to_string()));
}
