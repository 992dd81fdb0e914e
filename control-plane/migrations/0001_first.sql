-- The control database. Portable between SQLite and PostgreSQL: columns are TEXT, BIGINT, DOUBLE PRECISION or BYTEA,
-- times are milliseconds since the epoch, flags are 0 or 1, JSON is TEXT.

CREATE TABLE account (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,          -- lower case
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL,         -- argon2id
  verified_ms BIGINT,
  operator BIGINT NOT NULL,
  created_ms BIGINT NOT NULL
);

CREATE TABLE session (
  token_hash TEXT PRIMARY KEY,         -- SHA-256 of the cookie's value
  account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL
);
CREATE INDEX session_account ON session (account_id);

-- Links in mails: each works once.
CREATE TABLE ticket (
  token_hash TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,                  -- verify, reset
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL
);
CREATE INDEX ticket_account ON ticket (account_id, kind);

CREATE TABLE team (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);

CREATE TABLE member (
  team_id TEXT NOT NULL REFERENCES team (id) ON DELETE CASCADE,
  account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  role TEXT NOT NULL,                  -- owner, admin, developer, viewer
  PRIMARY KEY (team_id, account_id)
);
CREATE INDEX member_account ON member (account_id);

CREATE TABLE node (
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL,                 -- active
  created_ms BIGINT NOT NULL
);

-- A project is a wish; what its node reports stands beside it.
CREATE TABLE project (
  id TEXT PRIMARY KEY,                 -- the tenant's id on its node
  team_id TEXT NOT NULL REFERENCES team (id),
  slug TEXT NOT NULL UNIQUE,           -- taken until the project is purged
  name TEXT NOT NULL,
  wish TEXT NOT NULL,                  -- active, suspended, deleted
  suspended_reason TEXT,
  node_id TEXT NOT NULL REFERENCES node (id),
  generation BIGINT NOT NULL,
  first_superuser TEXT,                -- JSON with a hash, until the node has it
  applied TEXT,                        -- the wish the node last confirmed
  created_ms BIGINT NOT NULL,
  deleted_until_ms BIGINT,
  seen_state TEXT,
  seen_since_ms BIGINT,
  seen_reason TEXT,
  requests BIGINT NOT NULL,
  first_request_ms BIGINT,
  last_request_ms BIGINT,
  database_bytes BIGINT NOT NULL,
  storage_bytes BIGINT NOT NULL
);
CREATE INDEX project_team ON project (team_id);

CREATE TABLE audit (
  id TEXT PRIMARY KEY,
  at_ms BIGINT NOT NULL,
  account_id TEXT,
  project_id TEXT,
  kind TEXT NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX audit_project ON audit (project_id, at_ms);

CREATE TABLE job (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,             -- the project's id, or empty for the platform's own work
  kind TEXT NOT NULL,
  idem_key TEXT,
  input TEXT NOT NULL,
  state TEXT NOT NULL,                 -- queued, running, done, failed, cancelled
  step TEXT NOT NULL,
  exclusive BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  due_ms BIGINT NOT NULL,
  deadline_ms BIGINT NOT NULL,
  lease_epoch BIGINT NOT NULL,
  lease_until_ms BIGINT NOT NULL,
  error TEXT,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL
);
CREATE INDEX job_due ON job (state, due_ms);
CREATE UNIQUE INDEX job_exclusive ON job (tenant_id) WHERE exclusive = 1 AND state IN ('queued', 'running');
CREATE UNIQUE INDEX job_idempotent ON job (tenant_id, idem_key) WHERE idem_key IS NOT NULL;

-- Mails as they would have been sent, in development only.
CREATE TABLE outbox (
  id TEXT PRIMARY KEY,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  text TEXT NOT NULL,
  html TEXT NOT NULL,
  link TEXT,
  at_ms BIGINT NOT NULL
);
