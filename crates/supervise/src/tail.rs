//! Following a log, also when it is rotated or truncated.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use state::{file, interrupt};

const POLL: Duration = Duration::from_millis(100);
const BLOCK: u64 = 64 * 1024;

/// Copies the last `lines` lines to `out`; where the log ends then.
pub fn last(path: &Path, lines: usize, out: &mut impl Write) -> io::Result<u64> {
    let mut file = file::open(path)?;
    let length = file.metadata()?.len();
    let start = start_of_last(&mut file, length, lines)?;
    file.seek(SeekFrom::Start(start))?;
    io::copy(&mut file.take(length - start), out)?;
    Ok(length)
}

/// Copies what is appended from `position` on, until SIGINT or SIGTERM comes or `out` is closed.
pub fn follow(path: &Path, mut position: u64, out: &mut impl Write) -> io::Result<()> {
    let mut followed = None;
    while interrupt::requested().is_none() {
        if let Ok(mut file) = file::open(path) {
            let metadata = file.metadata()?;
            // Another file under the same name, or a shorter one: it was rotated.
            if followed.is_some_and(|inode| inode != metadata.ino()) || metadata.len() < position {
                position = 0;
            }
            followed = Some(metadata.ino());
            file.seek(SeekFrom::Start(position))?;
            position += io::copy(&mut file, out)?;
            out.flush()?;
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// From the end backwards, a block at a time: the log may be large.
fn start_of_last(file: &mut File, length: u64, lines: usize) -> io::Result<u64> {
    let mut end = length;
    // The newline that ends the last line begins no other.
    let mut wanted = lines.saturating_add(1);
    let mut at_the_end = true;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let mut block = vec![0; (end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut block)?;
        if at_the_end && block.last() != Some(&b'\n') {
            wanted -= 1;
        }
        at_the_end = false;
        for (index, _) in block.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            wanted = wanted.saturating_sub(1);
            if wanted == 0 {
                return Ok(start + index as u64 + 1);
            }
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines() {
        let path = std::env::temp_dir().join(format!("flipside-tail-{}", std::process::id()));
        let cases = [
            ("one\ntwo\nthree\n", 2, "two\nthree\n"),
            ("one\ntwo", 1, "two"),
            ("one\n", 5, "one\n"),
            ("", 3, ""),
            ("a\nb\n", 0, ""),
        ];
        for (text, lines, expected) in cases {
            std::fs::write(&path, text).unwrap();
            let mut shown = Vec::new();
            last(&path, lines, &mut shown).unwrap();
            assert_eq!(String::from_utf8(shown).unwrap(), expected, "{text:?} {lines}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}
