//! Where the code of the model names a rule, a fault, a property, an action or a promise: read from the syntax of its files,
//! so that no list of places can be out of date. What is said of a place is not decided here.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// The enums whose variants are looked for; a kind of action is looked for under the action.
const ENUMS: &[(&str, &str)] = &[
    ("Rule", "Rule"),
    ("Fault", "Fault"),
    ("WorldProperty", "WorldProperty"),
    ("Action", "Action"),
    ("ActionKind", "Action"),
];

/// What a promise is written down as: it is found under its name.
const PROMISE: &str = "PromiseInfo";

/// What is named, the file and the item.
type Place = (String, String, String);

/// A table of all places in `files`, as the text of a Rust expression.
pub(super) fn table(files: &[(String, &Path)]) -> io::Result<String> {
    let mut found = BTreeSet::new();
    for (name, path) in files.iter().filter(|(name, _)| name.ends_with(".rs")) {
        let text = fs::read_to_string(path)?;
        // A file that is no Rust fails where it is compiled, with a better message.
        let Ok(file) = syn::parse_file(&text) else { continue };
        let mut reader = Reader { file: name, owner: None, item: String::new(), found: &mut found };
        reader.visit_file(&file);
    }
    Ok(format!("&{:?}", found.into_iter().collect::<Vec<_>>()))
}

struct Reader<'a> {
    file: &'a str,
    /// The type whose `impl` is read.
    owner: Option<String>,
    /// The function or constant that is read.
    item: String,
    found: &'a mut BTreeSet<Place>,
}

impl Reader<'_> {
    fn add(&mut self, what: String, item: String) {
        self.found.insert((what, self.file.to_owned(), item));
    }

    /// What `of::name` is called in the table; none for what is not looked for.
    fn key(&self, of: &str, name: &str) -> Option<String> {
        let of = if of == "Self" { self.owner.as_deref()? } else { of };
        let (_, key) = ENUMS.iter().find(|(one, _)| *one == of)?;
        let is_variant = name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase);
        is_variant.then(|| format!("{key}::{name}"))
    }

    fn name_path(&mut self, path: &syn::Path, item: &str) {
        let segments: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        if let [.., of, name] = segments.as_slice()
            && let Some(key) = self.key(of, name)
        {
            self.add(key, item.to_owned());
        }
    }

    fn within(&mut self, name: &syn::Ident, read: impl FnOnce(&mut Self)) {
        let of = self.owner.as_ref().map_or(String::new(), |owner| format!("{owner}::"));
        let before = std::mem::replace(&mut self.item, format!("{of}{name}"));
        read(self);
        self.item = before;
    }

    /// Paths in the arguments of a macro, which are no syntax yet.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut last: Vec<String> = Vec::new();
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    self.tokens(group.stream());
                    last.clear();
                }
                TokenTree::Ident(name) => {
                    if let [.., of, a, b] = last.as_slice()
                        && a == ":"
                        && b == ":"
                        && let Some(key) = self.key(of, &name.to_string())
                    {
                        let item = self.item.clone();
                        self.add(key, item);
                    }
                    last.push(name.to_string());
                }
                TokenTree::Punct(sign) => last.push(sign.to_string()),
                TokenTree::Literal(_) => last.clear(),
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let is_for_tests = |attribute: &syn::Attribute| matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test");
        if !item.attrs.iter().any(is_for_tests) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let owner = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|part| part.ident.to_string()),
            _ => None,
        };
        let before = std::mem::replace(&mut self.owner, owner);
        visit::visit_item_impl(self, item);
        self.owner = before;
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.within(&item.sig.ident, |reader| visit::visit_item_fn(reader, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.within(&item.sig.ident, |reader| visit::visit_impl_item_fn(reader, item));
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.within(&item.ident, |reader| visit::visit_item_const(reader, item));
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.within(&item.ident, |reader| visit::visit_impl_item_const(reader, item));
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let of = item.ident.to_string();
        for variant in &item.variants {
            if let Some(key) = self.key(&of, &variant.ident.to_string()) {
                self.add(key, format!("enum {of}"));
            }
        }
    }

    /// A pattern is said to lead to what its arm calls first.
    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let mut callee = Callee(None);
        callee.visit_expr(&arm.body);
        let item = match callee.0 {
            Some(callee) => format!("{} -> {callee}", self.item),
            None => self.item.clone(),
        };
        let before = std::mem::replace(&mut self.item, item);
        self.visit_pat(&arm.pat);
        self.item = before;
        if let Some((_, guard)) = &arm.guard {
            self.visit_expr(guard);
        }
        self.visit_expr(&arm.body);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let item = self.item.clone();
        self.name_path(path, &item);
        visit::visit_path(self, path);
    }

    fn visit_expr_struct(&mut self, item: &'ast syn::ExprStruct) {
        if item.path.is_ident(PROMISE) {
            self.promise(item);
        }
        visit::visit_expr_struct(self, item);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
    }
}

impl Reader<'_> {
    /// The constant that a promise stands in, and the functions that it names.
    fn promise(&mut self, item: &syn::ExprStruct) {
        let mut name = None;
        let mut items = vec![self.item.clone()];
        for field in &item.fields {
            match &field.expr {
                syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => {
                    name.get_or_insert_with(|| text.value());
                }
                syn::Expr::Path(path) => {
                    items.extend(path.path.get_ident().map(ToString::to_string));
                }
                _ => {}
            }
        }
        for item in items {
            self.found.extend(name.clone().map(|name| (name, self.file.to_owned(), item)));
        }
    }
}

/// The function that an expression calls or names first.
struct Callee(Option<String>);

impl Callee {
    fn of_path(&mut self, path: &syn::Path) {
        let parts: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        let is_function = parts.last().is_some_and(|name| name.starts_with(char::is_lowercase));
        if self.0.is_none() && is_function {
            self.0 = Some(parts.join("::"));
        }
    }
}

impl<'ast> Visit<'ast> for Callee {
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(path) = &*call.func {
            self.of_path(&path.path);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if self.0.is_none()
            && matches!(&*call.receiver, syn::Expr::Path(path) if path.path.is_ident("self"))
        {
            self.0 = Some(call.method.to_string());
        }
        visit::visit_expr_method_call(self, call);
    }

    /// A function that is named and not called, as the whole body of an arm.
    fn visit_expr(&mut self, expr: &'ast syn::Expr) {
        if self.0.is_none()
            && let syn::Expr::Path(path) = expr
            && path.path.get_ident().is_some_and(|name| name.to_string().contains('_'))
        {
            self.of_path(&path.path);
        }
        visit::visit_expr(self, expr);
    }
}
