-- People: sessions that can be listed, tokens for programs, invitations, a second factor, other ways in, and who did
-- what from where.
ALTER TABLE session ADD COLUMN device TEXT;    -- such as "Firefox on Linux"
ALTER TABLE session ADD COLUMN address TEXT;   -- where it was last seen
ALTER TABLE session ADD COLUMN seen_ms BIGINT; -- to the minute

CREATE TABLE api_token (
  id TEXT PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,     -- SHA-256 of the whole token
  account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  team_id TEXT NOT NULL REFERENCES team (id) ON DELETE CASCADE,
  project_id TEXT REFERENCES project (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  scope TEXT NOT NULL,                 -- read, write, admin
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  used_ms BIGINT,                      -- to the minute
  used_address TEXT
);
CREATE INDEX api_token_account ON api_token (account_id);
CREATE INDEX api_token_team ON api_token (team_id);

CREATE TABLE invitation (
  id TEXT PRIMARY KEY,
  team_id TEXT NOT NULL REFERENCES team (id) ON DELETE CASCADE,
  email TEXT NOT NULL,                 -- lower case
  role TEXT NOT NULL,
  token_hash TEXT NOT NULL UNIQUE,     -- SHA-256 of the secret in the mail
  invited_by TEXT REFERENCES account (id) ON DELETE SET NULL,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  UNIQUE (team_id, email)
);

CREATE TABLE second_factor (
  account_id TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
  secret TEXT NOT NULL,                -- base32; codes are made from it, so no hash would do
  confirmed_ms BIGINT,                 -- from then on it is asked for
  last_step BIGINT NOT NULL            -- a code works once: later ones must be of a later step
);

CREATE TABLE recovery_code (
  account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  code_hash TEXT NOT NULL,
  PRIMARY KEY (account_id, code_hash)
);

-- Who an account is at an identity provider.
CREATE TABLE identity (
  provider TEXT NOT NULL,
  subject TEXT NOT NULL,
  account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (provider, subject)
);
CREATE INDEX identity_account ON identity (account_id);

-- What a ticket is about beyond its account, such as the mail address to be.
ALTER TABLE ticket ADD COLUMN detail TEXT;

ALTER TABLE audit ADD COLUMN team_id TEXT;
ALTER TABLE audit ADD COLUMN address TEXT;
ALTER TABLE audit ADD COLUMN via TEXT; -- the token's name, if it was a program
UPDATE audit SET team_id = (SELECT p.team_id FROM project p WHERE p.id = audit.project_id);
CREATE INDEX audit_team ON audit (team_id, at_ms);
CREATE INDEX audit_account ON audit (account_id, at_ms);
CREATE INDEX audit_at ON audit (at_ms);
