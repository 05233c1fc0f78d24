//! Which service may call which, and for what: the only tokens between services that are ever made.

pub struct Grant {
    pub caller: &'static str,
    pub audience: &'static str,
    pub scope: &'static str,
}

const fn grant(caller: &'static str, audience: &'static str, scope: &'static str) -> Grant {
    Grant {
        caller,
        audience,
        scope,
    }
}

pub const GRANTS: [Grant; 14] = [
    grant("gateway", "auth", "auth:sessions"),
    grant("gateway", "user", "provision"),
    grant("gateway", "account", "provision"),
    grant("gateway", "transaction", "provision"),
    grant("gateway", "user", "erase"),
    grant("gateway", "account", "erase"),
    grant("gateway", "transaction", "erase"),
    grant("auth", "token-provider", "tokens:issue"),
    grant("transaction", "account", "postings:write"),
    grant("activity", "account", "ledger:read"),
    grant("transaction", "account", "accounts:resolve"),
    grant("transaction", "auth", "usernames:read"),
    grant("email", "auth", "contacts:read"),
    grant("email", "user", "preferences:read"),
];

/// Whether `caller` may have a token for `audience` with `scope`.
pub fn allowed(caller: &str, audience: &str, scope: &str) -> bool {
    GRANTS
        .iter()
        .any(|grant| (grant.caller, grant.audience, grant.scope) == (caller, audience, scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_is_granted() {
        assert!(allowed("transaction", "account", "postings:write"));
        assert!(!allowed("gateway", "account", "postings:write"));
        assert!(!allowed("transaction", "account", "provision"));
        assert!(!allowed("transaction", "auth", "postings:write"));
    }
}
