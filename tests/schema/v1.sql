-- index attempts_lease
CREATE UNIQUE INDEX attempts_lease ON attempts (stage) WHERE ended IS NULL;
-- index plans_by_experiment
CREATE INDEX plans_by_experiment ON plans (experiment, id);
-- index run_stages_by_stage
CREATE INDEX run_stages_by_stage ON run_stages (stage);
-- index runs_by_experiment
CREATE INDEX runs_by_experiment ON runs (experiment);
-- table artifacts
CREATE TABLE artifacts (
  stage INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  hash TEXT NOT NULL CHECK (hash <> ''),
  bytes INTEGER NOT NULL,
  folder TEXT NOT NULL,
  PRIMARY KEY (stage, attempt),
  FOREIGN KEY (stage, attempt) REFERENCES attempts (stage, number)
) STRICT, WITHOUT ROWID;
-- table attempt_texts
CREATE TABLE attempt_texts (
  stage INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  spec TEXT,
  log_tail TEXT,
  PRIMARY KEY (stage, attempt),
  FOREIGN KEY (stage, attempt) REFERENCES attempts (stage, number)
) STRICT;
-- table attempts
CREATE TABLE attempts (
  stage INTEGER NOT NULL REFERENCES stages (id),
  number INTEGER NOT NULL CHECK (number >= 1),
  owner TEXT NOT NULL,
  writer TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'running'
    CHECK (state IN ('running', 'done', 'failed', 'lost', 'cancelled')),
  cause TEXT,
  text TEXT,
  started REAL NOT NULL,
  ended REAL,
  environment INTEGER REFERENCES environments (id),
  plugin_set INTEGER REFERENCES plugin_sets (id),
  PRIMARY KEY (stage, number),
  CHECK ((state = 'running') = (ended IS NULL))
) STRICT, WITHOUT ROWID;
-- table environments
CREATE TABLE environments (
  id INTEGER PRIMARY KEY,
  content TEXT NOT NULL UNIQUE,
  git_revision TEXT,
  git_dirty TEXT,
  host TEXT,
  cpu TEXT,
  gpu TEXT,
  libtorch TEXT,
  cuda TEXT,
  device TEXT,
  threads INTEGER,
  extra TEXT CHECK (extra IS NULL OR json_valid(extra))
) STRICT;
-- table experiments
CREATE TABLE experiments (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created REAL NOT NULL
) STRICT;
-- table fingerprints
CREATE TABLE fingerprints (
  key TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  location TEXT NOT NULL,
  stage INTEGER NOT NULL REFERENCES stages (id),
  recorded REAL NOT NULL
) STRICT, WITHOUT ROWID;
-- table metrics
CREATE TABLE metrics (
  stage INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  name TEXT NOT NULL,
  step INTEGER NOT NULL CHECK (step >= -1),
  value REAL,
  PRIMARY KEY (stage, attempt, name, step),
  FOREIGN KEY (stage, attempt) REFERENCES attempts (stage, number)
) STRICT, WITHOUT ROWID;
-- table option_set_items
CREATE TABLE option_set_items (
  option_set INTEGER NOT NULL REFERENCES option_sets (id),
  option INTEGER NOT NULL REFERENCES options (id),
  PRIMARY KEY (option_set, option)
) STRICT, WITHOUT ROWID;
-- table option_sets
CREATE TABLE option_sets (
  id INTEGER PRIMARY KEY,
  content TEXT NOT NULL UNIQUE
) STRICT;
-- table options
CREATE TABLE options (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  UNIQUE (key, value)
) STRICT;
-- table plan_runs
CREATE TABLE plan_runs (
  plan INTEGER NOT NULL REFERENCES plans (id),
  position INTEGER NOT NULL,
  run INTEGER NOT NULL REFERENCES runs (id),
  PRIMARY KEY (plan, position)
) STRICT, WITHOUT ROWID;
-- table plans
CREATE TABLE plans (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  experiment INTEGER NOT NULL REFERENCES experiments (id),
  source TEXT,
  tables TEXT NOT NULL CHECK (json_valid(tables)),
  content TEXT NOT NULL,
  created REAL NOT NULL
) STRICT;
-- table plugin_set_items
CREATE TABLE plugin_set_items (
  plugin_set INTEGER NOT NULL REFERENCES plugin_sets (id),
  plugin INTEGER NOT NULL REFERENCES plugins (id),
  PRIMARY KEY (plugin_set, plugin)
) STRICT, WITHOUT ROWID;
-- table plugin_sets
CREATE TABLE plugin_sets (
  id INTEGER PRIMARY KEY,
  content TEXT NOT NULL UNIQUE
) STRICT;
-- table plugins
CREATE TABLE plugins (
  id INTEGER PRIMARY KEY,
  role TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  build_id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  file TEXT NOT NULL,
  UNIQUE (role, name, version, build_id, sha256, file)
) STRICT;
-- table run_options
CREATE TABLE run_options (
  run INTEGER NOT NULL REFERENCES runs (id),
  option INTEGER NOT NULL REFERENCES options (id),
  PRIMARY KEY (run, option)
) STRICT, WITHOUT ROWID;
-- table run_stages
CREATE TABLE run_stages (
  run INTEGER NOT NULL REFERENCES runs (id),
  position INTEGER NOT NULL,
  stage INTEGER NOT NULL REFERENCES stages (id),
  evaluation TEXT,
  PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;
-- table runs
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  experiment INTEGER NOT NULL REFERENCES experiments (id),
  seed INTEGER NOT NULL,
  block TEXT,
  axes TEXT NOT NULL CHECK (json_valid(axes)),
  option_set INTEGER NOT NULL REFERENCES option_sets (id),
  created REAL NOT NULL
) STRICT;
-- table sqlite_sequence
CREATE TABLE sqlite_sequence(name,seq);
-- table stages
CREATE TABLE stages (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  label TEXT,
  state TEXT NOT NULL DEFAULT 'planned'
    CHECK (state IN ('planned', 'running', 'done', 'failed', 'lost', 'cancelled')),
  cause TEXT,
  attempt INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
  plugin_set INTEGER REFERENCES plugin_sets (id),
  created REAL NOT NULL
) STRICT;
-- trigger done_stays
CREATE TRIGGER done_stays BEFORE UPDATE OF state, cause, attempt ON stages
WHEN OLD.state = 'done' AND NOT (NEW.state = 'planned' AND NEW.attempt = OLD.attempt)
BEGIN
  SELECT RAISE(ABORT, 'a done stage never changes');
