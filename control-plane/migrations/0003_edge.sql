-- Own host names of projects. The state machine is `domains`; what is wanted of the edge follows from it.
CREATE TABLE domain (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  name TEXT NOT NULL,                  -- lower case, IDNA in ASCII
  state TEXT NOT NULL,                 -- dns_wait, verifying, issuing, live, failed
  reason TEXT,                         -- why it waits for a proof, has no certificate, or failed: a stable code
  message TEXT,                        -- the same in words; the authority's own where it refused
  checks TEXT NOT NULL,                -- JSON: what was found beside what is wanted, at the last look
  txt_token TEXT NOT NULL,             -- expected at _roost.<name> where another project has or had the name
  live BIGINT NOT NULL,                -- 1 for the one claim that is served; one per name
  state_since_ms BIGINT NOT NULL,
  deadline_ms BIGINT NOT NULL,
  looked_ms BIGINT,
  next_ms BIGINT NOT NULL,             -- when to look again
  turn BIGINT NOT NULL,                -- grows with every look: only the latest may write its outcome
  created_ms BIGINT NOT NULL,
  UNIQUE (project_id, name)
);
CREATE UNIQUE INDEX domain_live ON domain (name) WHERE live = 1;
CREATE INDEX domain_name ON domain (name);
CREATE INDEX domain_next ON domain (next_ms);

-- Names that were somebody's: a dangling CNAME must not be there for the next comer without proof.
CREATE TABLE domain_tombstone (
  name TEXT PRIMARY KEY,
  project_id TEXT NOT NULL,            -- whose it was; that project may take it back without proof
  until_ms BIGINT NOT NULL
);

CREATE TABLE acme_account (
  issuer TEXT PRIMARY KEY,
  credentials TEXT NOT NULL            -- JSON with a private key
);

CREATE TABLE certificate (
  name TEXT PRIMARY KEY,
  issuer TEXT NOT NULL,
  chain_pem TEXT NOT NULL,
  key_pem TEXT NOT NULL,
  obtained_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  renew_ms BIGINT NOT NULL,
  ask_ms BIGINT NOT NULL
);

CREATE TABLE acme_tries (
  name TEXT PRIMARY KEY,
  failures BIGINT NOT NULL,
  next_ms BIGINT NOT NULL,
  error TEXT,
  order_issuer TEXT,
  order_url TEXT
);

CREATE TABLE acme_answer (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  token TEXT NOT NULL,
  value TEXT NOT NULL,
  until_ms BIGINT NOT NULL,
  PRIMARY KEY (kind, name, token, value)
);

CREATE TABLE acme_lease (
  name TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  until_ms BIGINT NOT NULL
);

CREATE TABLE acme_order (
  issuer TEXT NOT NULL,
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  renews BIGINT NOT NULL,
  at_ms BIGINT NOT NULL
);
CREATE INDEX acme_order_at ON acme_order (at_ms);
