//! logs/deployments.jsonl, also torn by a crash or a full disk.

use state::deployment::Deployment;

const WHOLE: &str = r#"{"id":"20261121-024008","by":"potados","revision":"v2","target":"B","from":null,"to":"v2-94c8d7a","result":"deployed","reason":"größer","steps":{"start-instance":0.3},"started":"2026-11-21T02:40:08Z","seconds":5.9}"#;

pub fn check(bytes: &[u8]) {
    let found = Deployment::in_log(bytes);
    for deployment in &found {
        let line = serde_json::to_string(deployment).expect("a deployment is plain data");
        let again = Deployment::in_log(line.as_bytes());
        assert!(matches!(&again[..], [again] if again.typed() == deployment.typed()), "{line}");
    }
    // Whatever stands before it or after it, a whole line is not lost.
    let log = [WHOLE.as_bytes(), b"\n", bytes, b"\n", WHOLE.as_bytes(), b"\n"].concat();
    assert_eq!(Deployment::in_log(&log).len(), found.len() + 2);
}
