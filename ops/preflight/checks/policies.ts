import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PreflightOptions } from '../options.ts'
import { type Check, problem } from '../report.ts'

const run = promisify(execFile)
const TIMEOUT_MS = 20_000

interface Answer {
  readonly ok: boolean
  readonly version?: string
  readonly rules?: number
  readonly problems?: readonly string[]
}

/** Asks eva-os' own checker, so that what passes here is what will be in force. */
export function policiesCheck({ repo, folders }: PreflightOptions): Check {
  return {
    id: 'policies',
    title: 'every policy file is valid: schema, default deny, no unreachable rule',
    async run() {
      const own = join(folders.config, 'policies')
      const [folder, place] = existsSync(own)
        ? [own, 'config/policies']
        : [join(repo, 'config', 'policies'), 'the defaults']
      const checker = join(repo, 'services', 'eva-os', 'policy', 'main.ts')
      const { stdout } = await run(process.execPath, [checker, folder], { timeout: TIMEOUT_MS })
      // A process that ended just when its time was over counts as ended, without what it said.
      if (stdout === '') throw new Error(`the checker of policies gave no answer in ${TIMEOUT_MS / 1000} s`)
      const answer = JSON.parse(stdout) as Answer
      if (!answer.ok)
        return { looked: place, findings: (answer.problems ?? []).map((text) => problem(text, place)) }
      if (answer.rules === 0) return { looked: place, findings: [problem('there is no policy rule', place)] }
      return { looked: `${place}: ${answer.rules} rules, ${answer.version}`, findings: [] }
    },
  }
}
