import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

/**
 * Reporter of `./sonia test`: a line per test that failed or was not run and per file that took long, then the counts.
 * A test that was not run is counted as skipped, never as passed.
 */
export async function* summarize(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type === 'test:fail') yield failure(event.data)
    else if (event.type === 'test:pass' && event.data.skip !== undefined) {
      yield `not run: ${event.data.name} (${String(event.data.skip)})\n`
    } else if (event.type === 'test:stderr' && event.data.message.includes('Error')) {
      yield event.data.message
    } else if (event.type === 'test:summary') {
      if (event.data.file === undefined) yield counts(event.data)
      else if (event.data.duration_ms >= LONG_MS) yield progress(event.data.file, event.data)
    }
  }
}

/** A file that takes longer says so when it ends: whoever waits sees that something goes on. */
const LONG_MS = 2000

type FailData = Extract<TestEvent, { type: 'test:fail' }>['data']
type SummaryData = Extract<TestEvent, { type: 'test:summary' }>['data']

function failure(data: FailData): string {
  const place = data.file === undefined ? '' : `${relative('.', data.file)}:${data.line ?? 0}`
  const cause = data.details.error.cause ?? data.details.error
  return `FAILED ${place} ${data.name}\n${inspect(cause)}\n`
}

function progress(file: string, { counts: { passed }, duration_ms }: SummaryData): string {
  return `${relative('.', file)}: ${passed} passed after ${(duration_ms / 1000).toFixed(1)} s\n`
}

function counts({ counts, duration_ms }: SummaryData): string {
  const failed = counts.tests - counts.passed - counts.skipped - counts.todo
  const skipped = counts.skipped + counts.todo
  return `${counts.passed} passed, ${failed} failed, ${skipped} skipped\n(${(duration_ms / 1000).toFixed(1)} s)\n`
}

export default summarize
