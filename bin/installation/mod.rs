//! How `install` speaks with whoever runs it.

use std::fmt::Write as _;

use cli::Tone;
use service::install::{Action, Error, Line, Question, Wishes};

/// Asks what is still to be said, as each answer may tell the default of the next; without a terminal takes the
/// defaults, and names the flags that have none.
pub fn ask_for(wishes: &mut Wishes, questions: impl Fn(&Wishes) -> Vec<Question>) -> Result<(), Error> {
    if cli::has_person() {
        while let Some(question) = questions(wishes).first() {
            let Some(answer) = cli::ask(question.text, question.default.as_deref()) else { break };
            wishes.answer(question, answer);
        }
    }
    let (known, unknown): (Vec<_>, Vec<_>) =
        questions(wishes).into_iter().partition(|question| question.default.is_some() && !cli::has_person());
    if !unknown.is_empty() {
        let flags: Vec<_> = unknown.iter().map(|question| question.flag).collect();
        return Err(Error::Refused(format!("nobody can be asked here; say it by {}", flags.join(", "))));
    }
    for question in known {
        wishes.answer(&question, question.default.clone().unwrap_or_default());
    }
    Ok(())
}

/// Shows the plan; true if that is all there is to do.
pub fn show(lines: &[Line], dry_run: bool, json: cli::Json) -> bool {
    if json.json {
        cli::answer_json(&lines);
    } else if dry_run {
        cli::answer_text(&table(lines));
    } else if changes(lines) {
        cli::note(table(lines).trim_end());
    } else {
        for line in lines.iter().filter(|line| !line.difference.is_empty()) {
            cli::note(table(std::slice::from_ref(line)).trim_end());
        }
    }
    dry_run
}

fn changes(lines: &[Line]) -> bool {
    lines.iter().any(|line| line.action.is_done())
}

/// What would be done, or that it is nothing.
fn table(lines: &[Line]) -> String {
    let told: Vec<_> = lines.iter().filter(|line| line.action != Action::There).collect();
    if told.is_empty() {
        return "nothing: everything is as it is to be\n".to_owned();
    }
    let rows: Vec<_> = told
        .iter()
        .map(|line| {
            let (word, tone) = match line.action {
                Action::There | Action::Make => ("make", Tone::Good),
                Action::Change => ("change", Tone::Doubtful),
                Action::Run => ("run", Tone::Doubtful),
                Action::Keep => ("keep", Tone::Strong),
                Action::Remove => ("remove", Tone::Bad),
            };
            vec![cli::painted(tone, word), line.what.clone(), line.about.clone()]
        })
        .collect();
    let mut text = cli::table(&["", "", ""], &rows).trim_start().to_owned();
    for line in told.iter().filter(|line| !line.difference.is_empty()) {
        let _ = writeln!(text, "\n{} was edited since it was installed, and stays as it is:", line.what);
        for quoted in cli::quoted_lines(&line.difference) {
            let _ = writeln!(text, "{quoted}");
        }
    }
    text
}

/// Asks whether to go on, if there is anything to do.
pub fn may_go_on(lines: &[Line], force: cli::Force, action: &str) -> Result<(), Error> {
    if !changes(lines) || force.force {
        return Ok(());
    }
    if !cli::has_person() {
        return Err(Error::Refused(format!("this needs consent; to {action}, use --force")));
    }
    if cli::confirm(&format!("Shall I {action}?")) {
        return Ok(());
    }
    Err(Error::Refused("nothing was done".into()))
}

/// What was done, as it is done.
pub fn tell(line: &Line, quiet: bool) {
    let done = match line.action {
        Action::Make => "made",
        Action::Change => "changed",
        Action::Run => "ran",
        Action::Remove => "removed",
        Action::There | Action::Keep => return,
    };
    cli::remark(quiet, &format!("{done} {}", line.what));
}

/// How it ended: what is left for root to do, or that there was nothing to do.
pub fn conclude(lines: &[Line], for_root: Option<&str>, quiet: bool) -> bool {
    if !changes(lines) {
        cli::remark(quiet, "everything is there; nothing was changed");
    }
    if let Some(command) = for_root {
        cli::note(&format!("install: root's part is missing; what root has to run is\n  {command}"));
    }
    for_root.is_none()
}
