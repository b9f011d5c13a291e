import {
  type CaseRun,
  askForApproval,
  decide,
  denyOpenApprovals,
  sendHttp,
  sendLines,
  sendTool,
} from './case-run.ts'
import { type CanaryState, lookAtCanaries, touchedCanaries } from './canaries.ts'
import type {
  BenignCase,
  CaseOutcome,
  Corpus,
  CorpusCase,
  CorpusFile,
  Expectation,
  Received,
  Variant,
} from './corpus-case.ts'
import { type CorpusTokens, readAnswer } from './corpus-client.ts'
import { createWorld } from './corpus-world.ts'
import { isAsExpected } from './judge-outcomes.ts'
import { PROCEDURES } from './procedures/procedures.ts'

export interface CorpusRunOptions {
  readonly portBase: number
  /** State folder of the stack that is attacked. */
  readonly home: string
  readonly tokens: CorpusTokens
  readonly corpus: Corpus
  /** Iterations of each race; 200 unless said otherwise. */
  readonly raceIterations?: number
  readonly signal?: AbortSignal
  /** Told about every outcome as it comes. */
  readonly onOutcome?: (outcome: CaseOutcome) => void
}

const RACE_ITERATIONS = 200

/**
 * Sends every case of the corpus to a running stack, one after the other, and says what came back. It judges nothing
 * but whether an answer is the expected one; the order and content of the outcomes are the same in every run.
 */
export async function runCorpus(options: CorpusRunOptions): Promise<CaseOutcome[]> {
  const { portBase, home, tokens, corpus, raceIterations = RACE_ITERATIONS } = options
  const world = await createWorld(home, portBase)
  const run: CaseRun = { portBase, tokens, world, raceIterations }
  const outcomes: CaseOutcome[] = []
  const keep = (outcome: CaseOutcome) => {
    outcomes.push(outcome)
    options.onOutcome?.(outcome)
  }
  try {
    for (const file of corpus) {
      for (const attack of file.attacks) await attackInAllVariants(run, file, attack, keep)
      for (const benign of file.benign) keep(await runBenign(run, file, benign))
      await denyOpenApprovals(run)
      options.signal?.throwIfAborted()
    }
    return outcomes
  } finally {
    await world.close()
  }
}

async function attackInAllVariants(
  run: CaseRun,
  file: CorpusFile,
  attack: CorpusCase,
  keep: (outcome: CaseOutcome) => void,
): Promise<void> {
  for (const variant of attack.variants) {
    const before = await lookAtCanaries(run.world, '')
    const { received, text } = await sendSafely(run, attack, variant)
    const after = await lookAtCanaries(run.world, text)
    keep(outcomeOfAttack(file, attack, { variant, received, text, before, after }))
  }
}

interface Observed {
  readonly variant: Variant
  readonly received: Received
  readonly text: string
  readonly before: CanaryState
  readonly after: CanaryState
}

function outcomeOfAttack(file: CorpusFile, attack: CorpusCase, observed: Observed): CaseOutcome {
  const { variant, received, text, before, after } = observed
  const expected = expectationOf(attack, variant)
  const touched = touchedCanaries(before, after)
  return {
    id: attack.id,
    class: file.class,
    title: attack.title,
    owasp: attack.owasp,
    kind: 'attack',
    variant,
    sent: attack.request,
    expected,
    received,
    touched,
    passed: touched.length === 0 && isAsExpected(expected, received, text),
  }
}

/** The door says why it stays closed, by the chassis' own reasons. */
const DOOR_REASONS = { no_token: 'MISSING', forged_token: 'UNKNOWN_KEY' } as const

function expectationOf(attack: CorpusCase, variant: Variant): Expectation {
  switch (variant) {
    case 'no_token':
    case 'forged_token':
      return { status: 401, code: 'UNAUTHORIZED', reason: DOOR_REASONS[variant] }
    case 'service_token':
      return attack.expect
    case 'with_approval':
      return attack.expect_with_approval ?? attack.expect
  }
}

async function runBenign(run: CaseRun, file: CorpusFile, benign: BenignCase): Promise<CaseOutcome> {
  const { received, text } = await sendSafely(run, benign, 'service_token')
  return {
    id: benign.id,
    class: file.class,
    title: benign.title,
    owasp: null,
    kind: 'benign',
    variant: 'service_token',
    sent: benign.request,
    expected: benign.expect,
    received,
    touched: [],
    passed: isAsExpected(benign.expect, received, text),
  }
}

interface Answered {
  readonly received: Received
  readonly text: string
}

/** A case that cannot be sent (connection refused, no answer, a step that failed) is an outcome too, and no pass. */
async function sendSafely(run: CaseRun, one: CorpusCase | BenignCase, variant: Variant): Promise<Answered> {
  try {
    return await sendCase(run, one, variant)
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    return {
      received: { status: 0, code: `NOT_SENT: ${what.slice(0, 200)}`, reason: null, execution: null },
      text: '',
    }
  }
}

async function sendCase(run: CaseRun, one: CorpusCase | BenignCase, variant: Variant): Promise<Answered> {
  const { request } = one
  const principal = `gate3-${one.id}`
  switch (request.kind) {
    case 'tool': {
      const approvalToken = variant === 'with_approval' ? await approvalFor(run, one, principal) : undefined
      const answer = await sendTool(run, request, {
        principal,
        variant,
        ...(approvalToken === undefined ? {} : { approvalToken }),
      })
      return { received: readAnswer(answer), text: answer.text }
    }
    case 'http':
      return read(await sendHttp(run, request))
    case 'raw':
      return read(await sendLines(run, request))
    case 'procedure': {
      const procedure = PROCEDURES.get(request.name)
      if (procedure === undefined) throw new Error(`no procedure ${request.name}`)
      return procedure({ run, parameters: request.with, principal })
    }
  }
}

function read(answer: { readonly status: number; readonly text: string }): Answered {
  return { received: readAnswer(answer), text: answer.text }
}

const OTHER_CALL = { tool_name: 'shell.run', args: { command: 'rm security/victim.txt' } }

/** An approval by a person: for exactly this call, or for another one that was asked for under the same name. */
async function approvalFor(run: CaseRun, one: CorpusCase | BenignCase, principal: string): Promise<string> {
  const isOwn = 'approval' in one && one.approval === 'own' && one.request.kind === 'tool'
  const tool = isOwn ? one.request : OTHER_CALL
  const tokenId = await askForApproval(run, tool, principal)
  const { status } = await decide(run, tokenId, 'approve')
  if (status !== 200) throw new Error(`the approval was not given (${status})`)
  return tokenId
}
