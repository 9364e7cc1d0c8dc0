//! Files made to do harm: whatever is changed in a Keras model, loading it ends in a model or in an error about the file,
//! in little memory. One test in a file of its own, as it counts what is allocated.

mod memory;

use flate2::{Compression, Crc, write::DeflateEncoder};
use gradus::formats::keras;
use gradus::layers::{BatchNorm, Conv2d, Dense, Flatten};
use gradus::losses::CategoricalCrossentropy;
use gradus::optimizers::Adam;
use gradus::{Compile, Draws, Error, Key, Model, Sequential};
use memory::{MOST, NOW};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The most that loading a file may take.
const MEMORY: usize = 64 << 20;

/// Far longer than loading takes, however busy the machine is.
const HANGS: u64 = 20;

/// How often each seed is changed at random.
const CHANGES: usize = 1500;

/// Tries files, and counts what became of them.
struct Trial {
    path: PathBuf,
    model: Model,
    loaded: usize,
    refused: usize,
    most: usize,
}

impl Trial {
    fn new() -> Trial {
        let network =
            Sequential::new([4, 4, 1]).add(Conv2d::new(2, 2)).add(BatchNorm::new()).add(Flatten).add(Dense::new(3));
        let model = network.compile(Compile::new(Adam::default(), CategoricalCrossentropy::new())).unwrap();
        let path = std::env::temp_dir().join(format!("gradus-hostile-{}", std::process::id()));
        Trial { path, model, loaded: 0, refused: 0, most: 0 }
    }

    /// Loads a file as a model and as weights.
    fn load(&mut self, bytes: &[u8], what: &str) -> Result<(), String> {
        fs::write(&self.path, bytes).unwrap();
        let (before, began) = (NOW.load(Ordering::SeqCst), Instant::now());
        MOST.store(before, Ordering::SeqCst);
        let result = keras::load(&self.path).map(|_| ());
        let weights = keras::load_weights(&mut self.model, &self.path);
        let most = MOST.load(Ordering::SeqCst) - before;
        self.most = self.most.max(most);
        assert!(most <= MEMORY, "{what}: {most} bytes");
        assert!(began.elapsed().as_secs() < HANGS, "{what}: it hangs");
        for result in [&result, &weights] {
            assert!(matches!(result, Ok(()) | Err(Error::Format { .. })), "{what}: {result:?}");
        }
        *if result.is_ok() { &mut self.loaded } else { &mut self.refused } += 1;
        result.map_err(|error| error.to_string())
    }
}

/// The file with something changed, as a key has it.
fn changed(seed: &[u8], draws: &mut Draws) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    let length = bytes.len();
    let mut below = |end: usize| draws.below(end as u32) as usize;
    match below(6) {
        0 => bytes.truncate(below(length)),
        1 => (0..1 + below(8)).for_each(|_| bytes[below(length)] ^= 1 << below(8)),
        2 => (0..1 + below(4)).for_each(|_| bytes[below(length)] = [0, 1, 0x7f, 0xff][below(4)]),
        // Numbers stand at eights: addresses, lengths and counts become others'.
        3 => (0..1 + below(3)).for_each(|_| {
            let values = [0, 1, 96, length as u64, 1 << 31, 1 << 40, u64::MAX, u64::MAX / 2, below(length) as u64];
            let at = below(length / 8 - 1) * 8;
            bytes[at..at + 8].copy_from_slice(&values[below(9)].to_le_bytes());
        }),
        4 => {
            let (from, to, count) = (below(length - 256), below(length - 256), 1 + below(256));
            bytes.copy_within(from..from + count, to);
        }
        // A digit of a description becomes another.
        _ => {
            let digits: Vec<usize> = (0..length).filter(|at| bytes[*at].is_ascii_digit()).collect();
            (0..1 + below(3)).for_each(|_| bytes[digits[below(digits.len())]] = b"0123456789-e\"[{"[below(15)]);
        }
    }
    bytes
}

