-- Times are seconds since 1970 (UTC), money is millionths of the organization's currency, sizes are bytes.
-- `uuid` columns are the ids shown outside: ULIDs written as UUIDs.

CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE organizations (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    created_at REAL NOT NULL,
    default_environment_id INTEGER REFERENCES environments
) STRICT;

CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    email TEXT,
    os_uid INTEGER UNIQUE,
    created_at REAL NOT NULL,
    disabled_at REAL
) STRICT;

CREATE TABLE memberships (
    organization_id INTEGER NOT NULL REFERENCES organizations,
    user_id INTEGER NOT NULL REFERENCES users,
    role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
    created_at REAL NOT NULL,
    PRIMARY KEY (organization_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE stores (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('managed')),
    created_at REAL NOT NULL
) STRICT;

CREATE TABLE environments (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL DEFAULT 'local' CHECK (kind IN ('local')),
    enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    minimum_scale INTEGER NOT NULL DEFAULT 0 CHECK (minimum_scale >= 0),
    maximum_scale INTEGER NOT NULL DEFAULT 5 CHECK (maximum_scale >= 0),
    scale_down_grace_period REAL NOT NULL DEFAULT 900 CHECK (scale_down_grace_period >= 0),
    per_user_quota INTEGER NOT NULL DEFAULT 0 CHECK (per_user_quota >= 0),
    priority_allowed INTEGER NOT NULL DEFAULT 1 CHECK (priority_allowed IN (0, 1)),
    price_per_hour INTEGER NOT NULL DEFAULT 0 CHECK (price_per_hour >= 0),
    cpus REAL,
    memory INTEGER,
    pids INTEGER NOT NULL DEFAULT 4096,
    network TEXT NOT NULL DEFAULT 'bridge' CHECK (network IN ('bridge', 'host', 'none')),
    isolation TEXT NOT NULL DEFAULT 'standard' CHECK (isolation IN ('standard', 'strict')),
    created_at REAL NOT NULL,
    CHECK (minimum_scale <= maximum_scale)
) STRICT;

CREATE TABLE projects (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    organization_id INTEGER NOT NULL REFERENCES organizations,
    name TEXT NOT NULL,
    yaml_path TEXT NOT NULL DEFAULT 'valohai.yaml',
    command_joiner TEXT NOT NULL DEFAULT 'newline' CHECK (command_joiner IN ('newline', 'and')),
    default_environment_id INTEGER REFERENCES environments,
    default_store_id INTEGER REFERENCES stores,
    next_counter INTEGER NOT NULL DEFAULT 1,
    created_by INTEGER NOT NULL REFERENCES users,
    created_at REAL NOT NULL,
    UNIQUE (organization_id, name)
) STRICT;

CREATE TABLE project_directories (
    directory TEXT PRIMARY KEY,
    project_id INTEGER NOT NULL REFERENCES projects
) STRICT, WITHOUT ROWID;

-- Never changed: executions refer to it. `archive` is the file name of the packed code below the home's `code`
-- directory; the same `identifier` has a row for each archive and manifest that it was packed into.
CREATE TABLE commits (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    project_id INTEGER NOT NULL REFERENCES projects,
    identifier TEXT NOT NULL,
    adhoc INTEGER NOT NULL CHECK (adhoc IN (0, 1)),
    ref TEXT,
    description TEXT NOT NULL DEFAULT '',
    committed_at REAL,
    archive TEXT NOT NULL,
    yaml TEXT NOT NULL,
    created_by INTEGER NOT NULL REFERENCES users,
    created_at REAL NOT NULL
) STRICT;
CREATE INDEX commits_identifier ON commits (project_id, identifier, id);

-- A machine row is a belief; the provider's list is the truth it is reconciled with.
CREATE TABLE machines (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    environment_id INTEGER NOT NULL REFERENCES environments,
    name TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('starting', 'idle', 'leased', 'draining', 'gone')),
    state_at REAL NOT NULL,
    requested_at REAL NOT NULL,
    ready_at REAL,
    idle_since REAL,
    gone_at REAL,
    price_per_hour INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX machines_present ON machines (environment_id, state) WHERE state != 'gone';

CREATE TABLE executions (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    project_id INTEGER NOT NULL REFERENCES projects,
    counter INTEGER NOT NULL,
    commit_id INTEGER NOT NULL REFERENCES commits,
    environment_id INTEGER NOT NULL REFERENCES environments,
    user_id INTEGER NOT NULL REFERENCES users,
    copied_from INTEGER REFERENCES executions,
    step TEXT NOT NULL,
    title TEXT,
    status TEXT NOT NULL DEFAULT 'created' CHECK (status IN
        ('created', 'queued', 'started', 'stopping', 'complete', 'error', 'stopped', 'crashed')),
    status_detail TEXT NOT NULL DEFAULT '',
    priority INTEGER NOT NULL DEFAULT 0,
    image TEXT NOT NULL,
    image_digest TEXT,
    command TEXT NOT NULL,
    parameters TEXT NOT NULL DEFAULT '{}',
    environment_variables TEXT NOT NULL DEFAULT '{}',
    time_limit REAL,
    no_output_timeout REAL,
    stop_condition TEXT,
    store_id INTEGER NOT NULL REFERENCES stores,
    created_at REAL NOT NULL,
    queued_at REAL,
    started_at REAL,
    ended_at REAL,
    machine_id INTEGER REFERENCES machines,
    exit_code INTEGER,
    out_of_memory INTEGER NOT NULL DEFAULT 0 CHECK (out_of_memory IN (0, 1)),
    cost INTEGER,
    stop_requested_at REAL,
    stop_reason TEXT,
    log_bytes INTEGER NOT NULL DEFAULT 0,
    log_lines INTEGER NOT NULL DEFAULT 0,
    UNIQUE (project_id, counter)
) STRICT;
CREATE INDEX executions_waiting ON executions (environment_id, user_id, status, priority DESC, id)
    WHERE status IN ('created', 'queued');
CREATE INDEX executions_running ON executions (status, id) WHERE status IN ('started', 'stopping');
CREATE INDEX executions_by_status ON executions (project_id, status, id);
CREATE INDEX executions_by_creator ON executions (project_id, user_id, status, id);
CREATE INDEX executions_machine ON executions (machine_id) WHERE machine_id IS NOT NULL;

-- One try at running an execution. `cursor` is where the reading of the container's log stands (JSON),
-- committed together with the `log_bytes` of the execution it belongs to.
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    execution_id INTEGER NOT NULL REFERENCES executions,
    number INTEGER NOT NULL,
    machine_id INTEGER NOT NULL REFERENCES machines,
    state TEXT NOT NULL CHECK (state IN ('preparing', 'running', 'closed')),
    container_id TEXT,
    cursor TEXT NOT NULL DEFAULT '{}',
    created_at REAL NOT NULL,
    started_at REAL,
    UNIQUE (execution_id, number)
) STRICT;
CREATE INDEX attempts_open ON attempts (state) WHERE state != 'closed';

