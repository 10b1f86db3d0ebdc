//! Whether source code decides by names in place of types: a text that is the name of a kind of action, and a `matches!` that
//! lists alternatives of a closed enum. Read from the syntax tree, so that comments do not count.

use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, Item, LitStr, Macro, Pat, Token};
use syncsplit_model::world::ActionKind;

use crate::source::{Finding, Source, is_for_tests};

/// Where the code stands that is held to it.
const FOLDERS: &[&str] = &[
    "model/src",
    "impl/src",
    "checker/engine/src",
    "checker/search/src",
    "checker/study/src",
    "checker/validate/src",
    "checker/conform/src",
    "checker/syncsplit/src",
];

/// Enums of which a list of alternatives is a set that has a name.
const CLOSED: &[&str] = &[
    "Action",
    "ActionKind",
    "CoordinatorEvent",
    "CoordinatorRefusal",
    "DatabaseEvent",
    "DatabaseRefusal",
    "Fault",
    "HostMessage",
    "MessageKind",
    "PrimaryEvent",
    "PrimaryRefusal",
    "RequesterEvent",
    "RequesterRefusal",
    "Rule",
    "SecondaryEvent",
    "SecondaryRefusal",
    "SyncEvent",
    "ToPrimary",
    "ToSecondary",
    "WhyNot",
];

/// Every name of a kind of action, and every list of alternatives, in `source`; tests may have them.
#[must_use]
pub fn broken(source: &Source) -> Vec<Finding> {
    if source.is_test() || !FOLDERS.iter().any(|folder| source.is_in(folder)) {
        return Vec::new();
    }
    let file = match source.parse() {
        Ok(file) => file,
        Err(finding) => return vec![finding],
    };
    let mut reader = Reader { path: &source.path, found: Vec::new() };
    reader.visit_file(&file);
    reader.found
}

struct Reader<'a> {
    path: &'a str,
    found: Vec<Finding>,
}

impl Reader<'_> {
    fn find(&mut self, spanned: &impl Spanned, what: &str) {
        self.found.push(format!("{}:{}: {what}", self.path, spanned.span().start().line));
    }

    /// Texts in the arguments of a macro, which is read as the tokens that it is.
    fn read_tokens(&mut self, tokens: proc_macro2::TokenStream) {
        for token in tokens {
            if let proc_macro2::TokenTree::Group(group) = token {
                self.read_tokens(group.stream());
            } else if let Ok(text) = syn::parse2::<LitStr>(token.into()) {
                self.visit_lit_str(&text);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[syn::Attribute] = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => &[],
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_lit_str(&mut self, text: &'ast LitStr) {
        if ActionKind::ALL.iter().any(|kind| kind.name() == text.value()) {
            self.find(text, &format!("{:?} names a kind of action", text.value()));
        }
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.read_tokens(call.tokens.clone());
        let asked = call.path.is_ident("matches").then(|| call.parse_body::<Asked>());
        if let Some(Ok(Asked(pattern))) = asked {
            let mut lists = Lists(Vec::new());
            lists.visit_pat(&pattern);
            for name in lists.0 {
                self.find(call, &format!("a `matches!` lists alternatives of {name}"));
            }
        }
    }
}

/// The pattern in a `matches!`.
struct Asked(Pat);

impl Parse for Asked {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        input.parse::<Expr>()?;
        input.parse::<Token![,]>()?;
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        input.parse::<proc_macro2::TokenStream>()?;
        Ok(Self(pattern))
    }
}

/// The closed enums of which a pattern lists alternatives.
struct Lists(Vec<String>);

impl<'ast> Visit<'ast> for Lists {
    fn visit_pat_or(&mut self, list: &'ast syn::PatOr) {
        let path = match list.cases.first() {
            Some(Pat::TupleStruct(pattern)) => Some(&pattern.path),
            Some(Pat::Struct(pattern)) => Some(&pattern.path),
            Some(Pat::Path(pattern)) => Some(&pattern.path),
            _ => None,
        };
        let owner = path.and_then(|path| path.segments.iter().rev().nth(1));
        let owner = owner.map(|segment| segment.ident.to_string());
        self.0.extend(owner.filter(|name| CLOSED.contains(&name.as_str())));
        visit::visit_pat_or(self, list);
    }
}
