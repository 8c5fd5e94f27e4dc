//! Whole releases, from real repositories.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use state::{Exit, Manifest};

use crate::testing::{World, wanted};
use crate::{Error, find, list, plan, prune};

#[test]
fn the_newest_tag_is_the_one_with_the_highest_version() {
    let world = World::new().revision("v1.9.0").revision("v1.10.0-rc1");
    assert_eq!(world.built(""), format!("{}+", world.id("v1.10.0-rc1")));
    let world = world.revision("v1.10.0").revision("v1.10.0.1").revision("x2").revision("v1.10.0-rc2");
    assert_eq!(world.built(""), format!("{}+", world.id("v1.10.0.1")));
    assert_eq!(world.built("tag:v1.?0.0*"), format!("{}", world.id("v1.10.0.1")));
    assert_eq!(world.built("tag:v1.10.0"), format!("{}+", world.id("v1.10.0")));
    assert_eq!(world.read(&format!("home/releases/{}/version", world.id("v1.10.0"))), "v1.10.0");
}

#[test]
fn a_release_is_built_once() {
    let world = World::new()
        .sections("[build]\ncommand = \"echo built >> ../../count\"\n[run]\ncommand = \"true\"\n");
    let id = world.id("v1");
    assert_eq!(plan(&world.app(), None).unwrap().id.as_str(), id);
    assert!(plan(&world.app(), None).unwrap().build);
    assert!(!world.path("home/releases").exists() && !world.path("home/repository.git").exists());
    let commit = world.git(&["rev-parse", "HEAD"]);
    assert_eq!(world.built(""), format!("{id}+"));
    for revision in ["", "v1", "tag:*", "branch:main", "main", &commit, &commit[..5]] {
        assert_eq!(world.built(revision), id, "{revision}");
        assert!(!plan(&world.app(), wanted(revision).as_ref()).unwrap().build, "{revision}");
    }
    assert_eq!(world.read("home/count"), "built\n");
    let manifest = Manifest::read(&world.path(&format!("home/releases/{id}"))).unwrap().unwrap();
    assert_eq!((manifest.revision.as_str(), manifest.commit, manifest.bytes > 0), ("v1", commit, true));
    assert_eq!(world.names("home/releases"), [id]);
}

#[test]
fn another_build_section_makes_another_release() {
    let world = World::new();
    let id = world.id("v1");
    world.built("v1");
    let world = world.sections("[build]\ncommand = \"touch made\"\n[run]\ncommand = \"true\"\n");
    assert_eq!(world.built("v1"), format!("{id}-2+"));
    assert_eq!(world.built("v1"), format!("{id}-2"));
    let world = world.sections("[run]\ncommand = \"true\"\nshared = [\"uploads\"]\n");
    assert_eq!(world.built("v1"), format!("{id}-3+"));
    let world = world.sections("[run]\ncommand = \"another\"\n");
    assert_eq!(world.built("v1"), id);
}

#[test]
fn branches_commits_and_what_a_name_means() {
    let world = World::new();
    world.git(&["checkout", "--quiet", "-b", "feature/tea"]);
    world.commit("version", "tea");
    world.git(&["branch", "v1"]);
    let commit = world.git(&["rev-parse", "HEAD"]);
    assert_eq!(world.built("feature/tea"), format!("feature-tea-{}+", &commit[..7]));
    assert_eq!(world.built("v1"), format!("{}+", world.id("refs/tags/v1").replace("refs-tags-", "")));
    assert_eq!(world.built("branch:v1"), format!("feature-tea-{}", &commit[..7]));
    world.commit("version", "more tea");
    let next = world.git(&["rev-parse", "HEAD"]);
    assert_eq!(world.built("branch:feature/tea"), format!("feature-tea-{}+", &next[..7]));
    world.commit("version", "still more tea");
    let last = world.git(&["rev-parse", "HEAD"]);
    assert_eq!(world.built(&last[..8]), format!("{}+", &last[..12]));
}

