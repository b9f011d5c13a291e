import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const FIXTURE = fileURLToPath(import.meta.resolve('./hidden-machine.ts'))

interface Answer {
  readonly status: number
  readonly body: {
    readonly status?: string
    readonly error?: { readonly code: string; readonly message: string }
  }
}

interface Report {
  readonly shell: Answer
  readonly read: Answer
  readonly write: Answer
  readonly health: { readonly status: string }
  readonly tools: {
    readonly tools: readonly { name: string; available: boolean; unavailable_reason: string }[]
  }
}

/** A machine of its own inside new namespaces, changed by `hide` before openclaw starts there. */
function reportFrom(hide: string): Report {
  const script = `set -e; ${hide}; exec "$0" "$1"`
  const argv = ['--user', '--map-root-user', '--mount', '--pid', '--fork', '--mount-proc', 'sh', '-c', script]
  const output = execFileSync('unshare', [...argv, process.execPath, FIXTURE], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Report
}

const codeOf = ({ status, body }: Answer) => [status, body.error?.code]

test('without new namespaces shell.run is disabled and says so, and the service is DEGRADED', () => {
  const report = reportFrom(
    'for kind in user mnt pid; do echo 0 >/proc/sys/user/max_${kind}_namespaces; done',
  )
  assert.deepEqual(codeOf(report.shell), [503, 'UNAVAILABLE'])
  assert.match(report.shell.body.error?.message ?? '', /no containment works/)
  assert.equal(report.health.status, 'DEGRADED')
  assert.deepEqual([report.read.status, report.write.status], [200, 200])
  assert.equal(report.tools.tools.find(({ name }) => name === 'shell.run')?.available, false)
})

test('without /proc/self/fd file tools and shell.run are disabled, and the service is DEGRADED', () => {
  const report = reportFrom('mount -t tmpfs none /proc/$$/fd')
  for (const answer of [report.shell, report.read, report.write]) {
    assert.deepEqual(codeOf(answer), [503, 'UNAVAILABLE'])
  }
  assert.equal(report.health.status, 'DEGRADED')
})

test('on the same machine with nothing hidden, everything works', () => {
  const report = reportFrom('true')
  assert.deepEqual([report.read.status, report.write.status, report.shell.status], [200, 200, 200])
  assert.equal(report.health.status, 'OK')
})
