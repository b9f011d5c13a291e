import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process, { env, stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { rotateUnderLoad, signersMin } from '#gates/security/rotation-under-load.ts'
import { startStack } from '#ops/stack.ts'

// Signing keys are exchanged while four callers chat through the gateway without a break. With a key that leads by 6 s
// and tokens of 15 s every service renews its tokens several times, each new key takes over, and the first one retires,
// within the load. Nobody may be refused. A count, not a time.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const SECONDS = values.short ? 20 : 60
const ROTATIONS = 2
const LEAD_SECONDS = 6
const PORT_BASE = 23_200

const home = mkdtempSync(join(tmpdir(), 'sonia-bench-rotation-'))
mkdirSync(join(home, 'config'), { mode: 0o700 })
const services = { 'eva-os': { token_seconds: 15, key_lead_seconds: LEAD_SECONDS } }
writeFileSync(join(home, 'config', 'sonia.json'), JSON.stringify({ services }), { mode: 0o600 })
const stack = await startStack({
  repo: fileURLToPath(new URL('..', import.meta.url)),
  home,
  portBase: PORT_BASE,
  runId: 'bench-rotation',
  host: { env, clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() } },
})
try {
  const counts = await rotateUnderLoad({
    portBase: PORT_BASE,
    operatorKey: readFileSync(join(home, 'config', 'operator.key'), 'utf8').trim(),
    seconds: SECONDS,
    rotations: ROTATIONS,
    signal: new AbortController().signal,
  })
  const needed = signersMin({ seconds: SECONDS, rotations: ROTATIONS, leadSeconds: LEAD_SECONDS })
  const refusals = await refusalsCounted()
  const kept = counts.refused === 0 && refusals === 0 && counts.signers >= needed
  if (!kept) process.exitCode = 1
  const result = {
    bench: 'key-rotation',
    seconds: SECONDS,
    ...counts,
    refusals_at_doors: refusals,
    needed,
    kept,
  }
  stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : `${textOf(result)}\n`)
} finally {
  await stack.stop()
  rmSync(home, { recursive: true, force: true })
}

/** What the doors of all six counted: a refusal that a caller mended by a new token shows here. */
async function refusalsCounted(): Promise<number> {
  const pages = await Promise.all(
    Object.values(stack.ports).map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
  )
  const samples = pages.flatMap((page) => [
    ...page.matchAll(/^sonia_service_auth_failures_total\{[^}]*\} (\d+)/gm),
  ])
  if (samples.length === 0) throw new Error('no service counts refusals')
  return samples.reduce((sum, [, value]) => sum + Number(value), 0)
}

function textOf(result: Readonly<Record<string, unknown>>): string {
  return Object.entries(result)
    .map(([name, value]) => `  ${name.padEnd(20)} ${String(value)}`)
    .join('\n')
}
