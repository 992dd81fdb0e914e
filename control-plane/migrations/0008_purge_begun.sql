-- When a deleted project began to be removed for good: from then on nobody brings it back.
ALTER TABLE project ADD COLUMN purge_begun_ms BIGINT;
