-- What operators see to: how full the disk is, whom projects let in, what may be removed for good, and what people who
-- left may still fetch.
CREATE TABLE disk_sample (
  node_id TEXT NOT NULL REFERENCES node (id) ON DELETE CASCADE,
  day BIGINT NOT NULL,                 -- days since the epoch
  total_bytes BIGINT NOT NULL,
  free_bytes BIGINT NOT NULL,          -- at the day's last look
  PRIMARY KEY (node_id, day)
);

-- For so long operators may see what is in a project.
CREATE TABLE support_grant (
  project_id TEXT PRIMARY KEY REFERENCES project (id) ON DELETE CASCADE,
  given_by TEXT REFERENCES account (id) ON DELETE SET NULL,
  given_ms BIGINT NOT NULL,
  until_ms BIGINT NOT NULL
);

-- Projects that were removed for good, for a day: only so many go without an operator's word.
CREATE TABLE purged (
  project_id TEXT PRIMARY KEY,
  at_ms BIGINT NOT NULL
);
CREATE INDEX purged_at ON purged (at_ms);
ALTER TABLE project ADD COLUMN purge_confirmed_ms BIGINT; -- when an operator gave it

-- What somebody may fetch whose account is erased.
CREATE TABLE export (
  token_hash TEXT NOT NULL,            -- SHA-256 of the secret in the mail
  project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  until_ms BIGINT NOT NULL,
  PRIMARY KEY (token_hash, project_id)
);
