-- The mails to send, too: an event's transaction queues them, and a worker sends them later. A row holds no address, no token
-- and no text, only what the mail is about. Rows of before are mails that were sent; a replica of before may still write such.
-- `sent_at` is what that replica writes; it goes when none is left.
ALTER TABLE mails DROP CONSTRAINT mails_pkey;
ALTER TABLE mails ALTER COLUMN sent_at DROP NOT NULL;
ALTER TABLE mails
    ADD COLUMN id              uuid        NOT NULL DEFAULT gen_random_uuid() CONSTRAINT mails_pkey PRIMARY KEY,
    ADD COLUMN facts           jsonb       NOT NULL DEFAULT '{}',
    ADD COLUMN state           text        NOT NULL DEFAULT 'sent'
        CONSTRAINT mails_state CHECK (state IN ('queued', 'sent', 'unwanted', 'bounced', 'failed')),
    -- Somebody waits for it; notices of movements of money may be many, and come after these.
    ADD COLUMN urgent          boolean     NOT NULL DEFAULT false,
    ADD COLUMN attempts        integer     NOT NULL DEFAULT 0,
    ADD COLUMN next_attempt_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN give_up_at      timestamptz NOT NULL DEFAULT now(),
    -- Whose turn it is; the turn ends by itself at `next_attempt_at`.
    ADD COLUMN lease           uuid,
    -- It is handed over right now, or was when a crash came.
    ADD COLUMN sending_at      timestamptz,
    -- A short code, never what a server wrote.
    ADD COLUMN last_error      text,
    ADD COLUMN created_at      timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN finished_at     timestamptz          DEFAULT now(),
    ADD CONSTRAINT mails_finished CHECK ((state = 'queued') = (finished_at IS NULL)),
    ADD CONSTRAINT mails_once UNIQUE (event_id, user_id, kind);

CREATE INDEX mails_due ON mails (urgent DESC, next_attempt_at) WHERE state = 'queued';
CREATE INDEX mails_waiting ON mails (created_at) WHERE state = 'queued';
CREATE INDEX mails_by_state ON mails (state, id);
CREATE INDEX mails_finished_at ON mails (finished_at) WHERE finished_at IS NOT NULL;
