//! How status is shown, by the commands that end with it.

use cli::{Json, Tone, painted};
use service::Status;
use service::status::ServiceState;

pub fn show_status(status: &Status, Json { json }: Json) {
    if json {
        cli::answer_json(status);
        return;
    }
    let tone = match status.service {
        ServiceState::Up => Tone::Good,
        ServiceState::Degraded => Tone::Doubtful,
        ServiceState::Down => Tone::Bad,
    };
    let mut text = format!("{}\n\n", painted(tone, &status.headline()));
    let columns = status.columns();
    let rows: Vec<_> = status
        .instances
        .iter()
        .zip(status.rows())
        .map(|(instance, cells)| emphasize(instance, &columns, cells))
        .collect();
    text += &cli::table(&columns, &rows);
    let remarks = status.remarks().into_iter().map(|remark| painted(Tone::Faint, &remark));
    let problems = status.problems.iter().map(|problem| format!("{} {problem}", painted(tone, "!")));
    let last_words = status.instances.iter().flat_map(|instance| cli::quoted_lines(&instance.last_words));
    let below: Vec<_> = remarks.chain(problems).chain(last_words).collect();
    cli::answer_text(&format!("{text}\n{}\n", below.join("\n")));
}

/// The instance that serves stands out; what is not healthy does so, too.
fn emphasize(
    instance: &service::status::InstanceStatus,
    columns: &[&str],
    mut cells: Vec<String>,
) -> Vec<String> {
    let health = if instance.healthy { Tone::Good } else { Tone::Doubtful };
    for (column, cell) in columns.iter().zip(&mut cells) {
        match *column {
            "instance" if instance.live => *cell = painted(Tone::Strong, cell),
            "health" => *cell = painted(health, cell),
            _ => {}
        }
    }
    cells
}
