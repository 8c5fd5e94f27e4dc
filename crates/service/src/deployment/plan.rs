//! What a deployment or a rollback would do, for `--dry-run`.

use release::Planned;
use state::config::{Old, WantedRevision};
use state::duration::in_words;
use state::{App, Manifest, ReleaseId};

use crate::error::Result;
use crate::traffic::Service;

/// What a deployment would do, step by step, and what each would act on.
pub fn plan(app: &App, service: &Service, wanted: Option<&WantedRevision>) -> Result<Vec<String>> {
    let target = service.flip_side();
    let Planned { id, build } = release::plan(app, wanted)?;
    let named = wanted.map(|revision| format!(" {revision}")).unwrap_or_default();
    let mut steps = vec![
        format!(
            "update-instance {target}{named}: {} {id}; stop {target} and point it there",
            if build { "build" } else { "take the built" }
        ),
        format!(
            "start-instance {target}: on {}, healthy within {}",
            app.address(target).in_words(),
            in_words(app.config.health.start_timeout)
        ),
    ];
    steps.extend(plan_switch_over(app, service));
    let keep = app.config.source.keep;
    steps.push(format!("releases --prune: keep {keep} beside those in use"));
    Ok(steps)
}

/// What a rollback would do, step by step.
pub fn plan_rollback(app: &App, service: &Service, release: &Manifest) -> Vec<String> {
    let target = service.flip_side();
    let there = ReleaseId::of_instance(&app.home, target).as_ref() == Some(&release.id);
    let update = (!there).then(|| format!("update-instance {target} {} --kept", release.id));
    let start = if there && supervise::health::probe(app, target).healthy() {
        format!("start-instance {target}: it runs and is healthy")
    } else {
        format!(
            "start-instance {target}: on {}, healthy within {}",
            app.address(target).in_words(),
            in_words(app.config.health.start_timeout)
        )
    };
    update.into_iter().chain([start]).chain(plan_switch_over(app, service)).collect()
}

fn plan_switch_over(app: &App, service: &Service) -> Vec<String> {
    let target = service.flip_side();
    let hook = |name: &str| app.home.hook(name).exists().then(|| format!("hook {name}"));
    let mut steps = Vec::new();
    steps.extend(hook("pre-connect"));
    steps.push(format!("connect-to-nginx {target}: {}", app.switch().display()));
    steps.extend(hook("post-connect"));
    if !app.config.deploy.observe.is_zero() {
        steps.push(format!("watch {target} for {}", in_words(app.config.deploy.observe)));
    }
    if let (Old::Stop, Some(old)) = (app.config.deploy.old, service.enabled()) {
        steps.push(format!("drain-instance {old}, stop-instance {old}"));
    }
    steps
}
