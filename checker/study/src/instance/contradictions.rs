//! What two values of a file, each of them valid, say against each other: a world that cannot be, or an expectation that
//! no check can meet.

use std::ops::Range;

use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{Cache, Fault, Variant};
use toml::Spanned;

use super::parse::Wrong;
use super::schema::File;
use super::{Expected, Instance};

/// Refuses `instance`, read from `file`, if it contradicts itself.
pub(super) fn check(file: &File, instance: &Instance) -> Result<(), Wrong> {
    world(file, instance)?;
    rules(file, instance)?;
    instance.expected.as_ref().map_or(Ok(()), |expected| outcome(file, instance, expected))
}

fn world(file: &File, instance: &Instance) -> Result<(), Wrong> {
    let bounds = &instance.bounds;
    if let Some(volumes) = file.volumes.as_ref().filter(|_| bounds.volumes > bounds.blocks) {
        let message = format!(
            "volumes = {}, and blocks = {}: a volume has at least one block; valid is 1 to {}",
            bounds.volumes, bounds.blocks, bounds.blocks
        );
        return Err((volumes.span(), message));
    }
    let is_idle = bounds.cache == Cache::Volatile && !bounds.faults.contains(Fault::CrashSecondary);
    if let Some(cache) = file.cache.as_ref().filter(|_| is_idle) {
        let message = format!(
            "cache = {:?}, and no crash that would empty it; valid is \"non-volatile\", or {:?} among the faults",
            cache.get_ref(),
            Fault::CrashSecondary.name()
        );
        return Err((cache.span(), message));
    }
    Ok(())
}

fn rules(file: &File, instance: &Instance) -> Result<(), Wrong> {
    let in_force = instance.variant.rules();
    for (rule, name) in instance.without.iter().zip(&file.without) {
        if !in_force.has(*rule) {
            let valid: Vec<_> =
                Rule::ALL.iter().filter(|rule| in_force.has(**rule)).map(|r| r.id()).collect();
            let message = format!(
                "without has \"{rule}\", which {} lacks anyway; valid are {}",
                named(instance.variant),
                valid.join(", ")
            );
            return Err((name.span(), message));
        }
    }
    Ok(())
}

fn named(variant: Variant) -> String {
    format!("variant {:?}", variant.name())
}

fn outcome(file: &File, instance: &Instance, expected: &Expected) -> Result<(), Wrong> {
    let Some(outcome) = &file.expected else { return Ok(()) };
    let span = |number: &Option<Spanned<_>>| number.as_ref().map(Spanned::span);
    let violated = outcome.violated.as_ref();
    if expected.holds {
        let steps = span(&outcome.steps).map(|span| (span, "steps"));
        let given = violated.map(|names| (names.span(), "violated")).or(steps);
        if let Some((span, key)) = given {
            let message = format!(
                "expected.{key} beside expected.verdict = \"holds\"; valid is \"violated\", or no {key}"
            );
            return Err((span, message));
        }
    }
    for name in violated.map(|names| names.get_ref().as_slice()).unwrap_or_default() {
        let checked = &instance.properties;
        if !checked.is_empty() && !checked.contains(&name.get_ref().as_str()) {
            let message = format!(
                "expected.violated has {:?}, which properties leaves out; valid are {}",
                name.get_ref(),
                checked.join(", ")
            );
            return Err((name.span(), message));
        }
    }
    depth(expected, span(&outcome.steps).unwrap_or_default())
}

fn depth(expected: &Expected, span: Range<usize>) -> Result<(), Wrong> {
    match (expected.steps, expected.depth) {
        (Some(steps), Some(depth)) if steps != depth as usize => Err((
            span,
            format!(
                "expected.steps = {steps}, and expected.depth = {depth}: a search ends with the level of its first \
                 violation; valid is {depth}"
            ),
        )),
        _ => Ok(()),
    }
}
