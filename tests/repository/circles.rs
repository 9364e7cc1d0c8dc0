//! Circular imports between the modules of a folder.
//!
//! Each file and each folder beside a `mod.rs` is a module, and so are the items in `mod.rs`. A re-exported name belongs to its
//! original module, so a `mod.rs` that only declares and re-exports is not part of a circle.

use crate::source::{files, source, without_comments, without_tests};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The checked folders, including their subfolders. A module with a single file has no circle.
const FOLDERS: [&str; 16] = [
    "cli",
    "data",
    "formats",
    "kernels",
    "losses",
    "metrics",
    "model",
    "ops",
    "optimizers",
    "preprocessing",
    "report",
    "run",
    "save",
    "settings",
    "tape",
    "architecture",
];

/// The items of a `mod.rs`, as a module.
const ITEMS: &str = "mod.rs";

/// The imports of each module.
type Imports = BTreeMap<String, BTreeSet<String>>;

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Parses a path with the lists in it, and returns the rest of the text.
fn path<'a>(text: &'a str, before: &[&'a str], found: &mut Vec<Vec<&'a str>>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = path(rest, before, found).trim_start();
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = text.find(|letter| !is_word(letter)).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let whole = [before, &[word]].concat();
    match rest.strip_prefix("::") {
        Some(rest) if rest.starts_with(|letter| is_word(letter) || letter == '{') => path(rest, &whole, found),
        // The part before `::*` or `::<` is the path.
        _ => {
            if !word.is_empty() || rest.starts_with('*') {
                found.push(whole);
            }
            let rest = rest.strip_prefix('*').unwrap_or(rest);
            let renamed = rest.trim_start().strip_prefix("as ");
            renamed.map_or(rest, |rest| rest.trim_start().trim_start_matches(is_word))
        }
    }
}

/// Every path with `::` in a text, with lists expanded, and whether it is re-exported.
fn paths(code: &str) -> Vec<(Vec<&str>, bool)> {
    let (mut all, mut rest, mut exported) = (Vec::new(), code, false);
    while let Some(at) = rest.find(|letter| is_word(letter) || letter == ';' || letter == '$') {
        rest = &rest[at..];
        if let Some(next) = rest.strip_prefix(';') {
            (exported, rest) = (false, next);
            continue;
        }
        // The expansion of a macro is checked where the macro is called.
        if let Some(next) = rest.strip_prefix('$') {
            rest = next.trim_start_matches(|letter| is_word(letter) || letter == ':');
            continue;
        }
        let word = &rest[..rest.find(|letter| !is_word(letter)).unwrap_or(rest.len())];
        let mut found = Vec::new();
        let next = path(rest, &[], &mut found);
        if word == "pub" {
            let after = next.strip_prefix("(crate)").or(next.strip_prefix("(super)")).unwrap_or(next);
            exported = after.trim_start().starts_with("use ");
        }
        let after_word = &rest[word.len()..];
        if after_word.starts_with("::") {
            all.extend(found.into_iter().map(|path| (path, exported)));
            rest = next;
        } else {
            rest = after_word;
        }
    }
    all
}

/// A folder of modules.
struct Folder {
    /// The path from the crate root.
    path: Vec<String>,
    modules: BTreeSet<String>,
    /// The original module of each name in `mod.rs`, or `None` if it is outside the folder.
    names: BTreeMap<String, Option<String>>,
}

impl Folder {
    fn new(root: &Path, path: Vec<String>) -> Folder {
        let place = path.iter().fold(root.to_owned(), |place, part| place.join(part));
        let mut folder = Folder { modules: modules(&place), names: BTreeMap::new(), path };
        let text = code(&place.join("mod.rs"));
        for (path, _) in paths(&text) {
            let name = path.last().copied().unwrap_or_default().to_owned();
            let own = path[0] == "self" && path.len() > 1;
            let first = if own { path[1] } else { path[0] };
            if folder.modules.contains(first) {
                folder.names.insert(name, Some(first.to_owned()));
            } else if ["crate", "std", "ndarray", "super"].contains(&path[0]) {
                folder.names.entry(name).or_insert(None);
            }
        }
        folder
    }

