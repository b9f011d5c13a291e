import type { Database } from 'better-sqlite3'

/** In order; the database's user_version counts how many it has. A published one is never edited. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE approvals (
    token_id        TEXT PRIMARY KEY,
    status          TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'denied', 'redeemed', 'expired', 'voided')),
    envelope        TEXT NOT NULL,
    envelope_sha256 TEXT NOT NULL,
    facts           TEXT NOT NULL,
    action          TEXT NOT NULL,
    summary         TEXT NOT NULL,
    tier            TEXT NOT NULL,
    principal       TEXT NOT NULL,
    session_id      TEXT,
    policy_version  TEXT NOT NULL,
    run_id          TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    expires_at_ms   INTEGER NOT NULL,
    decided_at_ms   INTEGER,
    decided_by      TEXT,
    reason          TEXT,
    redeemed_at_ms  INTEGER
  ) STRICT;
  CREATE INDEX approvals_open ON approvals (status, created_at_ms) WHERE status IN ('pending', 'approved');
  CREATE TRIGGER approvals_end_is_final BEFORE UPDATE ON approvals
    WHEN OLD.status NOT IN ('pending', 'approved')
    BEGIN SELECT RAISE(ABORT, 'an ended approval does not change'); END;
  CREATE TRIGGER approvals_call_is_fixed BEFORE UPDATE ON approvals
    WHEN OLD.envelope <> NEW.envelope OR OLD.envelope_sha256 <> NEW.envelope_sha256
      OR OLD.facts <> NEW.facts OR OLD.expires_at_ms <> NEW.expires_at_ms OR OLD.principal <> NEW.principal
    BEGIN SELECT RAISE(ABORT, 'the call of an approval does not change'); END;
  CREATE TRIGGER approvals_are_kept BEFORE DELETE ON approvals
    BEGIN SELECT RAISE(ABORT, 'approvals are not deleted'); END;

  CREATE TABLE audit (
    seq             INTEGER PRIMARY KEY,
    at_ms           INTEGER NOT NULL,
    event           TEXT NOT NULL,
    body            TEXT NOT NULL,
    previous_sha256 TEXT NOT NULL,
    sha256          TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER audit_is_not_rewritten BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
  CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
  `,
]

/** Brings the database to the newest schema, each step in a transaction of its own. */
export function migrate(connection: Database): void {
  const version = connection.pragma('user_version', { simple: true }) as number
  if (version > MIGRATIONS.length) {
    throw new Error(
      `The database has schema ${version}, this program knows ${MIGRATIONS.length}; it is too old`,
    )
  }
  MIGRATIONS.slice(version).forEach((sql, offset) => {
    connection
      .transaction(() => {
        connection.exec(sql)
        connection.pragma(`user_version = ${version + offset + 1}`)
      })
      .immediate()
  })
}
