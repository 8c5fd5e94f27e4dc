//! Reading a piece of nginx's configuration as nginx does.

use std::iter::Peekable;
use std::str::Chars;

/// The directives in it, each as its words. A last one without its `;` counts, too: that is what somebody meant.
pub(crate) fn directives(text: &str) -> Vec<Vec<String>> {
    let mut directives = Vec::new();
    let mut words = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.peek() {
        match next {
            '#' => rest.by_ref().take_while(|next| *next != '\n').for_each(drop),
            ';' | '{' | '}' => {
                rest.next();
                directives.push(std::mem::take(&mut words));
            }
            space if is_space(*space) => drop(rest.next()),
            _ => words.push(word(&mut rest)),
        }
    }
    directives.push(words);
    directives.retain(|words| !words.is_empty());
    directives
}

fn is_space(next: char) -> bool {
    matches!(next, ' ' | '\t' | '\r' | '\n')
}

/// A word ends with a space, `;` or `{`, or, if it is in quotes, with the same quote. Inside it `#` is like any other.
fn word(rest: &mut Peekable<Chars>) -> String {
    let quote = rest.next_if(|next| matches!(next, '"' | '\''));
    let mut word = String::new();
    while let Some(next) =
        rest.next_if(|next| quote.is_some() || !(is_space(*next) || matches!(next, ';' | '{')))
    {
        match next {
            '\\' => match rest.next() {
                Some(escaped @ ('"' | '\'' | '\\')) => word.push(escaped),
                Some('t') => word.push('\t'),
                Some('r') => word.push('\r'),
                Some('n') => word.push('\n'),
                other => word.extend(['\\'].into_iter().chain(other)),
            },
            end if Some(end) == quote => break,
            plain => word.push(plain),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::directives;

    #[test]
    fn as_nginx_reads() {
        let cases: [(&str, &[&[&str]]); 7] = [
            ("", &[]),
            ("a b;c", &[&["a", "b"], &["c"]]),
            ("a\tb\r\n c ; # d;\ne;", &[&["a", "b", "c"], &["e"]]),
            ("a#b c;", &[&["a#b", "c"]]),
            (r#"a "b; c" 'd"' "e\"f\n";"#, &[&["a", "b; c", "d\"", "e\"f\n"]]),
            (r"a\ b c\;d;", &[&["a\\ b", "c\\;d"]]),
            ("a { b; }", &[&["a"], &["b"]]),
        ];
        for (text, expected) in cases {
            assert_eq!(directives(text), expected, "{text}");
        }
    }
}
