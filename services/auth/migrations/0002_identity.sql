-- Whoever reads mail at an address owns it: only verified addresses are unique, so that registering tells nobody which
-- addresses have an account.
ALTER TABLE users DROP CONSTRAINT users_email_unique;
CREATE UNIQUE INDEX users_verified_email_unique ON users (email) WHERE email_verified_at IS NOT NULL;

-- Wrong passwords are counted in failed_logins; locked_until is an administrator's.
ALTER TABLE users DROP COLUMN failures;
UPDATE users SET locked_until = NULL;
ALTER TABLE users
    ADD COLUMN password_changed_at timestamptz,
    -- Sealed; in use only once it was confirmed with a code.
    ADD COLUMN totp_secret         bytea,
    ADD COLUMN totp_confirmed_at   timestamptz,
    -- The time step of the last code: each is good for one use (RFC 6238 §5.2).
    ADD COLUMN totp_last_step      bigint NOT NULL DEFAULT 0,
    ADD COLUMN deleted_at          timestamptz,
    ADD CONSTRAINT users_totp_is_confirmed_with_a_secret CHECK (totp_confirmed_at IS NULL OR totp_secret IS NOT NULL);
CREATE INDEX users_newest ON users (id DESC);

-- Each is good for one use. 80 random bits need no slow hash.
CREATE TABLE recovery_codes (
    user_id  uuid   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash     bytea  NOT NULL,
    PRIMARY KEY (user_id, hash)
);

-- Devices that a user has logged in from, by the hash of what the gateway gave them.
CREATE TABLE devices (
    user_id       uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device        bytea       NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    PRIMARY KEY (user_id, device)
);

-- Wrong passwords in a row, known users and unknown names alike: who guesses can't tell them apart by time. Counted for
-- each device that the user is known by, and for all others together: a stranger can't lock the owner's own device.
-- Not logged: a crash forgives.
CREATE UNLOGGED TABLE failed_logins (
    subject         bytea       PRIMARY KEY,
    failures        integer     NOT NULL,
    last_failed_at  timestamptz NOT NULL
);

-- Rate limits that all replicas share: what was tried in the window that runs.
CREATE UNLOGGED TABLE attempts (
    key           bytea       PRIMARY KEY,
    window_start  timestamptz NOT NULL,
    count         integer     NOT NULL
);

-- A session of a browser holds its refresh token here, sealed; any other client holds its own.
UPDATE sessions SET ended_at = COALESCE(ended_at, now());
ALTER TABLE sessions
    ALTER COLUMN session_ref DROP NOT NULL,
    ALTER COLUMN refresh_token DROP NOT NULL,
    ALTER COLUMN refresh_token TYPE bytea USING NULL,
    -- Coarse, for the list of one's sessions: `Firefox on Linux`.
    ADD COLUMN device        text        NOT NULL DEFAULT 'unknown',
    ADD COLUMN last_used_at  timestamptz NOT NULL DEFAULT now(),
    ADD CONSTRAINT sessions_of_browsers_have_a_ref_and_a_token CHECK (
        (session_ref IS NULL) = (refresh_token IS NULL) OR ended_at IS NOT NULL);
CREATE INDEX sessions_expire ON sessions (expires_at);
