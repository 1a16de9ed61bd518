//! Golden files: what a program is expected to write, kept beside the tests, rewritten on request.

use std::fs;
use std::path::{Path, PathBuf};

/// Compares `actual` with a file; `path` starts at the folder of the crate under test. With `UPDATE_GOLDEN=1` in the
/// environment the file is written instead: look at the change before it is kept.
///
/// # Panics
/// When they differ, with the first line that does, or when the file is missing.
pub fn assert_golden(path: impl AsRef<Path>, actual: impl AsRef<[u8]>) {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .unwrap_or_default();
    let path = manifest.join(path);
    let actual = actual.as_ref();
    if std::env::var("UPDATE_GOLDEN").is_ok_and(|value| value == "1") {
        if let Err(error) = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, actual))
        {
            panic!("can't write {}: {error}", path.display());
        }
        return;
    }
    let expected = fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; run the test with UPDATE_GOLDEN=1 to write it",
            path.display()
        )
    });
    if expected != actual {
        panic!(
            "{} differs{}\nrun the test with UPDATE_GOLDEN=1 to rewrite it, and look at the change",
            path.display(),
            first_difference(&expected, actual)
        );
    }
}

fn first_difference(expected: &[u8], actual: &[u8]) -> String {
    let (Ok(expected), Ok(actual)) = (std::str::from_utf8(expected), std::str::from_utf8(actual)) else {
        return format!(": {} bytes expected, {} made", expected.len(), actual.len());
    };
    let (mut expected, mut actual) = (expected.split('\n'), actual.split('\n'));
    let mut number = 0;
    loop {
        number += 1;
        match (expected.next(), actual.next()) {
            (Some(left), Some(right)) if left == right => {}
            (None, None) => return String::new(),
            (left, right) => {
                let shown =
                    |line: Option<&str>| line.map_or("(no such line)".to_owned(), |line| format!("{line:?}"));
                return format!(
                    " in line {number}\n  expected: {}\n  actual:   {}",
                    shown(left),
                    shown(right)
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_line_that_differs_is_shown() {
        assert_eq!(
            first_difference(b"a\nb\nc", b"a\nx\nc"),
            " in line 2\n  expected: \"b\"\n  actual:   \"x\""
        );
        assert!(first_difference(b"a", b"a\nb").contains("(no such line)"));
        assert!(first_difference(&[0xff], &[0xfe]).contains("1 bytes expected"));
    }
}
