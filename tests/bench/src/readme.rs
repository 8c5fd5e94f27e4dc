//! The table of the READMEs, between two marks in each of them.

use std::fs;
use std::path::Path;

use crate::report::{Report, Row, amount, milliseconds};

const BEGIN: &str = "<!-- tests/bench/run --readme -->\n";
const END: &str = "<!-- end -->\n";

#[derive(Clone, Copy)]
enum Language {
    English,
    Korean,
}

/// Writes what was measured into both READMEs.
pub fn fill_in(report: &Report) {
    for (name, language) in [("README.md", Language::English), ("README.ko.md", Language::Korean)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let filled = with_table(&text, &language.table(report))
            .unwrap_or_else(|| panic!("{name} has no {BEGIN:?} with an {END:?} after it"));
        fs::write(&path, filled).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

fn with_table(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{table}{END}{after}"))
}

impl Language {
    fn table(self, report: &Report) -> String {
        let heading = match self {
            Self::English => "| | by hand | now | bound | |\n| --- | --- | --- | --- | --- |\n",
            Self::Korean => "| | 손으로 | 지금 | 목표 | |\n| --- | --- | --- | --- | --- |\n",
        };
        let rows = report.rows.iter().filter(|row| !row.is_detail()).map(|row| self.row(row));
        format!("{heading}{}\n{}\n", rows.collect::<String>(), self.machine(report))
    }

    fn row(self, row: &Row) -> String {
        let what = self.words(row.what());
        let (now, by_hand, bound) = match row {
            Row::Times(timed) => {
                let ms = |value: f64| format!("{} ms", milliseconds(value));
                let by_hand = format!("{}: {}", self.words(&timed.by_hand), ms(timed.by_hand_takes.median));
                let bound = timed.bound.as_ref().map(|bound| {
                    let words = self.words(&bound.in_words);
                    let is_number = words.starts_with(|c: char| c.is_ascii_digit()) && words.contains(" ms");
                    if is_number { words } else { format!("{words}: {}", ms(bound.milliseconds)) }
                });
                (ms(timed.now.median), by_hand, bound)
            }
            Row::Count(counted) => {
                let by_hand = counted.by_hand.as_ref().map_or_else(String::new, |by_hand| {
                    let amount = self.amount(by_hand.count, by_hand.of, counted.unit);
                    format!("{}: {amount}", self.words(&by_hand.what))
                });
                let bound = counted.at_most.map(|most| self.amount(most, None, counted.unit));
                (self.amount(counted.count, counted.of, counted.unit), by_hand, bound)
            }
        };
        let verdict = match (self, row.is_bound(), row.is_kept()) {
            (_, false, _) => "",
            (Self::English, _, true) => "kept",
            (Self::English, _, false) => "**not kept**",
            (Self::Korean, _, true) => "지킴",
            (Self::Korean, _, false) => "**못 지킴**",
        };
        format!("| {what} | {by_hand} | {now} | {} | {verdict} |\n", bound.unwrap_or_default())
    }

    fn amount(self, count: u64, of: Option<u64>, unit: &str) -> String {
        match (self, of) {
            (Self::Korean, Some(all)) => {
                format!("{} 중 {}", amount(all, None, ""), amount(count, None, unit))
            }
            _ => amount(count, of, unit),
        }
    }

    fn machine(self, report: &Report) -> String {
        let machine = &report.machine;
        match self {
            Self::English => format!("Measured on {machine}."),
            Self::Korean => format!("측정: {machine}."),
        }
    }

    /// Each part between commas by itself; a number in front of it may stand elsewhere.
    fn words(self, english: &str) -> String {
        if matches!(self, Self::English) {
            return english.to_owned();
        }
        let known = |part: &str| KOREAN.iter().find(|(known, _)| *known == part).map(|(_, korean)| *korean);
        let part = |part: &str| {
            let (number, rest) = part.split_once(' ').unwrap_or(("", part));
            known(part).map_or_else(
                || known(rest).map_or_else(|| part.to_owned(), |korean| korean.replace("{}", number)),
                str::to_owned,
            )
        };
        known(english)
            .map_or_else(|| english.split(", ").map(part).collect::<Vec<_>>().join(", "), str::to_owned)
    }
}

const KOREAN: &[(&str, &str)] = &[
    ("idle processes beside it", "놀고 있는 프로세스 {}개 옆에서"),
    ("an app hangs", "앱이 멈췄을 때"),
    ("tiny app", "작은 앱"),
    ("release built", "빌드는 끝난 릴리스"),
    ("same dependencies", "의존성은 그대로"),
    ("style `socket`", "`socket` 방식"),
    (
        "requests to the old instance after `connect-to-nginx`",
        "`connect-to-nginx` 뒤에도 이전 인스턴스로 간 요청",
    ),
    ("failed", "실패한 요청"),
    ("deployments", "배포 {}번"),
    ("deployments killed and run again", "중간에 죽이고 다시 실행한 배포 {}번"),
    ("kept connections", "keep-alive 연결"),
    ("new connections", "새 연결"),
    ("slow requests", "느린 요청"),
    ("a release that exits", "바로 죽는 릴리스"),
    ("a release that never listens", "포트를 열지 않는 릴리스"),
    ("a release that answers 500", "500을 내는 릴리스"),
    ("a release that never answers", "연결만 받고 답하지 않는 릴리스"),
    (
        "standbys that are not as they were before such a release",
        "그런 릴리스 때문에 예전 같지 않은 대기 인스턴스",
    ),
    ("99 in 100 requests while deploying", "배포하는 동안 요청 100개 중 99개가 끝나는 시간"),
    ("releases and deployments", "릴리스와 배포 {}개"),
    ("memory", "메모리"),
    ("system calls", "시스템 콜"),
    ("memory apart", "메모리 요청은 빼고"),
    ("the largest query", "가장 큰 조회 명령"),
    ("the largest command", "가장 큰 명령"),
    ("both", "둘 다"),
    ("a script", "스크립트"),
    ("the steady state", "배포하지 않을 때"),
    ("with 0", "없을 때"),
    ("with 10", "10개일 때"),
    ("idle processes with 20 descriptors each", "디스크립터를 20개씩 연 프로세스 {}개"),
    ("established connections", "맺어진 연결 {}개"),
    ("kept releases", "보관된 릴리스 {}개"),
    ("deployments in the log", "배포 기록 {}개"),
    ("other sites in nginx", "nginx의 다른 사이트 {}개"),
    ("1.5 times `/bin/true`", "`/bin/true`의 1.5배"),
    ("twice `/bin/true`", "`/bin/true`의 2배"),
    ("the slower probe and 10 times `/bin/true`", "느린 쪽 헬스 체크에 `/bin/true`의 10배를 더한 시간"),
    (
        "the probe's timeout (1 s) and 10 times `/bin/true`",
        "헬스 체크의 제한 시간(1초)에 `/bin/true`의 10배를 더한 시간",
    ),
    ("150 ms, proved", "150 ms, 확인까지"),
    ("5 ms, proved", "5 ms, 확인까지"),
    ("the app's start-up and 300 ms", "앱이 뜨는 시간에 300 ms를 더한 시간"),
    ("the app's start-up and 150 ms", "앱이 뜨는 시간에 150 ms를 더한 시간"),
    ("a twentieth of that", "그 20분의 1"),
    ("1.3 times the steady state", "배포하지 않을 때의 1.3배"),
    ("the same, within a quarter", "없을 때와 같게 (4분의 1 이내)"),
    ("the same, within a tenth", "10개일 때와 같게 (10분의 1 이내)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_replaced_and_nothing_else() {
        let text = format!("# Title\n{BEGIN}old\n{END}the rest\n");
        assert_eq!(with_table(&text, "new\n"), Some(format!("# Title\n{BEGIN}new\n{END}the rest\n")));
        assert_eq!(with_table("# Title\n", "new\n"), None);
    }

    #[test]
    fn each_part_is_said_in_korean() {
        let words = |english| Language::Korean.words(english);
        assert_eq!(words("failed, 100 deployments, new connections"), "실패한 요청, 배포 100번, 새 연결");
        assert_eq!(
            words("`pid`, 2,000 idle processes beside it"),
            "`pid`, 놀고 있는 프로세스 2,000개 옆에서"
        );
        assert_eq!(words("150 ms, proved"), "150 ms, 확인까지");
    }
}
