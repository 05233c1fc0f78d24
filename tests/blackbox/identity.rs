//! People and their sessions: what happens when something is forgotten, lost, stolen or ended.

use std::sync::Arc;

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, PASSWORD, Person, Stack, euro, eventually};
use totp_rs::{Builder, Secret};
use uuid::Uuid;

use crate::Result;
use crate::money::pair;

const ANOTHER: &str = "seven wet umbrellas under a bridge";

fn is(answer: &Answer, status: u16, code: &str, what: &str) -> Result {
    let found = (answer.status.as_u16(), answer.code());
    ensure!(found == (status, code), "{what}: {answer:?}");
    Ok(())
}

/// The last token that was mailed to somebody, in a mail that holds these words.
async fn mailed_token(stack: &Stack, person: &Person, words: &str) -> anyhow::Result<String> {
    eventually(&format!("a mail that says {words:?}"), || async {
        let mails = stack.mails_to(&person.email).ok()?;
        let mail = mails.rsplit("From: ").find(|mail| mail.contains(words))?;
        let token = |word: &&str| word.starts_with("eyJ");
        mail.split_whitespace().rfind(token).map(str::to_owned)
    })
    .await
}

pub async fn mail_says(stack: &Stack, person: &Person, words: &str) -> Result {
    eventually(&format!("a mail that says {words:?}"), || async {
        stack.mails_to(&person.email).ok()?.contains(words).then_some(())
    })
    .await
}

/// Somebody whose address is verified.
async fn verified(stack: &Stack) -> anyhow::Result<Person> {
    let person = Person::arrive(&stack.origin()).await?;
    let token = mailed_token(stack, &person, "/auth/verify-email").await?;
    let answer = person
        .post("/auth/verify-email", &json!({ "token": token }))
        .await?;
    is(&answer, 204, "", "verifying")?;
    Ok(person)
}

pub async fn a_forgotten_password_is_reset_by_mail(stack: Arc<Stack>) -> Result {
    let mut person = verified(&stack).await?;
    let verification = mailed_token(&stack, &person, "/auth/verify-email").await?;
    let used = person
        .post("/auth/verify-email", &json!({ "token": verification }))
        .await?;
    is(
        &used,
        409,
        "token_already_used",
        "a verification token used twice",
    )?;
    let asked = person
        .post("/auth/password-resets", &json!({ "email": person.email }))
        .await?;
    is(&asked, 202, "", "asking for a reset")?;
    let token = mailed_token(&stack, &person, "/auth/password-resets/confirm").await?;
    let confirm = |token: String| {
        let (person, body) = (person.clone(), json!({ "token": token, "new_password": ANOTHER }));
        async move { person.post("/auth/password-resets/confirm", &body).await }
    };
    let other = confirm(verification).await?;
    is(
        &other,
        422,
        "one_time_token_invalid",
        "a token for another purpose",
    )?;
    let crossed = person
        .post("/auth/verify-email", &json!({ "token": token }))
        .await?;
    is(&crossed, 422, "one_time_token_invalid", "the other way round")?;
    is(&confirm(token.clone()).await?, 204, "", "the reset")?;
    is(
        &confirm(token).await?,
        409,
        "token_already_used",
        "a reset token used twice",
    )?;
    is(
        &person.get("/accounts").await?,
        401,
        "not_logged_in",
        "the session from before",
    )?;
    let old = person.try_log_in(PASSWORD, &json!({})).await?;
    is(&old, 401, "invalid_credentials", "the old password")?;
    person.log_in_with(ANOTHER, &json!({})).await?;
    mail_says(&stack, &person, "the password of your account was changed").await
}

/// Logs in as an app does; gives the tokens.
async fn native_login(person: &Person) -> anyhow::Result<(String, String)> {
    let body = json!({ "username": person.username, "password": PASSWORD, "client_type": "native",
        "device_id": format!("phone-of-{}", person.username) });
    let answer = person.native(Method::POST, "/auth/login", "", &body).await?;
    ensure!(answer.status == StatusCode::OK, "{answer:?}");
    ensure!(!answer.headers.contains_key("set-cookie"), "{answer:?}");
    tokens(&answer.json["tokens"])
}

