//! Every case for what an adapter can do, in the order in which they are done: directed, generated, by chance, stories,
//! commands. What becomes of
//! an outcome is not decided here.

use syncsplit_model::protocol::Rule;

use crate::directed;
use crate::generated::Generated;
use crate::process::{Adapter, AdapterFailure};
use crate::random::Walk;
use crate::run::{self, ScriptOutcome};
use crate::script::Script;
use crate::session::{AdapterOptions, Session};
use crate::stories;
use crate::wire::{Hello, Level};

/// One case before it is done.
#[derive(Clone, Debug)]
pub struct KitCase {
    /// Its id.
    pub id: String,
    /// The rule that it is about, if it is about one.
    pub rule: Option<Rule>,
    /// Added to the seed: each random run gives the implementation's own choices another beginning, and so does each round of
    /// the directed ones that need no steering.
    beginning: u64,
    way: CaseKind,
}

/// What a case does.
#[derive(Clone, Debug)]
enum CaseKind {
    /// These verbs.
    Script(Script),
    /// These verbs, each once the implementation had time.
    Patient(Script),
    /// What chance draws in the run of this number.
    Random(u64),
}

impl KitCase {
    /// A script of one's own.
    #[must_use]
    pub fn of_script(script: Script) -> Self {
        Self { id: "script".into(), rule: None, beginning: 0, way: CaseKind::Script(script) }
    }

    /// Its script as text; none where chance draws it.
    #[must_use]
    pub fn script(&self) -> Option<String> {
        match &self.way {
            CaseKind::Script(script) | CaseKind::Patient(script) => Some(script.to_string()),
            CaseKind::Random(_) => None,
        }
    }

    /// The seed that the implementation's own choices begin with, where the whole begins with `seed`.
    #[must_use]
    pub const fn seed(&self, seed: u64) -> u64 {
        seed.wrapping_add(self.beginning)
    }

    /// Does it, where the whole begins with the seed in `how`. The outcome comes with the script, of which chance has drawn the
    /// setting only; it is none where the adapter does not have the setting, or does not promise the rule.
    ///
    /// # Errors
    /// The adapter has ended, is silent for too long, or gives an answer that is none.
    pub fn run(
        &self,
        adapter: &mut Adapter,
        how: AdapterOptions,
        watched: &[Rule],
    ) -> Result<(Script, Option<ScriptOutcome>), AdapterFailure> {
        let (seed, how) = (how.seed, AdapterOptions { seed: self.seed(how.seed), ..how });
        let is_lacking = self.rule.is_some_and(|rule| adapter.hello().lacks.contains(&rule));
        match &self.way {
            CaseKind::Script(script) if is_lacking => Ok((script.clone(), None)),
            CaseKind::Script(script) => {
                Ok((script.clone(), run::script(adapter, how, script, watched)?))
            }
            CaseKind::Patient(script) => {
                Ok((script.clone(), run::patient_script(adapter, how, script, watched)?))
            }
            CaseKind::Random(number) => {
                let level = how.level;
                let (mut walk, script) = Walk::new(seed, *number, adapter.hello(), level);
                let mut next = |session: &Session<'_>, at: usize| walk.next(session, at, level);
                let outcome = run::run(adapter, how, &script, watched, &mut next)?;
                Ok((script, outcome))
            }
        }
    }
}

/// Every case at a level, with so many random runs.
///
/// # Errors
/// The table of directed cases is malformed.
pub fn all(
    hello: &Hello,
    level: Level,
    generated: &Generated,
    random: u64,
) -> Result<Vec<KitCase>, String> {
    let directed = directed::at_level(hello, level)?.into_iter().map(|case| KitCase {
        id: case.id,
        rule: Some(case.rule),
        beginning: case.beginning,
        way: CaseKind::Script(case.script),
    });
    let Generated { scripts, commands, .. } = generated;
    let generated = scripts.iter().map(|(class, script)| KitCase {
        id: format!("generated/{}", class.to_string().replace(' ', "-")),
        rule: None,
        beginning: 0,
        way: CaseKind::Patient(script.clone()),
    });
    let random = (1..=random).map(|number| KitCase {
        id: format!("random/{number}"),
        rule: None,
        beginning: number,
        way: CaseKind::Random(number),
    });
    let stories =
        stories::at_level(hello, level)?.into_iter().map(|(story, script, round)| KitCase {
            id: format!("story/{}/{round}", story.name),
            rule: None,
            beginning: round,
            way: CaseKind::Script(script),
        });
    let commands = commands.iter().map(|(name, script)| KitCase {
        id: format!("command/{name}"),
        rule: None,
        beginning: 0,
        way: CaseKind::Patient(script.clone()),
    });
    Ok(directed.chain(generated).chain(random).chain(stories).chain(commands).collect())
}
