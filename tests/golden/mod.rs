//! Reads the golden vectors in this folder. `make.py` writes them and documents the format.
#![allow(dead_code)] // a test may need only a part of it

use ndarray::{ArrayD, ArrayViewD, Dimension};
use std::collections::HashMap;
use std::path::Path;

/// The arrays of one file.
pub(crate) struct Cases {
    file: String,
    /// In the file's order.
    names: Vec<String>,
    arrays: HashMap<String, ArrayD<f32>>,
}

/// Reads `tests/golden/<file>`, for instance `dense.txt`.
pub(crate) fn load(file: &str) -> Cases {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut cases = Cases { file: file.to_string(), names: Vec::new(), arrays: HashMap::new() };
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, array) = parse(line).unwrap_or_else(|| panic!("{file}:{}: not `name 2x3: v v v …`", number + 1));
        assert!(cases.arrays.insert(name.clone(), array).is_none(), "{file}:{}: {name} occurs twice", number + 1);
        cases.names.push(name);
    }
    cases
}

fn parse(line: &str) -> Option<(String, ArrayD<f32>)> {
    let (head, values) = line.split_once(": ")?;
    let (name, shape) = head.split_once(' ')?;
    let shape = shape.split('x').map(|n| n.parse().ok()).collect::<Option<Vec<usize>>>()?;
    let values = values.split(' ').map(|v| v.parse().ok()).collect::<Option<Vec<f32>>>()?;
    Some((name.to_string(), ArrayD::from_shape_vec(shape, values).ok()?))
}

impl Cases {
    /// The array `case/name`.
    #[track_caller]
    pub(crate) fn array(&self, name: &str) -> &ArrayD<f32> {
        self.arrays.get(name).unwrap_or_else(|| {
            let case = name.split('/').next().unwrap_or_default();
            let near: Vec<_> = self.names.iter().filter_map(|n| n.strip_prefix(case)?.strip_prefix('/')).collect();
            if near.is_empty() {
                panic!("{}: no case {case}; it has {}", self.file, self.cases().join(", "));
            }
            panic!("{}: no array {name}; {case} has {}", self.file, near.join(", "));
        })
    }

    /// The array's shape and its values, row-major.
    #[track_caller]
    pub(crate) fn parts(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let array = self.array(name);
        (array.shape().to_vec(), array.iter().copied().collect())
    }

    /// The only value of an array of one.
    #[track_caller]
    pub(crate) fn scalar(&self, name: &str) -> f32 {
        let array = self.array(name);
        assert_eq!(array.len(), 1, "{name} has shape {:?}, expected one value", array.shape());
        array.iter().copied().sum()
    }

    /// Integers: class labels, counts.
    #[track_caller]
    pub(crate) fn integers(&self, name: &str) -> Vec<usize> {
        let whole =
            |&v: &f32| if v >= 0.0 && v.fract() == 0.0 { v as usize } else { panic!("{name}: {v} is no count") };
        self.array(name).iter().map(whole).collect()
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
    }

    /// The cases' names, in the file's order.
    pub(crate) fn cases(&self) -> Vec<&str> {
        let mut cases: Vec<_> = self.names.iter().filter_map(|name| Some(name.split_once('/')?.0)).collect();
        cases.dedup();
        cases
    }

    /// The arrays whose names start with `prefix` (`conv_net/start.`), with the rest of their names, in the order of the file.
    #[track_caller]
    pub(crate) fn starting_with(&self, prefix: &str) -> Vec<(&str, &ArrayD<f32>)> {
        let found: Vec<_> =
            self.names.iter().filter_map(|name| Some((name.strip_prefix(prefix)?, &self.arrays[name]))).collect();
        assert!(!found.is_empty(), "{}: no array starts with {prefix}", self.file);
        found
    }
}

/// Compares shapes, and every value to within `relative` × max(1, largest |expected|). NaN is never close.
#[track_caller]
pub(crate) fn assert_close<'a, 'b>(
    name: &str,
    found: impl Into<ArrayViewD<'a, f32>>,
    expected: impl Into<ArrayViewD<'b, f32>>,
    relative: f32,
) {
    let (found, expected) = (found.into(), expected.into());
    assert_eq!(found.shape(), expected.shape(), "{name}: found shape (left), expected shape (right)");
    let largest = expected.iter().fold(1.0_f32, |most, v| most.max(v.abs()));
    let mut worst: Option<(f32, String)> = None;
    for ((place, &found), &expected) in found.indexed_iter().zip(&expected) {
        let off = (found - expected).abs();
        let close = off <= relative * largest;
        if !close && worst.as_ref().is_none_or(|(most, _)| off.is_nan() || off > *most) {
            worst = Some((off, format!("{name}{:?}: found {found}, expected {expected}", place.slice())));
        }
    }
    if let Some((off, text)) = worst {
        panic!("{text}: off by {off:e}, allowed {:e}", relative * largest);
    }
}