#[test]
fn only_what_is_wanted_is_fetched() {
    let world = World::new();
    world.git(&["checkout", "--quiet", "-b", "other"]);
    world.commit("large", "of no use here");
    let other = world.git(&["rev-parse", "HEAD"]);
    world.git(&["checkout", "--quiet", "main"]);
    let world = world.revision("v2").revision("v3");
    let references = |world: &World| {
        world.git(&["--git-dir=../home/repository.git", "for-each-ref", "--format=%(refname)"])
    };
    world.built("v2");
    assert_eq!(references(&world), "refs/tags/v2");
    world.built("");
    assert_eq!(references(&world), "refs/tags/v2\nrefs/tags/v3");
    world.built("branch:main");
    assert_eq!(references(&world), "refs/heads/main\nrefs/tags/v2\nrefs/tags/v3");
    let objects = ["--git-dir=../home/repository.git", "cat-file", "--batch-all-objects", "--batch-check"];
    assert!(!world.git(&objects).contains(&other));
    // A commit that no deployed tag or branch leads to may be anywhere.
    assert_eq!(world.built(&other[..8]), format!("{}+", &other[..12]));
    assert_eq!(references(&world).lines().count(), 5);
}

#[test]
fn a_revision_that_is_not_there() {
    let world = World::new().revision("v2");
    let address = "../app";
    let says = |revision: &str| {
        let error = world.prepare(revision).unwrap_err();
        assert_eq!(error.exit(), Exit::No);
        assert_eq!(plan(&world.app(), wanted(revision).as_ref()).unwrap_err().to_string(), error.to_string());
        error.to_string()
    };
    assert_eq!(says("v9"), format!("there is no revision `v9` in {address}; the newest tags are v2, v1"));
    assert_eq!(
        says("deadbeef"),
        format!("there is no revision `deadbeef` in {address}; the newest tags are v2, v1")
    );
    assert_eq!(
        says("branch:x"),
        format!("there is no revision `branch:x` in {address}; its only branch is main")
    );
    assert_eq!(
        says("tag:x*"),
        format!("there is no revision `tag:x*` in {address}; the newest tags are v2, v1")
    );
    assert!(!world.path("home/releases").exists());
}

#[test]
fn a_repository_that_cannot_be_reached() {
    let world = World::new();
    world.built("v1");
    let commit = world.git(&["rev-parse", "HEAD"]);
    let world = world.source("git = \"../elsewhere\"");
    assert_eq!(world.built(&commit), world.id("v1"));
    let error = world.prepare("v1").unwrap_err();
    assert_eq!(error.to_string(), "cannot read ../elsewhere: git exited with status 128");
    assert!(error.quoted()[0].contains("elsewhere"), "{:?}", error.quoted());
}

#[test]
fn a_mirror_that_a_crash_has_spoilt_is_made_anew() {
    let world = World::new();
    world.built("v1");
    world.write("home/repository.git/packed-refs.lock", "");
    world.write("home/repository.git/refs/heads/main.lock", "");
    let world = world.revision("v2");
    assert_eq!(world.built(""), format!("{}+", world.id("v2")));
    world.write("home/repository.git/HEAD", "");
    let world = world.revision("v3");
    let commit = world.git(&["rev-parse", "v3^{commit}"]);
    assert_eq!(world.built(&commit[..7]), format!("{}+", &commit[..12]));
    assert!(world.names("home").iter().all(|name| !name.starts_with('.')), "{:?}", world.names("home"));
}

#[test]
fn tags_that_were_moved_and_branches_that_became_folders() {
    let world = World::new();
    world.git(&["branch", "x"]);
    world.built("x");
    world.git(&["branch", "-D", "x"]);
    world.git(&["branch", "x/y"]);
    world.commit("version", "v1 again");
    world.git(&["tag", "--force", "v1"]);
    assert_eq!(world.built(""), format!("{}+", world.id("v1")));
}

#[test]
fn an_export_leaves_out_what_the_repository_says() {
    let world = World::new();
    world.commit(".gitattributes", "notes export-ignore");
    world.commit("notes", "for us");
    world.commit(".gitmodules", "[submodule]");
    let prepared = world.prepare("main").unwrap();
    assert_eq!(prepared.notes, ["the revision has submodules (.gitmodules); they are not fetched"]);
    let folder = format!("home/releases/{}", prepared.manifest.id);
    assert_eq!(world.names(&folder), [".gitattributes", ".gitmodules", "release.json", "version"]);
    world.commit("release.json", "{}");
    assert!(matches!(world.prepare("main"), Err(Error::OwnManifest)));
    assert_eq!(world.names("home/releases").len(), 1);
}

