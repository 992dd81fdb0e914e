-- Mails sent through the platform for projects without a mail server of their own.
CREATE TABLE project_mail (
  project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  day BIGINT NOT NULL,                 -- days since the epoch
  count BIGINT NOT NULL,
  PRIMARY KEY (project_id, day)
);
