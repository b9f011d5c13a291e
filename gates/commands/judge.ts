import { resolve } from 'node:path'
import { tmpdir } from 'node:os'
import { locateTool } from '#tools/locate.ts'
import { withCopiedBlocks } from '../calibrate/copied-blocks.ts'
import { type CommandArguments, type CommandDefinition, flagOption, textOption } from '../command.ts'
import type { GateCriteria } from '../engine/criterion.ts'
import { judgeCriteria } from '../engine/judge-run.ts'
import { loadCriteriaFiles } from '../engine/load-criteria.ts'
import { serialiseCanonically } from '../engine/serialise-verdict.ts'
import type { Judgement, Parameters, RunVerdict } from '../engine/types.ts'
import { statedPart } from '../engine/valid-part.ts'
import { sensitivityCards } from '../sensitivity/sensitivity-cards.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { parseMoment, parseParameters } from './judge-options.ts'

export const command: CommandDefinition = {
  name: 'judge',
  summary: 'judge recorded history by a criteria file, of this stack or of any other',
  options: [
    { flags: '--criteria <file>', help: 'criteria file, named <gate>.yaml' },
    { flags: '--prometheus <url>', help: 'a running Prometheus 3 that holds the history' },
    { flags: '--blocks <folder>', help: 'or a folder of its blocks, which are copied and not changed' },
    { flags: '--from <time>', help: 'start of the window: 2026-11-24T12:00:00Z or seconds' },
    { flags: '--to <time>', help: 'end of the window' },
    {
      flags: '--param <name=value...>',
      help: 'a $NAME of the file: a number, a name, or names a,b (a, for a list of one); S=15 is the scrape interval',
    },
    { flags: '--cards', help: 'say too what it would have taken to turn each PASS' },
    { flags: '--json', help: 'print the verdict as verdict.json holds it' },
  ],
  arguments: [],
  examples: [
    './sonia judge --criteria gates/criteria/examples/exporter.yaml --prometheus http://127.0.0.1:9090 --from 2026-11-24T00:00:00Z --to 2026-11-24T06:00:00Z --param JOB=node INSTANCES=host-1,host-2',
  ],
  async run(args, host) {
    const question = questionOf(args, host)
    const loaded = await loadCriteriaFiles([question.criteriaFile])
    const gate = loaded[0]?.gate ?? ''
    const { start, end } = question
    const judged = await judgeSource({ question, loaded, host }, (prometheusUrl) =>
      judgeCriteria(loaded, {
        windows: [{ gate, start, end, planned_seconds: end - start }],
        parameters: question.parameters,
        prometheusUrl,
      }),
    )
    const isJson = flagOption(args, 'json')
    host.stdout.write(isJson ? serialiseCanonically(judged.verdict) : verdictText(judged.verdict))
    if (flagOption(args, 'cards')) {
      const cards = sensitivityCards(judged, loaded)
      const lines = cards.map(
        ({ criterion, sentence }) => `SENSITIVITY   ${criterion.padEnd(32)}  ${sentence}\n`,
      )
      host.stdout.write(isJson ? serialiseCanonically({ sensitivity: cards }) : lines.join(''))
    }
    return EXIT_OF[judged.verdict.verdict]
  },
}

const EXIT_OF = {
  PASS: EXIT_CODES.passed,
  FAIL: EXIT_CODES.gateFailed,
  INCONCLUSIVE: EXIT_CODES.inconclusive,
} as const

interface Question {
  readonly criteriaFile: string
  readonly source: { readonly url: string } | { readonly blocks: string }
  readonly start: number
  readonly end: number
  readonly parameters: Parameters
}

function questionOf(args: CommandArguments, host: Host): Question {
  const criteria = needed(args, 'criteria')
  const start = parseMoment(needed(args, 'from'), '--from')
  const end = parseMoment(needed(args, 'to'), '--to')
  if (!(end > start)) throw new CliError(EXIT_CODES.badUsage, '--to is not after --from')
  return {
    criteriaFile: resolve(host.cwd, criteria),
    source: sourceOf(args, host),
    start,
    end,
    parameters: parseParameters(args.options['param']),
  }
}

function needed(args: CommandArguments, name: string): string {
  const text = textOption(args, name)
  if (text !== undefined && text !== '') return text
  throw new CliError(EXIT_CODES.badUsage, `--${name} is missing`, { hint: './sonia judge --help' })
}

function sourceOf(args: CommandArguments, host: Host): Question['source'] {
  const url = textOption(args, 'prometheus')
  const blocks = textOption(args, 'blocks')
  if ((url === undefined) === (blocks === undefined)) {
    throw new CliError(EXIT_CODES.badUsage, 'name --prometheus or --blocks, one of them')
  }
  if (blocks !== undefined) return { blocks: resolve(host.cwd, blocks) }
  if (url !== undefined && /^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    return { url: url.replace(/\/+$/, '') }
  }
  throw new CliError(EXIT_CODES.badUsage, `"${url}" is no address of a Prometheus`, {
    hint: 'such as http://127.0.0.1:9090',
  })
}

interface JudgeTask {
  readonly question: Question
  readonly loaded: readonly GateCriteria[]
  readonly host: Host
}

async function judgeSource(
  { question: { source }, loaded, host }: JudgeTask,
  judge: (url: string) => Promise<Judgement>,
): Promise<Judgement> {
  if ('url' in source) return judge(source.url)
  const { path } = await locateTool('prometheus', host)
  const place = { binary: path, scratchParent: tmpdir(), blocks: source.blocks }
  return withCopiedBlocks(place, async ({ url, hasEnded }) => {
    const judged = await judge(url)
    if (hasEnded()) throw endedBy(judged, loaded)
    return judged
  })
}

/** A Prometheus of our own that ends while it is asked was ended by a question: the first one without an answer. */
function endedBy({ answers }: Judgement, loaded: readonly GateCriteria[]): CliError {
  const first = answers.find((one) => one.answers.some(({ answer }) => answer.fault?.kind === 'unreachable'))
  const criterion = loaded.flatMap(({ criteria }) => criteria).find(({ id }) => id === first?.id)
  const where = criterion === undefined ? '' : `${criterion.source}: ${criterion.id}: `
  return new CliError(EXIT_CODES.badInput, `${where}Prometheus ended while this was asked`, {
    hint: 'ask for less: a recording rule, a shorter window, or a longer step',
  })
}

function verdictText({ verdict, gates, not_judged }: RunVerdict): string {
  const lines = gates.flatMap(({ criteria }) =>
    criteria.map((one) => `${one.verdict.padEnd(12)}  ${one.id.padEnd(32)}  ${one.sentence}`),
  )
  const open = not_judged.map((one) => `${'NOT_JUDGED'.padEnd(12)}  ${one.id.padEnd(32)}  ${one.sentence}`)
  const parts = gates.flatMap(statedPart)
  return `${[...lines, ...open, ...parts, '', `verdict: ${verdict}`].join('\n')}\n`
}
