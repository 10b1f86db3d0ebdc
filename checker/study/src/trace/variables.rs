//! The variables of a state in a trace file: one for each field that a reader follows, as a structured value where its
//! text has a structure. A field that is new to this file stands there as its text.

use syncsplit_model::protocol::{Incarnation, Seq};
use syncsplit_model::world::bounded::BlockSet;
use syncsplit_model::world::state::{Image, Queue};
use syncsplit_model::world::{State, World, describe};

use crate::trace::value::Value;

/// The name of a field as a variable: `S/P-VOL` is `sp_vol`, `known written` is `known_written`.
#[must_use]
pub fn variable(field: &str) -> String {
    let kept = field.chars().filter(|letter| *letter != '/');
    let plain = kept.map(|letter| match letter {
        ' ' | '-' => '_',
        letter => letter.to_ascii_lowercase(),
    });
    plain.collect()
}

/// Every variable of `state`, in the order of [`describe::fields`].
#[must_use]
pub fn variables(world: &World, state: &State) -> Vec<(String, Value)> {
    let fields = describe::fields(world, state).into_iter();
    fields
        .map(|(field, text)| {
            let value = structured(world, state, field).unwrap_or(Value::Text(text));
            (variable(field), value)
        })
        .collect()
}

fn structured(world: &World, state: &State, field: &str) -> Option<Value> {
    let State { primary, secondary, .. } = state;
    Some(match field {
        "P-VOL" => image(world, &state.pvol),
        "S/P-VOL" => image(world, &state.spvol),
        "S-VOL" => image(world, &state.svol),
        "newest" => numbered(primary.incarnation, primary.newest),
        "sent" => Value::number(primary.sent.0),
        "known written" => Value::number(primary.written.0),
        "journal" => queue(&primary.journal),
        "dirty" => blocks(&primary.dirty),
        "frames" => Value::set(state.to_secondary.iter().map(|message| Value::of(&message))),
        "consistent" => Value::Bool(secondary.consistent),
        "written" => Value::number(secondary.written.0),
        "arrived" => queue(&secondary.queue),
        "dirty at secondary" => blocks(&secondary.dirty),
        "replies" => Value::set(state.to_primary.iter().map(|message| Value::of(&message))),
        "armed" => Value::option(secondary.armed.map(|id| Value::number(id.0))),
        "open transactions" => Value::number(state.database.open),
        "Sync holds" => {
            let held = state.sync.map(|sync| sync.held);
            Value::option(held.map(|held| numbered(held.incarnation, held.seq)))
        }
        "host messages" => Value::set(state.host.iter().map(|message| Value::of(&message))),
        _ => return None,
    })
}

fn image(world: &World, image: &Image) -> Value {
    let held = image.iter().take(world.bounds.blocks as usize);
    Value::List(held.map(|value| Value::number(value.0)).collect())
}

fn queue(queue: &Queue) -> Value {
    Value::List(queue.entries().map(Value::of).collect())
}

fn blocks(blocks: &BlockSet) -> Value {
    Value::set(blocks.iter().map(|block| Value::number(block.0)))
}

fn numbered(incarnation: Incarnation, seq: Seq) -> Value {
    Value::record([("incarnation", Value::number(incarnation.0)), ("seq", Value::number(seq.0))])
}
