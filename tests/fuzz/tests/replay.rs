//! What was found once is tried for ever: each file of the corpus, whole and torn at any byte.

use std::fs;
use std::path::Path;

#[test]
fn the_corpus_breaks_no_promise() {
    for (name, check) in fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let seeds = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut count = 0;
        for seed in seeds {
            let path = seed.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let tried = std::panic::catch_unwind(|| {
                (0..=bytes.len()).for_each(|end| check(&bytes[..end]));
            });
            assert!(tried.is_ok(), "{} breaks a promise (above)", path.display());
            count += 1;
        }
        assert!(count > 0, "{} is empty", folder.display());
    }
}
