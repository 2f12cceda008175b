-- name: out_of_time
SELECT ends_at, id FROM runs
WHERE ends_at IS NOT NULL AND ends_at <= :now AND (ends_at, id) > (:at, :run_id)
ORDER BY ends_at, id LIMIT :limit

-- name: next_end
SELECT min(ends_at) FROM runs WHERE ends_at IS NOT NULL AND ends_at > ?