#[test]
fn commands_and_hooks_run_in_this_order_and_environment() {
    let world = World::new().sections(
        "[build]\ncommand = \"echo build $APP $RELEASE >> order; env >> environment\"\n[build.dependencies]\ncommand = \"mkdir modules; echo dependencies >> order\"\npath = \"modules\"\nkey = []\n[run]\ncommand = \"true\"\n",
    );
    for hook in ["pre-build", "post-build"] {
        world.write(
            &format!("home/hooks/{hook}"),
            &format!("#!/bin/sh\necho {hook} >> order\necho {hook} was here\n"),
        );
        fs::set_permissions(world.path(&format!("home/hooks/{hook}")), fs::Permissions::from_mode(0o755))
            .unwrap();
    }
    let id = world.id("v1");
    world.built("");
    let folder = format!("home/releases/{id}");
    let order = format!("pre-build\ndependencies\nbuild cafeteria {id}\npost-build\n");
    assert_eq!(world.read(&format!("{folder}/order")), order);
    let home = world.path("home");
    let environment = world.read(&format!("{folder}/environment"));
    assert!(environment.contains(&format!("FLIPSIDE_PROCESS={}#build\n", home.display())));
    assert!(environment.contains(&format!("FLIPSIDE_HOME={}\n", home.display())));
    assert!(
        world
            .read(&format!("home/logs/build-{id}.log"))
            .contains("$ hooks/pre-build\npre-build was here\n$ mkdir")
    );
}

#[test]
fn a_failed_build_leaves_its_log_and_nothing_else() {
    let world = World::new().sections(
        "[build]\ncommand = \"echo compiling; echo 'no such module' >&2; exit 3\"\n[run]\ncommand = \"true\"\n",
    );
    let id = world.id("v1");
    let error = world.prepare("").unwrap_err();
    let log = world.path(&format!("home/logs/build-{id}.log"));
    let command = "`echo compiling; echo 'no such module' >&2; exit 3`";
    let expected =
        format!("{command} exited with status 3 while {id} was built; the whole log: {}", log.display());
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.quoted(), ["compiling", "no such module"]);
    assert_eq!(error.exit(), Exit::No);
    assert!(log.exists() && world.names("home/releases").is_empty());

    let world =
        world.sections("[build]\ntimeout = \"100ms\"\ncommand = \"sleep 10\"\n[run]\ncommand = \"true\"\n");
    assert!(
        world.prepare("").unwrap_err().to_string().starts_with("`sleep 10` took longer than 100 ms while")
    );

    let world = world.sections("[run]\ncommand = \"true\"\n");
    world.write("home/hooks/pre-build", "#!/bin/sh\n");
    let error = world.prepare("").unwrap_err().to_string();
    assert!(error.starts_with("the hook pre-build is not executable; run chmod +x "), "{error}");
    assert!(world.names("home/releases").is_empty());
    fs::remove_file(world.path("home/hooks/pre-build")).unwrap();
    assert_eq!(world.built(""), format!("{id}+"));
}

const DEPENDENCIES: &str = "[build]\ncommand = \"cat modules/installed > built\"\n[build.dependencies]\ncommand = \"mkdir modules && echo $RELEASE > modules/installed && ln -s installed modules/link\"\npath = \"modules\"\nkey = [\"lock\"]\n[run]\ncommand = \"true\"\n";

#[test]
fn dependencies_are_made_once_for_each_key() {
    let world = World::new().sections(DEPENDENCIES);
    let error = world.prepare("v1").unwrap_err();
    assert_eq!(error.to_string(), "[build.dependencies] key: there is no file lock in v1");
    world.commit("lock", "tea 1");
    let world = world.revision("v2").revision("v3");
    let installed = |tag: &str| world.read(&format!("home/releases/{}/built", world.id(tag)));
    world.built("v2");
    world.built("v3");
    assert_eq!(installed("v3"), format!("{}\n", world.id("v2")));
    let link = world.path(&format!("home/releases/{}/modules/link", world.id("v3")));
    assert_eq!(fs::read_link(link).unwrap().to_str(), Some("installed"));
    // Nothing is shared: what one release does to its own, and its end, is nothing to the other.
    world.write(&format!("home/releases/{}/modules/installed", world.id("v2")), "spoilt");
    assert_eq!(
        world.read(&format!("home/releases/{}/modules/installed", world.id("v3"))),
        format!("{}\n", world.id("v2"))
    );
    world.commit("lock", "tea 2");
    let world = world.revision("v4");
    world.built("v4");
    assert_eq!(
        world.read(&format!("home/releases/{}/built", world.id("v4"))),
        format!("{}\n", world.id("v4"))
    );
}

