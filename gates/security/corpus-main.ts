/**
 * Sends the corpus to a running stack in a process of its own, so that races and floods do not hold up whoever
 * watches: corpus-main.ts <JSON: {portBase, home, raceIterations}>. Prints one outcome a line.
 */
import { loadCorpus } from './load-corpus.ts'
import { runCorpus } from './run-corpus.ts'
import { tokensOfStack } from './stack-tokens.ts'

interface CorpusArguments {
  readonly portBase: number
  readonly home: string
  readonly raceIterations: number
}

const { portBase, home, raceIterations } = JSON.parse(process.argv[2] ?? '{}') as CorpusArguments
await runCorpus({
  portBase,
  home,
  raceIterations,
  tokens: await tokensOfStack({ home, portBase }),
  corpus: await loadCorpus(),
  onOutcome: (outcome) => process.stdout.write(`${JSON.stringify(outcome)}\n`),
})
