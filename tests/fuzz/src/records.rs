//! release.json, run/A.json and run/deploy.json.

use serde::{Serialize, de::DeserializeOwned};
use state::deployment::Underway;
use state::instance::Record;
use state::{Manifest, duration};

pub fn check(bytes: &[u8]) {
    if let Some(manifest) = read_and_written::<Manifest>(bytes) {
        assert!(!duration::in_words(duration::of_seconds(manifest.build_seconds)).is_empty());
        assert!(!manifest.id.as_str().contains('/'));
        let _ = manifest.built.strftime("%Y-%m-%d %H:%M:%S").to_string();
    }
    if let Some(record) = read_and_written::<Record>(bytes) {
        assert_eq!(serde_json::from_slice::<Record>(&serde_json::to_vec(&record).unwrap()).unwrap(), record);
        record.process.runs();
    }
    read_and_written::<Underway>(bytes);
}

/// What was read can be written and read again.
fn read_and_written<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(bytes).ok()?;
    let written = serde_json::to_vec(&value).expect("it is plain data");
    serde_json::from_slice::<T>(&written).expect("what we write we can read");
    Some(value)
}
