import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { ReleasePolicySchema } from '../release/policy.ts'
import { ManifestSchema } from './manifest.ts'
import { RunVerdictSchema } from './read-verdict.ts'

/** Published for other programs and for editors; what is published is what is enforced. */
const PUBLISHED = [
  ['manifest', ManifestSchema],
  ['verdict', RunVerdictSchema],
  ['release-policy', ReleasePolicySchema],
] as const

for (const [name, schema] of PUBLISHED)
  test(`the published schema of the ${name} is the one that is enforced`, async () => {
    const text = await readFile(new URL(`../schemas/${name}.schema.json`, import.meta.url), 'utf8')
    assert.equal(text, `${JSON.stringify(schema, null, 2)}\n`)
  })
