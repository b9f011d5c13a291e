import { spawn } from 'node:child_process'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { keepResult } from '../../bench/lib/bench-files.ts'
import { renderResult } from '../../bench/lib/bench-result.ts'
import { repositoryState } from '../evidence/repository.ts'
import { type CommandDefinition, flagOption } from '../command.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import type { Host } from '../host.ts'

export const command: CommandDefinition = {
  name: 'bench',
  summary: 'benchmarks, all arms in one run; a bound that is missed is told, and fails nothing',
  arguments: [{ name: '<names...>', help: 'benches by name, or all' }],
  options: [
    { flags: '--short', help: 'a few seconds each: to see that they work, not to measure' },
    { flags: '--json', help: 'the results as one JSON array' },
  ],
  examples: ['./sonia bench stack-start', './sonia bench all --short'],
  async run(args, host) {
    const names = chosenNames(args.positionals, benchNames(host.repository))
    await installPeers(host)
    const isShort = flagOption(args, 'short')
    const asJson = flagOption(args, 'json')
    const results: string[] = []
    const failed: string[] = []
    const done: string[] = []
    await inLanes(names, isShort ? SHORT_AT_ONCE : 1, async (name) => {
      if (host.interrupted.aborted) return
      const json = await runBench(host, name, isShort)
      if (json === undefined) failed.push(name)
      else {
        await keep(host, name, isShort, json)
        results.push(json)
        done.push(name)
        if (!asJson) host.stdout.write(`${renderResult(name, json)}\n`)
      }
    })
    if (host.interrupted.aborted) throw interruptedWith(names.filter((name) => !done.includes(name)))
    if (asJson) host.stdout.write(`[${results.join(',')}]\n`)
    if (failed.length === 0) return EXIT_CODES.passed
    host.stderr.write(`sonia bench: did not run to the end: ${failed.join(', ')}\n`)
    return EXIT_CODES.gateFailed
  },
}

function interruptedWith(left: readonly string[]): CliError {
  const hint = `./sonia bench ${left.join(' ')}`
  return new CliError(EXIT_CODES.interrupted, 'interrupted; what was measured is kept', { hint })
}

/** Short forms measure nothing, and most of their time is waiting. */
const SHORT_AT_ONCE = 4

/** Each lane takes the next name once it is done with its own. */
async function inLanes(
  names: readonly string[],
  lanes: number,
  work: (name: string) => Promise<void>,
): Promise<void> {
  const left = [...names]
  const lane = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) await work(name)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

/** Benches that have a short form; the others need data made for them and are run by hand (docs/performance.md). */
function benchNames(repository: string): readonly string[] {
  return globSync('bench/*.ts', { cwd: repository })
    .filter((path) => readFileSync(join(repository, path), 'utf8').includes("short: { type: 'boolean'"))
    .map((path) => basename(path, '.ts'))
    .toSorted()
}

function chosenNames(asked: readonly string[], known: readonly string[]): readonly string[] {
  if (asked.includes('all')) return known
  const unknown = asked.filter((name) => !known.includes(name))
  if (unknown.length === 0 && asked.length > 0) return asked
  throw new CliError(EXIT_CODES.badUsage, `bench: unknown bench "${unknown.join(', ')}"`, {
    hint: `all, or some of ${known.join(', ')}`,
  })
}

/** What the benches compare with is no part of the product; it is brought when first needed, and when it changed. */
async function installPeers(host: Host): Promise<void> {
  const peers = join(host.repository, 'bench', 'peers')
  const stamp = join(peers, 'node_modules', '.installed-lock.json')
  const lock = readFileSync(join(peers, 'package-lock.json'), 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  host.stderr.write('sonia: installing what the benches compare with (once per lock file)\n')
  const npm = ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'] as const
  const { code } = await run(host, npm, peers)
  if (code !== 0) {
    throw new CliError(EXIT_CODES.componentMissing, 'bench: npm ci failed in bench/peers', {
      hint: 'check that npm reaches its registry',
    })
  }
  writeFileSync(stamp, lock)
}

/** The JSON that the bench printed; undefined where it did not run to its end. */
async function runBench(host: Host, name: string, isShort: boolean): Promise<string | undefined> {
  const args = [join(host.repository, 'bench', `${name}.ts`), '--json', ...(isShort ? ['--short'] : [])]
  const startedMs = host.clock.monotonicMs()
  const { code, output } = await run(host, [process.execPath, ...args], host.repository)
  const tookSeconds = ((host.clock.monotonicMs() - startedMs) / 1000).toFixed(1)
  host.stderr.write(`sonia bench: ${name} ${code === 0 ? 'took' : 'failed after'} ${tookSeconds} s\n`)
  return code === 0 ? output : undefined
}

/** Below artifacts/bench/, for a report or a comparison; short forms in a folder of their own, as they measure nothing. */
async function keep(host: Host, name: string, isShort: boolean, json: string): Promise<void> {
  const parts = ['artifacts', 'bench', ...(isShort ? ['short'] : [])]
  const { commit, dirty } = await repositoryState(host.repository)
  const about = {
    command: `./sonia bench ${name}${isShort ? ' --short' : ''}`,
    commit,
    dirty,
    node: process.version,
    cores: availableParallelism(),
    ended_at: new Date(host.clock.nowMs()).toISOString(),
  }
  keepResult(join(host.repository, ...parts), name, { about, json })
}

function run(
  host: Host,
  [program, ...args]: readonly [string, ...string[]],
  cwd: string,
): Promise<{ code: number; output: string }> {
  const path = `${dirname(process.execPath)}:${host.env['PATH'] ?? ''}`
  const child = spawn(program, args, {
    cwd,
    env: { ...host.env, PATH: path },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  host.interrupted.addEventListener('abort', () => child.kill('SIGTERM'), { once: true })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? EXIT_CODES.internal, output }))
  })
}
