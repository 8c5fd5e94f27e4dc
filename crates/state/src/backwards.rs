//! A log from its end: one of many years is not read for its last lines.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// The lines of a log, the last one first. No more of it is read than they need.
pub struct Backwards {
    file: File,
    /// Where what has been read begins.
    begin: u64,
    /// From there to the line that was told last.
    text: Vec<u8>,
}

impl Backwards {
    /// What is read at once: some twenty lines of `deployments.jsonl`.
    const BLOCK: usize = 8 * 1024;

    pub fn of(file: File) -> io::Result<Self> {
        let begin = file.metadata()?.len();
        Ok(Self { file, begin, text: Vec::new() })
    }

    /// The line before, without its end: none when all have been told. What follows the last end counts as one, too.
    pub fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            let unknown = self.text.len() - searched;
            if let Some(end) = self.text[..unknown].iter().rposition(|byte| *byte == b'\n') {
                let line = self.text.split_off(end + 1);
                self.text.pop();
                return Ok(Some(line));
            }
            if self.begin == 0 {
                return Ok(Some(std::mem::take(&mut self.text)).filter(|first| !first.is_empty()));
            }
            searched = self.text.len();
            // As much again as there is: a long line is not moved for each of its blocks.
            let more = self.begin.min(self.text.len().max(Self::BLOCK) as u64);
            let mut earlier = vec![0; more as usize];
            self.file.read_exact_at(&mut earlier, self.begin - more)?;
            earlier.append(&mut self.text);
            self.text = earlier;
            self.begin -= more;
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::{MemfdFlags, memfd_create};

    use super::*;

    fn all(text: &[u8]) -> Vec<Vec<u8>> {
        let file = File::from(memfd_create("log", MemfdFlags::CLOEXEC).unwrap());
        file.write_all_at(text, 0).unwrap();
        let mut lines = Backwards::of(file).unwrap();
        std::iter::from_fn(|| lines.next().unwrap()).collect()
    }

    #[test]
    fn all_lines_are_told_whatever_their_length() {
        let long = |length: &usize| vec![b'x'; *length];
        let block = Backwards::BLOCK;
        for lengths in [&[1][..], &[3, 5], &[block - 1, block, block + 1], &[1, 50 * block, 0, 7]] {
            let lines: Vec<_> = lengths.iter().map(long).collect();
            let mut told = all(&lines.join(&b'\n'));
            told.reverse();
            assert_eq!(told, lines);
        }
        assert_eq!(all(b"one\ntwo\n"), [&b""[..], b"two", b"one"]);
        assert!(all(b"").is_empty());
    }
}
