import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { PROFILES } from '#gates/profiles.ts'
import { silentProgress } from '#gates/runners/progress.ts'
import { withGateRun } from '#gates/runners/run-gates.ts'
import { gateRunOptionsForTest, verdictOf } from './planted-run.ts'

test('a test that passes twice and not in the run after gate 5 fails gate 2B and is named', async () => {
  const home = await mkdtemp(join(tmpdir(), 'sonia-third-run-'))
  const said: string[] = []
  const options = gateRunOptionsForTest(
    {
      gate: 'determinism',
      profile: PROFILES.ci,
      planted: { testFiles: 'tests/planted/third-time/*.ts' },
    },
    home,
  )
  const progress = { ...silentProgress, say: (line: string) => void said.push(line) }
  try {
    await withGateRun(
      { ...options, gates: ['determinism', 'observability'], progress },
      async ({ judgement, files }) => {
        const result = judgement.verdict.gates.find(({ gate }) => gate === 'determinism')
        assert.ok(result !== undefined)
        assert.equal(result.verdict, 'FAIL', JSON.stringify(result.criteria.map((one) => one.sentence)))
        assert.equal(verdictOf(result, 'determinism.enough'), 'PASS')
        const same = result.criteria.find(({ id }) => id === 'determinism.same-outcomes')
        assert.match(same?.sentence ?? '', /at-042 third-time\.ts: passes twice, and no third time/)
        assert.deepEqual(
          files.map(({ path }) => path).filter((path) => path.includes('test-results')),
          [1, 2, 3].map((run) => `gates/determinism/test-results-run${run}.json`),
        )
      },
    )
    // Runs 1 and 2 alone were sound, and the third came after gate 5.
    const verdicts = said.filter((line) => /^(?:determinism|observability): (?:PASS|FAIL|INC)/.test(line))
    assert.deepEqual(
      verdicts.map((line) => line.split(':')[0]),
      ['determinism', 'observability', 'determinism'],
    )
    assert.equal(verdicts[0], 'determinism: PASS')
    assert.equal(verdicts[2], 'determinism: FAIL')
  } finally {
    await rm(home, { recursive: true, force: true })
  }
})
