//! The state store. Keys are private to this app (Dapr prefixes them with the app-id).

use std::collections::HashMap;

use dapr::dapr::proto::common::v1::state_options::StateConcurrency;
use dapr::dapr::proto::common::v1::{StateItem, StateOptions};
use dapr::dapr::proto::runtime::v1 as api;

use crate::{Error, Sidecar};

const STORE: &str = "statestore";

impl Sidecar {
    /// The value under `key`, if there is one.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let request = api::GetStateRequest {
            store_name: STORE.into(),
            key: key.into(),
            consistency: 0,
            metadata: HashMap::new(),
        };
        let value = self.grpc().get_state(request).await?.into_inner().data;
        Ok((!value.is_empty()).then_some(value))
    }

    /// Writes `value`, which the store forgets after `ttl_s` seconds.
    pub async fn set(&self, key: &str, value: Vec<u8>, ttl_s: u32) -> Result<(), Error> {
        self.set_all([(key, value)], ttl_s).await
    }

    /// As [`Sidecar::set`], for several keys in one call. A failure may leave some of them written.
    pub async fn set_all<const N: usize>(
        &self,
        values: [(&str, Vec<u8>); N],
        ttl_s: u32,
    ) -> Result<(), Error> {
        let unconditional = StateConcurrency::ConcurrencyUnspecified;
        let items = values.map(|(key, value)| item(key, value, ttl_s, unconditional));
        self.save(items.into()).await
    }

    /// Writes `value` only if the key is free, and says whether it was. Stores report a lost race by different
    /// statuses, so any refusal counts as lost; an outage then shows at the next call.
    /// A key that is created must never be written by [`Sidecar::set`]: some stores keep the mode with the key.
    pub async fn create(&self, key: &str, value: Vec<u8>, ttl_s: u32) -> bool {
        let item = item(key, value, ttl_s, StateConcurrency::ConcurrencyFirstWrite);
        self.save(vec![item]).await.is_ok()
    }

    /// Forgets `key`; a key that is not there is no error.
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        let request = api::DeleteStateRequest {
            store_name: STORE.into(),
            key: key.into(),
            etag: None,
            options: None,
            metadata: HashMap::new(),
        };
        self.grpc().delete_state(request).await?;
        Ok(())
    }

    async fn save(&self, states: Vec<StateItem>) -> Result<(), Error> {
        self.grpc()
            .save_state(api::SaveStateRequest {
                store_name: STORE.into(),
                states,
            })
            .await?;
        Ok(())
    }
}

fn item(key: &str, value: Vec<u8>, ttl_s: u32, mode: StateConcurrency) -> StateItem {
    StateItem {
        key: key.into(),
        value,
        etag: None,
        metadata: HashMap::from([("ttlInSeconds".into(), ttl_s.to_string())]),
        options: Some(StateOptions {
            concurrency: mode.into(),
            consistency: 0,
        }),
    }
}
