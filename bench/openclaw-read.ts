import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stdout } from 'node:process'
import { parseArgs } from 'node:util'
import { makeEnvelope } from '../services/openclaw/execution/envelope.ts'
import { closeRoot, openRoot } from '../services/openclaw/files/walk.ts'
import { fileRead } from '../services/openclaw/toolbox/file-read.ts'
import { measureRatio, ratioTable } from './lib/ratio-report.ts'

// A file of 4 KiB at depth 4, as file.read serves it in-process: rules of names, envelope for policy (canonical
// arguments and their digest), walk through descriptors, checks on the descriptor, decoding. Against the usual way, which
// loses the race: async realpath, comparison of prefixes, readFile.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const DEPTH = ['a', 'b', 'c']
const BYTES = 4096
const LIMIT = 0.6

const folder = mkdtempSync(join(tmpdir(), 'sonia-bench-read-'))
mkdirSync(join(folder, ...DEPTH), { recursive: true })
const relative = [...DEPTH, 'file.txt'].join('/')
writeFileSync(join(folder, relative), 'x'.repeat(BYTES))
const root = openRoot(folder)
const tool = fileRead(root)
const bounds = { timeoutMs: 5_000, signal: new AbortController().signal, permit: async () => undefined }

async function guardedRead(): Promise<void> {
  const args = { path: relative }
  const prepared = tool.prepare({ args, cwd: null })
  makeEnvelope(
    { tool: tool.name, args, timeoutMs: bounds.timeoutMs, principal: 'bench', sessionId: null },
    prepared,
  )
  prepared.assertRunnable()
  const { result } = await prepared.run(null, bounds)
  if (String(result['content']).length !== BYTES) throw new Error('the file was not read')
}

async function realpathRead(): Promise<void> {
  const path = await realpath(join(folder, relative))
  if (!path.startsWith(`${root.path}/`)) throw new Error('outside')
  if ((await readFile(path, 'utf8')).length !== BYTES) throw new Error('the file was not read')
}

try {
  const result = await measureRatio(
    {
      bench: 'openclaw-read',
      form: values.short ? 'short' : 'long',
      rounds: values.short ? 2 : 31,
      callsPerRound: values.short ? 50 : 2_000,
      subject: 'file.read',
      reference: 'async realpath + readFile',
      limit: LIMIT,
    },
    [
      { name: 'file.read', once: guardedRead },
      { name: 'async realpath + readFile', once: realpathRead },
    ],
  )
  stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : ratioTable(result))
} finally {
  closeRoot(root)
  rmSync(folder, { recursive: true })
}
