import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const folder = new URL('.', import.meta.url)
const named = new Set(
  readFileSync(new URL('README.md', folder), 'utf8').match(/[a-z-]+\.(?:ts|schema\.json)/g),
)

/** Clock and composition details, and what only tests use, need no signpost. */
const UNNAMED = new Set([
  'clock.ts',
  'trust.ts',
  'log-setup.ts',
  'token-exchange.ts',
  'metric-definition.ts',
  'testing.ts',
  'open-metrics-parser.ts',
])

test('the README names every file, and no file that is not there', () => {
  const files = readdirSync(folder).filter((name) => /\.(ts|json)$/.test(name) && !name.endsWith('.test.ts'))
  for (const file of files) assert.ok(named.has(file) || UNNAMED.has(file), `${file} is not in the README`)
  for (const file of named) {
    assert.ok(files.includes(file) || ['main.ts', 'register.ts'].includes(file), `${file} does not exist`)
  }
})
