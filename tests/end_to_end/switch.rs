//! The switch, edited by hand: flipside takes it for what nginx takes it for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use support::World;

use crate::world;

#[test]
fn what_nginx_serves_is_what_is_enabled() {
    let world = world().release("v1").release("v2").deployed("v1").with_standby("v2");
    let mut agreed = 0;
    for (name, text) in corpus() {
        let text = text.replace("20201", &world.port("A").to_string());
        let text = text.replace("20202", &world.port("B").to_string());
        world.write("nginx/upstream.conf", &text);
        if !world.nginx_accepts_its_configuration() {
            continue;
        }
        world.nginx_reload_by_someone_else();
        let serving = serving(&world);
        let expected = if serving.len() == 1 { serving.iter().next().unwrap().as_str() } else { "" };
        let enabled = world.run(["enabled-instance"]);
        assert_eq!(enabled.answer(), expected, "{name}: {text:?}");
        agreed += 1;
    }
    assert!(agreed > 10, "nginx accepts most of the corpus, and not {agreed} of it");
}

/// The switches on which the parser is tried, too: tests/fuzz.
fn corpus() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/switch");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let named = files.filter_map(|path| {
        let name = path.file_name()?.to_str()?.to_owned();
        Some((name, fs::read_to_string(&path).ok()?))
    });
    let mut corpus: Vec<_> = named.collect();
    corpus.sort();
    corpus
}

/// Who answers four requests: two servers would take turns.
fn serving(world: &World) -> BTreeSet<String> {
    let answers = (0..4).map(|_| world.get("/"));
    answers.filter_map(|answer| answer.header("x-instance").map(str::to_owned)).collect()
}
