//! Distribution of batches over threads for kernels that write two arrays; [`parallel`] decides whether a fork is
//! worthwhile.

use super::parallel;

/// An array, and the number of elements per part.
pub(super) type Pieces<T> = (T, usize);

/// An operation on corresponding parts of three arrays.
pub(super) type Work<'a, A, B, C> = dyn Fn(&[A], &mut [B], &mut [C]) + Sync + 'a;

/// Calls `work(a, b, c)` for corresponding parts of three arrays with the same number of parts; the last one may be
/// shorter. `nanoseconds` is the time of one whole part.
pub(super) fn for_each<A: Sync, B: Send, C: Send>(
    (a, of_a): Pieces<&[A]>,
    (b, of_b): Pieces<&mut [B]>,
    (c, of_c): Pieces<&mut [C]>,
    nanoseconds: usize,
    work: &Work<'_, A, B, C>,
) {
    let pieces = b.len().div_ceil(of_b);
    let total = pieces.saturating_mul(nanoseconds);
    if pieces < 2 || !parallel::worth_a_fork(total) {
        let pairs = a.chunks(of_a).zip(b.chunks_mut(of_b));
        return pairs.zip(c.chunks_mut(of_c)).for_each(|((a, b), c)| work(a, b, c));
    }
    let half = pieces / 2;
    let (first_a, last_a) = a.split_at(half * of_a);
    let (first_b, last_b) = b.split_at_mut(half * of_b);
    let (first_c, last_c) = c.split_at_mut(half * of_c);
    parallel::join(
        total,
        || for_each((first_a, of_a), (first_b, of_b), (first_c, of_c), nanoseconds, work),
        || for_each((last_a, of_a), (last_b, of_b), (last_c, of_c), nanoseconds, work),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    #[test]
    fn corresponding_parts_are_processed_together() {
        samples::in_pools(|| {
            let source: Vec<usize> = (0..20).collect();
            let (mut sums, mut pairs) = ([0; 7], [0; 14]);
            for_each((&source, 3), (&mut sums, 1), (&mut pairs, 2), 1_000_000, &|three, sum, pair| {
                sum[0] = three.iter().sum();
                pair.copy_from_slice(&three[..2]);
            });
            assert!(sums[..6].iter().enumerate().all(|(i, &sum)| sum == 9 * i + 3) && sums[6] == 37);
            assert!(pairs.iter().enumerate().all(|(i, &first)| first == i / 2 * 3 + i % 2));
        });
    }
}
