//! Writing a mail: the template of its kind and language, as plain text and as HTML.
//!
//! A template is plain text: paragraphs with an empty line between them, and an indented one for what is to be copied. The
//! HTML is made of the same text, so the two never say different things.

use std::sync::Arc;

use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, Value, context};

use crate::facts::Facts;
use crate::kind::Kind;
use crate::language::Language;

const LAYOUT: &str = "layout";

pub struct Letter {
    pub subject: &'static str,
    pub text: String,
    pub html: String,
}

/// Whom a mail is written to, and what the queue does not keep.
pub struct Addressee {
    pub username: String,
    pub email: String,
    pub language: Language,
    /// The name of the other party, if it is still there.
    pub other: Option<String>,
    pub token: Option<String>,
}

#[derive(Clone)]
pub struct Letters {
    templates: Arc<Environment<'static>>,
    public_origin: Arc<str>,
}

impl Letters {
    pub fn new(public_origin: String) -> Result<Self, Error> {
        let mut templates = Environment::new();
        // What goes into HTML is escaped by `html`, once, when the text is whole.
        templates.set_auto_escape_callback(|_| AutoEscape::None);
        // A mail with a gap is worse than a late one.
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.add_template(LAYOUT, include_str!("templates/layout.html"))?;
        for language in Language::ALL {
            for kind in Kind::ALL {
                templates.add_template_owned(name(*kind, language), kind.template(language))?;
            }
        }
        Ok(Self {
            templates: Arc::new(templates),
            public_origin: public_origin.into(),
        })
    }

    pub fn write(&self, kind: Kind, to: &Addressee, facts: &Facts) -> Result<Letter, Error> {
        let language = to.language;
        let amount = |money: Option<_>| money.map_or(Value::UNDEFINED, |money| language.amount(money).into());
        let values = context! {
            origin => &*self.public_origin,
            username => &to.username,
            other => &to.other,
            token => to.token.as_ref().map_or(Value::UNDEFINED, Value::from),
            when => language.time(facts.at),
            amount => amount(facts.amount),
            opening => amount(facts.opening),
            closing => amount(facts.closing),
            month => facts.month.map_or(Value::UNDEFINED, |month| language.month(month).into()),
            // As routes take it.
            month_number => facts.month.map_or(Value::UNDEFINED, |month| month.format("%Y-%m").to_string().into()),
            account_id => facts.account_id.map_or(Value::UNDEFINED, |id| id.to_string().into()),
            transaction_id => facts.transaction_id.map_or(Value::UNDEFINED, |id| id.to_string().into()),
            payment_request_id =>
                facts.payment_request_id.map_or(Value::UNDEFINED, |id| id.to_string().into()),
            expires_at => facts.expires_at.map_or(Value::UNDEFINED, |time| language.time(time).into()),
            device => &facts.device,
            locked_until => facts.locked_until.map(|time| language.time(time)),
        };
        let text = self
            .templates
            .get_template(&name(kind, language))?
            .render(values)?;
        let subject = kind.subject(language);
        let html = self.templates.get_template(LAYOUT)?.render(context! {
            language => language.code(),
            subject,
            body => html(&text),
        })?;
        Ok(Letter { subject, text, html })
    }
}

fn name(kind: Kind, language: Language) -> String {
    format!("{}/{}", language.code(), kind.name())
}

fn html(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let paragraph = |lines: &str| match lines.strip_prefix("    ") {
        // A line of its own: people and programs copy it from there.
        Some(copied) => format!("<pre>\n{copied}\n</pre>"),
        None => format!("<p>{lines}</p>"),
    };
    let paragraphs: Vec<_> = text.trim_end().split("\n\n").map(paragraph).collect();
    paragraphs.join("\n")
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use uuid::Uuid;

    use super::*;

    fn letters() -> Letters {
        Letters::new("http://pay.example".into()).unwrap()
    }

    fn eve(language: Language) -> Addressee {
        Addressee {
            username: "<b>eve</b>".into(),
            email: "eve@example.com".into(),
            language,
            other: Some("<i>mallory</i>".into()),
            token: Some("t0k3n".into()),
        }
    }

    fn facts() -> Facts {
        Facts {
            at: Utc::now(),
            transaction_id: Some(Uuid::now_v7()),
            payment_request_id: Some(Uuid::now_v7()),
            expires_at: Some(Utc::now()),
            amount: serde_json::from_str(r#"{"amount_minor":1250,"currency":"EUR"}"#).unwrap(),
            other_user_id: None,
            account_id: Some(Uuid::now_v7()),
            month: chrono::NaiveDate::from_ymd_opt(2026, 11, 1),
            opening: serde_json::from_str(r#"{"amount_minor":-5,"currency":"EUR"}"#).unwrap(),
            closing: serde_json::from_str(r#"{"amount_minor":0,"currency":"EUR"}"#).unwrap(),
            device: Some("<u>browser</u>".into()),
            locked_until: Some(Utc::now()),
        }
    }

    #[test]
    fn what_users_wrote_is_escaped_in_the_html_of_every_mail() {
        for language in Language::ALL {
            for kind in Kind::ALL {
                let letter = letters().write(*kind, &eve(language), &facts()).unwrap();
                let html = letter.html;
                assert!(html.contains("&lt;b&gt;eve"), "{html}");
                for raw in ["<b>eve", "<i>mallory", "<u>browser"] {
                    assert!(!html.contains(raw), "{html}");
                }
                assert!(letter.text.contains("<b>eve</b>"), "{}", letter.text);
            }
        }
    }

    #[test]
    fn the_languages_of_a_mail_tell_the_same() {
        for kind in Kind::ALL {
            let told = Language::ALL.map(|language| {
                let text = kind.template(language);
                let mut names: Vec<_> = text
                    .split("{{ ")
                    .skip(1)
                    .map(|rest| &rest[..rest.find([' ', '}']).unwrap()])
                    .collect();
                names.sort_unstable();
                (names, text.matches("\n\n").count())
            });
            assert_eq!(told[0], told[1], "{kind:?}");
        }
    }

    #[test]
    fn a_token_stands_on_a_line_of_its_own() {
        let letter = letters()
            .write(Kind::Verification, &eve(Language::German), &facts())
            .unwrap();
        assert!(letter.html.contains("<pre>\nt0k3n\n</pre>"), "{}", letter.html);
        assert!(letter.html.contains(r#"{"token": "…"}"#), "{}", letter.html);
    }

    #[test]
    fn a_mail_with_a_gap_is_not_written() {
        let to = Addressee {
            token: None,
            ..eve(Language::English)
        };
        for kind in [Kind::PasswordReset, Kind::Sent, Kind::Statement] {
            assert!(letters().write(kind, &to, &Facts::default()).is_err(), "{kind:?}");
        }
    }
}
