-- A chain of hashes over the audit log, so that whoever keeps its newest hash can tell if anything was rewritten or cut off.

-- The order of the log. Lines that are there get theirs as they lie, which is as they came.
ALTER TABLE audit_log ADD COLUMN seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT audit_log_seq_unique UNIQUE;

CREATE INDEX audit_log_of_subject ON audit_log (subject, seq);
-- Lines come in the order of these times, nearly.
CREATE INDEX audit_log_by_time ON audit_log USING brin (received_at);

-- Each seal covers the lines after those of the seal before it, up to `last_seq`, and that seal's hash.
CREATE TABLE audit_seals (
    number     bigint      NOT NULL,
    last_seq   bigint      NOT NULL,
    events     bigint      NOT NULL,
    hash       bytea       NOT NULL,
    -- What the lines were. No hash needs them; they tell which line is not what it was.
    seqs       bigint[]    NOT NULL,
    digests    bytea[]     NOT NULL,
    sealed_at  timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT audit_seals_pk PRIMARY KEY (number),
    CONSTRAINT audit_seals_number_positive CHECK (number > 0),
    CONSTRAINT audit_seals_events_positive CHECK (events > 0),
    CONSTRAINT audit_seals_name_each_line CHECK (cardinality(seqs) = events AND cardinality(digests) = events),
    CONSTRAINT audit_seals_hash_length CHECK (octet_length(hash) = 32)
);

CREATE TRIGGER audit_seals_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A later column is not covered until a new function covers it.
CREATE FUNCTION digest_of_line(line audit_log) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        line.seq, line.event_id, line.kind, line.subject, line.data,
        (extract(epoch FROM line.occurred_at) * 1000000)::bigint,
        (extract(epoch FROM line.received_at) * 1000000)::bigint
    )::text, 'UTF8'))
$$;

-- What a seal over the lines in (after_seq, last_seq] has to be: SHA-256 over the hash before, the number, the last line and the
-- count (8 bytes each, big endian) and the SHA-256 of all digests.
CREATE FUNCTION seal_of_lines(previous bytea, number bigint, after_seq bigint, last_seq bigint,
                              OUT events bigint, OUT hash bytea, OUT seqs bigint[], OUT digests bytea[])
LANGUAGE sql STABLE AS $$
    SELECT count(*),
           sha256(previous || int8send(number) || int8send(last_seq) || int8send(count(*))
                  || sha256(coalesce(string_agg(digest, ''::bytea ORDER BY seq), ''::bytea))),
           coalesce(array_agg(seq ORDER BY seq), '{}'),
           coalesce(array_agg(digest ORDER BY seq), '{}')
      FROM (SELECT line.seq, digest_of_line(line) AS digest FROM audit_log AS line
             WHERE line.seq > after_seq AND line.seq <= last_seq) AS lines
$$;