    /// The module of the folder that a path from the module `from` refers to.
    fn target(&self, from: &[String], path: &[&str]) -> Option<String> {
        let mut at: Vec<String> = match path[0] {
            "crate" => Vec::new(),
            "super" | "self" => from.to_vec(),
            // Paths start at the module if it has such a submodule.
            first if from == self.path && self.modules.contains(first) => return Some(first.to_owned()),
            _ => return None,
        };
        for part in path {
            match *part {
                "crate" | "self" => {}
                "super" => drop(at.pop()),
                part => at.push(part.to_owned()),
            }
        }
        let inside = at.strip_prefix(&self.path[..])?;
        match inside.first() {
            // The name of a list, or everything.
            None => (path.len() > 1 || path[0] == "super").then(|| ITEMS.to_owned()),
            Some(name) if self.modules.contains(name) => Some(name.clone()),
            Some(name) => match self.names.get(name) {
                Some(module) => module.clone(),
                None => Some(ITEMS.to_owned()),
            },
        }
    }

    /// The imports between its modules.
    fn imports(&self, root: &Path) -> Imports {
        let place = self.path.iter().fold(root.to_owned(), |place, part| place.join(part));
        let mut imports = Imports::new();
        for file in files(&place).into_keys() {
            let from = module_path(root, &file);
            let module = from.get(self.path.len()).cloned().unwrap_or(ITEMS.to_owned());
            for (path, exported) in paths(&code(&file)) {
                let target = self.target(&from, &path).filter(|target| *target != module);
                if let Some(target) = target.filter(|_| !(exported && module == ITEMS)) {
                    imports.entry(module.clone()).or_default().insert(target);
                }
            }
        }
        imports
    }
}

/// The path of a file's module from the crate root.
fn module_path(root: &Path, file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(root).unwrap().with_extension("");
    let mut path: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    path.pop_if(|last| last == "mod");
    path
}

fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    without_comments(&without_tests(file, &text))
}

/// The names of the modules in a folder.
fn modules(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let names = entries.filter(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "rs"));
    let names = names.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
    names.filter(|name| !["mod", "tests"].contains(&name.as_str())).collect()
}

