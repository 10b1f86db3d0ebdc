//! What the terminal is like that reads stdout, and a text made ready for it: no line wider than it, and colour unless
//! NO_COLOR says otherwise. What goes to a pipe or a file is left as it is. What a text says is not decided here.

use std::io::{self, IsTerminal};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use syncsplit_model::world::Verdict;
use terminal_size::{Width, terminal_size};
use textwrap::{Options, WordSplitter, WrapAlgorithm};

/// Columns that a terminal has at least: nothing is made narrower.
const COLUMNS_MIN: u16 = 60;

/// Columns that are left at least for the last column of a table; a line with less is indented like its beginning.
const LAST_COLUMN_MIN: usize = 24;

const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const BOLD: Style = Style::new().bold();

/// How a verdict, or the word of a property, is coloured: the first that a text begins with.
const WORDS: &[(&str, Style)] = &[
    ("holds", GREEN),
    ("reached", GREEN),
    ("violated", RED),
    ("unreached", YELLOW),
    ("not exercised", YELLOW),
    ("undecided", YELLOW),
];

/// Words that open a line which a reader should not miss.
const OPENINGS: &[(&str, Style)] =
    &[("warning:", YELLOW), ("note:", YELLOW), ("next:", BOLD), ("  step  who", BOLD)];

/// Columns of the terminal that stdout is; none for a pipe or a file, whose lines are as long as they are.
pub(crate) fn columns() -> Option<u16> {
    let (Width(columns), _) = terminal_size().filter(|_| io::stdout().is_terminal())?;
    Some(columns.max(COLUMNS_MIN))
}

/// `text` as stdout is to have it.
pub(crate) fn dressed(text: String) -> String {
    let Some(columns) = columns() else { return text };
    let fitted = fitted(&text, columns.into());
    match AutoStream::choice(&io::stdout()) {
        ColorChoice::Never => fitted,
        ColorChoice::Auto | ColorChoice::AlwaysAnsi | ColorChoice::Always => painted(&fitted),
    }
}

/// `text` with each line that is too long continued below the last of its columns.
fn fitted(text: &str, columns: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
        if body.chars().count() <= columns {
            out += line;
            continue;
        }
        let indent = " ".repeat(hanging(body, columns));
        let options = Options::new(columns)
            .subsequent_indent(&indent)
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit)
            .break_words(false);
        out += &textwrap::fill(body, options);
        out += end;
    }
    out
}

/// Where the last column of `line` begins, or its text where that leaves too little.
fn hanging(line: &str, columns: usize) -> usize {
    let start = line.len() - line.trim_start().len();
    let last = line.rfind("  ").map_or(start, |at| at + 2).max(start);
    let last = line.get(..last).map_or(start, |before| before.chars().count());
    if last + LAST_COLUMN_MIN <= columns { last } else { start + 2 }
}

fn painted(text: &str) -> String {
    text.split_inclusive('\n').map(paint).collect()
}

fn paint(line: &str) -> String {
    let opening = OPENINGS.iter().find(|(word, _)| line.starts_with(word));
    if let Some((word, style)) = opening {
        return format!("{style}{word}{style:#}{}", &line[word.len()..]);
    }
    let verdicts = [
        (Verdict::Holds, GREEN),
        (Verdict::Violated, RED),
        (Verdict::Undecided, YELLOW),
        (Verdict::NoViolationFound, GREEN),
    ];
    for (verdict, style) in verdicts {
        let word = verdict.to_string();
        let rest = line.strip_prefix(&word).filter(|rest| rest.starts_with([':', ' ']));
        if let Some(rest) = rest {
            return format!("{style}{word}{style:#}{rest}");
        }
    }
    let is_property = ["always", "sometimes", "promise"]
        .iter()
        .any(|kind| line.strip_prefix("  ").is_some_and(|line| line.starts_with(kind)));
    if let Some((before, cell)) = line.rsplit_once("  ").filter(|_| is_property)
        && let Some((word, style)) = WORDS.iter().find(|(word, _)| cell.starts_with(word))
    {
        return format!("{before}  {style}{word}{style:#}{}", &cell[word.len()..]);
    }
    line.into()
}

#[cfg(test)]
mod tests {
    use super::{fitted, painted};

    #[test]
    fn a_line_that_is_too_long_goes_on_below_its_last_column() {
        let table =
            "  name  one two three four five six seven eight nine ten\nshort\n\n  name  end";
        let wide = fitted(table, 80);
        assert_eq!(wide, table);
        let narrow = fitted(table, 40);
        let lines: Vec<_> = narrow.lines().collect();
        assert!(lines.iter().all(|line| line.len() <= 40), "{narrow}");
        assert_eq!(lines[0], "  name  one two three four five six");
        assert_eq!(lines[1], "        seven eight nine ten");
        assert_eq!(&lines[2..], ["short", "", "  name  end"]);
    }

    #[test]
    fn a_line_whose_last_column_begins_late_goes_on_below_its_beginning() {
        let line = format!("  {}  one two three four", "x".repeat(30));
        let lines = fitted(&line, 40);
        assert_eq!(lines.lines().nth(1), Some("    two three four"), "{lines}");
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let text = "VIOLATED: smoke, hardened\n  states       86\n\n  always     image-is-prefix  violated in 4 steps\n  \
                    sometimes  states-defined/reached  not exercised\nwarning: a\nVIOLATEDLY\n  step  who  what\nnext:\n";
        let painted = painted(text);
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), text);
        let coloured = painted.lines().filter(|line| line.contains('\u{1b}')).count();
        assert_eq!(coloured, 6, "{painted:?}");
    }
}
