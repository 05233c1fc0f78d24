-- Events whose effect is committed: a second delivery finds its id here.
CREATE TABLE inbox (
    event_id     uuid        PRIMARY KEY,
    received_at  timestamptz NOT NULL DEFAULT now()
);

-- Old ones are forgotten.
CREATE INDEX inbox_by_age ON inbox (received_at);

-- Events that had no effect yet.
CREATE TABLE dead_letters (
    id               uuid        NOT NULL,
    -- None in what is no event.
    event_id         uuid,
    topic            text        NOT NULL,
    payload          bytea       NOT NULL,
    reason           text        NOT NULL,
    attempts         integer     NOT NULL,
    first_failed_at  timestamptz NOT NULL,
    last_failed_at   timestamptz NOT NULL,
    -- None: only an operator can help.
    next_attempt_at  timestamptz,
    CONSTRAINT dead_letters_pk PRIMARY KEY (id),
    CONSTRAINT dead_letters_once_per_event UNIQUE (event_id)
);

CREATE INDEX dead_letters_due ON dead_letters (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
