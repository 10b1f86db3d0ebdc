//! A run as a picture: lifelines, an arrow for each step, and notes where a step leaves something to know. It takes the
//! colours of a page that it stands in, and those of the reader's scheme where it stands alone.

use std::fmt::Write as _;

use syncsplit_model::world::parties::{Course, Party};

use crate::trace::Trace;
use crate::trace::diagram::{Diagram, Note};

/// Distance of two lifelines.
const COLUMN: usize = 138;
/// Height of a line of text.
const LINE: usize = 14;
/// Width of a letter, a little more than it is.
const LETTER: f64 = 6.7;
/// Letters of a note's line before it is wrapped.
const NOTE_LETTERS: usize = 18;
/// Space round text in a note.
const PADDING: usize = 5;
/// Height of an arrow with the text above it.
const ARROW: usize = 34;
/// Height of title and party names.
const HEAD: usize = 62;
/// Space at the left and right edge.
const EDGE: usize = 12;

/// Colours and strokes. The variables are those of stateright's Explorer; elsewhere what stands behind them counts.
const STYLE: &str = "\
.ss-picture{--ss-ground:var(--bg-drk,#ffffff);--ss-ink:var(--fg-lit,#1b1f24);--ss-faint:var(--fg-med,#6e7781);\
--ss-paper:var(--bg-med,#fff6d6);--ss-arrow:var(--contrast-brt,#0550ae)}\
@media (prefers-color-scheme:dark){.ss-picture{--ss-ground:var(--bg-drk,#0d1117);--ss-ink:var(--fg-lit,#e6edf3);\
--ss-faint:var(--fg-med,#8b949e);--ss-paper:var(--bg-med,#2d2a1e);--ss-arrow:var(--contrast-brt,#79c0ff)}}\
.ss-picture text{font:11px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:var(--ss-ink);white-space:pre}\
.ss-picture .ss-title{font-size:13px;font-weight:bold}\
.ss-picture .ss-party{font-size:12px;font-weight:bold;text-anchor:middle}\
.ss-picture .ss-life{stroke:var(--ss-faint);stroke-dasharray:3 4}\
.ss-picture .ss-arrow{stroke:var(--ss-arrow);stroke-width:1.6;fill:none}\
.ss-picture .ss-lost{stroke-dasharray:5 4}\
.ss-picture .ss-head{fill:var(--ss-arrow);stroke:none}\
.ss-picture .ss-what{paint-order:stroke;stroke:var(--ss-ground);stroke-width:4px;stroke-linejoin:round}\
.ss-picture .ss-note{fill:var(--ss-paper);stroke:var(--ss-faint)}\
.ss-picture .ss-box{fill:var(--ss-ground);stroke:var(--ss-ink)}\
.ss-picture .ss-loop{fill:none;stroke:var(--ss-ink);stroke-dasharray:6 3}\
.ss-picture .ss-ground{fill:var(--ss-ground)}";

/// The picture of `trace`.
#[must_use]
pub fn picture(trace: &Trace) -> String {
    let diagram = Diagram::new(trace);
    let mut canvas = Canvas {
        columns: diagram.parties.clone(),
        width: 2 * EDGE + COLUMN * diagram.parties.len().max(1),
        y: HEAD,
        body: String::new(),
    };
    canvas.notes(&diagram.start);
    let mut loop_top = None;
    for (index, (step, notes)) in diagram.steps.iter().enumerate() {
        if diagram.loop_from == Some(index) {
            loop_top = Some(canvas.y);
            canvas.y += LINE + PADDING;
        }
        canvas.arrow(step.course, &format!("{}. {}", step.step, step.what));
        canvas.notes(notes);
    }
    if let Some(top) = loop_top {
        canvas.frame(top);
    }
    diagram.closing.iter().for_each(|text| canvas.line(text));
    canvas.finish(&diagram.title)
}

struct Canvas {
    columns: Vec<Party>,
    width: usize,
    /// Where the next thing goes.
    y: usize,
    body: String,
}

impl Canvas {
    fn x(&self, party: Party) -> usize {
        let at = self.columns.iter().position(|other| *other == party).unwrap_or(0);
        EDGE + COLUMN * at + COLUMN / 2
    }

