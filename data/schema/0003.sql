-- Environments with hosts, teams and prices; the accounts of every machine; why executions wait.

CREATE TABLE teams (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    organization_id INTEGER NOT NULL REFERENCES organizations,
    name TEXT NOT NULL,
    created_at REAL NOT NULL,
    UNIQUE (organization_id, name)
) STRICT;

CREATE TABLE team_members (
    team_id INTEGER NOT NULL REFERENCES teams ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (team_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX team_members_user ON team_members (user_id, team_id);

-- `version` rises with every edit, so that an editor who saw an older one is told. An environment that executions
-- refer to is never removed: `deleted_at` hides it.
CREATE TABLE environments_with_hosts (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    kind TEXT NOT NULL DEFAULT 'local' CHECK (kind IN ('local', 'hosts')),
    enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    minimum_scale INTEGER NOT NULL DEFAULT 0 CHECK (minimum_scale >= 0),
    maximum_scale INTEGER NOT NULL DEFAULT 5 CHECK (maximum_scale >= 0),
    scale_down_grace_period REAL NOT NULL DEFAULT 900 CHECK (scale_down_grace_period >= 0),
    launch_timeout REAL NOT NULL DEFAULT 600 CHECK (launch_timeout > 0),
    host_timeout REAL NOT NULL DEFAULT 300 CHECK (host_timeout >= 0),
    restart_lost INTEGER NOT NULL DEFAULT 0 CHECK (restart_lost IN (0, 1)),
    per_user_quota INTEGER NOT NULL DEFAULT 0 CHECK (per_user_quota >= 0),
    access TEXT NOT NULL DEFAULT 'everyone' CHECK (access IN ('everyone', 'teams')),
    personal_projects INTEGER NOT NULL DEFAULT 1 CHECK (personal_projects IN (0, 1)),
    priority_allowed INTEGER NOT NULL DEFAULT 1 CHECK (priority_allowed IN (0, 1)),
    price_per_hour INTEGER NOT NULL DEFAULT 0 CHECK (price_per_hour >= 0),
    cpus REAL,
    memory INTEGER,
    pids INTEGER NOT NULL DEFAULT 4096,
    gpu_devices TEXT NOT NULL DEFAULT '',
    gpus_per_machine INTEGER NOT NULL DEFAULT 0 CHECK (gpus_per_machine >= 0),
    network TEXT NOT NULL DEFAULT 'bridge' CHECK (network IN ('bridge', 'host', 'none')),
    isolation TEXT NOT NULL DEFAULT 'standard' CHECK (isolation IN ('standard', 'strict')),
    mount_roots TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL DEFAULT 1,
    created_at REAL NOT NULL,
    deleted_at REAL,
    CHECK (minimum_scale <= maximum_scale)
) STRICT;
INSERT INTO environments_with_hosts (id, uuid, slug, name, kind, enabled, minimum_scale, maximum_scale,
    scale_down_grace_period, per_user_quota, priority_allowed, price_per_hour, cpus, memory, pids, network, isolation,
    created_at)
SELECT id, uuid, slug, name, kind, enabled, minimum_scale, maximum_scale, scale_down_grace_period, per_user_quota,
    priority_allowed, price_per_hour, cpus, memory, pids, network, isolation, created_at
FROM environments;
DROP TABLE environments;
ALTER TABLE environments_with_hosts RENAME TO environments;
CREATE UNIQUE INDEX environments_slug ON environments (slug) WHERE deleted_at IS NULL;

-- Other names of an environment: the slugs and UUIDs that projects of other installations hold.
CREATE TABLE environment_aliases (
    alias TEXT PRIMARY KEY,
    environment_id INTEGER NOT NULL REFERENCES environments
) STRICT, WITHOUT ROWID;
CREATE INDEX environment_aliases_environment ON environment_aliases (environment_id);

-- What a team may use of an environment: `quota` machines at once, 0 for none at all, NULL for no limit.
CREATE TABLE environment_teams (
    environment_id INTEGER NOT NULL REFERENCES environments,
    team_id INTEGER NOT NULL REFERENCES teams ON DELETE CASCADE,
    quota INTEGER CHECK (quota >= 0),
    PRIMARY KEY (environment_id, team_id)
) STRICT, WITHOUT ROWID;

-- Docker Engines that are reached over SSH. `host_key` is the pinned key as `ssh-keyscan` writes it, without the name,
-- `offered_key` one that the host showed and nobody has confirmed, `public_key` ours, which it has to let in. `slots`
-- is how many machines the host gives. `health` is what the last looks at it found, since `health_at`; `failures`
-- launches in a row have failed, the last one at `failed_at`.
CREATE TABLE hosts (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    environment_id INTEGER NOT NULL REFERENCES environments,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    docker_socket TEXT NOT NULL DEFAULT '/var/run/docker.sock',
    host_key TEXT NOT NULL DEFAULT '',
    offered_key TEXT NOT NULL DEFAULT '',
    start_command TEXT NOT NULL DEFAULT '',
    stop_command TEXT NOT NULL DEFAULT '',
    command_timeout REAL NOT NULL DEFAULT 120 CHECK (command_timeout > 0),
    slots INTEGER NOT NULL DEFAULT 1 CHECK (slots >= 1),
    gpu_devices TEXT NOT NULL DEFAULT '',
    cordoned INTEGER NOT NULL DEFAULT 0 CHECK (cordoned IN (0, 1)),
    public_key TEXT NOT NULL DEFAULT '',
    failures INTEGER NOT NULL DEFAULT 0,
    failed_at REAL,
    failure TEXT NOT NULL DEFAULT '',
    health TEXT NOT NULL DEFAULT 'unknown' CHECK (health IN ('unknown', 'up', 'down', 'refused')),
    health_at REAL,
    health_detail TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL DEFAULT 1,
    created_at REAL NOT NULL,
    deleted_at REAL
) STRICT;
CREATE UNIQUE INDEX hosts_name ON hosts (name) WHERE deleted_at IS NULL;
CREATE INDEX hosts_environment ON hosts (environment_id) WHERE deleted_at IS NULL;

-- A start or stop command of a host: what it printed and how it ended. `exit_code` is NULL while it runs, and for good
-- where the scheduler ended under it. `process` is its pid and start time, by which it is found again.
CREATE TABLE host_commands (
    id INTEGER PRIMARY KEY,
    host_id INTEGER NOT NULL REFERENCES hosts,
    machine_id INTEGER REFERENCES machines,
    kind TEXT NOT NULL CHECK (kind IN ('start', 'stop')),
    began_at REAL NOT NULL,
    ended_at REAL,
    exit_code INTEGER,
    process TEXT NOT NULL DEFAULT '',
    output TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX host_commands_host ON host_commands (host_id, id);
CREATE INDEX host_commands_open ON host_commands (id) WHERE ended_at IS NULL;

-- Sealed by `core/secrets.py`: bound to table, row and field.
CREATE TABLE secrets (
    owner TEXT NOT NULL,
    owner_id INTEGER NOT NULL,
    field TEXT NOT NULL,
    sealed BLOB NOT NULL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (owner, owner_id, field)
) STRICT, WITHOUT ROWID;

ALTER TABLE machines ADD COLUMN host_id INTEGER REFERENCES hosts;
ALTER TABLE machines ADD COLUMN gpu_devices TEXT NOT NULL DEFAULT '';
ALTER TABLE machines ADD COLUMN cordoned INTEGER NOT NULL DEFAULT 0 CHECK (cordoned IN (0, 1));
CREATE INDEX machines_host ON machines (host_id, state, id) WHERE host_id IS NOT NULL AND state != 'gone';
CREATE INDEX machines_of_host ON machines (host_id, id) WHERE host_id IS NOT NULL;

-- What every second of a machine was for. Of one machine the rows follow each other without a gap; `cost` is what the
-- machine's bill grew by, so that the rows sum to the bill exactly. The one without `ended_at` goes on. The last three
-- are those of the execution: a bill over a million rows does not look up a million executions.
CREATE TABLE machine_usage (
    id INTEGER PRIMARY KEY,
    machine_id INTEGER NOT NULL REFERENCES machines,
    environment_id INTEGER NOT NULL REFERENCES environments,
    kind TEXT NOT NULL CHECK (kind IN ('startup', 'execution', 'idle', 'grace')),
    began_at REAL NOT NULL,
    ended_at REAL,
    execution_id INTEGER REFERENCES executions,
    cost INTEGER NOT NULL DEFAULT 0,
    user_id INTEGER,
    team_id INTEGER,
    project_id INTEGER
) STRICT;
CREATE INDEX machine_usage_machine ON machine_usage (machine_id, id);
CREATE INDEX machine_usage_open ON machine_usage (machine_id) WHERE ended_at IS NULL;
CREATE INDEX machine_usage_ended ON machine_usage (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX machine_usage_execution ON machine_usage (execution_id) WHERE execution_id IS NOT NULL;

-- How an environment stood, whenever that changed, at most once in a while.
CREATE TABLE environment_samples (
    environment_id INTEGER NOT NULL REFERENCES environments,
    at REAL NOT NULL,
    busy INTEGER NOT NULL,
    idle INTEGER NOT NULL,
    starting INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    PRIMARY KEY (environment_id, at)
) STRICT, WITHOUT ROWID;

ALTER TABLE projects ADD COLUMN team_id INTEGER REFERENCES teams ON DELETE SET NULL;
ALTER TABLE projects ADD COLUMN personal INTEGER NOT NULL DEFAULT 0 CHECK (personal IN (0, 1));

-- The team that an execution counts for, 0 for none; whether it may be started again when its machine was lost.
ALTER TABLE executions ADD COLUMN team_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN restart_lost INTEGER NOT NULL DEFAULT 0 CHECK (restart_lost IN (0, 1));
ALTER TABLE executions ADD COLUMN mounts TEXT NOT NULL DEFAULT '[]';
DROP INDEX executions_waiting;
CREATE INDEX executions_waiting ON executions (environment_id, user_id, team_id, status, priority DESC, id)
    WHERE status IN ('created', 'queued');
CREATE INDEX executions_oldest ON executions (environment_id, id) WHERE status IN ('created', 'queued');
CREATE INDEX executions_environment ON executions (environment_id, id);
CREATE INDEX executions_durations ON executions (project_id, step, id) WHERE status = 'complete';

DROP TABLE execution_counts;
CREATE TABLE execution_counts (
    environment_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    team_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (environment_id, user_id, team_id, project_id, status)
) STRICT, WITHOUT ROWID;
INSERT INTO execution_counts SELECT environment_id, user_id, team_id, project_id, status, count(*) FROM executions
    GROUP BY environment_id, user_id, team_id, project_id, status;

-- Whose turn it was last: with every start in an environment `turn` rises by one, whatever the clock says.
CREATE TABLE last_served (
    environment_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    PRIMARY KEY (environment_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX last_served_turn ON last_served (environment_id, turn);
INSERT INTO last_served
SELECT environment_id, user_id, row_number() OVER (PARTITION BY environment_id ORDER BY max(started_at), user_id)
FROM executions WHERE started_at IS NOT NULL GROUP BY environment_id, user_id;

-- Why the executions of one person and team wait in one environment, as the last plan saw it: `code` is of the closed
-- list of `core/scheduler/reasons.py`, `reason` its sentence, in which `{whose}` stands for "your" or somebody's name
-- and `{age}` for the time since `since`. `able_since` is since when nothing that somebody decided on, nor other work,
-- keeps it waiting: what should have begun by now.
DROP TABLE waiting_reasons;
CREATE TABLE waiting_reasons (
    environment_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    team_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    since REAL,
    able_since REAL,
    PRIMARY KEY (environment_id, user_id, team_id, status)
) STRICT, WITHOUT ROWID;

-- What machines of before have cost is not known by the second; their executions are.
INSERT INTO machine_usage
    (machine_id, environment_id, kind, began_at, ended_at, execution_id, cost, user_id, team_id, project_id)
SELECT e.machine_id, e.environment_id, 'execution', e.started_at, e.ended_at, e.id, coalesce(e.cost, 0), e.user_id,
    e.team_id, e.project_id
FROM executions e WHERE e.machine_id IS NOT NULL AND e.started_at IS NOT NULL;