/// Shared also where the tests run as root; the folder `modules` has a file that the build leaves alone, one that it changes in
/// place and one that it replaces.
const SHARED: &str = "[build]\ncommand = \"echo $RELEASE > modules/changed; echo $RELEASE > new; mv new modules/replaced\"\n[build.dependencies]\ncommand = \"mkdir modules && cd modules && touch left changed replaced && echo x >> ../../../made && sleep 0.02\"\npath = \"modules\"\nkey = [\"lock\"]\nreuse = \"link\"\n[run]\ncommand = \"true\"\n";

#[test]
fn dependencies_are_shared_and_each_release_has_its_own_of_what_builds_change() {
    let world = World::new().sections(SHARED);
    world.commit("lock", "tea 1");
    let world = world.revision("v2").revision("v3").revision("v4");
    let file = |tag: &str, name: &str| format!("home/releases/{}/modules/{name}", world.id(tag));
    let names = |tag: &str, name: &str| fs::metadata(world.path(&file(tag, name))).unwrap().nlink();
    for (tag, number) in [("v2", 1), ("v3", 2), ("v4", 3)] {
        world.built(tag);
        assert_eq!(names(tag, "left"), number, "{tag}");
    }
    assert_eq!(world.read("home/made"), "x\n");
    for tag in ["v2", "v3", "v4"] {
        for name in ["changed", "replaced"] {
            assert_eq!(world.read(&file(tag, name)), format!("{}\n", world.id(tag)), "{name} of {tag}");
            assert_eq!(names(tag, name), 1, "{name} of {tag}");
        }
        let mode = fs::metadata(world.path(&file(tag, "left"))).unwrap().permissions().mode();
        assert_eq!(mode & 0o222, 0, "{tag}");
    }
}

#[test]
fn pruning_the_release_that_dependencies_came_from_harms_nobody() {
    let world = World::new().source("git = \"../app\"\nkeep = 1").sections(SHARED);
    world.commit("lock", "tea 1");
    let world = world.revision("v2").revision("v3").revision("v4");
    let installed = |tag: &str| world.names(&format!("home/releases/{}/modules", world.id(tag)));
    world.built("v2");
    world.built("v3");
    assert_eq!(prune(&world.app(), &[], false).unwrap().len(), 1);
    assert_eq!(world.names("home/releases"), [world.id("v3")]);
    assert_eq!(installed("v3"), ["changed", "left", "replaced"]);
    world.built("v4");
    assert_eq!(installed("v4"), ["changed", "left", "replaced"]);
    assert_eq!(world.read("home/made"), "x\n");
}

#[test]
fn a_release_is_as_large_as_its_files_whoever_shares_them() {
    let without_build = SHARED.split_once("[build.dependencies]").unwrap().1;
    let world = World::new().sections(&format!("[build.dependencies]{without_build}"));
    world.commit("lock", "tea 1");
    let world = world.revision("v2").revision("v3");
    for tag in ["v2", "v3"] {
        let manifest = world.prepare(tag).unwrap().manifest;
        let folder = world.path(&format!("home/releases/{}", manifest.id));
        let own = fs::metadata(folder.join(Manifest::FILE)).unwrap().len();
        assert_eq!(manifest.bytes, crate::tree::bytes(&folder).unwrap() - own, "{tag}");
    }
}

