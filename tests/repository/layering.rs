//! The levels of the architecture: a module imports only from lower levels. Also other rules for the source.

use crate::source::{files, source, without_comments, without_tests};
use std::fs;
use std::path::Path;

/// The modules of each level, from the lowest up. Modules of one level do not import each other, except on the lowest level.
const LEVELS: [&[&str]; 12] = [
    &[
        "accepts",
        "axes",
        "axis_order",
        "error",
        "exchange",
        "files",
        "forward",
        "lookup",
        "output_scale",
        "padding2d",
        "padding3d",
        "random",
        "registry",
        "sample_shape",
        "settings",
        "shape",
        "size2d",
        "size3d",
        "sizes",
        "spec",
        "target",
    ],
    &["kernels"],
    &["data", "initializers", "metrics", "preprocessing", "tape"],
    &["ops", "optimizers"],
    &["constraints", "regularizers"],
    &["layers", "losses"],
    &["architecture"],
    &["save"],
    &["model"],
    &["formats"],
    &["report"],
    &["cli", "run"],
];

/// Modules outside the levels: `lib` exports everything, `testing` checks it, `bin` runs it, `guide` documents it, `golden`
/// reads the expected values of tests.
const BESIDE: [&str; 5] = ["bin", "golden", "guide", "lib", "testing"];

