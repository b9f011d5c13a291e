/**
 * Numbered, never edited once released: migration n brings a database from version n - 1 to n.
 * The text is prepared once and run inside one transaction together with the version it reaches.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE memories (
    seq           INTEGER PRIMARY KEY,
    id            TEXT    NOT NULL UNIQUE,
    type          TEXT    NOT NULL,
    content       TEXT    NOT NULL,
    metadata      TEXT    NOT NULL,
    session_id    TEXT,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX memories_by_type ON memories (type, seq);
  CREATE INDEX memories_by_session ON memories (session_id, seq) WHERE session_id IS NOT NULL;

  CREATE TABLE index_state (
    only_row      INTEGER PRIMARY KEY CHECK (only_row = 1),
    indexed_seq   INTEGER NOT NULL,
    -- How often an indexed row was changed or removed, and which last: readers keep lengths in memory.
    rewrites      INTEGER NOT NULL,
    rewritten_seq INTEGER NOT NULL
  ) STRICT;
  INSERT INTO index_state VALUES (1, 0, 0, 0);

  -- What the full-text index holds: rows above indexed_seq are durable but not indexed yet.
  CREATE VIEW memories_indexed AS
    SELECT seq, content FROM memories WHERE seq <= (SELECT indexed_seq FROM index_state);
  CREATE VIRTUAL TABLE memories_fts USING fts5(
    content, content='memories_indexed', content_rowid='seq', tokenize='porter unicode61 remove_diacritics 2');
  INSERT INTO memories_fts (memories_fts, rank) VALUES ('secure-delete', 1);
  CREATE VIRTUAL TABLE memories_fts_terms USING fts5vocab(memories_fts, 'instance');
  `,
  `
  CREATE TABLE mentioned_days (
    day INTEGER NOT NULL,
    seq INTEGER NOT NULL REFERENCES memories (seq) ON DELETE CASCADE,
    PRIMARY KEY (day, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX mentioned_days_by_memory ON mentioned_days (seq);
  `,
  `
  CREATE TABLE memory_vectors (
    vector_seq INTEGER PRIMARY KEY AUTOINCREMENT,
    seq        INTEGER NOT NULL UNIQUE REFERENCES memories (seq) ON DELETE CASCADE,
    model      TEXT    NOT NULL,
    signature  BLOB    NOT NULL,
    components BLOB    NOT NULL
  ) STRICT;
  `,
]

/** PRAGMA application_id: "SNIA", so that a foreign file is recognised before anything is written to it. */
export const APPLICATION_ID = 0x534e4941
