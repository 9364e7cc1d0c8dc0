//! Files of Keras, read as models and as weights.

use super::trial::{LIMIT, Reader, Trial, check_error_type};
use flate2::{Compression, Crc, write::DeflateEncoder};
use gradus::formats::keras;
use gradus::layers::{BatchNorm, Conv2d, Dense, Flatten};
use gradus::losses::CategoricalCrossentropy;
use gradus::optimizers::Adam;
use gradus::{Compile, Model, Sequential};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::tempdir;

/// Number of random changes of each seed.
const CHANGES: usize = 1200;

fn model() -> Model {
    let network =
        Sequential::new([4, 4, 1]).add(Conv2d::new(2, 2)).add(BatchNorm::new()).add(Flatten).add(Dense::new(3));
    network.compile(Compile::new(Adam::default(), CategoricalCrossentropy::new())).unwrap()
}

/// An archive of one deflated member.
fn deflated(name: &str, contents: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(contents).unwrap();
    let packed = encoder.finish().unwrap();
    let mut crc = Crc::new();
    crc.update(contents);
    let numbers = [crc.sum(), packed.len() as u32, contents.len() as u32].map(u32::to_le_bytes).concat();
    let head = [&[20, 0, 0, 0, 8, 0, 0, 0, 33, 0], &numbers[..], &[name.len() as u8, 0, 0, 0]].concat();
    let member = [b"PK\x03\x04", &head[..], name.as_bytes(), &packed].concat();
    let entry = [b"PK\x01\x02\x14\0", &head[..], &[0; 14], name.as_bytes()].concat();
    let end = [entry.len() as u32, member.len() as u32].map(u32::to_le_bytes).concat();
    [&member[..], &entry, b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &end, &[0, 0]].concat()
}

/// Replaces the configuration in a file by another one, padded to the same length.
fn with_config(seed: &[u8], description: &str) -> Vec<u8> {
    let begin =
        seed.windows(14).position(|window| window == b"{\"class_name\":" || window == b"{\"class_name\": ").unwrap();
    let mut bytes = seed.to_vec();
    let mut depth = 0;
    let length = seed[begin..].iter().position(|byte| {
        depth += i32::from(*byte == b'{') - i32::from(*byte == b'}');
        depth == 0
    });
    let room = &mut bytes[begin..begin + length.unwrap() + 1];
    room.fill(b' ');
    let length = description.len().min(room.len());
    room[..length].copy_from_slice(&description.as_bytes()[..length]);
    bytes
}

fn stored_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/files").join(name)
}

fn stored_file(name: &str) -> Vec<u8> {
    fs::read(stored_path(name)).unwrap()
}

/// Sequential models and graphs in files that Keras and gradus wrote.
fn seeds(chain: &Model) -> Vec<(String, Vec<u8>)> {
    let names = ["images.h5", "images.weights.h5", "sgd.keras", "old.h5", "adam.keras", "branches.keras"];
    let mut seeds: Vec<(String, Vec<u8>)> = names.map(|name| (name.to_owned(), stored_file(name))).into();
    let folder = tempdir().unwrap();
    let graph = keras::load(stored_path("branches.keras")).unwrap();
    for (model, name) in
        [(chain, "gradus.keras"), (chain, "gradus.h5"), (&graph, "gradus_graph.keras"), (&graph, "gradus_graph.h5")]
    {
        let path = folder.path().join(name);
        keras::save(model, &path).unwrap();
        seeds.push((name.to_owned(), fs::read(&path).unwrap()));
    }
    seeds
}

/// Checks configurations and archives with false sizes that random changes do not produce.
fn check_false_claims(trial: &mut Trial, load: &mut Reader<'_>) {
    let h5 = stored_file("images.h5");
    let layer = |class: &str, settings: &str| {
        format!(
            r#"{{"class_name":"Sequential","config":{{"name":"a","layers":[{{"class_name":"InputLayer","config":{{"batch_shape":[null,SIZE,6,1]}}}},{{"class_name":"{class}","config":{{{settings}}}}}]}}}}"#
        )
    };
    let huge = "4611686018427387904";
    let claims = [
        ("deep lists", "[".repeat(3000)),
        ("deep objects", r#"{"a":"#.repeat(600)),
        ("many objects", format!("[{}", r#"{"a":1},"#.repeat(400))),
        ("a huge layer", layer("Dense", &format!(r#""units":{huge}"#)).replace("SIZE", "6")),
        ("huge kernels", layer("Conv2D", &format!(r#""filters":{huge},"kernel_size":{huge}"#)).replace("SIZE", "6")),
        ("a huge input", layer("Flatten", "").replace("SIZE", huge)),
        ("a huge shape", layer("Reshape", &format!(r#""target_shape":[{huge},{huge},{huge}]"#)).replace("SIZE", huge)),
        ("no layers", r#"{"class_name":"Sequential","config":{"name":"a","layers":[]}}"#.into()),
        ("another class", r#"{"class_name":"Functional","config":{"name":"a","layers":[]}}"#.into()),
    ];
    for (what, description) in claims {
        trial.read(&with_config(&h5, &description), what, load).unwrap_err();
    }
    for name in ["config.json", "model.weights.h5", "metadata.json"] {
        trial.read(&deflated(name, &vec![b'['; 60_000_000]), "a zip bomb", load).unwrap_err();
        trial
            .read(&deflated(name, r#"{"a":1},"#.repeat(700_000).as_bytes()), "a zip bomb of objects", load)
            .unwrap_err();
    }
}

#[test]
fn malformed_files_of_keras_are_handled() {
    let (mut trial, mut target) = (Trial::new(), model());
    let mut load = |path: &Path| {
        check_error_type(&keras::read_arrays(path, LIMIT).map(drop), "arrays");
        check_error_type(&keras::load_weights_with(&mut target, path, LIMIT), "weights");
        keras::load_with(path, LIMIT).map(drop)
    };
    check_false_claims(&mut trial, &mut load);
    for (number, (name, seed)) in seeds(&model()).iter().enumerate() {
        let weights = name.ends_with(".weights.h5");
        assert_eq!(trial.read(seed, name, &mut load).is_ok(), !weights, "{name}");
        trial.read_changed(seed, name, number as u64, CHANGES, &mut load);
    }
    trial.finish();
}

#[test]
fn malformed_chunks_and_filters_are_handled() {
    let mut trial = Trial::new();
    let mut read = |path: &Path| keras::read_arrays(path, LIMIT).map(drop);
    for (number, name) in ["chunks.h5", "chunks_latest.h5"].into_iter().enumerate() {
        let seed = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name)).unwrap();
        trial.read(&seed, name, &mut read).unwrap();
        trial.read_changed(&seed, name, number as u64, CHANGES / 4, &mut read);
    }
}