/// The module at the top of the crate that a file belongs to.
pub(crate) fn module(path: &Path) -> String {
    let inside = path.strip_prefix(source()).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn level(module: &str) -> Option<usize> {
    LEVELS.iter().position(|level| level.contains(&module))
}

/// The modules after `crate::` in a text, including nested lists.
fn imports(text: &str) -> Vec<String> {
    let code = without_comments(text);
    code.match_indices("crate::").flat_map(|(at, found)| first_words(&code[at + found.len()..])).collect()
}

/// The first word of a path, or of each path in a list.
fn first_words(path: &str) -> Vec<String> {
    let word = |text: &str| {
        let text = text.trim_start();
        let end = text.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(text.len());
        Some(text[..end].to_owned()).filter(|word| !word.is_empty())
    };
    let Some(list) = path.strip_prefix('{') else { return word(path).into_iter().collect() };
    let (mut words, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' | ',' if depth == 0 => {
                words.extend(word(&list[start..at]));
                start = at + 1;
                if letter == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    words
}

/// The number of `super::` from a file to the crate root.
fn depth(path: &Path) -> usize {
    let inside = path.strip_prefix(source()).unwrap();
    inside.components().count() - usize::from(path.ends_with("mod.rs"))
}

fn home(name: &str) -> &str {
    match name {
        "Architecture" | "Graph" | "LayerInstance" | "Sequential" | "ValueInfo" => "architecture",
        "Compile" | "Counters" | "Losses" | "Model" => "model",
        "AxisOrder" => "axis_order",
        "Error" | "Result" => "error",
        "Key" | "Draws" => "random",
        "SampleShape" => "sample_shape",
        "Shape" | "View" => "shape",
        "FromSpec" | "Settings" => "settings",
        "Spec" | "SpecValue" => "spec",
        // The list in `lib`, by which layers of formats are registered without being imported.
        "FORMAT_LAYERS" => "registry",
        other => other,
    }
}

#[test]
fn modules_import_only_from_lower_levels() {
    for (path, text) in files(&source()) {
        let from = module(&path);
        let Some(own) = level(&from) else {
            assert!(BESIDE.contains(&from.as_str()), "{} is on no level", path.display());
            continue;
        };
        for name in imports(&without_tests(&path, &text)) {
            let to = home(&name);
            // Files that contain only tests, such as `layers/keras.rs`, read the golden values.
            if to == from || to == "golden" || (own == 0 && level(to) == Some(0)) {
                continue;
            }
            let Some(other) = level(to) else { panic!("{} imports {name}, which is on no level", path.display()) };
            assert!(other < own, "{} imports {name}: level {own} from level {other}", path.display());
        }
    }
}

#[test]
fn paths_to_the_crate_root_are_uniform() {
    for (path, text) in files(&source()) {
        let code = without_comments(&without_tests(&path, &text));
        let inline = code.lines().any(|line| line.trim_end().ends_with('{') && line.contains("mod "));
        let climb = "super::".repeat(depth(&path) + usize::from(inline));
        assert!(module(&path) == "lib" || !code.contains(&climb), "{} says {climb}", path.display());
    }
}

#[test]
fn every_form_of_import_is_detected() {
    assert_eq!(imports("use crate::data::Arrays;\nlet x = crate::shape::Shape::SCALAR;"), ["data", "shape"]);
    assert_eq!(imports("use crate::{data::{Arrays, Rows}, model, Key};"), ["data", "model", "Key"]);
    assert_eq!(imports("use crate::{\n    ops::{self},\n    tape::*,\n};\nuse std::fmt;"), ["ops", "tape"]);
    assert_eq!(imports("// use crate::model;\nfn f(key: &crate::Key) {}"), ["Key"]);
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    use crate::testing;\n}\nfn b() {}\n#[cfg(test)]\nmod tests;";
    assert_eq!(without_tests(Path::new("a.rs"), text), "fn a() {}\nfn b() {}");
}

#[test]
fn unsafe_is_only_in_the_allowed_files() {
    let allowed = [
        "kernels/block.rs",
        "kernels/simd.rs",
        "kernels/simd/fma.rs",
        "kernels/simd/registers.rs",
        "kernels/simd/strided.rs",
    ];
    for (path, text) in files(&source()) {
        let code = without_comments(&text);
        let found = code.lines().filter(|line| is_unsafe(line)).count();
        assert!(found == 0 || allowed.iter().any(|allowed| path.ends_with(allowed)), "{} is unsafe", path.display());
    }
}

/// A file with `unsafe` states its contract, and tests compare it with safe code. Those of instruction sets are in one file,
/// which calls every operation of `Fma`.
#[test]
fn unsafe_code_has_a_contract_and_tests() {
    let file = |name: &str| fs::read_to_string(source().join("kernels").join(name)).unwrap();
    for name in ["block.rs", "simd/strided.rs"] {
        let text = file(name);
        assert!(text.contains("//! # Safety") && text.contains("are_those_of_a_slice()"), "{name}");
    }
    for name in ["simd.rs", "simd/fma.rs", "simd/registers.rs"] {
        assert!(file(name).contains("/// # Safety"), "{name}");
    }
    let (operations, tests) = (file("simd/fma.rs"), file("simd/tests.rs"));
    let (_, operations) = operations.split_once("trait Fma {").unwrap();
    let (operations, _) = operations.split_once("\n}\n").unwrap();
    let names = operations.lines().filter_map(|line| line.trim_start().strip_prefix("fn ")?.split(['<', '(']).next());
    let missing: Vec<&str> = names.filter(|name| !tests.contains(&format!("F::{name}("))).collect();
    assert!(missing.is_empty(), "without a safe twin in simd/tests.rs: {missing:?}");
}

// A hyphen belongs to the word, because the `unsafe-inline` of a page's security policy is not the keyword.
fn is_unsafe(line: &str) -> bool {
    let of_a_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    line.contains("allow(unsafe_code)") || line.split(|letter| !of_a_word(letter)).any(|word| word == "unsafe")
}

#[test]
fn every_form_of_unsafe_is_detected() {
    let unsafe_lines = ["unsafe { f() }", "pub unsafe fn f() {", "let x = unsafe{f()};", "#![allow(unsafe_code)]"];
    assert!(unsafe_lines.into_iter().all(is_unsafe));
    assert!(!is_unsafe("style-src 'unsafe-inline'") && !is_unsafe("let unsafe_room = 1;"));
}

/// Functions of the system's mathematics library, whose last bits differ between systems.
const LIBM: [&str; 29] = [
    "exp", "exp2", "exp_m1", "ln", "ln_1p", "log", "log2", "log10", "tanh", "sinh", "cosh", "sin", "cos", "tan",
    "sin_cos", "asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh", "powf", "powi", "cbrt", "hypot", "gamma",
    "ln_gamma", "erf",
];

/// Names that make bits depend on random state, time, hashes, or an order of sums that this crate does not define.
const BY_CHANCE: [&str; 14] = [
    "StdRng",
    "SmallRng",
    "thread_rng",
    "rand::rng(",
    "StandardNormal",
    "SystemTime",
    "HashMap",
    "HashSet",
    "par_bridge",
    "matrixmultiply",
    ".dot(",
    "general_mat_mul",
    "algebraic",
    "_fast(",
];

/// Names that are allowed in some files, because bits do not depend on them there.
const ONLY_IN: [(&str, &[&str]); 8] = [
    // The assignment of chunks to threads. Chunks are determined by shape.
    (
        "current_num_threads",
        &["kernels/parallel.rs", "kernels/matmul.rs", "kernels/recurrent.rs", "kernels/spin_wait.rs"],
    ),
    // Whether this thread belongs to the pool whose threads spin.
    ("current_thread_index", &["kernels/spin_wait.rs"]),
    // Fused multiply-adds are called through `Fma`, and instruction sets are selected in one file.
    ("mul_add", &["kernels/simd/fma.rs"]),
    ("target_feature", &["kernels/simd.rs", "kernels/simd/fma.rs", "kernels/simd/registers.rs"]),
    ("target_arch", &["kernels/simd.rs", "kernels/simd/fma.rs", "kernels/simd/registers.rs"]),
    ("is_x86_feature_detected", &["kernels/simd.rs"]),
    ("std::arch", &["kernels/simd.rs", "kernels/simd/registers.rs"]),
    ("core::arch", &[]),
];

/// Sums in the order of rayon. They are forbidden in files that use its iterators, which end in `for_each`.
const GATHERED: [&str; 8] =
    [".sum(", ".sum::<", ".reduce(", ".reduce_with(", ".fold(", ".fold_with(", ".product(", ".product::<"];

/// The forbidden names in the text of a file.
fn says(path: &Path, text: &str) -> Option<String> {
    let code = without_comments(&without_tests(path, text));
    let calls = LIBM.iter().flat_map(|name| [format!(".{name}("), format!("f32::{name}"), format!("f64::{name}")]);
    // `F64::exp` and `f32::exponent` are other names.
    let whole = |word: &str| {
        let after = code.match_indices(word).filter_map(|(at, _)| code[at + word.len()..].chars().next());
        word.ends_with('(') && code.contains(word)
            || after.into_iter().any(|next| !next.is_alphanumeric() && next != '_')
    };
    let elsewhere = |files: &[&str]| !files.iter().any(|file| path.ends_with(file));
    let parallel = code.contains("par_") || code.contains("rayon::prelude") || code.contains("rayon::iter");
    let found = calls.into_iter().find(|call| whole(call));
    let found = found.or_else(|| BY_CHANCE.iter().find(|word| code.contains(**word)).map(|word| word.to_string()));
    let only = ONLY_IN.iter().find(|(word, files)| elsewhere(files) && code.contains(word));
    let found = found.or_else(|| only.map(|(word, _)| word.to_string()));
    found.or_else(|| GATHERED.iter().find(|word| parallel && code.contains(**word)).map(|word| word.to_string()))
}

#[test]
fn the_source_uses_no_system_mathematics_and_no_random_state() {
    for (path, text) in files(&source()) {
        let found = says(&path, &text);
        assert!(found.is_none(), "{} uses {}", path.display(), found.unwrap_or_default());
    }
}

#[test]
fn every_forbidden_name_is_detected() {
    let found = |code: &str| says(&source().join("kernels/new.rs"), code);
    for (code, word) in [
        ("let y = x.exp();", ".exp("),
        ("let y = f64::powi(x, 2);", "f64::powi"),
        ("values.iter().copied().map(f32::tanh)", "f32::tanh"),
        ("let y = a.mul_add(b, c);", "mul_add"),
        ("let total: f32 = values.par_iter().sum();", ".sum("),
        ("use rayon::prelude::*;\nlet total = parts.map(f).reduce(|| 0.0, |a, b| a + b);", ".reduce("),
        ("let c = a.dot(&b);", ".dot("),
        ("let chunk = rows / rayon::current_num_threads();", "current_num_threads"),
        ("if cfg!(target_feature = \"fma\") {}", "target_feature"),
        ("use std::arch::x86_64::*;", "std::arch"),
        ("let y = a.algebraic_add(b);", "algebraic"),
    ] {
        assert_eq!(found(code).as_deref(), Some(word), "{code}");
    }
    assert_eq!(found("let y = math::exp(x) + x.sqrt();\nlet total: f64 = values.iter().sum();\n// x.exp()"), None);
    assert_eq!(found("let y = x.exponent();\n#[cfg(test)]\nmod tests {\n    fn f() { x.exp() }\n}"), None);
    assert_eq!(says(&source().join("kernels/simd/fma.rs"), "a.mul_add(b, c)"), None);
}

#[test]
fn files_are_short_and_have_module_documentation() {
    let mut lengths = Vec::new();
    for (path, text) in files(&source()) {
        assert!(text.starts_with("//! "), "{} has no module documentation", path.display());
        lengths.push(text.lines().count());
        assert!(lengths.last() < Some(&400), "{} is long: is it one concept?", path.display());
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    println!("the median of {} files has {median} lines", lengths.len());
    assert!(median < 150, "the median file has {median} lines");
}
