//! What a user prefers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::merge_patch::given;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Preferences {
    /// Of mails and messages; BCP 47.
    pub language: String,
    /// The account that a client offers first. It is a hint: nobody has asked Account whether it exists or whose it is.
    pub default_account_id: Option<Uuid>,
    pub notifications: Notifications,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            language: "en".to_owned(),
            default_account_id: None,
            notifications: Notifications::default(),
        }
    }
}

/// How a user hears of each kind of event; an empty list is not at all. What is told for security's sake, of locks,
/// passwords and second factors, is no kind here: it can't be turned off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Notifications {
    pub money_sent: BTreeSet<Channel>,
    pub money_received: BTreeSet<Channel>,
    pub topped_up: BTreeSet<Channel>,
    /// Somebody asks the user for money, or declines or lets expire what the user has asked for.
    pub payment_requests: BTreeSet<Channel>,
    /// A month is over, and the statement of an account for it is there.
    pub statement: BTreeSet<Channel>,
    pub new_device_login: BTreeSet<Channel>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Email,
}

impl Default for Notifications {
    fn default() -> Self {
        let by_email = || BTreeSet::from([Channel::Email]);
        Self {
            money_sent: by_email(),
            money_received: by_email(),
            topped_up: by_email(),
            payment_requests: by_email(),
            statement: by_email(),
            new_device_login: by_email(),
        }
    }
}

/// The kinds that are left out stay as they are; a list is replaced as a whole.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeNotifications {
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = BTreeSet<Channel>, required = false)]
    money_sent: Option<BTreeSet<Channel>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = BTreeSet<Channel>, required = false)]
    money_received: Option<BTreeSet<Channel>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = BTreeSet<Channel>, required = false)]
    topped_up: Option<BTreeSet<Channel>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = BTreeSet<Channel>, required = false)]
    payment_requests: Option<BTreeSet<Channel>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = BTreeSet<Channel>, required = false)]
    statement: Option<BTreeSet<Channel>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = BTreeSet<Channel>, required = false)]
    new_device_login: Option<BTreeSet<Channel>>,
}

impl ChangeNotifications {
    pub fn applied_to(self, before: Notifications) -> Notifications {
        Notifications {
            money_sent: self.money_sent.unwrap_or(before.money_sent),
            money_received: self.money_received.unwrap_or(before.money_received),
            topped_up: self.topped_up.unwrap_or(before.topped_up),
            payment_requests: self.payment_requests.unwrap_or(before.payment_requests),
            statement: self.statement.unwrap_or(before.statement),
            new_device_login: self.new_device_login.unwrap_or(before.new_device_login),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn change(body: Value) -> serde_json::Result<ChangeNotifications> {
        serde_json::from_value(body)
    }

    #[test]
    fn a_change_of_one_kind_leaves_the_others() {
        let quiet = change(json!({ "topped_up": [] }))
            .unwrap()
            .applied_to(Notifications::default());
        assert_eq!(
            quiet,
            Notifications {
                topped_up: BTreeSet::new(),
                ..Notifications::default()
            }
        );
        let again = change(json!({ "topped_up": ["email", "email"] }))
            .unwrap()
            .applied_to(quiet);
        assert_eq!(again, Notifications::default());
    }

    #[test]
    fn kinds_and_channels_that_are_not_known_are_refused() {
        for bad in [
            json!({ "password_changed": [] }),
            json!({ "topped_up": ["pigeon"] }),
            json!({ "topped_up": "email" }),
            json!({ "topped_up": null }),
        ] {
            assert!(change(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_kind_that_an_older_row_does_not_have_is_at_its_default() {
        let row = json!({ "money_sent": [] });
        let read: Notifications = serde_json::from_value(row).unwrap();
        assert_eq!(
            read,
            Notifications {
                money_sent: BTreeSet::new(),
                ..Notifications::default()
            }
        );
    }
}
