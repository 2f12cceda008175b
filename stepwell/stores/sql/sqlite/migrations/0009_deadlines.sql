-- The soft deadline of a run. Overdue are open runs only, of which there is an index.
ALTER TABLE runs ADD COLUMN due_at INTEGER;