#[test]
fn a_build_that_was_refused_a_change_gets_a_copy_of_its_own() {
    let sections = SHARED.replace(
        "command = \"echo $RELEASE > modules/changed",
        "command = \"[ $(stat -c %h modules/left) = 1 ] || { echo Error: EACCES: modules/left; exit 1; }; echo $RELEASE > modules/changed",
    );
    let world = World::new().sections(&sections);
    world.commit("lock", "tea 1");
    let world = world.revision("v2").revision("v3").revision("v4");
    assert!(world.prepare("v2").unwrap().notes.is_empty());
    let notes = world.prepare("v3").unwrap().notes;
    assert!(notes.len() == 1 && notes[0].contains("reuse = \"copy\""), "{notes:?}");
    let left = world.path(&format!("home/releases/{}/modules/left", world.id("v3")));
    assert_eq!(fs::metadata(&left).unwrap().permissions().mode() & 0o222, 0o200);
    // What has proved to be changed is not shared any more.
    assert!(world.prepare("v4").unwrap().notes.is_empty());
    let log = world.read(&format!("home/logs/build-{}.log", world.id("v3")));
    assert!(log.contains("EACCES") && log.contains("got a copy of its own"), "{log}");
    let world = world.sections(&sections.replace("\"link\"", "\"copy\"")).revision("v5");
    assert!(world.prepare("v5").unwrap().notes.is_empty());
}

#[test]
fn a_build_that_fails_for_another_reason_is_not_run_again() {
    let world = World::new().sections(
        &SHARED
            .replace("command = \"echo", "command = \"echo run >> ../../ran; [ ! -e bad ] || exit 3; echo"),
    );
    world.commit("lock", "tea 1");
    let world = world.revision("v2");
    world.built("v2");
    world.commit("bad", "bad");
    let error = world.prepare("main").unwrap_err();
    assert!(error.to_string().contains("exited with status 3"), "{error}");
    assert_eq!(world.read("home/ran"), "run\nrun\n");
}

#[test]
fn dependencies_that_are_no_folder_are_copied() {
    let world = World::new().sections(
        "[build.dependencies]\ncommand = \"mkdir made; echo tool > made/tool; ln -s made/tool modules\"\npath = \"modules\"\nkey = []\nreuse = \"link\"\n[run]\ncommand = \"true\"\n",
    );
    let world = world.revision("v2");
    world.built("v1");
    world.built("v2");
    let link = world.path(&format!("home/releases/{}/modules", world.id("v2")));
    assert_eq!(fs::read_link(link).unwrap().to_str(), Some("made/tool"));
}

#[test]
fn dependencies_that_their_command_does_not_make() {
    let world = World::new().sections(
        "[build.dependencies]\ncommand = \"echo nothing to do\"\npath = \"modules\"\nkey = [\"version\"]\n[run]\ncommand = \"true\"\n",
    );
    let error = world.prepare("").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("[build.dependencies] path: `echo nothing to do` made no modules; the whole log: ")
    );
    assert_eq!(error.quoted(), ["$ echo nothing to do", "nothing to do"]);
}

#[test]
fn shared_folders_outlive_their_release() {
    let world = World::new()
        .sections("[run]\ncommand = \"true\"\nshared = [\"uploads\", \"var/data\", \"tea.db\"]\n");
    world.commit("uploads/example", "brought");
    world.commit("tea.db", "first");
    let world = world.revision("v2");
    world.built("v2");
    let folder = format!("home/releases/{}", world.id("v2"));
    assert_eq!(world.read(&format!("{folder}/uploads/example")), "brought");
    assert_eq!(world.read("home/shared/tea.db"), "first");
    world.write(&format!("{folder}/var/data/order"), "one cup");
    world.write(&format!("{folder}/uploads/photo"), "of a cup");
    world.commit("uploads/example", "changed");
    let world = world.revision("v3");
    world.built("v3");
    let folder = format!("home/releases/{}", world.id("v3"));
    assert_eq!(world.read(&format!("{folder}/uploads/example")), "brought");
    assert_eq!(world.read(&format!("{folder}/uploads/photo")), "of a cup");
    assert_eq!(world.read(&format!("{folder}/var/data/order")), "one cup");
    assert_eq!(world.names("home/shared"), ["tea.db", "uploads", "var"]);
}

