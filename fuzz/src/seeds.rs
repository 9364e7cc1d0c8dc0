//! Writes the first inputs and the dictionary of each target: seeds FOLDER
//!
//! Inputs are files of the tests and small files that gradus writes, in FOLDER/TARGET. Dictionaries are FOLDER/TARGET.dict.

use gradus::formats::{keras, onnx};
use gradus::save::Registry;
use gradus::{Graph, Sequential, Shape, layers::Dense};
use gradus_fuzz::archive::{members, zip};
use gradus_fuzz::layers::samples;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Maximum length of an input in bytes.
const MAX_LENGTH: u64 = 64 << 10;

/// Targets, the endings of their files, and words of their formats.
const TARGETS: [(&str, &[&str], &[&str]); 10] = [
    (
        "safetensors",
        &["safetensors"],
        &[
            "__metadata__",
            "gradus.version",
            "gradus.sha256",
            "gradus.model",
            "gradus.state",
            "gradus.training",
            "dtype",
            "shape",
            "data_offsets",
            "F32",
            "F16",
            "BF16",
            "F64",
            "optimizer/",
            "callback/",
            "connections",
            "layers",
            "class",
            "settings",
            "optimizer",
            "heads",
            "metrics",
            "learning_rate",
            "preprocessing",
        ],
    ),
    (
        "npy",
        &["npy"],
        &["NUMPY", "descr", "fortran_order", "shape", "True", "False", "<f4", "<f8", ">f4", "|u1", "<i8", "|b1", "<f2"],
    ),
    ("npz", &[], &["NUMPY", "descr", "fortran_order", "shape", "\\x0a--\\x0a", "<U1", "|O"]),
    (
        "zip",
        &["npz", "keras"],
        &[
            "PK\\x01\\x02",
            "PK\\x03\\x04",
            "PK\\x05\\x06",
            "PK\\x06\\x06",
            "PK\\x06\\x07",
            "\\xff\\xff\\xff\\xff",
            ".npy",
            "config.json",
            "model.weights.h5",
            "metadata.json",
        ],
    ),
    (
        "hdf5",
        &["h5"],
        &[
            "HEAP",
            "TREE",
            "SNOD",
            "OHDR",
            "OCHK",
            "GCOL",
            "FRHP",
            "FHDB",
            "FHIB",
            "FSHD",
            "FADB",
            "FAHD",
            "EAHD",
            "EAIB",
            "EADB",
            "BTHD",
            "BTLF",
            "BTIN",
            "vars",
            "layers",
            "model_config",
            "weight_names",
            "layer_names",
            "optimizer",
            "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff",
        ],
    ),
    (
        "keras_config",
        &["json"],
        &[
            "class_name",
            "config",
            "registered_name",
            "module",
            "build_config",
            "layers",
            "inbound_nodes",
            "input_layers",
            "output_layers",
            "args",
            "kwargs",
            "keras_history",
            "__keras_tensor__",
            "batch_shape",
            "null",
            "true",
            "compile_config",
        ],
    ),
    ("onnx", &["onnx"], &[]),
    ("idx", &["idx"], &["\\x00\\x00\\x08\\x01", "\\x00\\x00\\x08\\x03", "\\x1f\\x8b\\x08"]),
    (
        "png",
        &["png"],
        &["IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "acTL", "fcTL", "fdAT", "iCCP", "zTXt", "sBIT"],
    ),
    ("architectures", &[], &[]),
];

fn main() {
    let folder = PathBuf::from(std::env::args_os().nth(1).expect("usage: seeds FOLDER"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    find(&root.join("tests"), &mut files);
    for (target, endings, words) in TARGETS {
        let place = folder.join(target);
        fs::create_dir_all(&place).expect("the folder is writable");
        for file in files.iter().filter(|file| endings.iter().any(|ending| file.extension() == Some(ending.as_ref()))) {
            fs::copy(file, place.join(file.file_name().expect("a file has a name"))).expect("the folder is writable");
        }
        let words = words.iter().map(|word| (*word).to_owned()).chain(names(target, &root));
        let lines: BTreeSet<String> = words.map(|word| format!("\"{word}\"\n")).collect();
        fs::write(folder.join(format!("{target}.dict")), String::from_iter(lines)).expect("the folder is writable");
    }
    write_models(&folder);
    write_members(&folder, &files);
    write_small(&folder);
}

/// The small files below a folder.
fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        match path.is_dir() {
            true => find(&path, files),
            false if path.metadata().is_ok_and(|about| about.len() <= MAX_LENGTH) => files.push(path),
            false => {}
        }
    }
}

/// Names of classes, settings and operators.
fn names(target: &str, root: &Path) -> Vec<String> {
    match target {
        "onnx" => onnx::Graph::operators().into_iter().map(str::to_owned).collect(),
        "safetensors" => {
            let specs = samples().iter().map(|sample| &sample.spec);
            let names = specs.flat_map(|spec| {
                let settings = spec.settings().iter().map(|(name, _)| name.to_string());
                settings.chain([spec.class().to_owned()])
            });
            names.collect()
        }
        "keras_config" => {
            let options = fs::read_to_string(root.join("tests/golden/keras_options.txt")).expect("the file exists");
            let fields = options
                .lines()
                .flat_map(|line| line.split('\t').skip(2).take(2).map(str::to_owned).collect::<Vec<_>>());
            fields.filter(|field| field.chars().all(|letter| letter.is_alphanumeric() || letter == '_')).collect()
        }
        _ => Vec::new(),
    }
}

/// A model of each sample of a layer, in each format that can hold it.
fn write_models(folder: &Path) {
    for (number, sample) in samples().iter().enumerate() {
        let mut graph = Graph::new();
        let shapes = sample.inputs.iter().map(|sizes| Shape::new(sizes).expect("a sample has few axes"));
        let nodes: Vec<_> = shapes.enumerate().map(|(at, shape)| graph.input(format!("x{at}"), shape)).collect();
        let layer = Registry::new().make_layer(&sample.spec).expect("a sample is valid");
        let outputs = if sample.spec.class() == "MixUp" || sample.spec.class() == "CutMix" { 2 } else { 1 };
        let node = graph.apply_many(layer, nodes, outputs)[0];
        graph.output("y", node);
        let Ok(architecture) = graph.architecture(1) else { continue };
        let name = |target: &str| folder.join(target).join(format!("layer_{number}"));
        architecture.save(name("safetensors")).expect("the folder is writable");
        if let Ok(bytes) = onnx::to_bytes(&architecture) {
            fs::write(name("onnx"), bytes).expect("the folder is writable");
        }
        let archive = folder.join("model.keras");
        let saved = architecture.into_model().and_then(|model| keras::save(&model, &archive));
        if saved.is_ok() {
            let bytes = fs::read(&archive).expect("the file was written");
            let config = members(&bytes).into_iter().find(|(name, _)| name == "config.json");
            fs::write(name("keras_config"), config.expect("the member exists").1).expect("the folder is writable");
            fs::remove_file(&archive).expect("the folder is writable");
        }
    }
}

/// The members of archives.
fn write_members(folder: &Path, files: &[PathBuf]) {
    for (number, file) in files.iter().enumerate() {
        let of = |ending: &str| file.extension() == Some(ending.as_ref());
        let bytes = fs::read(file).expect("the file exists");
        let write = |target: &str, name: &str, bytes: &[u8]| {
            let name = format!("{number}_{}", name.replace('/', "_"));
            fs::write(folder.join(target).join(name), bytes).expect("the folder is writable");
        };
        if of("npz") {
            let members = members(&bytes);
            let contents: Vec<&[u8]> = members.iter().map(|(_, contents)| contents.as_slice()).collect();
            write("npz", "members", &contents.join(&b"\n--\n"[..]));
            members.iter().for_each(|(name, contents)| write("npy", name, contents));
        } else if of("keras") {
            for (name, contents) in members(&bytes) {
                match name.rsplit_once('.').map(|(_, ending)| ending) {
                    Some("h5") => write("hdf5", &name, &contents),
                    Some("json") => write("keras_config", &name, &contents),
                    _ => {}
                }
            }
        }
    }
}

/// Inputs that are not in the tests.
fn write_small(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("the folder is writable");
    write("idx/images", &[&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..], &[1, 2, 3, 4]].concat());
    write("idx/labels", &[0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, &[0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]).expect("memory is writable");
    write("idx/labels.gz", &encoder.finish().expect("memory is writable"));
    write("zip/stored", &zip(&[("a.npy", b"\x93NUMPY"), ("b", b"")]));
    let network = Sequential::new((None, 4)).add(Dense::new(3));
    let open = network.architecture(1).expect("the network is valid");
    open.save(folder.join("safetensors/open")).expect("the folder is writable");
    // Bytes of a linear congruential generator.
    let mut state = 1u64;
    for number in 0..256 {
        let bytes = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        });
        write(&format!("architectures/{number}"), &bytes.take(64 + number).collect::<Vec<u8>>());
    }
}