    fn arrow(&mut self, course: Course, what: &str) {
        let (from, to) = (self.x(course.from()), self.x(course.to()));
        let y = self.y + ARROW - 8;
        let body = &mut self.body;
        let (middle, lines) = match course {
            Course::Within(_) => {
                // A loop at the side where there is room for it.
                let out = if from + COLUMN > self.width { from - 22 } else { from + 22 };
                let side = if out > from { 1 } else { -1 };
                let _ = write!(
                    body,
                    r#"<path class="ss-arrow" d="M{from} {} H{out} V{y} H{from}"/>"#,
                    y - 8
                );
                head(body, from, y, -side);
                (from, 0)
            }
            Course::Passes { .. } => {
                let _ = write!(body, r#"<path class="ss-arrow" d="M{from} {y} H{to}"/>"#);
                head(body, to, y, if to > from { 1 } else { -1 });
                ((from + to) / 2, 0)
            }
            Course::Lost { .. } => {
                let end = (from + 2 * to) / 3;
                let _ = write!(
                    body,
                    r#"<path class="ss-arrow ss-lost" d="M{from} {y} H{end}"/><path class="ss-arrow" d="M{} {} l10 10 m0 -10 l-10 10"/>"#,
                    end - 5,
                    y - 5
                );
                ((from + to) / 2, 0)
            }
        };
        let up = if matches!(course, Course::Within(_)) { 13 } else { 6 };
        self.label(middle, y - up - lines, what);
        self.y = y + 8;
    }

    /// A text round `middle`, moved where it would stand beyond an edge.
    fn label(&mut self, middle: usize, y: usize, what: &str) {
        let half = (what.chars().count() as f64 * LETTER / 2.0) as usize;
        let most = self.width.saturating_sub(EDGE + half).max(half + EDGE);
        let x = middle.clamp(half + EDGE, most);
        let _ = write!(
            self.body,
            r#"<text class="ss-what" text-anchor="middle" x="{x}" y="{y}">{}</text>"#,
            escaped(what)
        );
    }

    fn notes(&mut self, notes: &[Note]) {
        let mut tallest = 0;
        for note in notes {
            let lines: Vec<String> =
                note.lines.iter().flat_map(|line| wrapped(line, NOTE_LETTERS)).collect();
            let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
            let width = (longest as f64 * LETTER) as usize + 2 * PADDING;
            let height = lines.len() * LINE + PADDING;
            let left = self.x(note.party) - width / 2;
            let y = self.y;
            let body = &mut self.body;
            let _ = write!(
                body,
                r#"<rect class="ss-note" x="{left}" y="{y}" width="{width}" height="{height}" rx="2"/>"#
            );
            for (index, line) in lines.iter().enumerate() {
                let _ = write!(
                    body,
                    r#"<text x="{}" y="{}">{}</text>"#,
                    left + PADDING,
                    y + (index + 1) * LINE - 2,
                    escaped(line)
                );
            }
            tallest = tallest.max(height + 4);
        }
        self.y += tallest;
    }

    /// The frame round the steps of the loop, from `top` to where the picture has come.
    fn frame(&mut self, top: usize) {
        let (x, width, height) = (EDGE / 2, self.width - EDGE, self.y - top + PADDING);
        let _ = write!(
            self.body,
            r#"<rect class="ss-loop" x="{x}" y="{top}" width="{width}" height="{height}"/><text class="ss-title" x="{}" y="{}">for ever</text>"#,
            x + PADDING,
            top + LINE
        );
        self.y += 2 * PADDING;
    }

    /// A text from edge to edge, below all that was drawn.
    fn line(&mut self, text: &str) {
        let letters = ((self.width - 2 * EDGE) as f64 / LETTER) as usize;
        for line in wrapped(text, letters) {
            self.y += LINE;
            let y = self.y;
            let _ = write!(self.body, r#"<text x="{EDGE}" y="{y}">{}</text>"#, escaped(&line));
        }
        self.y += PADDING;
    }

    fn finish(self, title: &str) -> String {
        let (width, height) = (self.width, self.y + EDGE);
        let mut out = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="ss-picture" viewBox="0 0 {width} {height}" width="{width}" height="{height}" style="max-width:100%;height:auto" role="img"><title>{title}</title><style>{STYLE}</style><rect class="ss-ground" width="{width}" height="{height}"/><text class="ss-title" x="{EDGE}" y="20">{title}</text>"#,
            title = escaped(title)
        );
        for party in &self.columns {
            let x = self.x(*party);
            let _ = write!(
                out,
                r#"<path class="ss-life" d="M{x} 52 V{}"/><rect class="ss-box" x="{}" y="32" width="{}" height="20" rx="3"/><text class="ss-party" x="{x}" y="46">{}</text>"#,
                height - 4,
                x - COLUMN / 2 + 16,
                COLUMN - 32,
                escaped(party.name())
            );
        }
        out.push_str(&self.body);
        out.push_str("</svg>\n");
        // One element a line, so that two pictures can be compared.
        out.replace("><", ">\n<")
    }
}

/// The point of an arrow that comes from the left if `side` is 1, from the right if it is -1.
fn head(body: &mut String, x: usize, y: usize, side: i32) {
    let back = -9 * side;
    let _ = write!(body, r#"<path class="ss-head" d="M{x} {y} l{back} -4 v8 z"/>"#);
}

/// `line` in lines of at most so many letters; those that follow are indented.
fn wrapped(line: &str, letters: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last > 0 && last + 1 + word.chars().count() > letters {
            lines.push("  ".into());
        }
        if let Some(line) = lines.last_mut() {
            if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
