//! A run as a picture: lifelines, an arrow for each step, and notes where a step leaves something to know. Every colour is
//! an attribute, so that the picture looks the same wherever it is drawn.

use std::fmt::Write as _;

use syncsplit_model::world::parties::{Course, Party};

use crate::trace::diagram::{Diagram, Note, label};
use crate::trace::{Step, Trace};

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
/// Height of title and party names.
const HEAD: usize = 62;
/// Space at the left and right edge.
const EDGE: usize = 26;
/// How far an arrow of a party to itself goes out.
const SELF: usize = 22;

/// Behind everything.
const GROUND: &str = "#ffffff";
/// Text and frames.
const INK: &str = "#1b1f24";
/// A step that is a fault, and a message that is lost.
const FAULT: &str = "#d1242f";
/// Behind the text of the step that departs from the full rules.
const DEPARTURE: &str = "#ffe08a";

/// The colour of a party: of its lifeline, of its notes, and of the steps that it takes.
const fn colour(party: Party) -> &'static str {
    match party {
        Party::Database => "#6a1b9a",
        Party::Primary => "#0550ae",
        Party::ArrayLink => "#6e7781",
        Party::Secondary => "#116329",
        Party::Coordinator => "#953800",
        Party::HostLink => "#7a6f00",
        Party::Requester => "#a8326e",
        Party::Operator => "#1b7c83",
    }
}

