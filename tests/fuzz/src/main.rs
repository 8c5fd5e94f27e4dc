//! libFuzzer, on the target that the variable FUZZ_TARGET names.
#![no_main]

use std::sync::OnceLock;

use fuzz::Check;

static CHECK: OnceLock<Check> = OnceLock::new();

fn chosen() -> Check {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    fuzz::target(&name).unwrap_or_else(|| {
        let known = fuzz::TARGETS.map(|(name, _)| name).join(" ");
        eprintln!("fuzz: there is no target `{name}`; there are {known}");
        std::process::exit(2)
    })
}

libfuzzer_sys::fuzz_target!(init: { CHECK.set(chosen()).expect("it is chosen once") }, |data: &[u8]| {
    CHECK.get().expect("it was chosen at the start")(data);
});
