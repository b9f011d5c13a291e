import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cacheEnvironment, fillStartCaches } from '#ops/start-caches.ts'
import { buildMissing } from '#tools/build.ts'
import { buildProgressPrinter } from '#tools/progress.ts'
import { type CommandDefinition, textOption } from '../command.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import type { Host } from '../host.ts'

const PARTS = ['check', 'unit', 'real', 'alone'] as const
type Part = (typeof PARTS)[number]

/**
 * Judged by time: a stack that computes beside others misses scrapes and is judged as not demonstrated, and the drill of
 * the alerts tells a held back ticket from a late one by seconds.
 */
const ALONE = [
  'gates/observability/alert-drill.real.test.ts',
  'tests/planted/determinism.test.ts',
  'tests/planted/durability.test.ts',
  'tests/planted/go-no-go.test.ts',
  'tests/planted/soak-provider.test.ts',
  'tests/planted/soak.test.ts',
]
const ROOTS = '{services,gates,ops,otel,k6,tools,grafana,prometheus,deploy,bench,tests}'

export const command: CommandDefinition = {
  name: 'test',
  summary: 'types, format, lint and unused code, then every test: what CI runs',
  arguments: [],
  options: [
    {
      flags: '--only <part>',
      help: `one of ${PARTS.join(', ')}: real ones start processes, those run alone judge a loaded stack by time`,
    },
  ],
  examples: ['./sonia test', './sonia test --only unit'],
  async run(args, host) {
    const parts = partsOf(textOption(args, 'only'))
    if (parts.includes('real') || parts.includes('alone'))
      await buildMissing(host, buildProgressPrinter(host))
    if (parts.some((part) => part !== 'check')) await fillStartCaches(host.repository, host)
    for (const part of parts) {
      const code = await runPart(part, host)
      if (host.interrupted.aborted) throw interruptedIn(part, parts)
      if (code !== 0) {
        host.stderr.write(`sonia test: ${part} failed\n`)
        return EXIT_CODES.gateFailed
      }
    }
    return EXIT_CODES.passed
  },
}

function partsOf(only: string | undefined): readonly Part[] {
  if (only === undefined) return PARTS
  const part = PARTS.find((candidate) => candidate === only)
  if (part !== undefined) return [part]
  throw new CliError(EXIT_CODES.badUsage, `test: unknown part "${only}"`, {
    hint: `one of ${PARTS.join(', ')}`,
  })
}

function interruptedIn(part: Part, parts: readonly Part[]): CliError {
  const left = parts.slice(parts.indexOf(part)).map((one) => `./sonia test --only ${one}`)
  return new CliError(EXIT_CODES.interrupted, `interrupted in ${part}`, { hint: left.join(' && ') })
}

async function runPart(part: Part, host: Host): Promise<number> {
  if (part === 'check') return run(host, npmArguments())
  const files = testFiles(host.repository, part)
  if (files.length === 0) throw new CliError(EXIT_CODES.internal, `test: no ${part} tests were collected`)
  return run(host, [
    process.execPath,
    // Each file is a process of its own: packages in one file each are half of what most of them cost.
    '--import',
    join(host.repository, 'tests', 'packed-packages.ts'),
    '--test',
    `--test-concurrency=${CONCURRENCY[part]}`,
    `--test-reporter=${join(host.repository, 'tests', 'summary-reporter.ts')}`,
    '--test-reporter-destination=stdout',
    ...files,
  ])
}

/**
 * Real ones wait for processes more than they compute. What is judged by time runs one after the other, or they would
 * judge each other.
 */
const CONCURRENCY: Readonly<Record<Exclude<Part, 'check'>, number>> = { unit: 2, real: 3, alone: 1 }

function testFiles(repository: string, part: Exclude<Part, 'check'>): readonly string[] {
  const all = globSync(`${ROOTS}/**/*.test.ts`, {
    cwd: repository,
    exclude: (path) => path.includes('node_modules'),
  })
  return all.filter((path) => partOf(path) === part).toSorted()
}

/** Real tests are named `*.real.test.ts` or lie below tests/; the others start no process of the system. */
function partOf(path: string): Exclude<Part, 'check'> {
  if (ALONE.includes(path)) return 'alone'
  return path.startsWith('tests/') || path.endsWith('.real.test.ts') ? 'real' : 'unit'
}

function npmArguments(): readonly string[] {
  return ['npm', 'run', '--silent', 'check']
}

function run(host: Host, [program, ...args]: readonly string[]): Promise<number> {
  const path = `${dirname(process.execPath)}:${host.env['PATH'] ?? ''}`
  const child = spawn(program ?? '', args, {
    cwd: host.repository,
    env: { ...host.env, PATH: path, SONIA_PACKAGES: cacheEnvironment(host.repository)['SONIA_PACKAGES'] },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  host.interrupted.addEventListener('abort', () => child.kill('SIGTERM'), { once: true })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? EXIT_CODES.internal))
  })
}
