//! A folder in which a test runs the program `gradus`.

use gradus::formats::npy;
use ndarray::ArrayD;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::{TempDir, tempdir};

/// A folder for the files of one test, removed at its end. The program runs in it.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_gradus")).args(arguments).current_dir(&self.0).output().unwrap()
    }

    /// Standard output of a run that succeeds and prints nothing on standard error.
    #[track_caller]
    pub(crate) fn shown(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "");
        text(&output.stdout)
    }

    /// The line on standard error of a run that ends with this exit code.
    #[track_caller]
    pub(crate) fn error_message(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let (shown, message) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {shown}{message}");
        assert_eq!(shown, "");
        assert_eq!(message.lines().count(), 1, "{message}");
        message.trim_end().strip_prefix("gradus: ").unwrap().to_owned()
    }

    /// The predictions of `gradus predict` as an array.
    #[track_caller]
    pub(crate) fn predicted(&self, arguments: &[&str]) -> ArrayD<f32> {
        self.shown(&[&["predict"], arguments, &["--out", "p.npy"]].concat());
        npy::read(self.path("p.npy")).unwrap().into_floats()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
