//! The multi-app run file, as far as starting its apps by hand needs it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct RunFile {
    #[serde(default)]
    pub common: Common,
    pub apps: Vec<App>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Common {
    #[serde(default)]
    pub resources_paths: Vec<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
pub struct App {
    #[serde(rename = "appID")]
    pub id: String,
    #[serde(rename = "configFilePath")]
    pub config: Option<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

impl RunFile {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        serde_saphyr::from_str(&text).with_context(|| path.display().to_string())
    }
}
