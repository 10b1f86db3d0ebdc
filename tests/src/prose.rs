//! How the pages read: where a sentence ends, how many words it has, and turns of phrase that are not to come back.
//! What a page says is judged elsewhere, against the code.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::source::{Finding, Source};

/// The most words of a sentence.
pub const WORDS_MAX: usize = 45;

/// At most a tenth of a page's sentences may have more words than this.
pub const WORDS_MANY: usize = 28;

/// Sentences that stood in pages and comments and stopped readers; each is quoted without marks of emphasis and code.
pub const BANNED: &[&str] = &[
    "is accepted and changes nothing, so that a script need not ask first",
    "An event is refused by the first check that fails",
    "the first does not hold for want of anything happening",
    "If it is not new, the secondary is linked and nothing changes.",
    "is the value of the entry of the highest seq among those for b above S.written in",
    "Fail while the link is down is none",
    "except that LinkUp is none, and that of the timers only these are",
    "is of one and the same write until it is written.",
    "a run that is none is refused at its line",
    "end a check with what is true of all runs of so many steps",
    "is how long a backup froze the database: what the four columns after it add up to",
    "That is every run of any length, since nothing counts",
    "What is not reached is neither kept nor broken: no run of these scripts would have been",
    "It is FREEZE-2 that makes this rule and BACKUP-2 necessary",
    "So the larger application costs less than the smaller one did.",
    "What whoever runs it says.",
    "What kept the engine from an outcome; a limit is none of that.",
    "There is none, or there are too many.",
    "A verb that has to change nothing, or none if there is none to be had.",
    "What only tests need, and what waits for nobody",
];

/// One sentence of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// The line on which its paragraph or list item begins, counted from 1.
    pub line: usize,
    /// Its text; a piece of code is one word.
    pub text: String,
}

impl Sentence {
    /// How many words it has. A sign alone, such as a dash, is no word.
    #[must_use]
    pub fn words(&self) -> usize {
        self.text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count()
    }
}

/// The sentences of a page in Markdown, in order. Code blocks, tables, headings and the targets of links have none; each
/// paragraph and each list item ends its last sentence.
#[must_use]
pub fn sentences(page: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    let mut text = String::new();
    let mut begins = 0;
    let mut skipped = 0_usize;
    for (event, range) in Parser::new_ext(page, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::Table(_)) => skipped += 1,
            Event::End(TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::Table) => skipped -= 1,
            Event::Text(_) | Event::Code(_) if skipped > 0 => {}
            Event::Text(part) => {
                if text.is_empty() {
                    begins = range.start;
                }
                text.push_str(&part);
            }
            Event::Code(part) => {
                if text.is_empty() {
                    begins = range.start;
                }
                text.extend(["`", &part.replace(' ', "_"), "`"]);
            }
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            Event::Start(Tag::Paragraph | Tag::Item | Tag::List(_))
            | Event::End(TagEnd::Paragraph | TagEnd::Item) => {
                let line = 1 + page[..begins].matches('\n').count();
                let parts = split(&std::mem::take(&mut text)).into_iter();
                found.extend(parts.map(|text| Sentence { line, text }));
            }
            _ => {}
        }
    }
    found
}

/// Cuts a paragraph after each word that ends with a full stop, a question mark or an exclamation mark, unless the next
/// word begins with a lower-case letter. Brackets and quotation marks around a word do not count.
fn split(paragraph: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut ended = true;
    for word in paragraph.split_whitespace() {
        let first = word.trim_start_matches(['(', '[', '"', '\'']).chars().next();
        if ended && !first.is_some_and(char::is_lowercase) || found.is_empty() {
            found.push(word.to_owned());
        } else if let Some(last) = found.last_mut() {
            last.push(' ');
            last.push_str(word);
        }
        ended = word.trim_end_matches([')', ']', '"', '\'']).ends_with(['.', '?', '!']);
    }
    found
}

/// The sentences of a page that are too long, or too many that are long.
#[must_use]
pub fn heavy(page: &Source) -> Vec<Finding> {
    let path = &page.path;
    let all = sentences(&page.text);
    let over = |limit| all.iter().filter(move |sentence| sentence.words() > limit);
    let told = |sentence: &Sentence| {
        format!("{path}:{}: {} words: {}", sentence.line, sentence.words(), sentence.text)
    };
    let mut findings: Vec<Finding> = over(WORDS_MAX).map(told).collect();
    let many = over(WORDS_MANY).count();
    if many * 10 > all.len() {
        let count = all.len();
        findings.push(format!("{path}: {many} of {count} sentences over {WORDS_MANY} words:"));
        findings.extend(over(WORDS_MANY).map(told));
    }
    findings
}

/// Every banned turn of phrase in a page, or in the comments of a source.
#[must_use]
pub fn banned(source: &Source) -> Vec<Finding> {
    let plain = source.text.replace(['*', '`'], "");
    let words = plain.split_whitespace().filter(|word| !["///", "//!", "//", "#"].contains(word));
    let plain = words.collect::<Vec<_>>().join(" ");
    let found = BANNED.iter().filter(|phrase| plain.contains(**phrase));
    found.map(|phrase| format!("{}: not again: {phrase}", source.path)).collect()
}
