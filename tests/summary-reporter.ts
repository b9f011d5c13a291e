import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

/**
 * Reporter of `./sonia test`: a line per test that failed or was not run, then the counts.
 * A test that was not run is counted as skipped, never as passed.
 */
export async function* summarize(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type === 'test:fail') yield failure(event.data)
    else if (event.type === 'test:pass' && event.data.skip !== undefined) {
      yield `not run: ${event.data.name} (${String(event.data.skip)})\n`
    } else if (event.type === 'test:stderr' && event.data.message.includes('Error')) {
      yield event.data.message
    } else if (event.type === 'test:summary' && event.data.file === undefined) {
      yield counts(event.data)
    }
  }
}

type FailData = Extract<TestEvent, { type: 'test:fail' }>['data']
type SummaryData = Extract<TestEvent, { type: 'test:summary' }>['data']

function failure(data: FailData): string {
  const place = data.file === undefined ? '' : `${relative('.', data.file)}:${data.line ?? 0}`
  const cause = data.details.error.cause ?? data.details.error
  return `FAILED ${place} ${data.name}\n${inspect(cause)}\n`
}

function counts({ counts, duration_ms }: SummaryData): string {
  const failed = counts.tests - counts.passed - counts.skipped - counts.todo
  const skipped = counts.skipped + counts.todo
  return `${counts.passed} passed, ${failed} failed, ${skipped} skipped\n(${(duration_ms / 1000).toFixed(1)} s)\n`
}

export default summarize
