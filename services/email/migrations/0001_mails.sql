-- Mails that were sent: at most one for each event and recipient. The row is written in the transaction that sends, so a
-- second delivery of the event finds it, and a mail that could not be sent leaves none. It holds no address and no text.
CREATE TABLE mails (
    event_id  uuid        NOT NULL,
    user_id   uuid        NOT NULL,
    kind      text        NOT NULL,
    sent_at   timestamptz NOT NULL,
    PRIMARY KEY (event_id, user_id)
);