END;
-- trigger ended_stays
CREATE TRIGGER ended_stays BEFORE UPDATE ON attempts WHEN OLD.ended IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'an attempt that has ended never changes');
END;
-- view latest_plan
CREATE VIEW latest_plan AS
SELECT id, experiment FROM plans AS p
WHERE id = (SELECT max(id) FROM plans WHERE experiment = p.experiment);
-- view metric_final
CREATE VIEW metric_final AS
SELECT r.key AS run, s.key AS stage, rs.evaluation AS evaluation, m.name AS name, m.value AS value,
  s.kind AS kind
FROM runs AS r JOIN run_stages AS rs ON rs.run = r.id
JOIN stages AS s ON s.id = rs.stage AND s.state = 'done'
JOIN metrics AS m ON m.stage = s.id AND m.attempt = s.attempt AND m.step = -1;
-- view run_option
CREATE VIEW run_option AS
SELECT r.key AS run, o.key AS key, o.value AS value
FROM runs AS r JOIN option_set_items AS i ON i.option_set = r.option_set JOIN options AS o ON o.id = i.option
UNION ALL
SELECT r.key, o.key, o.value
FROM runs AS r JOIN run_options AS i ON i.run = r.id JOIN options AS o ON o.id = i.option
UNION ALL
SELECT key, 'seed', CAST(seed AS TEXT) FROM runs;
-- view run_summary
CREATE VIEW run_summary AS
SELECT key, experiment, seed, state,
  (SELECT s.cause FROM run_stages AS rs JOIN stages AS s ON s.id = rs.stage
   WHERE rs.run = w.id AND s.state = w.state ORDER BY rs.position LIMIT 1) AS cause,
  attempts, stages, stages_done,
  CASE WHEN state NOT IN ('done', 'planned') THEN
    (SELECT coalesce(rs.evaluation, s.kind) FROM run_stages AS rs JOIN stages AS s ON s.id = rs.stage
     WHERE rs.run = w.id AND s.state = w.state ORDER BY rs.position LIMIT 1) END AS stage,
  block, axes, started, CASE WHEN state = 'done' THEN ended END AS ended
