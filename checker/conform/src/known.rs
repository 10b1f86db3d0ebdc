//! Known failures: which cases may fail, so that a build is red for new ones alone, and for those that fail no more.

use std::collections::BTreeSet;

use syncsplit_model::world::Verdict;

/// The cases that are known to fail.
#[derive(Clone, Debug, Default)]
pub struct Known {
    ids: BTreeSet<String>,
}

/// How the cases differ from what is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// They fail, and are not listed.
    pub new: Vec<String>,
    /// They are listed, and pass.
    pub stale: Vec<String>,
    /// Whether anything is listed at all.
    #[serde(skip)]
    pub is_listed: bool,
}

impl Difference {
    /// What the campaign comes to: whether every case did what is known of it. What no case looked at stays open.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.new.is_empty() && self.stale.is_empty() {
            Verdict::NoViolationFound
        } else {
            Verdict::Violated
        }
    }
}

impl Known {
    /// Reads a list: one id a line; what follows a `#` is a remark.
    ///
    /// # Errors
    /// A line is no id of a case.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut ids = BTreeSet::new();
        for (line, content) in text.lines().enumerate() {
            let id = content.split('#').next().unwrap_or_default().trim();
            if id.is_empty() {
                continue;
            }
            if id.contains(char::is_whitespace) || !id.contains('/') {
                let place = line + 1;
                return Err(format!(
                    "line {place}: {id:?} is no case; one a line, for example directed/XFER-3"
                ));
            }
            ids.insert(id.to_owned());
        }
        Ok(Self { ids })
    }

    /// The first listed id that no case has, of those that `is_case` accepts.
    #[must_use]
    pub fn stranger(&self, is_case: impl Fn(&str) -> bool) -> Option<&str> {
        self.ids.iter().map(String::as_str).find(|id| !is_case(id))
    }

    /// Compares the cases that were done with the list. A listed case that was not done, or that the adapter does not have
    /// what it needs for, says nothing.
    #[must_use]
    pub fn compare<'a>(&self, cases: impl IntoIterator<Item = (&'a str, Verdict)>) -> Difference {
        let mut difference =
            Difference { is_listed: !self.ids.is_empty(), ..Difference::default() };
        for (id, verdict) in cases {
            match (verdict, self.ids.contains(id)) {
                (Verdict::Violated, false) => difference.new.push(id.to_owned()),
                (Verdict::NoViolationFound, true) => difference.stale.push(id.to_owned()),
                _ => {}
            }
        }
        difference
    }
}
