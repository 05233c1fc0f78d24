//! Objects as text, so that they can be what no library would write.

use serde_json::{Map, Value};

/// The object with the member set to `raw`, which may be no JSON.
pub fn with(object: &str, member: &str, raw: &str) -> String {
    append(&without(object, member), member, raw)
}

/// The object without the member.
pub fn without(object: &str, member: &str) -> String {
    let mut object: Map<String, Value> = serde_json::from_str(object).expect("an object");
    object.remove(member);
    Value::Object(object).to_string()
}

/// The object with one more such member as the last.
pub fn append(object: &str, member: &str, raw: &str) -> String {
    let members = object.strip_suffix('}').expect("an object");
    format!(r#"{members},"{member}":{raw}}}"#)
}

/// The object with one more such member as the first.
pub fn prepend(object: &str, member: &str, raw: &str) -> String {
    let members = object.strip_prefix('{').expect("an object");
    format!(r#"{{"{member}":{raw},{members}"#)
}
