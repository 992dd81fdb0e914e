-- What a project may use: a plan of the settings (NULL: the default one), and what an operator set for it alone.
ALTER TABLE project ADD COLUMN plan TEXT;
ALTER TABLE project ADD COLUMN plan_overrides TEXT;      -- JSON

-- What projects used, by hour and by month (UTC, named by their first millisecond). Counts are added to, sizes replaced.
CREATE TABLE usage_hour (
  project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  hour_ms BIGINT NOT NULL,
  requests BIGINT NOT NULL,
  egress BIGINT NOT NULL,
  awake_ms BIGINT NOT NULL,
  mails BIGINT NOT NULL,
  database_bytes BIGINT NOT NULL,
  storage_bytes BIGINT NOT NULL,
  PRIMARY KEY (project_id, hour_ms)
);
CREATE INDEX usage_hour_age ON usage_hour (hour_ms);

CREATE TABLE usage_month (
  project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  month_ms BIGINT NOT NULL,
  requests BIGINT NOT NULL,
  egress BIGINT NOT NULL,
  awake_ms BIGINT NOT NULL,
  mails BIGINT NOT NULL,
  PRIMARY KEY (project_id, month_ms)
);

-- Mails about limits that were sent, so that each is sent once: in a month, or, for sizes, until there is room again.
CREATE TABLE usage_notice (
  project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  what TEXT NOT NULL,                    -- database, storage, egress, ...
  percent BIGINT NOT NULL,               -- 80, 100
  month_ms BIGINT NOT NULL,              -- 0 for sizes
  PRIMARY KEY (project_id, what, percent)
);
