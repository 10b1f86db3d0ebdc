//! The JSON Schemas in docs are those of the types. With `BLESS` set in the environment, they are written anew.

use syncsplit_tests::bless;

#[test]
fn the_schemas_are_those_of_the_types() {
    let schemas = [
        ("docs/trace.schema.json", syncsplit_model::record::schema()),
        ("docs/adapter.schema.json", syncsplit_conform::wire::schema()),
    ];
    for (path, schema) in schemas {
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        bless::settle(path, &text).unwrap();
    }
}
