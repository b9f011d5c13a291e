import { basename } from 'node:path'
import type { TestEvent } from 'node:test/reporters'
import type { TestOutcome } from './test-run.ts'

/** Reporter of the integration tests: name and outcome of every test, in the order in which they ended, as JSON. */
export async function* reportOutcomes(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const outcomes: TestOutcome[] = []
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    if (event.data.details.type === 'suite' || isEmptyFile(event)) continue
    outcomes.push({ name: nameOf(event.data), outcome: outcomeOf(event) })
  }
  yield JSON.stringify(outcomes)
}

type Ended = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>

/** A file without tests is reported as a test that passed, under its own path; one that throws as one that failed. */
function isEmptyFile({ type, data }: Ended): boolean {
  return type === 'test:pass' && data.name === data.file
}

function nameOf({ file, name }: Ended['data']): string {
  const group = file === undefined ? 'unknown' : basename(file, '.test.ts')
  return name === file ? `${group}: could not be read` : `${group}: ${name}`
}

function outcomeOf({ type, data }: Ended): TestOutcome['outcome'] {
  if (data.skip !== undefined || data.todo !== undefined) return 'skipped'
  return type === 'test:pass' ? 'passed' : 'failed'
}

// node:test loads a reporter by its default export.
// oxlint-disable-next-line import/no-default-export
export default reportOutcomes