#[test]
fn a_directory_as_source() {
    let world = World::new().source("directory = \"../app\"");
    let plain = world.built("");
    assert!(
        plain.starts_with("app-") && plain.ends_with('+') && plain.len() == "app-1234567+".len(),
        "{plain}"
    );
    let id = plain.trim_end_matches('+').to_owned();
    assert_eq!(world.names(&format!("home/releases/{id}")), ["release.json", "version"]);
    assert_eq!(world.built(""), id);
    world.commit("version", "v1");
    assert_eq!(world.built(""), id);
    fs::set_permissions(world.path("app/version"), fs::Permissions::from_mode(0o755)).unwrap();
    let executable = world.built("");
    assert!(executable.ends_with('+') && executable != plain);
    world.write("app/sub/file", "");
    assert!(world.built("").ends_with('+'));
    let error = world.prepare("v1").unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no revision `v1`: [source] directory has no revisions; leave it out"
    );
    assert_eq!(error.exit(), Exit::Usage);
}

#[test]
fn directories_that_cannot_be_a_source() {
    let says = |folder: &str| {
        let error = World::new().source(&format!("directory = \"{folder}\"")).prepare("").unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        error.to_string()
    };
    assert_eq!(says("../none"), "[source] directory: ../none does not exist");
    assert_eq!(says("../app/version"), "[source] directory: ../app/version is not a folder");
    let holds = "holds the home, and so would every release; name a folder without it";
    assert_eq!(says(".."), format!("[source] directory: .. {holds}"));
    assert_eq!(says("."), format!("[source] directory: . {holds}"));
}

#[test]
fn pruning_keeps_the_newest_and_what_is_in_use() {
    let world = World::new().revision("v2").revision("v3").revision("v4").revision("v5");
    for tag in ["v1", "v2", "v3", "v4", "v5"] {
        world.built(tag);
    }
    world.write("home/releases/.v6-1234567/half", "");
    world.write("home/releases/.v6-1234567.tar", "");
    world.write("home/releases/by-hand/file", "");
    for failed in ["v6", "v7", "v8"] {
        world.write(&format!("home/logs/build-{failed}-1234567.log"), "it failed");
    }
    world.write("home/logs/A.log", "");
    let app = world.app();
    state::file::folder(&world.path("home/instances")).unwrap();
    std::os::unix::fs::symlink(format!("../releases/{}", world.id("v1")), world.path("home/instances/A"))
        .unwrap();
    let in_use = [find(&app.home, "v2").unwrap().id];
    let before = world.names("home/releases");
    let v3 = find(&app.home, "v3").unwrap().id;
    assert_eq!(prune(&app, &in_use, true).unwrap(), std::slice::from_ref(&v3));
    assert_eq!(world.names("home/releases"), before);
    assert_eq!(prune(&app, &in_use, false).unwrap(), [v3]);
    let mut expected = ["v1", "v2", "v4", "v5"].map(|tag| world.id(tag)).to_vec();
    let logs: Vec<_> = expected.iter().map(|id| format!("build-{id}.log")).collect();
    expected.insert(0, "by-hand".into());
    assert_eq!(world.names("home/releases"), expected);
    let kept = world.names("home/logs");
    assert_eq!(kept.len(), 1 + 4 + 2, "{kept:?}");
    assert!(logs.iter().all(|log| kept.contains(log)), "{kept:?}");
    assert!(prune(&app, &in_use, false).unwrap().is_empty());
}

#[test]
fn a_kept_release_has_many_names() {
    let world = World::new();
    let home = world.app().home;
    assert_eq!(
        find(&home, "v1").unwrap_err().to_string(),
        "there is no release `v1`; none has been built yet"
    );
    let world = world.revision("v1.1");
    world.built("v1.1");
    world.built("v1");
    let id = |tag: &str| world.id(tag);
    let found = |name: &str| find(&home, name).unwrap().id.to_string();
    assert_eq!(found("v1"), id("v1"));
    assert_eq!(found(&id("v1")), id("v1"));
    assert_eq!(found("v1.1-"), id("v1.1"));
    assert_eq!(found(&world.git(&["rev-parse", "v1.1^{commit}"])[..9]), id("v1.1"));
    let both = format!("{}, {}", id("v1"), id("v1.1"));
    assert_eq!(
        find(&home, "v").unwrap_err().to_string(),
        format!("`v` is the beginning of more than one release: {both}")
    );
    assert_eq!(
        find(&home, "w").unwrap_err().to_string(),
        format!("there is no release `w`; there are {both}")
    );
    assert_eq!(list(&home).unwrap()[0].id.to_string(), id("v1"));
}