/// The picture of `trace`.
#[must_use]
pub fn picture(trace: &Trace) -> String {
    let diagram = Diagram::new(trace);
    let mut canvas = Canvas {
        columns: diagram.parties.clone(),
        width: 2 * EDGE + COLUMN * diagram.parties.len().max(3),
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
        canvas.step(step);
        canvas.notes(notes);
    }
    if let Some(top) = loop_top {
        canvas.frame(top);
    }
    diagram.closing.iter().for_each(|text| canvas.paragraph(text));
    canvas.legend(&diagram);
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

    /// The letters that fit between the edges.
    fn letters(&self) -> usize {
        ((self.width - 2 * EDGE) as f64 / LETTER) as usize
    }

    /// The text of a step, and its arrow below.
    fn step(&mut self, step: &Step) {
        let Course::Within(_) = step.course else {
            let ends = [step.course.from(), step.course.to()].map(|party| self.x(party));
            self.label(step, ends.iter().sum::<usize>() / 2);
            return self.arrow(step, ends);
        };
        let from = self.x(step.course.from());
        self.label(step, from);
        // A loop at the side where there is room for it.
        let is_left = from + COLUMN > self.width;
        let out = if is_left { from - SELF } else { from + SELF };
        let (colour, y) = (of_step(step), self.y);
        let d = format!("M{from} {y} H{out} v10 H{from}");
        self.path(&d, colour, "");
        self.head(from, y + 10, if is_left { 1 } else { -1 }, colour);
        self.y += 16;
    }

    fn arrow(&mut self, step: &Step, [from, to]: [usize; 2]) {
        let (colour, y) = (of_step(step), self.y + 4);
        if let Course::Lost { .. } = step.course {
            let end = (from + 2 * to) / 3;
            self.path(&format!("M{from} {y} H{end}"), colour, r#" stroke-dasharray="5 4""#);
            let cross = format!("M{} {} l10 10 m0 -10 l-10 10", end - 5, y - 5);
            self.path(&cross, colour, "");
        } else {
            self.path(&format!("M{from} {y} H{to}"), colour, "");
            self.head(to, y, if to > from { 1 } else { -1 }, colour);
        }
        self.y += 12;
    }

    fn path(&mut self, d: &str, stroke: &str, more: &str) {
        let _ = write!(
            self.body,
            r#"<path d="{d}" fill="none" stroke="{stroke}" stroke-width="1.6"{more}/>"#
        );
    }

    /// The point of an arrow that comes from the left if `side` is 1, from the right if it is -1.
    fn head(&mut self, x: usize, y: usize, side: i32, fill: &str) {
        let back = -9 * side;
        let _ = write!(
            self.body,
            r#"<path d="M{x} {y} l{back} -4 v8 z" fill="{fill}" stroke="none"/>"#
        );
    }

    /// The text of a step round `middle`, moved where it would stand beyond an edge.
    fn label(&mut self, step: &Step, middle: usize) {
        self.y += 4;
        let ground = if step.departs.is_some() { DEPARTURE } else { GROUND };
        for line in wrapped(&label(step), self.letters()) {
            let width = (line.chars().count() as f64 * LETTER) as usize;
            let most = self.width.saturating_sub(EDGE + width).max(EDGE);
            let left = middle.saturating_sub(width / 2).clamp(EDGE, most);
            let y = self.y;
            let _ = write!(
                self.body,
                r#"<rect x="{left}" y="{y}" width="{width}" height="{LINE}" fill="{ground}"/>"#
            );
            self.text(left, y + LINE - 3, of_step(step), "", &line);
            self.y += LINE;
        }
        self.y += 4;
    }

    fn text(&mut self, x: usize, y: usize, fill: &str, more: &str, text: &str) {
        let text = escaped(text);
        let _ = write!(self.body, r#"<text x="{x}" y="{y}" fill="{fill}"{more}>{text}</text>"#);
    }

    fn notes(&mut self, notes: &[Note]) {
        let mut tallest = 0;
        for note in notes {
            let texts = note.lines.iter();
            let lines: Vec<String> = texts.flat_map(|line| wrapped(line, NOTE_LETTERS)).collect();
            let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
            let width = (longest as f64 * LETTER) as usize + 2 * PADDING;
            let height = lines.len() * LINE + PADDING;
            let left = self.x(note.party).saturating_sub(width / 2);
            let (y, colour) = (self.y, colour(note.party));
            let place = format!(r#"x="{left}" y="{y}" width="{width}" height="{height}" rx="2""#);
            // A tint over the ground: what stands behind does not show through.
            let _ = write!(
                self.body,
                r#"<rect {place} fill="{GROUND}"/><rect {place} fill="{colour}" fill-opacity="0.12" stroke="{colour}"/>"#
            );
            for (index, line) in lines.iter().enumerate() {
                self.text(left + PADDING, y + (index + 1) * LINE - 2, INK, "", line);
            }
            tallest = tallest.max(height + 4);
        }
        self.y += tallest;
    }

    /// The frame round the steps of the loop, from `top` to where the picture has come, with the way back at its left.
    fn frame(&mut self, top: usize) {
        let (x, width, height) = (EDGE / 2, self.width - EDGE, self.y - top + PADDING);
        let _ = write!(
            self.body,
            r#"<rect x="{x}" y="{top}" width="{width}" height="{height}" fill="none" stroke="{INK}" stroke-dasharray="6 3"/>"#
        );
        self.text(x + PADDING, top + LINE, INK, TITLE, "for ever");
        let (bottom, begin) = (top + height - 8, top + LINE + PADDING);
        self.path(&format!("M{} {bottom} H6 V{begin} H{x}", x + 8), INK, "");
        self.head(x + 4, begin, 1, INK);
        self.y += 3 * PADDING;
    }

    /// A text from edge to edge, below all that was drawn.
    fn paragraph(&mut self, text: &str) {
        for line in wrapped(text, self.letters()) {
            self.y += LINE;
            self.text(EDGE, self.y, INK, "", &line);
        }
        self.y += PADDING;
    }

    /// What colours and lines mean, as far as they are in the picture.
    fn legend(&mut self, diagram: &Diagram) {
        let mut steps = diagram.steps.iter().map(|(step, _)| step);
        let mut says = vec!["Colour: who takes the step".to_owned()];
        if steps.clone().any(|step| step.fault.is_some()) {
            says.push("red: a fault".into());
        }
        if steps.clone().any(|step| matches!(step.course, Course::Lost { .. })) {
            says.push("dashed with a cross: lost".into());
        }
        if steps.any(|step| step.departs.is_some()) {
            says.push("yellow, marked *: departs from the full rules".into());
        }
        self.paragraph(&format!("{}.", says.join("; ")));
    }

    fn finish(self, title: &str) -> String {
        let (width, height) = (self.width, self.y + EDGE / 2);
        let title = escaped(title);
        let mut out = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" xml:space="preserve" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="11"><title>{title}</title><rect width="{width}" height="{height}" fill="{GROUND}"/><text x="{EDGE}" y="20" fill="{INK}"{TITLE}>{title}</text>"#
        );
        for party in &self.columns {
            let (x, colour) = (self.x(*party), colour(*party));
            let (bottom, left, wide) = (height - 4, x - COLUMN / 2 + 14, COLUMN - 28);
            let _ = write!(
                out,
                r#"<path d="M{x} 52 V{bottom}" fill="none" stroke="{colour}" stroke-opacity="0.5" stroke-dasharray="3 4"/><rect x="{left}" y="32" width="{wide}" height="20" rx="3" fill="{colour}"/><text x="{x}" y="46" fill="{GROUND}" font-size="12" font-weight="bold" text-anchor="middle">{}</text>"#,
                escaped(party.name())
            );
        }
        out.push_str(&self.body);
        out.push_str("</svg>\n");
        // One element a line, so that two pictures can be compared.
        out.replace("><", ">\n<")
    }
}

/// How a title is set.
const TITLE: &str = r#" font-size="13" font-weight="bold""#;

/// The colour of a step: of a fault, or of the party that takes it.
const fn of_step(step: &Step) -> &'static str {
    match (step.fault, step.course) {
        (Some(_), _) | (None, Course::Lost { .. }) => FAULT,
        (None, course) => colour(course.from()),
    }
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
