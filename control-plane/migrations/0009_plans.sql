-- What operators made of the plans at the console: it holds in place of what the settings say.
CREATE TABLE plan (
  name TEXT PRIMARY KEY,
  figures TEXT NOT NULL,               -- JSON: the title and all figures
  changed_ms BIGINT NOT NULL
);
