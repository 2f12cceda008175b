-- The function that is the run's workflow; NULL: its definition is a document. An engine takes up only what it can run.
ALTER TABLE runs ADD COLUMN code TEXT;
