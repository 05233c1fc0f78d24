-- Old deliveries are forgotten.
CREATE INDEX inbox_by_age ON inbox (received_at);
