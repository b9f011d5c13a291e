import { join } from 'node:path'
import { EXIT_CODES } from '../exit-codes.ts'
import { plannedSecondsOf } from '../run-parameters.ts'
import type { CaseOutcome, Corpus } from '../security/corpus-case.ts'
import { differingOutcomes } from '../security/judge-outcomes.ts'
import { loadCorpus } from '../security/load-corpus.ts'
import { PLANTED_SECRET, withPlantedSecret } from '../security/planted-secret.ts'
import { rotateUnderLoad, signersMin } from '../security/rotation-under-load.ts'
import { tokensOfStack } from '../security/stack-tokens.ts'
import { childLines } from './child-lines.ts'
import { type GateContext, type GateRunner, startGateStack, stopGateStack } from './gate-context.ts'
import { freezeEnd, openWindow } from './scrape-grid.ts'

const GATE = 'security'
const CHECKS = [
  'start',
  'attack',
  'door',
  'benign',
  'canary',
  'identical',
  'rotation',
  'preflight',
  'planted-secret',
  'complete',
] as const
type SecurityCheck = (typeof CHECKS)[number]

/** The corpus is sent twice: a refusal that depends on chance is none. */
const RUNS = 2
const ROTATIONS = 2
/** Short lives, so that tokens are renewed, and keys take over and retire, while the load runs. */
const KEY_LEAD_SECONDS = 6
const EVA_OS = { token_seconds: 15, key_lead_seconds: KEY_LEAD_SECONDS }
/** The ports of the run are taken by the run itself; preflight looks at others. */
const OTHER_PORTS = 4

/** Gate 3: every attack of the corpus twice, keys exchanged under load, preflight with a planted secret. */
export const observeSecurity: GateRunner = async (context) => {
  const { ops } = context.watch
  ops.declareChecks(GATE, CHECKS)
  const corpus = await loadCorpus()
  ops.setLoadPlanned('security-cases', RUNS * casesOf(corpus))
  const start = await openWindow(context)
  const report = await attackStack(context)
  context.keep({ path: 'security-tests.json', content: `${JSON.stringify(report, null, 2)}\n` })
  const end = await freezeEnd(context)
  return { gate: GATE, start, end, planned_seconds: plannedSecondsOf(GATE, context.profile) }
}

/** Cases with their variants, as one run of the corpus sends them. */
function casesOf(corpus: Corpus): number {
  const perFile = corpus.map(({ attacks, benign }) =>
    attacks.reduce((sum, { variants }) => sum + variants.length, benign.length),
  )
  return perFile.reduce((sum, cases) => sum + cases, 0)
}

async function attackStack(context: GateContext): Promise<object> {
  const count = (check: SecurityCheck, isHeld: boolean) => {
    context.watch.ops.countCheck(GATE, check, isHeld ? 'pass' : 'fail')
  }
  const home = join(context.home, 'security')
  const stack = await startGateStack(context, GATE, { home, evaOs: EVA_OS }).catch((error: unknown) => {
    context.signal.throwIfAborted()
    context.progress.say(`security: the stack did not start: ${String(error)}`)
    return null
  })
  count('start', stack !== null)
  if (stack === null) return { started: false }
  try {
    const [first, second] = [await sendCorpus(context, home), await sendCorpus(context, home)]
    const differing = differingOutcomes(first, second)
    count('identical', differing.length === 0)
    for (const id of differing) context.progress.say(`security: ${id} ended differently the second time`)
    const rotation = await countRotation(context, home, count)
    const preflight = await countPreflight(context, home, count)
    count('complete', true)
    return { cases: first, differing, rotation, preflight }
  } finally {
    await stopGateStack(context, stack)
  }
}

