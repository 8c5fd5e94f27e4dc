//! The curves, drawn: a panel for each quantity, all with the same axis of time, so that a flat line is flat in each.

use std::fmt::Write as _;

use super::{Curves, Line};
use crate::machine::Machine;
use crate::report::{milliseconds, thousands};

const COLUMNS: usize = 2;
/// Of a panel with its title, its axes and the names of its lines.
const PANEL: (f64, f64) = (588.0, 330.0);
/// Of the lines alone, and where they begin in a panel.
const PLOT: (f64, f64) = (300.0, 240.0);
const AT: (f64, f64) = (72.0, 46.0);
const HEAD: f64 = 64.0;
/// What names of lines have to themselves.
const LINE_HEIGHT: f64 = 13.0;

const STYLE: &str = "\
text { font: 11px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #1f2328; }
.title { font-size: 17px; font-weight: 600; }
.panel { font-size: 13px; font-weight: 600; }
.paper { fill: #ffffff; }
.faint { fill: #656d76; }
.grid { stroke: #d8dee4; stroke-width: 1; }
.line { fill: none; stroke-width: 1.75; stroke-linejoin: round; }
.link { fill: none; stroke-width: .75; opacity: .6; }
.band { opacity: .11; }
.query { stroke: #0a5fc2; } .of-query { fill: #0a5fc2; }
.step { stroke: #b35900; } .of-step { fill: #b35900; }
.socket { stroke: #0f7b54; } .of-socket { fill: #0f7b54; }
.hand { stroke: #6e7781; stroke-dasharray: 4 3; } .of-hand { fill: #6e7781; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .paper { fill: #0d1117; } .faint { fill: #9198a1; } .grid { stroke: #30363d; }
  .query { stroke: #6cb6ff; } .of-query { fill: #6cb6ff; }
  .step { stroke: #f0a35e; } .of-step { fill: #f0a35e; }
  .socket { stroke: #57d9a3; } .of-socket { fill: #57d9a3; }
  .hand { stroke: #a8b1bb; } .of-hand { fill: #a8b1bb; }
}
";

pub fn drawing(all: &[Curves], machine: &Machine) -> String {
    let rows = all.len().div_ceil(COLUMNS);
    let (width, height) = (PANEL.0 * COLUMNS as f64, HEAD + PANEL.1 * rows as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-labelledby=\"title\">\n<title id=\"title\">How long the commands \
         take, by what else there is</title>\n<style>\n{STYLE}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" class=\"paper\"/>\n"
    );
    text(&mut svg, (AT.0, 28.0), "title", "start", "How long the commands take, by what else there is");
    text(&mut svg, (AT.0, 46.0), "faint", "start", &machine.to_string());
    let axis = Time::of(all);
    for (number, curves) in all.iter().enumerate() {
        let corner = ((number % COLUMNS) as f64 * PANEL.0, HEAD + (number / COLUMNS) as f64 * PANEL.1);
        panel(&mut svg, corner, curves, &axis);
    }
    if !all.len().is_multiple_of(COLUMNS) {
        legend(&mut svg, ((all.len() % COLUMNS) as f64 * PANEL.0, HEAD + (rows - 1) as f64 * PANEL.1));
    }
    svg + "</svg>\n"
}

fn legend(svg: &mut String, (left, top): (f64, f64)) {
    let lines = [
        ("query", "queries"),
        ("step", "steps and deployments, style upstream"),
        ("socket", "the same in the style socket"),
        ("hand", "by hand"),
    ];
    text(svg, (left + AT.0, top + 26.0), "panel", "start", "How to read it");
    for (number, (class, name)) in lines.iter().enumerate() {
        let y = top + AT.1 + 12.0 + 20.0 * number as f64;
        let x = left + AT.0;
        let _ = writeln!(svg, "<path class=\"line {class}\" d=\"M{x} {y}h28\"/>");
        text(svg, (x + 38.0, y + 4.0), &format!("of-{class}"), "start", name);
    }
    let notes = [
        "Each panel has the same axis of time: ten times as long is one step up.",
        "A line is the median; the shade, where four in five runs lie.",
        "Kept releases and deployments by tens, all else in even steps.",
        "`releases` names each kept release; nginx reads each site at a reload.",
    ];
    for (number, note) in notes.iter().enumerate() {
        text(svg, (left + AT.0, top + AT.1 + 106.0 + 18.0 * number as f64), "faint", "start", note);
    }
}

/// The axis of time, logarithmic, of whole decades.
struct Time {
    low: f64,
    high: f64,
}

impl Time {
    fn of(all: &[Curves]) -> Self {
        let times = || all.iter().flat_map(|curves| &curves.lines).flat_map(|line| &line.times);
        let low = times().map(|times| times.low).fold(f64::INFINITY, f64::min).max(1e-3);
        let high = times().map(|times| times.high).fold(low, f64::max);
        Self { low: low.log10().floor(), high: high.log10().ceil().max(low.log10().floor() + 1.0) }
    }

    /// From the top of the plot.
    fn at(&self, milliseconds: f64) -> f64 {
        let share = (milliseconds.max(1e-3).log10() - self.low) / (self.high - self.low);
        PLOT.1 * (1.0 - share)
    }
}

/// How far to the right a value of the quantity is.
fn across(values: &[usize], value: usize) -> f64 {
    let (first, last) = (values[0], values[values.len() - 1]);
    let share = if first > 0 {
        (value as f64 / first as f64).ln() / (last as f64 / first as f64).ln()
    } else {
        value as f64 / last as f64
    };
    PLOT.0 * share
}

fn panel(svg: &mut String, (left, top): (f64, f64), curves: &Curves, axis: &Time) {
    let (x0, y0) = (left + AT.0, top + AT.1);
    text(svg, (x0, top + 26.0), "panel", "start", curves.quantity);
    let mut decade = axis.low;
    while decade <= axis.high {
        let y = y0 + axis.at(10_f64.powf(decade));
        let _ = writeln!(svg, "<path class=\"grid\" d=\"M{x0:.1} {y:.1}h{}\"/>", PLOT.0);
        let value = 10_f64.powf(decade);
        let name = if value < 1.0 { format!("{value}") } else { thousands(value as u64) };
        text(svg, (x0 - 6.0, y + 4.0), "faint", "end", &format!("{name} ms"));
        decade += 1.0;
    }
    for &value in &curves.values {
        let x = x0 + across(&curves.values, value);
        let y = y0 + PLOT.1;
        let _ = writeln!(svg, "<path class=\"grid\" d=\"M{x:.1} {y:.1}v4\"/>");
        if is_named(&curves.values, value) {
            text(svg, (x, y + 17.0), "faint", "middle", &thousands(value as u64));
        }
    }
    for line in &curves.lines {
        draw(svg, (x0, y0), &curves.values, line, axis);
    }
    names(svg, (x0 + PLOT.0, y0), curves, axis);
}

/// Whether there is room for its number below the axis.
fn is_named(values: &[usize], value: usize) -> bool {
    let last = values[values.len() - 1];
    values[0] > 0 || value == 0 || value * 5 > last
}

fn draw(svg: &mut String, (x0, y0): (f64, f64), values: &[usize], line: &Line, axis: &Time) {
    let points = |of: fn(&crate::timing::Times) -> f64| {
        let at = values.iter().zip(&line.times);
        at.map(move |(&value, times)| (x0 + across(values, value), y0 + axis.at(of(times))))
            .collect::<Vec<_>>()
    };
    let path = |points: &[(f64, f64)]| {
        points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect::<Vec<_>>().join("L")
    };
    let (mut low, high) = (points(|times| times.low), points(|times| times.high));
    low.reverse();
    let class = class(line);
    let _ = writeln!(svg, "<path class=\"band of-{class}\" d=\"M{}L{}Z\"/>", path(&high), path(&low));
    let _ = writeln!(svg, "<path class=\"line {class}\" d=\"M{}\"/>", path(&points(|times| times.median)));
}

fn class(line: &Line) -> &'static str {
    match line.command {
        _ if line.is_by_hand => "hand",
        command if command.ends_with("(socket)") => "socket",
        "deploy" | "connect-to-nginx" => "step",
        _ => "query",
    }
}

/// The name of each line at its end, moved apart where they would cover one another.
fn names(svg: &mut String, (x, y0): (f64, f64), curves: &Curves, axis: &Time) {
    let last = |line: &Line| line.times[line.times.len() - 1].median;
    let mut lines: Vec<_> = curves.lines.iter().map(|line| (y0 + axis.at(last(line)), line)).collect();
    lines.sort_by(|one, other| one.0.total_cmp(&other.0));
    let places = apart(&lines.iter().map(|(y, _)| *y).collect::<Vec<_>>(), (y0, y0 + PLOT.1));
    for ((y, line), place) in lines.into_iter().zip(places) {
        let class = class(line);
        let _ = writeln!(
            svg,
            "<path class=\"link {class}\" d=\"M{:.1} {y:.1}L{:.1} {place:.1}\"/>",
            x + 2.0,
            x + 14.0
        );
        let name = format!("{} {} ms", line.command, milliseconds(last(line)));
        text(svg, (x + 18.0, place + 4.0), &format!("of-{class}"), "start", &name);
    }
}

/// As near as can be to where they are wanted, in their order, each a line's height from the next.
fn apart(wanted: &[f64], (from, to): (f64, f64)) -> Vec<f64> {
    let mut places: Vec<f64> = Vec::new();
    for &y in wanted {
        let after = places.last().map_or(from, |last| last + LINE_HEIGHT);
        places.push(y.max(after));
    }
    let mut below = to + LINE_HEIGHT;
    for place in places.iter_mut().rev() {
        *place = place.min(below - LINE_HEIGHT);
        below = *place;
    }
    places
}

fn text(svg: &mut String, (x, y): (f64, f64), class: &str, anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_a_line_apart_and_stay_inside() {
        assert_eq!(apart(&[10.0, 50.0], (0.0, 100.0)), [10.0, 50.0]);
        assert_eq!(apart(&[10.0, 11.0, 12.0], (0.0, 100.0)), [10.0, 23.0, 36.0]);
        assert_eq!(apart(&[99.0, 99.5], (0.0, 100.0)), [87.0, 100.0]);
    }

    #[test]
    fn a_quantity_that_begins_at_nought_is_drawn_in_even_steps_others_by_tens() {
        assert!((across(&[0, 500, 1_000], 500) - PLOT.0 / 2.0).abs() < 1e-9);
        assert!((across(&[10, 1_000], 100) - PLOT.0 / 2.0).abs() < 1e-9);
    }
}
