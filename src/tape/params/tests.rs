//! Tests of parameters.

use super::*;
use ndarray::{arr1, arr2};

#[test]
fn arrays_of_any_layout_are_stored_in_row_major_order() {
    let mut params = Params::new();
    let id = params.add("w", &arr2(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).t()).unwrap();
    assert_eq!(params.shape(id), Shape::from([2, 3]));
    assert_eq!(params.view(0).data(), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    params.get_mut(id)[[0, 1]] = 9.0;
    assert_eq!(params.get(id)[[0, 1]], 9.0);
}

#[test]
fn duplicate_and_unknown_names_are_rejected() {
    let mut params = Params::new();
    params.add("w", &arr1(&[1.0])).unwrap();
    assert!(params.add("w", &arr1(&[1.0])).is_err());
    let message = params.id("v").unwrap_err().to_string();
    assert_eq!(message, "unknown parameter \"v\"; available: w");
}

#[test]
fn assign_sets_all_arrays_or_none() {
    let pair = |a: &[f32], b: &[f32]| {
        let mut params = Params::new();
        params.add("a", &arr1(a)).unwrap();
        params.add("b", &arr1(b)).unwrap();
        params
    };
    let mut params = pair(&[1.0], &[2.0, 3.0]);
    params.set("b", &arr1(&[5.0, 6.0])).unwrap();
    let message = params.set("b", &arr1(&[5.0])).unwrap_err().to_string();
    assert_eq!(message, "b: found shape 1, expected 2, the shape of the parameter");
    assert!(params.assign(&pair(&[9.0], &[9.0])).is_err() && params.assign(&Params::new()).is_err());
    let values = |params: &Params| {
        params.iter().flat_map(|(_, values)| values.into_iter().copied().collect::<Vec<_>>()).collect::<Vec<f32>>()
    };
    assert_eq!(values(&params), [1.0, 5.0, 6.0]);
    params.assign(&pair(&[7.0], &[8.0, 9.0])).unwrap();
    assert_eq!(values(&params), [7.0, 8.0, 9.0]);
    assert_eq!(params.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn clones_share_arrays_until_one_changes() {
    let mut params = Params::new();
    let id = params.add("w", &arr1(&[1.0, 2.0])).unwrap();
    let before = params.values(id).as_ptr();
    let mut copy = params.clone();
    assert_eq!(copy.values(id).as_ptr(), before);
    copy.get_mut(id)[0] = 5.0;
    assert_eq!((params.values(id), copy.values(id)), (&[1.0, 2.0][..], &[5.0, 2.0][..]));
    params.get_mut(id)[1] = 3.0;
    assert_eq!(params.values(id).as_ptr(), before, "an array that is not shared is changed in place");
    let shared = params.clone();
    params.assign(&copy).unwrap();
    assert_eq!((params.values(id), shared.values(id)), (&[5.0, 2.0][..], &[1.0, 3.0][..]));
    assert_eq!(params.values(id).as_ptr(), copy.values(id).as_ptr());
}

#[test]
fn the_digest_is_computed_from_the_bytes() {
    let mut params = Params::new();
    assert_eq!(params.sha256(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    params.add("zero", &arr1(&[0.0])).unwrap();
    assert_eq!(params.sha256(), "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119");
    assert_eq!((params.count(false), params.count(true)), (1, 1));
}

#[test]
#[should_panic(expected = "a ParamId was used with Params that it does not belong to")]
fn ids_of_another_set_are_rejected() {
    let id = Params::new().add("w", &arr1(&[1.0])).unwrap();
    Params::new().name(id);
}

/// The clones share a parameter, and then get different ones. The first stays usable with the ids of the original.
fn diverged() -> (Params, Params, [ParamId; 3]) {
    let mut params = Params::new();
    let first = params.add("first", &arr1(&[1.0])).unwrap();
    let mut clone = params.clone();
    let second = params.add("second", &arr1(&[2.0])).unwrap();
    let other = clone.add("other", &arr1(&[3.0])).unwrap();
    (params, clone, [first, second, other])
}

#[test]
fn ids_belong_to_one_parameter_when_clones_diverge() {
    let (params, mut clone, [first, second, other]) = diverged();
    assert_eq!((params.values(first), params.values(second)), (&[1.0][..], &[2.0][..]));
    assert_eq!(clone.values(other), [3.0]);
    assert_eq!(clone.values(clone.id("first").unwrap()), [1.0]);
    clone.add("third", &arr1(&[4.0])).unwrap();
    assert_eq!((params.len(), clone.len(), clone.values(other)), (2, 3, &[3.0][..]));
}

#[test]
#[should_panic(expected = "a ParamId was used with Params that it does not belong to")]
fn a_diverged_clone_rejects_other_ids() {
    let (_, clone, [_, second, _]) = diverged();
    clone.get(second);
}

#[test]
#[should_panic(expected = "a ParamId was used with Params that it does not belong to")]
fn ids_of_later_parameters_are_rejected() {
    let params = Params::new();
    let late = params.clone().add("late", &arr1(&[1.0])).unwrap();
    params.get(late);
}

#[test]
#[should_panic(expected = "a tape was used with Params other than those of its recording")]
fn a_tape_rejects_a_clone_without_its_parameters() {
    let mut params = Params::new();
    let before = params.clone();
    let late = params.add("late", &arr1(&[1.0])).unwrap();
    let recorder = crate::tape::Recorder::new(crate::tape::Mode::Inference);
    let _ = recorder.parameter(&params, late) * 2.0;
    let _ = recorder.finish().unwrap().run(&before, crate::Key::from_seed(0));
}