async function sendCorpus(context: GateContext, home: string): Promise<readonly CaseOutcome[]> {
  const { portBase, profile, signal, progress, host } = context
  const outcomes: CaseOutcome[] = []
  const main = join(host.repository, 'gates', 'security', 'corpus-main.ts')
  const exitCode = await childLines({
    args: [main, JSON.stringify({ portBase, home, raceIterations: profile.raceIterations })],
    env: host.env,
    signal,
    onLine: (line) => {
      const outcome = JSON.parse(line) as CaseOutcome
      outcomes.push(outcome)
      progress.at(`security: ${outcomes.length} cases sent`)
      countOutcome(context, outcome)
    },
  })
  if (exitCode !== 0) progress.say(`security: the corpus run ended with ${exitCode}`)
  return outcomes
}

function countOutcome({ watch, progress }: GateContext, outcome: CaseOutcome): void {
  const { id, kind, variant, passed, touched, expected, received } = outcome
  watch.ops.countCheck(GATE, checkOf(outcome), passed ? 'pass' : 'fail')
  watch.ops.countCheck(GATE, 'canary', touched.length === 0 ? 'pass' : 'fail')
  if (!passed) {
    const said = `${received.status} ${received.code ?? ''} ${received.reason ?? ''}`
    const asked = `${expected.status} ${expected.code ?? ''} ${expected.reason ?? ''}`
    progress.say(
      `security: ${kind} ${id} (${variant}): ${said}, not ${asked}${touched.length === 0 ? '' : `; touched ${touched.join(', ')}`}`,
    )
  }
}

/** Without or with a forged token only the door is proven; it does not count as an attack refused. */
function checkOf({ kind, variant }: CaseOutcome): SecurityCheck {
  if (kind === 'benign') return 'benign'
  return variant === 'no_token' || variant === 'forged_token' ? 'door' : 'attack'
}

type Count = (check: SecurityCheck, isHeld: boolean) => void

async function countRotation(context: GateContext, home: string, count: Count): Promise<object> {
  const { portBase, profile, signal, progress } = context
  progress.at('security: exchanging keys under load')
  const { operatorKey } = await tokensOfStack({ home, portBase })
  const seconds = profile.rotationSeconds
  const counts = await rotateUnderLoad({ portBase, operatorKey, seconds, rotations: ROTATIONS, signal })
  const signers = signersMin({ seconds, rotations: ROTATIONS, leadSeconds: KEY_LEAD_SECONDS })
  const isHeld =
    counts.refused === 0 && counts.answered > 0 && counts.rotated === ROTATIONS && counts.signers >= signers
  count('rotation', isHeld)
  if (!isHeld)
    progress.say(
      `security: keys exchanged ${counts.rotated} times, ${counts.signers} of them signed (at least ${signers}), ${counts.refused} of ${counts.answered + counts.refused} calls refused`,
    )
  return counts
}

async function countPreflight(context: GateContext, home: string, count: Count): Promise<object> {
  context.progress.at('security: preflight, with the history of the repository')
  const clean = await preflight(context, home, ['--history'])
  const planted = await withPlantedSecret(home, context.home, (copy) => preflight(context, copy, []))
  count('preflight', clean.exitCode === EXIT_CODES.passed)
  const isRefused = planted.exitCode === EXIT_CODES.badInput && planted.text.includes('api_key')
  count('planted-secret', isRefused && !planted.text.includes(PLANTED_SECRET))
  if (clean.exitCode !== EXIT_CODES.passed)
    context.progress.say(`security: preflight failed: ${clean.text.slice(0, 400)}`)
  return { clean: reportIn(clean.text), planted: reportIn(planted.text) }
}

/** As a person runs it: the command itself. */
async function preflight({ host, signal, portBase }: GateContext, home: string, args: readonly string[]) {
  let text = ''
  const exitCode = await childLines({
    args: [
      join(host.repository, 'gates', 'main.ts'),
      'preflight',
      '--json',
      '--port-base',
      String(portBase + OTHER_PORTS),
      ...args,
    ],
    env: { ...host.env, SONIA_HOME: home },
    signal,
    onLine: (line) => {
      text += `${line}\n`
    },
  })
  return { exitCode, text }
}

function reportIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
