//! Reading an OpenAPI document.

use serde_json::Value;
use uuid::Uuid;

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

pub struct Operation {
    /// `GET`
    pub method: String,
    /// As the document has it: `/accounts/{id}`.
    path: String,
    /// `None` if anybody may call it.
    pub guard: Option<Guard>,
}

/// Whom an operation lets in.
#[derive(PartialEq)]
pub enum Guard {
    Role(String),
    Service { caller: String, scope: String },
}

pub fn read(document: &str) -> Vec<Operation> {
    let document: Value = serde_json::from_str(document).expect("an OpenAPI document");
    let paths = document["paths"].as_object().expect("paths");
    let mut operations = Vec::new();
    for (path, item) in paths {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                operations.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    guard: guard(operation),
                });
            }
        }
    }
    operations
}

fn guard(operation: &Value) -> Option<Guard> {
    let requirements = operation["security"].as_array()?;
    let named = |scheme: &str| -> Option<Vec<String>> {
        let names = requirements.first()?.get(scheme)?.as_array()?.iter();
        names.map(|name| name.as_str().map(str::to_owned)).collect()
    };
    match (
        requirements.len(),
        named("bearer").as_deref(),
        named("service").as_deref(),
    ) {
        (1, Some([role]), None) => Some(Guard::Role(role.clone())),
        (1, None, Some([caller, scope])) => Some(Guard::Service {
            caller: caller.clone(),
            scope: scope.clone(),
        }),
        _ => panic!("no guard of ours: {requirements:?}"),
    }
}

impl Operation {
    /// `GET /accounts/{id}`
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn has_parameter(&self) -> bool {
        self.path.contains('{')
    }

    /// The path with `id` for its parameters.
    pub fn path_of(&self, id: Uuid) -> String {
        let id = id.to_string();
        let segment = |segment: &str| {
            if segment.starts_with('{') {
                id.clone()
            } else {
                segment.to_owned()
            }
        };
        self.path.split('/').map(segment).collect::<Vec<_>>().join("/")
    }
}
