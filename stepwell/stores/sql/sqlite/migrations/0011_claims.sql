-- When the first of the claims on the run's steps expires; NULL: none does. As small as the number of such runs.
ALTER TABLE runs ADD COLUMN lease_until INTEGER;
CREATE INDEX runs_by_lease ON runs (lease_until, id) WHERE lease_until IS NOT NULL;
