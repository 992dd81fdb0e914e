-- Jobs know who works on them, how far they are, and whether somebody wants them to end.
ALTER TABLE job ADD COLUMN lease_owner TEXT;
ALTER TABLE job ADD COLUMN progress BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN stopping BIGINT NOT NULL DEFAULT 0;

-- What a job did, for people.
CREATE TABLE job_line (
  id TEXT PRIMARY KEY,
  job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  at_ms BIGINT NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX job_line_job ON job_line (job_id, at_ms);

-- When a project is backed up and how much of that is kept.
CREATE TABLE backup_schedule (
  project_id TEXT PRIMARY KEY REFERENCES project (id) ON DELETE CASCADE,
  cron TEXT NOT NULL,                  -- five fields; empty: never
  zone TEXT NOT NULL,                  -- an IANA name such as Europe/Berlin
  keep_last BIGINT NOT NULL,
  keep_daily BIGINT NOT NULL,
  keep_weekly BIGINT NOT NULL,
  keep_monthly BIGINT NOT NULL,
  next_ms BIGINT                       -- absent until it was worked out
);
CREATE INDEX backup_schedule_next ON backup_schedule (next_ms);
INSERT INTO backup_schedule (project_id, cron, zone, keep_last, keep_daily, keep_weekly, keep_monthly)
  SELECT id, '0 3 * * *', 'UTC', 0, 7, 4, 0 FROM project;

-- Not deleted with its project's row, but by the purge, which removes the objects first.
CREATE TABLE backup (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL,
  origin TEXT NOT NULL,                -- schedule, hand, restore, delete, import
  state TEXT NOT NULL,                 -- making, proven, failed
  reason TEXT,                         -- of a failure: a sentence
  told BIGINT NOT NULL,                -- 1 once the failure was mailed
  stored TEXT,                         -- JSON: what the manifest beside the object says; absent until it is stored
  created_ms BIGINT NOT NULL,
  proven_ms BIGINT,                    -- when it was first restored aside
  checked_ms BIGINT                    -- when it last was
);
CREATE INDEX backup_project ON backup (project_id, created_ms);

CREATE TABLE restore (
  id TEXT PRIMARY KEY,                 -- the job's
  project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  backup_id TEXT NOT NULL,
  data TEXT NOT NULL,                  -- the data directory it brought
  before TEXT,                         -- the one before, as long as it is kept
  at_ms BIGINT NOT NULL,
  undo_until_ms BIGINT NOT NULL,
  undone_ms BIGINT
);
CREATE INDEX restore_project ON restore (project_id, at_ms);
