//! `/proc/PID/stat`: the name of a process, in its midst, is any bytes that the process likes.

use state::Pid;
use state::process::Stat;

/// What follows the name, as the kernel writes it (proc_pid_stat(5)); it has started at 424242.
const FIELDS: &[u8] =
    b") S 1 71 71 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 424242 4096 1 18446744073709551615 \
    1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

pub fn check(bytes: &[u8]) {
    Stat::parse(bytes);
    let name: Vec<_> = bytes.iter().copied().filter(|byte| *byte != 0).take(15).collect();
    let line = [b"71 (", &name[..], FIELDS].concat();
    let expected =
        Stat { state: 'S', parent: Pid(1), session: Pid(71), start: 424_242, busy: 0, resident: 1 };
    assert_eq!(Stat::parse(&line), Some(expected));
}
