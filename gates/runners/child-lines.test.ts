import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childLines } from './child-lines.ts'

async function linesOf(script: string): Promise<{ lines: readonly string[]; exitCode: number | null }> {
  const lines: string[] = []
  const exitCode = await childLines({
    args: ['-e', script],
    env: {},
    signal: new AbortController().signal,
    onLine: (line) => lines.push(line),
  })
  return { lines, exitCode }
}

test('a line separator of Unicode inside a text does not end a line', async () => {
  const { lines } = await linesOf(String.raw`process.stdout.write('"a\u2028b"\n"c"')`)
  assert.deepEqual(lines, ['"a\u2028b"', '"c"'])
})

test('the exit code of the script is passed on', async () => {
  assert.equal((await linesOf('process.exit(3)')).exitCode, 3)
})
