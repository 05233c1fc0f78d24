-- What a user tells of themselves. Name, address and roles of the account are Auth's.
CREATE TABLE profiles (
    user_id       uuid        PRIMARY KEY,
    display_name  text        CONSTRAINT profiles_display_name_length CHECK (length(display_name) BETWEEN 1 AND 80),
    -- BCP 47
    locale        text        NOT NULL DEFAULT 'en',
    -- IANA
    time_zone     text        NOT NULL DEFAULT 'UTC',
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

-- Events whose effect is committed: a second delivery finds its id here.
CREATE TABLE inbox (
    event_id     uuid        PRIMARY KEY,
    received_at  timestamptz NOT NULL DEFAULT now()
);
