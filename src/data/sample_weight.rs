//! Sample weights of a dataset in memory.

use crate::error::{Error, Result, check_setting};

/// Checks and collects the sample weights of `rows` rows.
///
/// # Errors
/// [`Error::Rows`] if the number of weights is not `rows`, [`Error::Setting`] if a weight is not finite.
pub(super) fn checked(weights: impl IntoIterator<Item = f32>, rows: usize) -> Result<Vec<f32>> {
    let weights: Vec<f32> = weights.into_iter().collect();
    if weights.len() != rows {
        return Err(Error::Rows { first: ("sample weights", weights.len()), second: ("inputs", rows) });
    }
    if let Some(row) = weights.iter().position(|weight| !weight.is_finite()) {
        let place = format!("row {row}");
        check_setting(false, place, "sample_weight", f64::from(weights[row]), "finite")?;
    }
    Ok(weights)
}

/// Copies the weights of `rows` to `weights`, or ones if the dataset has no weights.
pub(super) fn gather(all: Option<&[f32]>, rows: &[usize], weights: &mut [f32]) {
    weights.iter_mut().zip(rows).for_each(|(weight, &row)| *weight = all.map_or(1.0, |all| all[row]));
}

#[cfg(test)]
mod tests {
    use super::super::{Arrays, Columns, Dataset, NamedArrays, Rows};
    use super::*;
    use ndarray::{Array1, Array2};

    fn data(weights: &[f32]) -> Result<Arrays> {
        Arrays::new(Array2::<f32>::zeros((4, 1)), Array1::<u8>::zeros(4))?.with_sample_weight(weights.to_vec())
    }

    #[test]
    fn subsets_keep_the_weights_of_their_rows() {
        let data = data(&[0.5, 1.0, 1.5, 2.0]).unwrap();
        let part = Rows::chosen(&data, vec![3, 0, 2]).unwrap();
        let mut weights = [f32::NAN; 3];
        part.gather_sample_weight(&[2, 0, 0], &mut weights);
        assert!(part.has_sample_weight() && (&&part as &dyn Dataset).has_sample_weight());
        assert_eq!(weights, [1.5, 2.0, 2.0]);
    }

    #[test]
    fn invalid_sample_weights_are_rejected() {
        let message = |weights: &[f32]| data(weights).unwrap_err().to_string();
        let text = "sample weights have 2 rows and inputs have 4; they need the same number";
        assert_eq!(message(&[1.0, 2.0]), text);
        assert_eq!(message(&[1.0, 2.0, f32::NAN, 0.0]), "row 2: sample_weight must be finite, got NaN");
    }

    #[test]
    fn weights_of_a_target_replace_those_of_the_rows() {
        let data = || {
            let data = NamedArrays::new().with_input("x", Array2::<f32>::zeros((3, 1)))?;
            data.with_target("a", Array1::<u8>::zeros(3))?.with_target("b", Array1::<u8>::zeros(3))
        };
        let single = data().unwrap().with_sample_weight_of("b", [1.0, 2.0, 3.0]).unwrap();
        assert_eq!([0, 1].map(|target| single.has_target_weight(target)), [false, true]);
        let both = single.with_sample_weight([4.0; 3]).unwrap();
        let part = Rows::chosen(&both, vec![2, 0]).unwrap();
        let of = |target| {
            let mut weights = [0.0; 2];
            part.gather_target_weight(target, &[0, 1], &mut weights);
            (part.has_target_weight(target), weights)
        };
        assert_eq!([of(0), of(1)], [(true, [4.0, 4.0]), (true, [3.0, 1.0])]);
        let message = |name: &str, weights: &[f32]| {
            data().unwrap().with_sample_weight_of(name, weights.to_vec()).unwrap_err().to_string()
        };
        assert_eq!(message("c", &[1.0; 3]), "unknown target in the dataset \"c\"; available: a, b");
        assert_eq!(message("a", &[1.0, f32::INFINITY, 0.0]), "row 1: sample_weight must be finite, got inf");
        assert!(message("a", &[1.0]).starts_with("sample weights have 1 row and inputs have 3"));
    }
}
