//! The switch, which anybody may have edited. (What nginx itself makes of the corpus: tests/end_to_end/switch.rs.)

use nginx::{Include, Setting};
use state::InstanceName;

pub fn check(bytes: &[u8]) {
    // As it is read from the file.
    let text = String::from_utf8_lossy(bytes);
    let switch = Include::of(crate::app()).expect("ports");
    let setting = switch.interpret(&text);
    assert_eq!(setting.problem().is_some(), matches!(setting, Setting::Stranger(_) | Setting::Several));

    for target in [None, Some(InstanceName::A), Some(InstanceName::B)] {
        let ours = switch.text(target);
        assert_eq!(switch.interpret(&ours).enabled(), target);
        // A comment changes nothing, whatever it says.
        let comment = format!("# {}\n{ours}", text.replace('\n', " "));
        assert_eq!(switch.interpret(&comment).enabled(), target);
    }
}