fn tokens(of: &Value) -> anyhow::Result<(String, String)> {
    let token = |name: &str| {
        of[name]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("no {name} in {of}"))
    };
    Ok((token("access_token")?, token("refresh_token")?))
}

async fn refresh(person: &Person, refresh_token: &str) -> anyhow::Result<Answer> {
    let body = json!({ "refresh_token": refresh_token });
    person.native(Method::POST, "/auth/token", "", &body).await
}

pub async fn a_native_client_lives_on_its_refresh_tokens(stack: Arc<Stack>) -> Result {
    let mut person = Person::stranger(&stack.origin());
    person.register().await?;
    let (access, first) = native_login(&person).await?;
    let accounts = person
        .native(Method::GET, "/accounts", &access, &Value::Null)
        .await?;
    ensure!(
        accounts.json["items"]
            .as_array()
            .is_some_and(|items| items.len() == 1),
        "{accounts:?}"
    );
    let next = refresh(&person, &first).await?;
    let (access, second) = tokens(&next.json)?;
    ensure!(second != first, "the refresh token was not replaced");
    is(
        &person
            .native(Method::GET, "/users/me", &access, &Value::Null)
            .await?,
        200,
        "",
        "the next token",
    )?;
    for (what, token) in [("a refresh token", &second), ("nonsense", &"x.y.z".to_owned())] {
        let answer = person
            .native(Method::GET, "/accounts", token, &Value::Null)
            .await?;
        is(&answer, 401, "invalid_token", what)?;
    }
    let out = person
        .native(Method::POST, "/auth/logout", &access, &json!({}))
        .await?;
    is(&out, 204, "", "a logout")?;
    let after = person
        .native(Method::GET, "/accounts", &access, &Value::Null)
        .await?;
    is(&after, 401, "session_ended", "the token after the logout")?;
    is(
        &refresh(&person, &second).await?,
        401,
        "session_ended",
        "the refresh token after it",
    )
}

pub async fn a_refresh_token_that_comes_back_ends_its_session_and_the_owner_is_told(
    stack: Arc<Stack>,
) -> Result {
    let mut person = Person::stranger(&stack.origin());
    person.register().await?;
    let (_, stolen) = native_login(&person).await?;
    let (access, used) = tokens(&refresh(&person, &stolen).await?.json)?;
    // The successor is used: from now on a replay is a theft, however soon it comes.
    let (_, last) = tokens(&refresh(&person, &used).await?.json)?;
    is(
        &refresh(&person, &stolen).await?,
        401,
        "session_ended",
        "the replay",
    )?;
    is(
        &refresh(&person, &last).await?,
        401,
        "session_ended",
        "the owner's own token",
    )?;
    let after = person
        .native(Method::GET, "/accounts", &access, &Value::Null)
        .await?;
    is(&after, 401, "session_ended", "the access token")?;
    person.log_in().await?;
    eventually("the alert is in the feed", || async {
        let feed = person.get("/activity").await.ok()?.json;
        let alert = |item: &Value| item["data"]["alert"] == "refresh_token_reused";
        feed["items"].as_array()?.iter().any(alert).then_some(())
    })
    .await
}

