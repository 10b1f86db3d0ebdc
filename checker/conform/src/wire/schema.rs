//! The JSON Schema of the adapter protocol, from the types of its lines.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Value, json};

use super::{AnswerLine, NULLABLE, Request};

/// The schema of a line in either direction.
#[must_use]
pub fn schema() -> Schema {
    let settings = SchemaSettings::draft2020_12().with_transform(Absent);
    let mut generator = settings.into_generator();
    let answer = generator.subschema_for::<AnswerLine>();
    let mut request = Request::json_schema(&mut generator);
    for operation in request.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
        operation["properties"]["id"] = json!({ "type": "integer", "minimum": 1 });
        if let Some(required) = operation["required"].as_array_mut() {
            required.push("id".into());
        }
    }
    Absent.transform(&mut request);
    request.insert("description".into(), "A request.".into());
    json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The adapter protocol of syncsplit conform, version 1",
        "description": "One request a line on the adapter's stdin, one answer a line on its stdout. \
            docs/test-your-implementation.md is the page.",
        "oneOf": [request, answer],
        "$defs": generator.take_definitions(true),
    })
}

/// A field that an answer does not have is absent and not null, and there is none that the protocol does not name.
#[derive(Clone)]
struct Absent;

impl Transform for Absent {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            for (_, field) in fields.iter_mut().filter(|(name, _)| *name != NULLABLE) {
                absent(field);
            }
            schema.insert("additionalProperties".into(), false.into());
        }
        transform_subschemas(self, schema);
    }
}

fn absent(field: &mut Value) {
    if let Some(types) = field.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|of| of != "null");
        if let [of] = &types[..] {
            field["type"] = of.clone();
        }
    }
    if let Some(either) = field.get_mut("anyOf").and_then(Value::as_array_mut) {
        either.retain(|of| of["type"] != "null");
        if let [Value::Object(of)] = &either[..] {
            let of = of.clone();
            if let Some(field) = field.as_object_mut() {
                field.remove("anyOf");
                field.extend(of);
            }
        }
    }
}
