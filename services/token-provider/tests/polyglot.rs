//! Other people's JWT libraries verify our tokens with nothing but the key set that we publish: see `tests/jwt`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use identity::Claims;
use serde_json::Value;
use sqlx::PgPool;
use testkit::{call, request, user_claims};
use token_provider::domain::keys::KeyAlgorithm::{Es256, Rs256};
use token_provider::domain::rotation::Schedule;
use uuid::Uuid;

use crate::support::{Provider, SCHEDULE, claims, days_go_by, new_key};

/// By name.
type Tokens = BTreeMap<&'static str, String>;

#[sqlx::test]
async fn python_and_node_verify_tokens_of_both_algorithms_and_refuse_bad_ones(pool: PgPool) {
    let modules = node_modules();
    let (provider, good) = change_of_algorithm(pool).await;
    let bad = bad_tokens(&provider, &good["RS256"]);
    let folder = written_down(&provider, good.iter().chain(&bad)).await;

    let accepted = good.iter().map(|(name, token)| (*name, claims(token)));
    let refused = bad.keys().map(|name| (*name, Value::Null));
    let expected: Value = accepted.chain(refused).collect();
    let scripts = repository().join("tests/jwt");
    let mut python = Command::new("/usr/bin/python3");
    python.arg(scripts.join("verify.py")).arg(&folder);
    let mut node = Command::new("node");
    node.arg(scripts.join("verify.cjs"))
        .arg(&folder)
        .env("NODE_PATH", modules);
    for verifier in [&mut python, &mut node] {
        let answer: Value = serde_json::from_str(&output(verifier)).unwrap();
        assert_eq!(answer, expected, "{verifier:?}");
    }
}

/// A provider that went from RS256 to ES256, and an access token of each: the older one is as good as the newer.
async fn change_of_algorithm(pool: PgPool) -> (Provider, Tokens) {
    let mut keys = new_key(Rs256);
    let before = Provider::with_keys(pool.clone(), SCHEDULE, &keys).await;
    let rs256 = access_token(&before).await;
    keys.extend(new_key(Es256));
    let schedule = Schedule {
        algorithm: Es256,
        ..SCHEDULE
    };
    Provider::with_keys(pool.clone(), schedule, &keys).await;
    days_go_by(&pool, 1).await;
    let after = Provider::with_keys(pool, schedule, &keys).await;
    let es256 = access_token(&after).await;
    let tokens = Tokens::from([("RS256", rs256), ("ES256", es256)]);
    for (algorithm, token) in &tokens {
        let header = jsonwebtoken::decode_header(token).unwrap();
        assert_eq!(format!("{:?}", header.alg), *algorithm);
    }
    (after, tokens)
}

async fn access_token(provider: &Provider) -> String {
    provider.issue().await["access_token"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// What nobody may accept. All but the first two are well signed.
fn bad_tokens(provider: &Provider, good: &str) -> Tokens {
    let sign = |typ, bend: fn(&mut Claims)| {
        let mut claims = user_claims(Uuid::now_v7());
        bend(&mut claims);
        provider.keys.sign(typ, &claims).unwrap()
    };
    let administrator = sign("at+jwt", |claims| claims.roles = vec!["admin".to_owned()]);
    let claims_of_another = administrator.split('.').nth(1).unwrap();
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    Tokens::from([
        (
            "other claims",
            format!("{header}.{claims_of_another}.{signature}"),
        ),
        ("no signature", format!("{message}.")),
        ("ended", sign("at+jwt", |claims| claims.exp = claims.iat - 6)),
        (
            "another issuer",
            sign("at+jwt", |claims| claims.iss = String::from("else")),
        ),
        (
            "another audience",
            sign("at+jwt", |claims| claims.aud = String::from("auth")),
        ),
        ("another type", sign("ott+jwt", |_| {})),
    ])
}

/// The folder that the scripts read: the key set as anybody gets it, and a file for each token.
async fn written_down(
    provider: &Provider,
    tokens: impl Iterator<Item = (&&'static str, &String)>,
) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("polyglot");
    std::fs::create_dir_all(&folder).unwrap();
    let keys = request("GET", "/.well-known/jwks.json", "", &Value::Null);
    let keys = call(&provider.router, keys).await.json.to_string();
    std::fs::write(folder.join("jwks.json"), keys).unwrap();
    for (name, token) in tokens {
        std::fs::write(folder.join(name).with_extension("jwt"), token).unwrap();
    }
    folder
}

/// The libraries, installed if need be.
fn node_modules() -> String {
    let install = repository().join("INFRASTRUCTURE/local/jwt-libraries");
    output(&mut Command::new(install)).trim().to_owned()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What a command says, or the end of the test with what went wrong.
fn output(command: &mut Command) -> String {
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => panic!("{command:?} can't be run: {error}"),
    };
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{}", said.trim());
    String::from_utf8(output.stdout).unwrap()
}
