import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SERVICE_NAMES } from '#catalog'
import { PROMTOOL_FILE } from '../../evidence/testing-tools.ts'
import { FAMILIES } from '../histories/families.ts'
import { countPages } from './count-pages.ts'
import { healthyStack } from './healthy-stack.ts'
import { pagesOver, readPages } from './pages-over-stacks.ts'

const rules = fileURLToPath(new URL('../../../prometheus/rules/alerts.rules.yml', import.meta.url))
const settings = { promtool: PROMTOOL_FILE, rules, scratchParent: tmpdir() }

function familyOf(id: string) {
  const family = FAMILIES.find((one) => one.id === id)
  if (family === undefined) throw new Error(`there is no family ${id}`)
  return family
}

test('what promtool could not evaluate is an error, not silence', async () => {
  assert.throws(() => readPages('Processing test file: stack.test.yml\n  FAILED:\nno such file', 'a'), /a/)
  const stack = { name: 'broken', series: [{ series: 'up{', values: [1] }] }
  await assert.rejects(pagesOver(stack, settings), /could not evaluate broken/)
})

test('a leak of 200 MiB an hour pages for each service, so a page would be seen', async () => {
  const pages = await pagesOver(healthyStack(familyOf('leak-200'), 1, 0), settings)
  assert.deepEqual(new Set(pages.map(({ alert }) => alert)), new Set(['MemoryGrowth']))
  assert.deepEqual(new Set(pages.map(({ service }) => service)), new Set(SERVICE_NAMES))
})

test('a stack that was down for two minutes pages, and one that loses its disk and its backups', async () => {
  const { name, series } = healthyStack(familyOf('short'), 1, 0)
  const planted = series.map((one) => ({
    ...one,
    values: one.values.map((value, minute) => {
      if (one.series.startsWith('up{job="sonia",service="eva-os"')) return minute < 2 || minute > 4 ? 1 : 0
      if (one.series.startsWith('sonia_disk_free') && minute > 60) return 1e9
      return one.series.startsWith('sonia_backup_last_success') ? 0 : value
    }),
  }))
  const pages = await pagesOver({ name, series: planted }, settings)
  assert.deepEqual(pages.map(({ alert }) => alert).toSorted(), [
    'BackupTooOld',
    'DiskAlmostFull',
    'ServiceDown',
  ])
})

test('healthy stacks page nobody, whatever their collector does', async () => {
  const families = ['short', 'large-collections'].map(familyOf)
  const counts = await countPages({
    ...settings,
    families,
    histories: 1,
    seed: 1,
    workers: 1,
    onFamily: () => {},
  })
  assert.deepEqual(
    counts.map(({ family, paged }) => [family, paged.count]),
    families.map(({ id }) => [id, 0]),
  )
})
