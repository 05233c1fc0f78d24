//! Two JSON Schemas beside each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Schemas may contain themselves; nothing that people read is deeper.
const DEEPEST: usize = 12;

/// Who writes what the schema describes decides what breaks the other side.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Parameter,
    Request,
    Response,
    /// As a response, but those of earlier versions are read with today's schema, so nothing may be newly required.
    Event,
}

impl Direction {
    /// Others write it and we read it.
    fn is_taken(self) -> bool {
        matches!(self, Self::Parameter | Self::Request)
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Parameter => "parameter",
            Self::Request => "request field",
            Self::Response => "response field",
            Self::Event => "field",
        }
    }
}

/// A schema, with the document that its references are in.
#[derive(Clone, Copy)]
pub struct Schema<'a> {
    document: &'a Value,
    at: &'a Value,
}

impl<'a> Schema<'a> {
    pub fn new(document: &'a Value, at: &'a Value) -> Self {
        Self { document, at }
    }

    /// What `new` takes back, `path` being how the field is called.
    pub fn breaks(self, new: Schema<'_>, direction: Direction, path: &str) -> Vec<String> {
        let mut found = Vec::new();
        self.compare(new, direction, path, 0, &mut found);
        found
    }

    fn compare(
        self,
        new: Schema<'_>,
        direction: Direction,
        path: &str,
        depth: usize,
        found: &mut Vec<String>,
    ) {
        if depth > DEEPEST {
            return;
        }
        let (old, new) = (self.shape(), new.shape());
        let name = Name { direction, path };
        found.extend(name.of_types(&old, &new));
        found.extend(name.of_words(&old, &new));
        found.extend(name.of_limits(&old, &new));
        found.extend(name.of_required(&old, &new));
        for (field, schema) in &old.fields {
            let inner = if path.is_empty() {
                (*field).to_owned()
            } else {
                format!("{path}.{field}")
            };
            match new.fields.get(field) {
                Some(now) => schema.compare(*now, direction, &inner, depth + 1, found),
                None if new.takes_any() && direction.is_taken() => {}
                None => found.push(format!("lost the {} `{inner}`", direction.noun())),
            }
        }
        if let (Some(old), Some(new)) = (old.items, new.items) {
            old.compare(new, direction, &format!("{path}[]"), depth + 1, found);
        }
        if let (Some(old), Some(new)) = (old.values, new.values) {
            old.compare(new, direction, &format!("{path}.*"), depth + 1, found);
        }
        for old in &old.variants {
            let fits = |new: &Schema<'_>| {
                let mut differences = Vec::new();
                old.compare(*new, direction, path, depth + 1, &mut differences);
                differences.is_empty()
            };
            // Where variants are new, the single schema of before is not looked for among them: its types differ.
            if !new.variants.is_empty() && !new.variants.iter().any(fits) {
                found.push(format!("lost a variant of {}", name.quoted()));
            }
        }
        if !old.variants.is_empty() && new.variants.is_empty() {
            found.push(format!("lost the variants of {}", name.quoted()));
        }
    }

    /// The schema with its references followed and its parts put together.
    fn shape(self) -> Shape<'a> {
        let mut shape = Shape::default();
        self.gather(&mut shape, 0);
        shape
    }

    fn gather(self, shape: &mut Shape<'a>, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        let schema = self.at;
        if let Some(to) = schema["$ref"].as_str() {
            let target = to.strip_prefix('#').and_then(|to| self.document.pointer(to));
            if let Some(at) = target {
                Self { at, ..self }.gather(shape, depth + 1);
            }
        }
        for part in list(&schema["allOf"]) {
            Self { at: part, ..self }.gather(shape, depth + 1);
        }
        shape.take(self);
        let variants: Vec<_> = list(&schema["oneOf"])
            .iter()
            .chain(list(&schema["anyOf"]))
            .map(|at| Self { at, ..self })
            .collect();
        let mut kept = Vec::new();
        for variant in &variants {
            if variant.at["type"] == "null" {
                shape.types.insert("null".to_owned());
            } else if is_word(variant.at) || variants.iter().filter(|it| it.at["type"] != "null").count() == 1
            {
                variant.gather(shape, depth + 1);
            } else {
                kept.push(*variant);
            }
        }
        shape.variants.extend(kept);
    }
}

#[derive(Default)]
struct Shape<'a> {
    types: BTreeSet<String>,
    format: Option<&'a str>,
    words: BTreeSet<String>,
    fields: BTreeMap<&'a str, Schema<'a>>,
    required: BTreeSet<&'a str>,
    items: Option<Schema<'a>>,
    /// Of a map.
    values: Option<Schema<'a>>,
    closed: bool,
    variants: Vec<Schema<'a>>,
    limits: BTreeMap<&'static str, f64>,
}

