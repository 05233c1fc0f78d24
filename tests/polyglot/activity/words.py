"""What happened, in plain words and the reader's language."""

from contextlib import suppress
from datetime import date
from typing import Any

# For each language: title and sentence. `{}` stands for what the line is about: an amount, a month or a device.
LINES = {
    "registered": (("Welcome", "You have registered."), ("Willkommen", "Sie haben sich registriert.")),
    "logged_in": (("Login", "You have logged in."), ("Anmeldung", "Sie haben sich angemeldet.")),
    "session_ended": (
        ("Session ended", "One of your sessions has ended."),
        ("Sitzung beendet", "Eine Ihrer Sitzungen wurde beendet."),
    ),
    "topped_up": (
        ("Money added", "{} was paid into your account."),
        ("Einzahlung", "{} wurden auf Ihr Konto eingezahlt."),
    ),
    "withdrawn": (("Withdrawal", "You withdrew {}."), ("Auszahlung", "Sie haben {} ausgezahlt.")),
    "sent": (("Money sent", "You sent {}."), ("Geld gesendet", "Sie haben {} gesendet.")),
    "received": (("Money received", "You received {}."), ("Geld erhalten", "Sie haben {} erhalten.")),
    "moved": (
        ("Money moved", "You moved {} between your own accounts."),
        ("Umbuchung", "Sie haben {} zwischen Ihren eigenen Konten bewegt."),
    ),
    "money_requested": (
        ("Request for money", "You are asked for {}."),
        ("Bitte um Geld", "Sie werden um {} gebeten."),
    ),
    "request_declined": (
        ("Request declined", "Your request for {} was declined."),
        ("Bitte abgelehnt", "Ihre Bitte um {} wurde abgelehnt."),
    ),
    "request_cancelled": (
        ("Request taken back", "A request for {} was taken back."),
        ("Bitte zurückgezogen", "Eine Bitte um {} wurde zurückgezogen."),
    ),
    "request_expired": (
        ("Request expired", "A request for {} has expired."),
        ("Bitte abgelaufen", "Eine Bitte um {} ist abgelaufen."),
    ),
    "statement_ready": (
        ("Monthly statement", "Your account statement for {} is ready."),
        ("Kontoauszug", "Ihr Kontoauszug für {} ist da."),
    ),
}
NEW_LINE = (
    ("Something new", "Something happened on your account."),
    ("Neuigkeit", "In Ihrem Konto ist etwas geschehen."),
)
ALERTS = {
    "new_device_login": (
        ("New device", "Somebody logged in from {}, where you were not seen before."),
        ("Neues Gerät", "Jemand hat sich mit {} angemeldet, wo Sie noch nie waren."),
    ),
    "password_changed": (
        ("Password changed", "Your password was changed."),
        ("Passwort geändert", "Ihr Passwort wurde geändert."),
    ),
    "account_locked": (
        ("Account locked", "Wrong passwords have locked your account for a while."),
        ("Konto gesperrt", "Falsche Passwörter haben Ihr Konto für eine Weile gesperrt."),
    ),
    "password_reset_requested": (
        ("Password reset", "Somebody asked for a mail to set a new password."),
        ("Neues Passwort", "Jemand hat eine Mail für ein neues Passwort angefordert."),
    ),
    "second_factor_changed": (
        ("Second factor", "Your second factor was changed."),
        ("Zweiter Faktor", "Ihr zweiter Faktor wurde geändert."),
    ),
    "second_factor_failed": (
        ("Second factor", "Your password came with a wrong code."),
        ("Zweiter Faktor", "Ihr Passwort kam mit einem falschen Code."),
    ),
    "recovery_code_used": (
        ("Recovery code", "One of your recovery codes was used."),
        ("Notfallcode", "Einer Ihrer Notfallcodes wurde benutzt."),
    ),
    "refresh_token_reused": (
        ("Session ended", "A login was copied, so its session has ended."),
        ("Sitzung beendet", "Eine Anmeldung wurde kopiert, darum ist ihre Sitzung beendet."),
    ),
}
NEW_ALERT = (
    ("Security notice", "Something unusual happened on your account."),
    ("Sicherheitshinweis", "In Ihrem Konto ist etwas Ungewöhnliches geschehen."),
)
ENGLISH, GERMAN = 0, 1
LANGUAGES = {"en": ENGLISH, "de": GERMAN}
UNKNOWN_DEVICE = ("a device", "einem Gerät")
MONTHS = (
    "January February March April May June July August September October November December".split(),
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
)

# ISO 4217: how many digits the minor units of a currency stand for, where these are not two.
DIGITS = dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0)
DIGITS |= dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3) | dict.fromkeys(["CLF", "UYW"], 4)


def wanted(header: str) -> int:
    """The language that an `Accept-Language` (RFC 9110 §12.5.4) wants most; English if it wants none of them."""
    best = (0.0, ENGLISH)
    for choice in header.split(","):
        tag, *parameters = (part.strip() for part in choice.split(";"))
        language = LANGUAGES.get(tag.split("-")[0].lower())
        if language is None:
            continue
        weight = next((it.removeprefix("q=") for it in parameters if it.startswith("q=")), "1")
        with suppress(ValueError):
            best = max(best, (float(weight), language), key=lambda it: it[0])
    return best[1]


def words(kind: str, data: dict[str, Any], language: int) -> tuple[str, str]:
    """Title and sentence. A kind or an alert that is newer than this service has words that fit all."""
    template = ALERTS.get(data.get("alert", ""), NEW_ALERT) if kind == "security_alert" else LINES.get(kind, NEW_LINE)
    title, text = template[language]
    if amount := data.get("amount"):
        about = written(amount, language)
    elif of := data.get("month"):
        about = month(of, language)
    else:
        about = data.get("device") or UNKNOWN_DEVICE[language]
    return title, text.replace("{}", about, 1)


def month(text: str, language: int) -> str:
    """`March 2026` for `2026-03`; what is no month stays as it is."""
    try:
        day = date.fromisoformat(f"{text}-01")
    except ValueError:
        return text
    return f"{MONTHS[language][day.month - 1]} {day.year}"


def written(amount: dict[str, Any], language: int) -> str:
    """`12.50 EUR`; German has the decimal comma."""
    minor, currency = amount["amount_minor"], amount["currency"]
    digits = DIGITS.get(currency, 2)
    text = str(abs(minor)).rjust(digits + 1, "0")
    if digits:
        text = f"{text[:-digits]}{',' if language == GERMAN else '.'}{text[-digits:]}"
    return f"{'-' if minor < 0 else ''}{text} {currency}"
