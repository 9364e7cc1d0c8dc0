//! Round trips of files, and malformed files. The tests of Keras' files check that h5py reads them.

use super::value::Values;
use super::*;
use crate::Shape;
use crate::formats::MemoryLimit;

/// Opens a file with a limit.
fn open_with(bytes: &[u8], limit: MemoryLimit) -> Result<Group<'_>, String> {
    open(bytes, Box::leak(Box::new(limit.budget(bytes.len()))))
}

fn opened(bytes: &[u8]) -> Result<Group<'_>, String> {
    open_with(bytes, MemoryLimit::default())
}

fn floats(shape: Shape) -> Vec<f32> {
    (0..shape.len()).map(|at| at as f32 - 0.5).collect()
}

fn sample() -> NewGroup {
    let mut root = NewGroup::default();
    root.text("config", "{\"ü\": 1}");
    root.text("empty", "");
    root.group("a").texts("names", vec!["one".into(), String::new(), "three".into()]);
    root.group("a/b");
    for (path, shape) in [("a/x", Shape::from([2, 3])), ("a/b/c/d", Shape::SCALAR), ("none", Shape::from([0, 4]))] {
        root.floats(path, shape, &floats(shape));
    }
    root.integer("a/b/step", -(1 << 40));
    root
}

#[test]
fn files_round_trip() {
    let bytes = sample().file().unwrap();
    let root = opened(&bytes).unwrap();
    assert_eq!(root.text("config").unwrap().unwrap(), "{\"ü\": 1}");
    assert_eq!(root.text("empty").unwrap().unwrap(), "");
    assert_eq!(root.text("other").unwrap(), None);
    let a = root.group("a").unwrap();
    assert_eq!(a.texts("names").unwrap(), ["one", "", "three"]);
    assert!(a.has("b") && !a.has("c") && a.len() == 2);
    for (path, shape) in [("a/x", Shape::from([2, 3])), ("a/b/c/d", Shape::SCALAR), ("none", Shape::from([0, 4]))] {
        let array = root.array(path).unwrap();
        assert_eq!(array, Array { shape, values: Values::Floats(floats(shape)) }, "{path}");
    }
    let step = Array { shape: Shape::SCALAR, values: Values::Integers(vec![-(1 << 40)]) };
    assert_eq!(root.array("a/b/step").unwrap(), step);
}

#[test]
fn long_lists_and_long_strings_round_trip() {
    let names: Vec<String> = (0..70_000).map(|number| format!("layer_{number}")).collect();
    let mut root = NewGroup::default();
    root.texts("names", names.clone());
    root.text("long", "x".repeat(300_000));
    let bytes = root.file().unwrap();
    let root = opened(&bytes).unwrap();
    assert!(root.texts("names").unwrap() == names);
    assert_eq!(root.text("long").unwrap().unwrap().len(), 300_000);
}

#[test]
fn missing_and_mismatched_members_are_errors() {
    let bytes = sample().file().unwrap();
    let root = opened(&bytes).unwrap();
    let cases = [
        (root.array("a/y").map(|_| ()), "\"a/y\" is missing, or is a soft or external link"),
        (root.array("a/b").map(|_| ()), "\"a/b\": it is a group, expected an array"),
        (root.group("a/x").map(|_| ()), "\"a/x\" is an array, expected a group"),
    ];
    for (found, expected) in cases {
        assert_eq!(found.unwrap_err(), expected);
    }
    assert_eq!(opened(b"PK\x03\x04").unwrap_err(), "it is a zip archive, expected an HDF5 file");
}

