//! From the text of a condition to its parts. What a field is, and which kinds go together, is not known here.

use super::{Node, Operand, PathStep, SIZE, Sign};
use crate::trace::value::Value;

/// What a text may be instead, for whoever wrote none.
const EXAMPLE: &str =
    "a condition is for example: primary == PSUE and (journal.size > 0 or not consistent)";

/// The most parentheses and negations within each other.
const DEPTH_MAX: usize = 64;

/// The condition that `text` is.
pub(super) fn condition(text: &str) -> Result<Node, String> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, at: 0, depth: 0, end: text.chars().count() + 1 };
    let node = reader.any()?;
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.refuse("`and`, `or` or the end")),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    /// A sign, a parenthesis, a bracket or a dot.
    Mark(&'static str),
}

/// Every mark, longer ones before those that they begin with.
const MARKS: &[&str] =
    &["==", "!=", "<=", ">=", "&&", "||", "=", "<", ">", "!", "(", ")", "[", "]", "."];

/// The tokens of a text, each with its column from 1.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, String> {
    let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let column = text[..text.len() - rest.len()].chars().count() + 1;
        let Some(first) = rest.chars().next() else { return Ok(found) };
        let token = if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            rest = &rest[mark.len()..];
            Token::Mark(mark)
        } else if matches!(first, '"' | '\'') {
            let inner = &rest[1..];
            let Some(end) = inner.find(first) else {
                return Err(format!(
                    "column {column}: the text that begins here has no end; {EXAMPLE}"
                ));
            };
            rest = &inner[end + 1..];
            Token::Quoted(inner[..end].into())
        } else if is_word(first) {
            let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
            let word = rest[..end].into();
            rest = &rest[end..];
            Token::Word(word)
        } else {
            return Err(format!("column {column}: found {first:?}; {EXAMPLE}"));
        };
        found.push((column, token));
    }
}

struct Reader<'a> {
    tokens: &'a [(usize, Token)],
    at: usize,
    depth: usize,
    /// The column behind the text.
    end: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn refuse(&self, valid: &str) -> String {
        let (column, found) = match self.tokens.get(self.at) {
            None => (self.end, "the end".into()),
            Some((column, Token::Word(text) | Token::Quoted(text))) => {
                (*column, format!("{text:?}"))
            }
            Some((column, Token::Mark(mark))) => (*column, format!("{mark:?}")),
        };
        format!("column {column}: found {found}; valid is {valid}; {EXAMPLE}")
    }

    /// Takes the next token if it is one of `words` or `marks`.
    fn takes(&mut self, words: &[&str]) -> bool {
        let is_one = match self.peek() {
            Some(Token::Word(word)) => words.contains(&word.as_str()),
            Some(Token::Mark(mark)) => words.contains(mark),
            Some(Token::Quoted(_)) | None => false,
        };
        self.at += usize::from(is_one);
        is_one
    }

    fn any(&mut self) -> Result<Node, String> {
        let mut nodes = vec![self.all()?];
        while self.takes(&["or", "||"]) {
            nodes.push(self.all()?);
        }
        Ok(Node::Any(nodes))
    }

    fn all(&mut self) -> Result<Node, String> {
        let mut nodes = vec![self.one()?];
        while self.takes(&["and", "&&"]) {
            nodes.push(self.one()?);
        }
        Ok(Node::All(nodes))
    }

    fn one(&mut self) -> Result<Node, String> {
        if self.depth >= DEPTH_MAX {
            return Err(format!(
                "more than {DEPTH_MAX} parentheses and negations within each other"
            ));
        }
        self.depth += 1;
        let node = if self.takes(&["not", "!"]) {
            Node::Not(Box::new(self.one()?))
        } else if self.takes(&["("]) {
            let node = self.any()?;
            if !self.takes(&[")"]) {
                return Err(self.refuse("`)`"));
            }
            node
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn comparison(&mut self) -> Result<Node, String> {
        let left = self.field()?;
        let signs = [
            (&["==", "="][..], Sign::Equal),
            (&["!="], Sign::Unequal),
            (&["<="], Sign::LessOrEqual),
            (&[">="], Sign::MoreOrEqual),
            (&["<"], Sign::Less),
            (&[">"], Sign::More),
            (&["has"], Sign::Has),
        ];
        match signs.into_iter().find(|(words, _)| self.takes(words)) {
            Some((_, sign)) => Ok(Node::Compare(left, sign, self.operand()?)),
            None => Ok(Node::Is(left)),
        }
    }

    /// A field with the way into it.
    fn field(&mut self) -> Result<Operand, String> {
        let is_field = |word: &str| word.starts_with(|first: char| first.is_ascii_lowercase());
        let name = match self.peek() {
            Some(Token::Word(word)) if is_field(word) => word.clone(),
            _ => return Err(self.refuse("the name of a field")),
        };
        self.at += 1;
        Ok(Operand::Field { name, steps: self.steps()? })
    }

    fn steps(&mut self) -> Result<Vec<PathStep>, String> {
        let mut steps = Vec::new();
        loop {
            if self.takes(&["."]) {
                let Some(Token::Word(part)) = self.peek() else {
                    return Err(self.refuse("the name of a part"));
                };
                let is_size = part == SIZE;
                steps.push(if is_size { PathStep::Size } else { PathStep::Name(part.clone()) });
                self.at += 1;
                if is_size {
                    return Ok(steps);
                }
            } else if self.takes(&["["]) {
                let index = match self.peek() {
                    Some(Token::Word(word)) => word.parse().ok(),
                    Some(Token::Quoted(_) | Token::Mark(_)) | None => None,
                };
                let Some(index) = index else { return Err(self.refuse("a place, from 0")) };
                steps.push(PathStep::Index(index));
                self.at += 1;
                if !self.takes(&["]"]) {
                    return Err(self.refuse("`]`"));
                }
            } else {
                return Ok(steps);
            }
        }
    }

    /// What stands on the right of a sign.
    fn operand(&mut self) -> Result<Operand, String> {
        let token = self.peek().cloned();
        let is_path = matches!(self.tokens.get(self.at + 1), Some((_, Token::Mark("." | "["))));
        if is_path {
            return self.field();
        }
        let operand = match token {
            Some(Token::Quoted(text)) => Operand::Literal(Value::Text(text)),
            Some(Token::Word(word)) => match word.as_str() {
                "true" => Operand::Literal(Value::Bool(true)),
                "false" => Operand::Literal(Value::Bool(false)),
                _ => match word.parse::<u64>() {
                    Ok(number) => Operand::Literal(Value::number(number)),
                    Err(_) => Operand::Word(word),
                },
            },
            Some(Token::Mark(_)) | None => {
                return Err(self.refuse("a field, a number, a text, true or false"));
            }
        };
        self.at += 1;
        Ok(operand)
    }
}
