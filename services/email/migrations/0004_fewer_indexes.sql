-- The oldest of a state is found by its id, whose order is that of time; each index that a mail is not in saves writes.
DROP INDEX mails_waiting;
