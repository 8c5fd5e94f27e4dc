//! X-Flipside-Upstream, the header of nginx's check server.

use nginx::Live;
use state::InstanceName;

pub fn check(bytes: &[u8]) {
    let Some(text) = crate::text(bytes) else { return };
    let live = Live::at(crate::app(), text);
    assert!(!live.in_words().is_empty());
    match live {
        Live::Nobody => {}
        Live::Instance(instance) => assert!(text.ends_with(&crate::app().address(instance).to_string())),
        Live::Stranger(address) => assert!(address.contains(':')),
        other => panic!("{other:?}"),
    }
    // The last one has answered.
    for instance in InstanceName::BOTH {
        let retried = format!("{text}, 127.0.0.1:{}", crate::app().address(instance));
        assert_eq!(Live::at(crate::app(), &retried), Live::Instance(instance));
    }
}