FROM (
  SELECT r.id AS id, r.key AS key, x.name AS experiment, r.seed AS seed,
    CASE WHEN sum(s.state = 'failed') THEN 'failed' WHEN sum(s.state = 'running') THEN 'running'
      WHEN sum(s.state = 'lost') THEN 'lost' WHEN sum(s.state = 'cancelled') THEN 'cancelled'
      WHEN sum(s.state <> 'done') THEN 'planned' ELSE 'done' END AS state,
    max(s.attempt) AS attempts, count(*) AS stages, sum(s.state = 'done') AS stages_done,
    r.block AS block, r.axes AS axes, min(a.started) AS started, max(a.ended) AS ended
  FROM runs AS r JOIN experiments AS x ON x.id = r.experiment
  JOIN run_stages AS rs ON rs.run = r.id JOIN stages AS s ON s.id = rs.stage
  LEFT JOIN attempts AS a ON a.stage = s.id AND a.number = s.attempt
  GROUP BY r.key
) AS w;
-- view stage_plugins
CREATE VIEW stage_plugins AS
SELECT s.key AS stage, p.role AS role, p.name AS name, p.version AS version, p.build_id AS build_id,
  p.sha256 AS sha256, p.file AS file
FROM stages AS s JOIN plugin_set_items AS i ON i.plugin_set = s.plugin_set JOIN plugins AS p ON p.id = i.plugin;
-- view stage_summary
CREATE VIEW stage_summary AS
SELECT s.key AS key, s.kind AS kind, s.state AS state, s.cause AS cause, s.attempt AS attempts,
  s.label AS label, a.started AS started, a.ended AS ended, a.ended - a.started AS seconds,
  e.host AS host, e.device AS device, e.threads AS threads, f.hash AS artifact, f.bytes AS bytes
FROM stages AS s
LEFT JOIN attempts AS a ON a.stage = s.id AND a.number = s.attempt
LEFT JOIN environments AS e ON e.id = a.environment
LEFT JOIN artifacts AS f ON f.stage = s.id AND f.attempt = s.attempt;
-- view table_cell
CREATE VIEW table_cell AS
WITH shown AS (
  SELECT p.id AS plan, x.name AS experiment, d.value AS definition,
    json_extract(d.value, '$.name') AS name, v.value AS value
  FROM latest_plan AS l JOIN plans AS p ON p.id = l.id JOIN experiments AS x ON x.id = p.experiment
  JOIN json_each(p.tables) AS d
  JOIN json_each(coalesce(json_extract(d.value, '$.values'),
                          json_array(json_extract(d.value, '$.value')))) AS v
), each_run AS (
  SELECT t.experiment, t.name, t.value,
    (SELECT group_concat(o.value, ' / ')
     FROM json_each(CASE json_type(t.definition, '$.rows') WHEN 'array' THEN
       json_extract(t.definition, '$.rows') ELSE json_array(json_extract(t.definition, '$.rows')) END) AS k
     JOIN run_option AS o ON o.run = r.key AND o.key = k.value) AS row_value,
    (SELECT group_concat(o.value, ' / ')
     FROM json_each(CASE json_type(t.definition, '$.columns') WHEN 'array' THEN
       json_extract(t.definition, '$.columns') ELSE json_array(json_extract(t.definition, '$.columns')) END)
       AS k
     JOIN run_option AS o ON o.run = r.key AND o.key = k.value) AS column_value,
    (SELECT m.value FROM run_stages AS rs JOIN stages AS s ON s.id = rs.stage AND s.state = 'done'
     JOIN metrics AS m ON m.stage = s.id AND m.attempt = s.attempt AND m.step = -1
       AND m.name = substr(t.value, instr(t.value, '.') + 1)
     WHERE rs.run = r.id
       AND coalesce(rs.evaluation, s.kind) = substr(t.value, 1, instr(t.value, '.') - 1)) AS result
  FROM shown AS t JOIN plan_runs AS pr ON pr.plan = t.plan JOIN runs AS r ON r.id = pr.run
  WHERE NOT EXISTS (
    SELECT 1 FROM json_each(t.definition, '$.where') AS w
    WHERE NOT EXISTS (
      SELECT 1 FROM run_option AS o
      WHERE o.run = r.key AND o.key = w.key
        AND o.value IN (SELECT CASE e.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'
                          ELSE CAST(e.value AS TEXT) END
                        FROM json_each(t.definition, w.fullkey) AS e)))
)
SELECT experiment, name, row_value AS row, column_value AS "column", value, avg(result) AS mean,
  CASE WHEN count(result) > 1 THEN
    sqrt(max(0, (sum(result * result) - count(result) * avg(result) * avg(result)) / (count(result) - 1)))
  END AS std,
  count(result) AS n, count(*) AS planned
FROM each_run GROUP BY experiment, name, row_value, column_value, value;
