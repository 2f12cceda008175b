-- Listings by the last change of status; `updated_at` is set with every status, so that this is kept with it.
CREATE INDEX runs_by_update ON runs (updated_at, id);