pub async fn sessions_are_listed_and_ended_here_and_everywhere(stack: Arc<Stack>) -> Result {
    let here = Person::arrive(&stack.origin()).await?;
    let (mut there, mut third) = (here.elsewhere(), here.elsewhere());
    there.log_in().await?;
    third.log_in().await?;
    mail_says(&stack, &here, "somebody logged in to your account").await?;
    let list = here.get("/auth/sessions").await?.json;
    let items = list["items"].as_array().context("no list")?;
    ensure!(items.len() == 3, "{list}");
    ensure!(
        items.iter().filter(|item| item["current"] == true).count() == 1,
        "{list}"
    );
    let session_of = async |person: &Person| -> anyhow::Result<String> {
        let session = person.get("/auth/session").await?.json;
        Ok(session["session_id"].as_str().context("no session")?.to_owned())
    };
    let id = session_of(&there).await?;
    is(
        &here.delete(&format!("/auth/sessions/{id}")).await?,
        204,
        "",
        "ending one",
    )?;
    is(
        &there.get("/accounts").await?,
        401,
        "not_logged_in",
        "the one that was ended",
    )?;
    is(
        &here.delete(&format!("/auth/sessions/{id}")).await?,
        404,
        "unknown_session",
        "ending it twice",
    )?;
    let stranger = Person::arrive(&stack.origin()).await?;
    let foreign = format!("/auth/sessions/{}", session_of(&third).await?);
    is(
        &stranger.delete(&foreign).await?,
        404,
        "unknown_session",
        "somebody else's session",
    )?;
    let change = json!({ "current_password": PASSWORD, "new_password": ANOTHER });
    is(
        &here.put("/auth/password", &change).await?,
        204,
        "",
        "a change of the password",
    )?;
    is(
        &third.get("/accounts").await?,
        401,
        "not_logged_in",
        "another session after that",
    )?;
    is(
        &here.get("/accounts").await?,
        200,
        "",
        "the own session after that",
    )?;
    is(
        &here.delete("/auth/sessions").await?,
        204,
        "",
        "a logout everywhere",
    )?;
    is(
        &here.get("/accounts").await?,
        401,
        "not_logged_in",
        "the own session in the end",
    )
}

fn code_of(secret: &str, seconds: i64) -> anyhow::Result<String> {
    let secret = Secret::try_from_base32(secret).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let totp = Builder::new().with_secret(secret.as_bytes().to_vec()).build();
    let totp = totp.map_err(|error| anyhow::anyhow!("{error}"))?;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)?
        .as_secs();
    Ok(totp.generate(now.saturating_add_signed(seconds)).to_string())
}

pub async fn a_second_factor_is_asked_for_and_a_recovery_code_helps_once(stack: Arc<Stack>) -> Result {
    let mut person = Person::arrive(&stack.origin()).await?;
    let started = person
        .post("/auth/totp", &json!({ "password": PASSWORD }))
        .await?;
    let secret = started.json["secret"].as_str().context("no secret")?.to_owned();
    let code = json!({ "code": code_of(&secret, 0)? });
    let confirmed = person.post("/auth/totp/confirm", &code).await?;
    ensure!(confirmed.status == StatusCode::OK, "{confirmed:?}");
    let recovery = confirmed.json["recovery_codes"][0].clone();
    let login = async |person: &Person, more: Value| person.try_log_in(PASSWORD, &more).await;
    is(
        &login(&person, json!({})).await?,
        401,
        "second_factor_required",
        "a password alone",
    )?;
    is(
        &login(&person, code).await?,
        403,
        "second_factor_invalid",
        "the code that was used already",
    )?;
    // The next step's code is taken too, for clocks that are a little behind.
    person
        .log_in_with(PASSWORD, &json!({ "code": code_of(&secret, 30)? }))
        .await?;
    person
        .log_in_with(PASSWORD, &json!({ "recovery_code": recovery }))
        .await?;
    let again = login(&person, json!({ "recovery_code": recovery })).await?;
    is(&again, 403, "second_factor_invalid", "a recovery code used twice")?;
    is(
        &person
            .post(
                "/auth/totp/disable",
                &json!({ "password": PASSWORD, "recovery_code": confirmed.json["recovery_codes"][1] }),
            )
            .await?,
        204,
        "",
        "taking it off",
    )?;
    person.log_in().await?;
    Ok(())
}

