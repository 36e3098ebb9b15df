//! Where LiteRT's library lies when nobody says it.

use std::path::{Path, PathBuf};

/// Name of the library's file.
pub const FILE_NAME: &str = "libLiteRt.so";

/// Environment variable that names the library.
pub const VARIABLE: &str = "EDGEBENCH_LITERT";

/// The library inside the Python environments (`lib/python*/site-packages/ai_edge_litert`) with these roots, in order.
pub fn in_python_environments(roots: &[PathBuf]) -> Option<PathBuf> {
    roots.iter().find_map(|root| in_environment(root))
}

fn in_environment(root: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(root.join("lib")).ok()?;
    let mut found: Vec<PathBuf> = versions
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("python"))
        .map(|entry| entry.path().join("site-packages/ai_edge_litert").join(FILE_NAME))
        .filter(|file| file.is_file())
        .collect();
    found.sort();
    found.pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_environment_with_the_library_wins() {
        let folder = std::env::temp_dir().join(format!("edgebench-litert-{}", std::process::id()));
        let place = folder.join("b/lib/python3.11/site-packages/ai_edge_litert");
        std::fs::create_dir_all(&place).expect("a scratch folder");
        std::fs::create_dir_all(folder.join("a/lib/python3.11/site-packages")).expect("a scratch folder");
        std::fs::write(place.join(FILE_NAME), "").expect("a scratch file");
        let found = in_python_environments(&[folder.join("missing"), folder.join("a"), folder.join("b")]);
        std::fs::remove_dir_all(&folder).expect("the scratch folder");
        assert_eq!(found, Some(place.join(FILE_NAME)));
    }
}