-- One row for each file of an input; `requested` is what the person wrote, `uri` what it resolved to at creation.
CREATE TABLE execution_inputs (
    execution_id INTEGER NOT NULL REFERENCES executions,
    name TEXT NOT NULL,
    position INTEGER NOT NULL,
    requested TEXT NOT NULL,
    uri TEXT NOT NULL,
    path TEXT NOT NULL,
    file_id INTEGER REFERENCES files,
    size INTEGER,
    md5 TEXT,
    sha1 TEXT,
    sha256 TEXT,
    PRIMARY KEY (execution_id, name, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX execution_inputs_file ON execution_inputs (file_id, execution_id) WHERE file_id IS NOT NULL;

CREATE TABLE execution_tags (
    execution_id INTEGER NOT NULL REFERENCES executions,
    tag TEXT NOT NULL,
    PRIMARY KEY (execution_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX execution_tags_tag ON execution_tags (tag, execution_id);

CREATE TABLE execution_events (
    id INTEGER PRIMARY KEY,
    execution_id INTEGER NOT NULL REFERENCES executions,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;
CREATE INDEX execution_events_execution ON execution_events (execution_id, id);

-- How many executions are in each status, kept by every transition so that nobody counts rows. (Triggers would do it
-- too, at three times the cost of the row itself.)
CREATE TABLE execution_counts (
    environment_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (environment_id, user_id, project_id, status)
) STRICT, WITHOUT ROWID;

-- Why the executions of one person wait in one environment, as the last plan saw it.
CREATE TABLE waiting_reasons (
    environment_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (environment_id, user_id, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE metadata_keys (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

-- The history of one key: a row for each commit, holding as many points as came with it. `sequences` are the numbers
-- of their lines in the log (int64), `times` seconds since 1970 (float64), `points` a JSON array of their values.
CREATE TABLE metadata_history (
    execution_id INTEGER NOT NULL,
    key_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    sequences BLOB NOT NULL,
    times BLOB NOT NULL,
    points BLOB NOT NULL,
    PRIMARY KEY (execution_id, key_id, sequence)
) STRICT;

-- The newest value of each key: a number as a number, so that it can be sorted, anything else as JSON text.
CREATE TABLE metadata_latest (
    execution_id INTEGER NOT NULL,
    key_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    value ANY,
    PRIMARY KEY (execution_id, key_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX metadata_latest_value ON metadata_latest (project_id, key_id, value, execution_id);

-- A file (datum). `key` is its place in the store, `properties` the free JSON of its sidecar.
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    project_id INTEGER NOT NULL REFERENCES projects,
    store_id INTEGER NOT NULL REFERENCES stores,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    md5 TEXT NOT NULL,
    sha1 TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    properties TEXT NOT NULL DEFAULT '{}',
    execution_id INTEGER REFERENCES executions,
    created_by INTEGER NOT NULL REFERENCES users,
    created_at REAL NOT NULL,
    UNIQUE (store_id, key)
) STRICT;
CREATE INDEX files_project ON files (project_id, id);
CREATE INDEX files_name ON files (project_id, name, id);
CREATE INDEX files_content ON files (project_id, sha256);
CREATE INDEX files_execution ON files (execution_id, id) WHERE execution_id IS NOT NULL;

-- Which execution made each of 1,024 files with neighbouring ids, and from which files: packed by `core/ancestry.py` for
-- walks over many of them. Derived: may be emptied at any time.
CREATE TABLE ancestry_blocks (block INTEGER PRIMARY KEY, packed BLOB NOT NULL) STRICT;

CREATE TRIGGER ancestry_blocks_input_insert AFTER INSERT ON execution_inputs WHEN NEW.file_id IS NOT NULL BEGIN
    DELETE FROM ancestry_blocks WHERE block IN (SELECT id >> 10 FROM files WHERE execution_id = NEW.execution_id);
END;

CREATE TRIGGER ancestry_blocks_input_update AFTER UPDATE OF execution_id, file_id ON execution_inputs BEGIN
    DELETE FROM ancestry_blocks
    WHERE block IN (SELECT id >> 10 FROM files WHERE execution_id IN (OLD.execution_id, NEW.execution_id));
END;

CREATE TRIGGER ancestry_blocks_input_delete AFTER DELETE ON execution_inputs BEGIN
    DELETE FROM ancestry_blocks WHERE block IN (SELECT id >> 10 FROM files WHERE execution_id = OLD.execution_id);
END;

CREATE TRIGGER ancestry_blocks_file_update AFTER UPDATE OF id, execution_id ON files BEGIN
    DELETE FROM ancestry_blocks WHERE block IN (OLD.id >> 10, NEW.id >> 10);
END;

CREATE TRIGGER ancestry_blocks_file_delete AFTER DELETE ON files BEGIN
    DELETE FROM ancestry_blocks WHERE block = OLD.id >> 10;
END;

CREATE TABLE file_tags (
    file_id INTEGER NOT NULL REFERENCES files,
    tag TEXT NOT NULL,
    PRIMARY KEY (file_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_tags_tag ON file_tags (tag, file_id);

CREATE TABLE aliases (
    project_id INTEGER NOT NULL REFERENCES projects,
    name TEXT NOT NULL,
    file_id INTEGER NOT NULL REFERENCES files,
    updated_at REAL NOT NULL,
    PRIMARY KEY (project_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_file ON aliases (file_id);

CREATE TABLE alias_changes (
    id INTEGER PRIMARY KEY,
    project_id INTEGER NOT NULL REFERENCES projects,
    name TEXT NOT NULL,
    file_id INTEGER NOT NULL REFERENCES files,
    user_id INTEGER NOT NULL REFERENCES users,
    at REAL NOT NULL
) STRICT;

-- What the input cache holds, by content; `cached_sources` remembers which content a URL or a file had.
CREATE TABLE cached_contents (
    sha256 TEXT PRIMARY KEY,
    md5 TEXT NOT NULL,
    sha1 TEXT NOT NULL,
    size INTEGER NOT NULL,
    used_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX cached_contents_used ON cached_contents (used_at);

CREATE TABLE cached_sources (
    source TEXT PRIMARY KEY,
    validator TEXT NOT NULL,
    sha256 TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The one feed of everything that somebody may watch. `actor` is a user's id, 0 for the system itself.
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    actor INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject INTEGER NOT NULL,
    what TEXT NOT NULL,
    project_id INTEGER
) STRICT;

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    acquired_at REAL NOT NULL,
    renewed_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