/// Sets every checksum of an archive of stored members to what they hold now, so that reading goes on behind them.
fn mend(bytes: &mut [u8]) {
    let number = |bytes: &[u8], at: usize, width: usize| {
        bytes
            .get(at..at + width)
            .map_or(0, |piece| piece.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    };
    let entries: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, four)| four == b"PK\x01\x02").map(|(at, _)| at).collect();
    for at in entries {
        let (length, begin) = (number(bytes, at + 24, 4), number(bytes, at + 42, 4));
        let begin = begin + 30 + number(bytes, begin + 26, 2) + number(bytes, begin + 28, 2);
        let Some(contents) = bytes.get(begin..begin + length) else { continue };
        let mut crc = Crc::new();
        crc.update(contents);
        if let Some(place) = bytes.get_mut(at + 16..at + 20) {
            place.copy_from_slice(&crc.sum().to_le_bytes());
        }
    }
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

/// The file with its description of the model replaced by another, padded to the same length.
fn described(seed: &[u8], description: &str) -> Vec<u8> {
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

fn kept(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/files").join(name)).unwrap()
}

/// Files that Keras wrote, and files of our own.
fn seeds(trial: &Trial) -> Vec<(String, Vec<u8>)> {
    let names = ["images.h5", "images.weights.h5", "sgd.keras", "old.h5", "adam.keras"];
    let mut seeds: Vec<(String, Vec<u8>)> = names.map(|name| (name.to_owned(), kept(name))).into();
    for ending in ["keras", "h5"] {
        let path = trial.path.with_extension(ending);
        keras::save(&trial.model, &path).unwrap();
        seeds.push((format!("ours.{ending}"), fs::read(&path).unwrap()));
        fs::remove_file(path).unwrap();
    }
    seeds
}

/// Lies that chance does not find.
fn check_lies(trial: &mut Trial) {
    let h5 = kept("images.h5");
    let layer = |class: &str, settings: &str| {
        format!(
            r#"{{"class_name":"Sequential","config":{{"name":"a","layers":[{{"class_name":"InputLayer","config":{{"batch_shape":[null,SIZE,6,1]}}}},{{"class_name":"{class}","config":{{{settings}}}}}]}}}}"#
        )
    };
    let huge = "4611686018427387904";
    let lies = [
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
    for (what, description) in lies {
        trial.load(&described(&h5, &description), what).unwrap_err();
    }
    for name in ["config.json", "model.weights.h5", "metadata.json"] {
        trial.load(&deflated(name, &vec![b'['; 60_000_000]), "a bomb").unwrap_err();
        trial.load(&deflated(name, r#"{"a":1},"#.repeat(700_000).as_bytes()), "a bomb of objects").unwrap_err();
    }
}

#[test]
fn no_file_does_harm() {
    let mut trial = Trial::new();
    check_lies(&mut trial);
    let seeds = seeds(&trial);
    for (number, (name, seed)) in seeds.iter().enumerate() {
        assert!(seed.len() <= 64 << 10, "{name} is small");
        let weights = name.ends_with(".weights.h5");
        assert_eq!(trial.load(seed, name).is_ok(), !weights, "{name}");
        let mut draws = Key::from_seed(7).split(number as u64).draws(0);
        for change in 0..CHANGES {
            let mut bytes = changed(seed, &mut draws);
            if change % 2 == 0 {
                mend(&mut bytes);
            }
            let _ = trial.load(&bytes, &format!("{name}, change {change}")); // what becomes of it is counted
        }
    }
    fs::remove_file(&trial.path).unwrap();
    let Trial { loaded, refused, most, .. } = trial;
    println!("{} files: {loaded} loaded, {refused} refused, at most {most} bytes", loaded + refused);
    assert!(loaded + refused >= 10_000 && loaded >= 1000 && refused >= 1000);
}