/// The groups of modules that import each other, each sorted.
fn circles(imports: &Imports) -> Vec<Vec<String>> {
    let reached = |from: &String| {
        let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
        while let Some(module) = left.pop() {
            left.extend(imports.get(module).into_iter().flatten().filter(|next| seen.insert((*next).clone())));
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = imports.keys().map(|module| (module, reached(module))).collect();
    let within = |module: &&String| reached[*module].contains(*module);
    let mut circles: Vec<Vec<String>> = Vec::new();
    for module in imports.keys().filter(within) {
        if !circles.iter().any(|circle| circle.contains(module)) {
            let back = |other: &&String| reached[module].contains(*other) && reached[*other].contains(module);
            circles.push(imports.keys().filter(back).cloned().collect());
        }
    }
    circles
}

/// Every folder with several modules, including the given one, by its path from the crate root.
fn folders(root: &Path, path: Vec<String>) -> Vec<Vec<String>> {
    let place = path.iter().fold(root.to_owned(), |place, part| place.join(part));
    let inner: Vec<PathBuf> = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path()).collect();
    let inner = inner.iter().filter(|inner| inner.is_dir());
    let below = inner.flat_map(|inner| {
        let name = inner.file_name().unwrap().to_string_lossy().into_owned();
        folders(root, [&path[..], &[name]].concat())
    });
    let below = below.collect::<Vec<_>>();
    [vec![path], below].concat()
}

/// The circles in a folder and its subfolders, with their imports.
fn found(root: &Path, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for path in folders(root, vec![folder.to_owned()]) {
        let imports = Folder::new(root, path.clone()).imports(root);
        for circle in circles(&imports) {
            let within = |module: &String| imports[module].iter().filter(|to| circle.contains(to)).cloned().collect();
            let edges = circle.iter().map(|module| (module, within(module)));
            let edges = edges.map(|(module, to): (_, Vec<String>)| format!("{module} → {}", to.join(", ")));
            found.push(format!("{}: {}", path.join("/"), edges.collect::<Vec<_>>().join("; ")));
        }
    }
    found
}

#[test]
fn modules_of_a_folder_do_not_import_each_other_in_a_circle() {
    let folders = FOLDERS.into_iter().filter(|folder| source().join(folder).is_dir());
    let circles: Vec<String> = folders.flat_map(|folder| found(&source(), folder)).collect();
    assert!(circles.is_empty(), "move the common code to a separate module:\n{}", circles.join("\n"));
}

#[test]
fn operations_import_from_modules_and_not_from_the_crate_root() {
    let root = modules(&source());
    for (file, _) in files(&source().join("ops")) {
        for (path, _) in paths(&code(&file)).iter().filter(|(path, _)| path[0] == "crate") {
            let module = path.get(1).is_some_and(|name| root.contains(*name));
            assert!(module, "{} imports {}; name the module that it is from", file.display(), path.join("::"));
        }
    }
}

#[test]
fn every_form_of_import_is_detected() {
    let seen = |code| paths(code).into_iter().map(|(path, exported)| (path.join("::"), exported)).collect::<Vec<_>>();
    let named = |names: &[&str], exported| names.iter().map(|name| (name.to_string(), exported)).collect::<Vec<_>>();
    assert_eq!(
        seen("use super::{a::{B, self}, C as D, e::*};\nuse f::G;"),
        named(&["super::a::B", "super::a::self", "super::C", "super::e", "f::G"], false)
    );
    assert_eq!(
        seen("pub use a::{B, C};\nuse d::E;"),
        [named(&["a::B", "a::C"], true), named(&["d::E"], false)].concat()
    );
    assert_eq!(
        seen("pub(crate) use a::B;\nfn f(x: &super::X) -> crate::y::Z<u8> {}"),
        [named(&["a::B"], true), named(&["super::X", "crate::y::Z"], false)].concat()
    );
    assert_eq!(
        seen("macro_rules! m { ($a:ident::$b:ident) => { mod $a; pub use $a::$b; } }\nm! { huber::Huber }"),
        named(&["huber::Huber"], false)
    );
}

#[test]
fn every_circle_is_detected() {
    let folder = tempfile::tempdir().unwrap();
    let circles = |files: &[(&str, &str)]| {
        let place = folder.path().join("top");
        let _ = fs::remove_dir_all(&place);
        for (name, text) in files {
            let file = place.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        found(folder.path(), "top")
    };
    let declared = "mod a;\nmod b;\npub use a::A;\npub use b::B;\n";
    let two = circles(&[("mod.rs", declared), ("a.rs", "use super::B;"), ("b.rs", "use crate::top::a::A;")]);
    assert_eq!(two, ["top: a → b; b → a"]);
    let one_way = [("mod.rs", declared), ("a.rs", "use super::B;\nuse crate::target::T;"), ("b.rs", "use std::fmt;")];
    assert_eq!(circles(&one_way), [""; 0]);
    let longer =
        [("mod.rs", ""), ("a.rs", "use super::b::X;"), ("b.rs", "super::c::f()"), ("c.rs", "use super::{a::Y, d};")];
    assert_eq!(circles(&longer), ["top: a → b; b → c; c → a"]);
    let parent = [("mod.rs", "mod a;\nuse a::A;\npub struct Own(A);"), ("a.rs", "use super::Own;")];
    assert_eq!(circles(&parent), ["top: a → mod.rs; mod.rs → a"]);
    let only_used = [("mod.rs", "mod a;\npub use a::A;\npub struct Own;"), ("a.rs", "use super::Own;")];
    assert_eq!(circles(&only_used), [""; 0]);
    let inner = [
        ("mod.rs", "mod in_it;"),
        ("in_it/mod.rs", ""),
        ("in_it/a.rs", "use super::b::B;"),
        ("in_it/b.rs", "use super::a::A;"),
    ];
    assert_eq!(circles(&inner), ["top/in_it: a → b; b → a"]);
    let in_tests = [
        ("mod.rs", declared),
        ("a.rs", "use super::B;"),
        ("b.rs", "#[cfg(test)]\nmod tests {\n    use super::super::A;\n}"),
    ];
    assert_eq!(circles(&in_tests), [""; 0]);
}
