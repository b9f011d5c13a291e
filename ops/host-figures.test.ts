import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createHostSampler } from './host-figures.ts'
import { createOpsMetrics } from './ops-metrics.ts'

function withSampler<T>(action: (parts: ReturnType<typeof samplerIn>) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'sonia-figures-'))
  return action(samplerIn(folder)).finally(() => rmSync(folder, { recursive: true }))
}

function samplerIn(folder: string) {
  const time = { wall: 1_000_000, monotonic: 5_000 }
  const metrics = createOpsMetrics()
  const clock = { nowMs: () => time.wall, monotonicMs: () => time.monotonic }
  const sample = createHostSampler(metrics, folder, clock)
  const shown = async (name: string) => {
    sample()
    const text = await metrics.registry.metrics()
    return text.split('\n').filter((line) => line.startsWith(name))
  }
  return { folder, metrics, time, shown }
}

test('time that passes moves no clock; a clock that is set shows by how much', () =>
  withSampler(async ({ time, shown }) => {
    time.wall += 60_000
    time.monotonic += 60_000
    assert.deepEqual(await shown('sonia_host_clock_offset'), ['sonia_host_clock_offset_seconds 0'])
    time.wall -= 600_000
    assert.deepEqual(await shown('sonia_host_clock_offset'), ['sonia_host_clock_offset_seconds -600'])
  }))

test('a changed policy or setting is another digest; a key beside them is not', () =>
  withSampler(async ({ folder, metrics, shown }) => {
    assert.deepEqual(await shown('sonia_configuration_info'), [])
    const config = join(folder, 'config')
    mkdirSync(join(config, 'policies'), { recursive: true })
    metrics.trackConfiguration(config)
    const seen = new Set<string>()
    for (const [path, text] of [
      ['sonia.json', '{}'],
      ['sonia.json', '{"log_level":"DEBUG"}'],
      ['policies/shell.json', '{"allow":[]}'],
      ['policies/shell.json', '{"allow":["ls"]}'],
    ] as const) {
      writeFileSync(join(config, path), text)
      const lines = await shown('sonia_configuration_info')
      assert.equal(lines.length, 1)
      seen.add(lines[0] ?? '')
    }
    assert.equal(seen.size, 4)
    writeFileSync(join(config, 'operator.key'), 'x')
    assert.ok(seen.has((await shown('sonia_configuration_info'))[0] ?? ''))
  }))