impl<'a> Shape<'a> {
    fn take(&mut self, schema: Schema<'a>) {
        let at = schema.at;
        let inner = |at: &'a Value| Schema { at, ..schema };
        self.types.extend(
            list(&at["type"])
                .iter()
                .chain(at.get("type"))
                .filter_map(|it| it.as_str())
                .map(str::to_owned),
        );
        self.format = at["format"].as_str().or(self.format);
        self.words.extend(
            list(&at["enum"])
                .iter()
                .chain(at.get("const"))
                .map(Value::to_string),
        );
        self.required
            .extend(list(&at["required"]).iter().filter_map(Value::as_str));
        for (name, field) in at["properties"].as_object().into_iter().flatten() {
            self.fields.insert(name, inner(field));
        }
        self.items = at.get("items").map(inner).or(self.items);
        self.values = at
            .get("additionalProperties")
            .filter(|it| it.is_object())
            .map(inner)
            .or(self.values);
        self.closed |= at["additionalProperties"] == false;
        for name in [
            "maximum",
            "maxLength",
            "maxItems",
            "minimum",
            "minLength",
            "minItems",
        ] {
            if let Some(limit) = at[name].as_f64() {
                self.limits.insert(name, limit);
            }
        }
    }

    /// Also what it does not name.
    fn takes_any(&self) -> bool {
        !self.closed
    }

    fn type_in_words(&self) -> String {
        let types = self
            .types
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" or ");
        match self.format {
            Some(format) => format!("{types} ({format})"),
            None => types,
        }
    }
}

/// How messages call the field that is compared.
struct Name<'a> {
    direction: Direction,
    path: &'a str,
}

impl Name<'_> {
    fn quoted(&self) -> String {
        let noun = self.direction.noun();
        if self.path.is_empty() {
            "the body".to_owned()
        } else {
            format!("the {noun} `{}`", self.path)
        }
    }

    fn of_types(&self, old: &Shape<'_>, new: &Shape<'_>) -> Option<String> {
        // No type is any type.
        let all_of = |one: &Shape<'_>, other: &Shape<'_>| {
            other.types.is_empty() || (!one.types.is_empty() && one.types.is_subset(&other.types))
        };
        let fits = if self.direction.is_taken() {
            all_of(old, new)
        } else {
            all_of(new, old)
        };
        let same_format = match (old.format, new.format) {
            (Some(old), Some(new)) => old == new,
            (Some(_), None) => self.direction.is_taken(),
            (None, Some(_)) => !self.direction.is_taken(),
            (None, None) => true,
        };
        let (was, is) = (old.type_in_words(), new.type_in_words());
        (!fits || !same_format).then(|| format!("changed the type of {} from {was} to {is}", self.quoted()))
    }

    fn of_words(&self, old: &Shape<'_>, new: &Shape<'_>) -> Vec<String> {
        if new.words.is_empty() {
            // Any word is still every one of them; but who was promised a few can't know what comes.
            let open = !old.words.is_empty() && !self.direction.is_taken();
            return open
                .then(|| format!("lost the list of words of {}", self.quoted()))
                .into_iter()
                .collect();
        }
        if old.words.is_empty() {
            let narrow = self.direction.is_taken() && !old.types.is_empty();
            return narrow
                .then(|| format!("takes only some words for {}", self.quoted()))
                .into_iter()
                .collect();
        }
        let lost = old.words.difference(&new.words);
        lost.map(|word| format!("lost the word {word} of {}", self.quoted()))
            .collect()
    }

    fn of_limits(&self, old: &Shape<'_>, new: &Shape<'_>) -> Vec<String> {
        if !self.direction.is_taken() {
            return Vec::new();
        }
        let narrower = new
            .limits
            .iter()
            .filter(|(name, limit)| match old.limits.get(*name) {
                Some(was) if name.starts_with("max") => *limit < was,
                Some(was) => *limit > was,
                None => true,
            });
        narrower
            .map(|(name, limit)| format!("takes less for {}: `{name}` is {limit} now", self.quoted()))
            .collect()
    }

    fn of_required(&self, old: &Shape<'_>, new: &Shape<'_>) -> Vec<String> {
        let field = |name: &str| {
            if self.path.is_empty() {
                name.to_owned()
            } else {
                format!("{}.{name}", self.path)
            }
        };
        let noun = self.direction.noun();
        let mut found = Vec::new();
        if self.direction != Direction::Response {
            for name in new.required.difference(&old.required) {
                found.push(if old.fields.contains_key(name) {
                    format!("the {noun} `{}` is required, which was optional", field(name))
                } else {
                    format!("the required {noun} `{}` is new", field(name))
                });
            }
        }
        if !self.direction.is_taken() {
            let may_miss = old
                .required
                .difference(&new.required)
                .filter(|name| new.fields.contains_key(*name));
            found.extend(may_miss.map(|name| format!("the {noun} `{}` may be missing now", field(name))));
        }
        found
    }
}

/// One word of a list, or several of them.
fn is_word(schema: &Value) -> bool {
    schema.get("const").is_some() || schema.get("enum").is_some()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