/// Returns the sample file with `value` written `skip` bytes after the start of `signature`, and a corrected header checksum.
fn changed(signature: &[u8], skip: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = sample().file().unwrap();
    let at = bytes.windows(signature.len()).position(|window| window == signature).unwrap() + skip;
    bytes[at..at + value.len()].copy_from_slice(value);
    let begin = bytes[..at].windows(4).rposition(|window| window == b"OHDR").unwrap();
    let length = u32::from_le_bytes(*bytes[begin + 6..].first_chunk().unwrap()) as usize;
    let end = begin + 10 + length;
    let sum = checksum::lookup3(&bytes[begin..end]);
    bytes[end..end + 4].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn false_sizes_are_rejected_before_allocation() {
    let array = |bytes: &[u8]| opened(bytes).and_then(|root| root.array("a/x").map(|_| ())).unwrap_err();
    // The first occurrence of the sizes 2 and 3 belongs to a/x.
    let sizes = [2u64.to_le_bytes(), 3u64.to_le_bytes()].concat();
    let huge = array(&changed(&sizes, 0, &(u64::MAX >> 8).to_le_bytes()));
    assert!(huge.starts_with("\"a/x\": the byte length of its elements is 24, expected"), "{huge}");
    let bytes = changed(&sizes, 8, &4u64.to_le_bytes());
    assert_eq!(array(&bytes), "\"a/x\": the byte length of its elements is 24, expected 32; it is damaged");
    let mut bytes = sample().file().unwrap();
    let at = bytes.windows(4).position(|window| window == b"OHDR").unwrap();
    bytes[at + 20] ^= 1;
    let damage = opened(&bytes).and_then(|root| root.array("a/x").and(root.array("a/b/c/d")).map(|_| ())).unwrap_err();
    assert!(damage.contains("the checksum at byte"), "{damage}");
}

#[test]
fn cyclic_links_are_rejected() {
    // Redirect the link a/b to the root.
    let root = u64::from_le_bytes(*sample().file().unwrap()[36..].first_chunk().unwrap());
    let bytes = changed(b"\x01\x11\x01\x01\0b", 6, &root.to_le_bytes());
    let file = opened(&bytes).unwrap();
    assert!(file.group("a/b/a/b").is_ok());
    let error = file.group(&"a/".repeat(100_000)).unwrap_err();
    assert_eq!(error, "a path has more than 64 groups; it is damaged");
    let spent = file.budget().spent();
    (0..1000).for_each(|_| drop(file.group("a/b/a/b/a/b/a/b").unwrap()));
    assert_eq!(file.budget().spent(), spent, "groups that were read are not read again");
    let names: Vec<String> = file.arrays().unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a/x", "none"]);
}

#[test]
fn repeated_references_to_a_long_string_are_rejected() {
    let mut root = NewGroup::default();
    root.text("long", "x".repeat(30_000));
    root.texts("names", vec!["y".into(); 1500]);
    let mut bytes = root.file().unwrap();
    // An attribute refers to a string by its length, its heap and its index there: 1, 48 and 2 for the first of the list.
    let long = [&30_000u32.to_le_bytes()[..], &48u64.to_le_bytes(), &1u32.to_le_bytes()].concat();
    for number in 2..1502u32 {
        let short = [&1u32.to_le_bytes()[..], &48u64.to_le_bytes(), &number.to_le_bytes()].concat();
        let at = bytes.windows(16).position(|window| window == short).unwrap();
        bytes[at..at + 16].copy_from_slice(&long);
    }
    let begin = bytes.windows(4).rposition(|window| window == b"OHDR").unwrap();
    let end = bytes.len() - 4;
    let sum = checksum::lookup3(&bytes[begin..end]);
    bytes[end..].copy_from_slice(&sum.to_le_bytes());
    let root = open_with(&bytes, MemoryLimit::bytes(1 << 20)).unwrap();
    assert_eq!(root.text("long").unwrap().unwrap().len(), 30_000);
    let text = root.texts("names").unwrap_err();
    assert!(text.starts_with("its contents need more memory than the limit of 1 MiB"), "{text}");
}

/// The bytes that are read from a file of `layers` groups of arrays, for each byte of the file.
fn reads_per_byte(layers: usize) -> f64 {
    let mut root = NewGroup::default();
    for layer in 0..layers {
        for array in ["kernel", "bias", "momentum", "velocity"] {
            root.floats(&format!("model/dense_{layer}/sequential/dense_{layer}/{array}"), Shape::from([4]), &[1.0; 4]);
        }
    }
    let bytes = root.file().unwrap();
    let root = opened(&bytes).unwrap();
    for layer in 0..layers {
        for array in ["kernel", "bias", "momentum", "velocity"] {
            root.array(&format!("model/dense_{layer}/sequential/dense_{layer}/{array}")).unwrap();
        }
    }
    root.budget().spent() as f64 / bytes.len() as f64
}

#[test]
fn reading_is_linear_in_the_number_of_arrays() {
    let [few, some, many] = [40, 100, 1000].map(reads_per_byte);
    assert!(many <= 1.2 * few && some <= 1.2 * few && many < 4.0, "{few} {some} {many}");
}

#[test]
fn every_array_is_listed() {
    let bytes = sample().file().unwrap();
    let arrays = opened(&bytes).unwrap().arrays().unwrap();
    let names: Vec<&str> = arrays.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a/b/c/d", "a/b/step", "a/x", "none"]);
    assert_eq!(arrays[2].1.as_ref().unwrap().shape, Shape::from([2, 3]));
    // The type of one array becomes a string.
    let bytes = changed(b"\x11\x20\x1f\0\x04", 0, &[0x13]);
    let arrays = opened(&bytes).unwrap().arrays().unwrap();
    let problems: Vec<&String> = arrays.iter().filter_map(|(_, array)| array.as_ref().err()).collect();
    assert_eq!(problems, ["its elements must be float16, bfloat16, float32, float64 or integers; convert it first"]);
    // A damaged array is an error.
    let sizes = [2u64.to_le_bytes(), 3u64.to_le_bytes()].concat();
    let text = opened(&changed(&sizes, 8, &4u64.to_le_bytes())).unwrap().arrays().unwrap_err();
    assert!(text.starts_with("\"a/x\": the byte length of its elements"), "{text}");
}

/// Files that h5py or Keras could not open are not written.
#[test]
fn names_that_do_not_fit_are_rejected() {
    let problem = |change: &dyn Fn(&mut NewGroup)| {
        let mut root = sample();
        change(&mut root);
        root.file().unwrap_err()
    };
    let long = "x".repeat(70_000);
    let text = problem(&|root| {
        root.group(&format!("a/{long}"));
    });
    assert!(text.contains("has 70000 bytes, expected at most 65000") && text.len() < 200, "{text}");
    assert!(problem(&|root| root.floats(&long, Shape::SCALAR, &[1.0])).contains("has 70000 bytes"));
    for name in ["", ".", "..", "a\0b"] {
        let text = problem(&|root| root.floats(&format!("a/{name}/x"), Shape::SCALAR, &[1.0]));
        assert!(text.contains("is not a valid name in an HDF5 file"), "{text}");
    }
    let text = problem(&|root| root.floats("a/b", Shape::SCALAR, &[1.0]));
    assert_eq!(text, "two members have the name \"b\" in \"a\"; rename the layer or weight");
    assert!(problem(&|root| root.texts("names", vec!["a\0".into()])).contains("has a null character"));
    assert!(
        problem(&|root| {
            root.group(&"b/".repeat(65));
        })
        .contains("more than 64 groups")
    );
    let mut root = sample();
    root.floats(&"x".repeat(65_000), Shape::SCALAR, &[1.0]);
    opened(&root.file().unwrap()).unwrap().array(&"x".repeat(65_000)).unwrap();
}

#[test]
fn truncated_files_and_flipped_bits_do_not_panic() {
    let whole = sample().file().unwrap();
    let read = |bytes: &[u8]| {
        let root = opened(bytes)?;
        root.group("a")?.texts("names")?;
        root.text("config")?;
        root.array("a/x").and(root.array("a/b/c/d")).map(|_| ())
    };
    read(&whole).unwrap();
    for length in 0..whole.len() {
        read(&whole[..length]).unwrap_err();
    }
    for bit in 0..8 * whole.len() {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let _ = read(&bytes);
    }
}
