//! The end of a check's text: the verdict with its exit code, and the commands with which a reader goes on from there. What
//! a check comes to is not decided here.

use std::env;

use syncsplit_model::world::Verdict;
use syncsplit_study::report::Report;

use crate::args::CheckArgs;
use crate::exit;

/// A command, and what it answers.
type Advice = (String, &'static str);

/// The last lines of the text of `report`, whose verdict is taken for `conclusion`.
pub(crate) fn closing(report: &Report, conclusion: Verdict, args: &CheckArgs) -> String {
    let code = exit::number(conclusion);
    let mut text = format!("\n{}; exit code {code}\n", report.headline());
    let advice = advice(report, args);
    if !advice.is_empty() {
        text += "next:\n";
    }
    let width = advice.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    for (command, answers) in advice {
        text += &format!("  {command:width$}  {answers}\n");
    }
    text
}

fn advice(report: &Report, args: &CheckArgs) -> Vec<Advice> {
    let mut all = Vec::new();
    let given = given();
    let broken = ["violated", "unreached"]
        .iter()
        .find_map(|verdict| report.properties.iter().find(|property| property.verdict == *verdict));
    match report.verdict {
        Verdict::Violated => {
            let property = broken.map(|property| format!("syncsplit explain {}", property.name));
            all.extend(property.map(|command| (command, "what it says, and what breaks it")));
            if report.ended == "violation" {
                all.push((format!("{given} --continue"), "every property that breaks"));
            }
            let has_trace = report.properties.iter().any(|property| property.trace.is_some());
            if args.trace_out.is_none() && has_trace {
                let picture = (format!("{given} --trace-out run.svg"), "the run as a picture");
                let steps = (format!("{given} --trace-out run.itf.json"), "for syncsplit replay");
                all.extend([picture, steps]);
            }
        }
        Verdict::Undecided if report.ended != "complete" => {
            if args.checkpoint.is_none() && args.resume.is_none() {
                let keeps = "keeps the search at its limit; --resume FILE goes on with it";
                all.push((format!("{given} --checkpoint FILE"), keeps));
            }
        }
        Verdict::Holds | Verdict::NoViolationFound | Verdict::Undecided => {
            let silent = report.unexercised.first();
            all.extend(silent.map(|question| {
                let command = format!("syncsplit explain {}", question.property);
                (command, "when its question arises")
            }));
        }
    }
    let rules = report.without.iter();
    all.extend(rules.map(|rule| {
        (format!("syncsplit explain {rule}"), "what the rule is, and what its absence breaks")
    }));
    if report.verdict == Verdict::Holds && report.without.is_empty() {
        all.push(("syncsplit ablate".into(), "what breaks without each rule"));
        if report.properties.iter().all(|property| property.kind != "promise") {
            all.push(("syncsplit check promises".into(), "the promises, too"));
        }
    }
    all
}

/// The command line as it was given, so that a shell reads the same arguments again.
fn given() -> String {
    let arguments = env::args_os().skip(1);
    let quoted = arguments.map(|argument| quoted(&argument.to_string_lossy()));
    std::iter::once("syncsplit".to_owned()).chain(quoted).collect::<Vec<_>>().join(" ")
}

/// An argument as a shell takes it for one word.
fn quoted(argument: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./=:,+@%".contains(letter);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        return argument.into();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn what_a_shell_would_read_otherwise_is_quoted() {
        for (argument, shown) in [
            ("--without", "--without"),
            ("./mine.toml", "./mine.toml"),
            ("", "''"),
            ("a b", "'a b'"),
            ("a'b", r"'a'\''b'"),
            ("$(date)", "'$(date)'"),
        ] {
            assert_eq!(quoted(argument), shown);
        }
    }
}