pub async fn an_administrator_locks_a_user_out_at_once(stack: Arc<Stack>) -> Result {
    let mut admin = Person::arrive(&stack.origin()).await?;
    let victim = Person::arrive(&stack.origin()).await?;
    let path = format!("/admin/users/{}", victim.user_id);
    is(&admin.get(&path).await?, 403, "forbidden", "before the grant")?;
    stack.command("auth", &["admin", "grant", &admin.username])?;
    // The role is in the next access token.
    admin.log_in().await?;
    let found = admin
        .get(&format!("/admin/users?search={}", victim.username))
        .await?;
    ensure!(
        found.json["items"][0]["user_id"] == json!(victim.user_id),
        "{found:?}"
    );
    let disabled = admin.patch(&path, &json!({ "disabled": true })).await?;
    ensure!(disabled.json["status"] == "disabled", "{disabled:?}");
    is(
        &victim.get("/accounts").await?,
        401,
        "not_logged_in",
        "a session of a disabled user",
    )?;
    let refused = victim.try_log_in(PASSWORD, &json!({})).await?;
    is(&refused, 403, "account_disabled", "a login of a disabled user")?;
    let wrong = victim.try_log_in(ANOTHER, &json!({})).await?;
    is(
        &wrong,
        401,
        "invalid_credentials",
        "with a wrong password it is not told",
    )?;
    is(
        &admin.patch(&path, &json!({ "disabled": false })).await?,
        200,
        "",
        "enabling",
    )?;
    let mut victim = victim;
    victim.log_in().await?;
    is(
        &victim.get("/admin/users").await?,
        403,
        "forbidden",
        "a user among administrators",
    )?;
    let keys = admin.get("/admin/signing-keys").await?;
    ensure!(keys.json["items"][0]["active"] == true, "{keys:?}");
    let rotation = admin.post("/admin/signing-keys/rotate", &json!({})).await?;
    is(&rotation, 409, "no_standby_key", "a rotation with one key")
}

pub async fn wrong_passwords_lock_strangers_out_and_not_the_owners_device(stack: Arc<Stack>) -> Result {
    let mut owner = Person::arrive(&stack.origin()).await?;
    let stranger = owner.elsewhere();
    for _ in 0..6 {
        let answer = stranger.try_log_in(ANOTHER, &json!({})).await?;
        is(&answer, 401, "invalid_credentials", "a wrong password")?;
    }
    let locked = stranger.try_log_in(PASSWORD, &json!({})).await?;
    is(
        &locked,
        403,
        "account_locked",
        "the right password during the lock",
    )?;
    ensure!(locked.headers.contains_key("retry-after"), "{locked:?}");
    mail_says(&stack, &owner, "too many wrong passwords").await?;
    owner.log_in().await?;
    Ok(())
}

pub async fn an_answer_never_tells_whether_an_address_has_an_account(stack: Arc<Stack>) -> Result {
    let known = verified(&stack).await?;
    let unknown = Person::stranger(&stack.origin());
    let mut answers = Vec::new();
    for email in [&known.email, &unknown.email] {
        let asked = unknown
            .post("/auth/password-resets", &json!({ "email": email }))
            .await?;
        let login = unknown
            .post("/auth/login", &json!({ "email": email, "password": ANOTHER }))
            .await?;
        let name = Person::stranger(&stack.origin()).username;
        let body = json!({ "username": name, "email": email, "password": PASSWORD });
        let registered = unknown.post("/auth/register", &body).await?;
        is(&registered, 201, "", "registering with either address")?;
        answers.push((asked.status, asked.text, login.status, login.text));
    }
    ensure!(answers[0] == answers[1], "{answers:?}");
    // Only the owner of the address learns of it.
    mail_says(&stack, &known, "tried to register").await
}

/// How many renewals Auth answered itself, and for how many it asked Token Provider.
async fn renewals(stack: &Stack) -> anyhow::Result<(u32, u32)> {
    let metrics = reqwest::get(stack.url("auth", "/metrics")).await?.text().await?;
    let count = |call: &str| {
        let line = format!("token_provider_calls_total{{call=\"{call}\"}} ");
        let found = metrics.lines().find_map(|text| text.strip_prefix(&line));
        found.map_or(Ok(0), str::parse)
    };
    Ok((count("saved")?, count("made")?))
}

