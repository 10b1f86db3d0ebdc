//! The JSON Schema of a record, from the types of this folder and of the protocol. Which parts a record may leave out is
//! said here; what such a record then means never is.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Map, Value, json};

use super::{HandedOver, RoleRecord};

/// The schema of one line of a trace.
#[must_use]
pub fn schema() -> Schema {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut roles = RoleRecord::json_schema(&mut generator);
    let mut definitions = generator.take_definitions(true);
    let handed_over = definitions.remove(&*HandedOver::schema_name());
    definitions.values_mut().for_each(|definition| in_part(definition, false));
    let handed_over = handed_over.map(|states| whole(states, &definitions));
    definitions.insert(HandedOver::schema_name().into(), handed_over.into());
    for role in roles.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
        if role.pointer("/properties/event").is_some() {
            in_part(role, false);
            role["required"] = json!(["role"]);
        }
        place(role);
    }
    json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A record of a syncsplit trace",
        "description": "One line of the input of `syncsplit validate`; docs/trace-format.md is the page.",
        "oneOf": roles.remove("oneOf"),
        "$defs": definitions,
    })
}

fn fields(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties")?.as_object()
}

/// Each record may say where it belongs, and has no field that the format does not name.
fn place(role: &mut Value) {
    let n =
        "Its place in its node's order, rising by one; without it, the order of the lines counts.";
    let node = "The node whose record it is; without it, the file is one node.";
    role["properties"]["n"] =
        json!({ "description": n, "type": ["integer", "null"], "minimum": 0 });
    role["properties"]["node"] = json!({ "description": node, "type": ["string", "null"] });
    role["additionalProperties"] = json!(false);
}

/// A state that a side goes on from has all its fields, those that hold nothing included.
fn whole(states: Value, definitions: &Map<String, Value>) -> Value {
    let mut states = states;
    let variants = states["oneOf"].as_array_mut().into_iter().flatten();
    for state in variants.filter_map(|variant| variant["properties"].as_object_mut()) {
        for of in state.values_mut() {
            let name = of["$ref"].as_str().and_then(|path| path.rsplit('/').next());
            let fields = name.and_then(|name| fields(definitions.get(name)?));
            of["required"] = fields.into_iter().flat_map(Map::keys).cloned().collect();
        }
    }
    states
}

/// Allows what a record leaves out: fields, and all of a variant but its name.
fn in_part(schema: &mut Value, is_variant: bool) {
    if let Some(Value::Object(fields)) = schema.get_mut("properties") {
        fields.values_mut().for_each(|field| in_part(field, false));
        schema["additionalProperties"] = json!(false);
        if !is_variant && let Some(schema) = schema.as_object_mut() {
            schema.remove("required");
        }
    }
    for of in ["oneOf", "anyOf"] {
        let Some(Value::Array(variants)) = schema.get_mut(of) else { continue };
        variants.iter_mut().for_each(|variant| in_part(variant, true));
        let names: Vec<_> =
            variants.iter().filter_map(fields).flat_map(Map::keys).cloned().collect();
        if !names.is_empty() {
            variants.push(json!({ "description": "The name alone.", "enum": names }));
        }
    }
}
