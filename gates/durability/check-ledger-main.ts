/** Compares a memory database with a ledger: check-ledger-main.ts <JSON: LedgerCheck>; prints a LedgerState. */
import { readFileSync } from 'node:fs'
import { stateOfDatabase } from './check-database.ts'
import type { LedgerCheck, LedgerState } from './ledger.ts'
import type { AcknowledgedWrite } from './write-load.ts'

const { database, ledger } = JSON.parse(process.argv[2] ?? '{}') as LedgerCheck
const writes = JSON.parse(readFileSync(ledger, 'utf8')) as readonly AcknowledgedWrite[]
const { missing, ...state } = stateOfDatabase(database, writes)
process.stdout.write(JSON.stringify({ ...state, lost: missing.length } satisfies LedgerState))