pub async fn two_replicas_of_the_gateway_share_sessions_and_their_ends(stack: Arc<Stack>) -> Result {
    let replica = stack.replica("gateway").await?;
    let here = Person::arrive(&stack.origin()).await?;
    let there = here.through(&replica);
    is(
        &there.get("/accounts").await?,
        200,
        "",
        "the session at the other replica",
    )?;
    stack.infra().script(&["forget", "gateway"])?;
    let (saved, made) = renewals(&stack).await?;
    let racing = (0..20).map(|number| if number % 2 == 0 { &here } else { &there });
    for answer in try_join_all(racing.map(|person| person.get("/accounts"))).await? {
        is(&answer, 200, "", "one of twenty at both replicas")?;
    }
    let (saved_then, made_then) = renewals(&stack).await?;
    // The token of the login is young: Auth has it in its own cache.
    ensure!(
        saved_then > saved && made_then == made,
        "{saved} {saved_then} {made} {made_then}"
    );
    is(
        &there.post("/auth/logout", &json!({})).await?,
        204,
        "",
        "a logout at the one",
    )?;
    is(
        &here.get("/accounts").await?,
        401,
        "not_logged_in",
        "the session at the other",
    )
}

pub async fn requests_of_one_session_that_has_lost_its_entry_all_go_on(stack: Arc<Stack>) -> Result {
    let person = Person::arrive(&stack.origin()).await?;
    stack.infra().script(&["forget", "gateway"])?;
    let answers = try_join_all((0..20).map(|_| person.get("/accounts"))).await?;
    for answer in answers {
        is(&answer, 200, "", "one of twenty at once")?;
    }
    Ok(())
}

pub async fn who_leaves_takes_their_data_and_leaves_the_ledger(stack: Arc<Stack>) -> Result {
    let (leaver, from, friend, to) = pair(&stack, 500).await?;
    let export = leaver.get("/users/me/export").await?;
    ensure!(export.status == StatusCode::OK, "{export:?}");
    ensure!(
        export.json["account"]["email"] == leaver.email.as_str(),
        "{export:?}"
    );
    ensure!(
        export.json["accounts"][0]["entries"]["items"][0]["amount"]["amount_minor"].is_i64(),
        "{export:?}"
    );
    let body = json!({ "password": PASSWORD });
    let early = leaver.post("/users/me/deletion", &body).await?;
    is(&early, 409, "account_not_empty", "leaving with money")?;
    let paid = leaver
        .transfer_until_answered(&Uuid::new_v4().to_string(), &from, &to, 500)
        .await?;
    ensure!(paid.status == StatusCode::CREATED, "{paid:?}");
    let wrong = leaver
        .post("/users/me/deletion", &json!({ "password": ANOTHER }))
        .await?;
    is(&wrong, 403, "wrong_password", "leaving with a wrong password")?;
    is(
        &leaver.post("/users/me/deletion", &body).await?,
        204,
        "",
        "leaving",
    )?;
    is(
        &leaver.get("/users/me").await?,
        401,
        "not_logged_in",
        "the session of who left",
    )?;
    let login = leaver.try_log_in(PASSWORD, &json!({})).await?;
    is(&login, 401, "invalid_credentials", "a login of who left")?;
    ensure!(friend.balance().await? == 500, "the friend has lost money");
    let gift = json!({ "from_account_id": to, "to_account_id": from, "amount": euro(1) });
    let gift = friend
        .post_with_key("/transactions", &Uuid::new_v4().to_string(), &gift)
        .await?;
    is(&gift, 422, "account_closed", "money for who left")?;
    let history = friend.get("/transactions").await?;
    ensure!(
        history.json["items"]
            .as_array()
            .is_some_and(|items| !items.is_empty()),
        "{history:?}"
    );
    Ok(())
}

pub async fn too_many_requests_have_to_wait(stack: Arc<Stack>) -> Result {
    let person = Person::stranger(&stack.origin());
    let body = json!({ "email": person.email });
    // Three for one address in five minutes, times the factor of these tests; a new window may begin in between.
    let mut refused = None;
    for _ in 0..=120 {
        let answer = person.post("/auth/password-resets", &body).await?;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
        is(&answer, 202, "", "a reset")?;
    }
    let refused = refused.context("nothing was refused")?;
    is(&refused, 429, "rate_limited", "one too many")?;
    ensure!(refused.headers.contains_key("retry-after"), "{refused:?}");
    let other = json!({ "email": Person::stranger(&stack.origin()).email });
    is(
        &person.post("/auth/password-resets", &other).await?,
        202,
        "",
        "for another address",
    )
}
