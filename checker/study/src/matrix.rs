//! Every variant of the protocol under every class of faults, each in one small world.
//!
//! What each cell must come to stands in `checker/matrix.toml`.

use ::stateright::Expectation;
use serde::{Deserialize, Serialize};
use syncsplit_model::protocol::primary::JournalFull;
use syncsplit_model::world::{
    Bounds, Cache, Fault, FaultClass, Faults, NumberRange, Start, Stillness, Transactions, Variant,
    World, WorldProperty,
};

use crate::bounds;
use crate::case::{self, CaseFinding, Searcher, StudyCase};
use crate::instance::Instance;

/// The world of every cell, but for the faults of its column.
const BASE: Bounds = Bounds {
    blocks: 2,
    volumes: 1,
    journal: 2,
    frames: 1,
    acks: 1,
    host_messages: 1,
    journal_full: JournalFull::Hold,
    cache: Cache::NonVolatile,
    stillness: Stillness::Freeze,
    transactions: Transactions::FirstLast,
    numbers: NumberRange::Endless,
    start: Start::Pair,
    faults: Faults::empty(),
};

/// The named instance that this world is.
const BASE_NAME: &str = "small-journal-2";

/// Name of the column without faults.
pub const NONE: &str = "none";

/// A row of the table: the cell, and what its search must show.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MatrixRow {
    /// Name of the variant.
    pub variant: String,
    /// Name of the column.
    pub faults: String,
    /// Whether the faults have no effect.
    #[serde(default)]
    pub idle: bool,
    /// What must be shown.
    #[serde(flatten)]
    pub shown: CaseFinding,
}

impl MatrixRow {
    /// The row as it stands in the table.
    #[must_use]
    pub fn line(&self) -> String {
        let mut fields =
            vec![format!("variant = {:?}", self.variant), format!("faults = {:?}", self.faults)];
        fields.extend(self.idle.then(|| "idle = true".into()));
        fields.extend(self.shown.fields());
        format!("{{ {} }}", fields.join(", "))
    }

    /// The command that shows what breaks in the cell, if anything does.
    #[must_use]
    pub fn command(&self) -> Option<String> {
        let property = self.shown.property()?;
        let column = columns().into_iter().find(|column| column.faults == self.faults)?;
        let faults: String = column.names.iter().map(|name| format!(" --fault {name}")).collect();
        let variant = &self.variant;
        Some(format!(
            "syncsplit check {BASE_NAME} --variant {variant}{faults} --property {property}"
        ))
    }

    /// The world of the cell, if there is such a cell.
    #[must_use]
    pub fn instance(&self) -> Option<Instance> {
        let variant = Variant::ALL.iter().find(|variant| variant.name() == self.variant)?;
        let column = columns().into_iter().find(|column| column.faults == self.faults)?;
        Some(instance(*variant, &column))
    }
}

/// The table's rows.
///
/// # Errors
/// The table is malformed: the sentence names its file and says where.
pub fn table() -> Result<Vec<MatrixRow>, String> {
    case::rows("checker/matrix.toml", include_str!("../../matrix.toml"))
}

/// One variant under one class of faults.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// Name of the column: a class of faults, or none.
    pub faults: &'static str,
    /// The search.
    #[serde(flatten)]
    pub case: StudyCase,
}

/// One variant under every class.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Name of the variant.
    pub variant: &'static str,
    /// The variant in one line.
    pub says: String,
    /// Its cells in the order of the columns.
    pub cells: Vec<Cell>,
}

/// A column.
#[derive(Clone, Debug, Serialize)]
pub struct Column {
    /// Name of the class, or none.
    pub faults: &'static str,
    /// Names of the faults.
    pub names: Vec<&'static str>,
    #[serde(skip)]
    set: Faults,
}

/// The whole matrix.
#[derive(Clone, Debug, Serialize)]
pub struct Matrix {
    /// The bounds of every cell in words, but for its faults.
    pub base: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// A line for each variant.
    pub variants: Vec<Line>,
}

impl Matrix {
    /// Makes the searches, and compares each with its row.
    #[must_use]
    pub fn run(searcher: &Searcher<'_>, table: &[MatrixRow]) -> Self {
        let columns = columns();
        let line = |variant: &Variant| Line {
            variant: variant.name(),
            says: variant.says(),
            cells: columns.iter().map(|column| cell(searcher, table, *variant, column)).collect(),
        };
        let variants = Variant::ALL.iter().map(line).collect();
        let base = bounds::in_words(&BASE);
        let base = base.trim_end_matches(", no faults").to_owned();
        Self { base, columns, variants }
    }

    /// The names of variant and column of every cell.
    #[must_use]
    pub fn cells() -> Vec<(&'static str, &'static str)> {
        let lines = Variant::ALL.iter();
        lines
            .flat_map(|variant| columns().into_iter().map(|c| (variant.name(), c.faults)))
            .collect()
    }

    /// Every search.
    pub fn cases(&self) -> impl Iterator<Item = &StudyCase> + Clone {
        self.variants.iter().flat_map(|line| line.cells.iter().map(|cell| &cell.case))
    }
}

fn columns() -> Vec<Column> {
    let column = |faults: &'static str, set: Faults| Column {
        faults,
        names: set.iter().map(Fault::name).collect(),
        set,
    };
    let classes = FaultClass::ALL.iter().map(|class| column(class.name(), class.faults()));
    std::iter::once(column(NONE, Faults::empty())).chain(classes).collect()
}

fn cell(searcher: &Searcher<'_>, table: &[MatrixRow], variant: Variant, column: &Column) -> Cell {
    let question = searcher.question(instance(variant, column));
    let mut case = searcher.search(&question, &question.instance.name);
    let row = table.iter().find(|row| row.variant == variant.name() && row.faults == column.faults);
    case.expect(row.map(|row| &row.shown), row.is_some_and(|row| row.idle));
    Cell { faults: column.faults, case }
}

/// The world of a cell, with what is asked of it.
fn instance(variant: Variant, column: &Column) -> Instance {
    let bounds = Bounds { faults: column.set, ..BASE };
    // A world with few faults cannot reach what the twins ask for: without a suspension there is no resync.
    let world = World::new(bounds, variant, &[]);
    let always = world.default_properties().filter(|one| one.kind() == Expectation::Always);
    Instance {
        name: format!("{}, {}", variant.name(), column.faults),
        says: String::new(),
        bounds,
        variant,
        without: Vec::new(),
        properties: always.map(WorldProperty::name).collect(),
        promises: false,
        expected: None,
        is_changed: false,
    }
}
