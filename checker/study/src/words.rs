//! Words that several reports share. No report is written here.

use stateright::Expectation;

/// The word for a kind of property.
#[must_use]
pub const fn expectation(kind: &Expectation) -> &'static str {
    match kind {
        Expectation::Always => "always",
        Expectation::Sometimes => "sometimes",
        Expectation::Eventually => "eventually",
    }
}

/// A count with separators: 1,234,567.
#[must_use]
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
