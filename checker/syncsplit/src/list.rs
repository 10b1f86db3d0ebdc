//! `syncsplit list`: what there is to check. Each listing is one table of data, printed as text or as JSON.

use std::fmt;

use comfy_table::{ContentArrangement, Table, presets};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use syncsplit_model::protocol::{Rule, Rules};
use syncsplit_model::world::{
    self, ActionKind, Fault, INSTANCES, PROMISES, Variant, Verdict, World, WorldProperty,
};
use syncsplit_study::bounds;
use syncsplit_study::instance::{Instance, Refused};
use syncsplit_study::words::expectation;

use crate::args::{Format, ListArgs, Listing};
use crate::exit::Ended;
use crate::{print, terminal};

/// How to check a world that has no name.
const OWN_WORLD: &str = "
Any other world is a file, for example mine.toml:

  blocks = 2
  journal = 1
  frames = 1
  acks = 1
  host_messages = 1
  faults = [\"link-down\", \"array-loss\"]   # `syncsplit list faults`; or \"all\"

  [expected]                             # may be left out
  verdict = \"holds\"

and `syncsplit check ./mine.toml` checks it. Further keys: volumes, journal_full, cache, stillness,
start, transactions, numbers, variant, without, properties; docs/instances.md explains each.
";

/// One cell of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Cell {
    Text(String),
    Names(Vec<String>),
}

impl Cell {
    fn names<T: ToString>(names: impl IntoIterator<Item = T>) -> Self {
        Self::Names(names.into_iter().map(|name| name.to_string()).collect())
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Names(names) if names.is_empty() => f.write_str("-"),
            Self::Names(names) => f.write_str(&names.join(", ")),
        }
    }
}

/// A listing. As JSON it is one object: its name, and a list of rows with a key for each column.
#[derive(Clone, Debug)]
struct ListTable {
    name: &'static str,
    columns: &'static [&'static str],
    rows: Vec<Vec<Cell>>,
}

impl Serialize for ListTable {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        struct Row<'a>(&'static [&'static str], &'a [Cell]);
        impl Serialize for Row<'_> {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_map(self.0.iter().zip(self.1))
            }
        }
        let rows: Vec<_> = self.rows.iter().map(|row| Row(self.columns, row)).collect();
        let mut object = to.serialize_map(Some(1))?;
        object.serialize_entry(self.name, &rows)?;
        object.end()
    }
}

impl ListTable {
    /// The table, wrapped to so many columns of a terminal; without them each row is one line.
    fn text(&self, width: Option<u16>) -> String {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header(self.columns);
        for row in &self.rows {
            table.add_row(row);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        table.trim_fmt() + "\n"
    }
}

/// Runs the command.
pub(crate) fn run(args: &ListArgs) -> Ended {
    let table = table(args.what).map_err(|refused| refused.to_string())?;
    match args.format {
        Format::Text => {
            let own = if args.what == Listing::Instances { OWN_WORLD } else { "" };
            print::text(table.text(terminal::columns()) + own)
        }
        Format::Json => print::json(&table),
    }?;
    Ok(Verdict::Holds)
}

fn table(what: Listing) -> Result<ListTable, Refused> {
    let (columns, rows) = match what {
        Listing::Instances => instances()?,
        Listing::Rules => rules(),
        Listing::Properties => properties(),
        Listing::Promises => promises(),
        Listing::Faults => faults(),
        Listing::Variants => variants(),
        Listing::Actions => actions(),
    };
    Ok(ListTable { name: what.into(), columns, rows })
}

/// The columns of a listing, and its rows.
type Columns = (&'static [&'static str], Vec<Vec<Cell>>);

fn instances() -> Result<Columns, Refused> {
    let row = |instance: Instance| {
        let bounds = bounds::in_words(&instance.bounds);
        let variant = instance.variant.name();
        let promises = if instance.promises { "yes" } else { "no" };
        vec![
            instance.name.into(),
            variant.into(),
            promises.into(),
            instance.says.into(),
            bounds.into(),
        ]
    };
    let rows = Instance::all()?.into_iter().map(row).collect();
    Ok((&["name", "variant", "promises", "says", "bounds"], rows))
}

fn rules() -> Columns {
    let row = |rule: &Rule| {
        let kind = if Rules::HARDENING.contains(*rule) { "hardening" } else { "patent" };
        vec![rule.id().into(), kind.into(), rule.says().into()]
    };
    (&["name", "kind", "says"], Rule::ALL.iter().map(row).collect())
}

fn properties() -> Columns {
    let row = |property: &WorldProperty| {
        let kind = expectation(&property.kind());
        vec![property.name().into(), kind.into(), property.says().into()]
    };
    (&["name", "kind", "says"], WorldProperty::ALL.iter().map(row).collect())
}

fn promises() -> Columns {
    let rows = PROMISES.iter().map(|promise| {
        let kept =
            if promise.faults_go_on { "while faults go on" } else { "once faults have ended" };
        let row = [promise.name, kept, promise.says, promise.needs];
        row.map(Cell::from).into()
    });
    (&["name", "kept", "says", "needs"], rows.collect())
}

fn faults() -> Columns {
    let rows = Fault::ALL.iter().map(|fault| {
        let having = INSTANCES.iter().filter(|i| i.bounds.faults.contains(*fault));
        let instances = Cell::names(having.map(|instance| instance.name));
        vec![fault.name().into(), fault.class().name().into(), fault.says().into(), instances]
    });
    (&["name", "class", "says", "instances"], rows.collect())
}

fn variants() -> Columns {
    let row = |variant: &Variant| {
        let without = Cell::names(variant.rules().left_out());
        vec![variant.name().into(), variant.says().into(), without]
    };
    (&["name", "says", "without"], Variant::ALL.iter().map(row).collect())
}

fn actions() -> Columns {
    let row = |kind: &ActionKind| {
        let offers = |named: &&world::Instance| {
            World::new(named.bounds, Variant::default(), &[]).can_offer(*kind)
        };
        let instances = INSTANCES.iter().filter(offers).map(|instance| instance.name);
        vec![kind.name().into(), kind.says().into(), Cell::names(instances)]
    };
    (&["name", "says", "instances"], ActionKind::ALL.iter().map(row).collect())
}
